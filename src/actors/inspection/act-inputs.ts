/**
 * What acts need, as JSON Schema: for forms, and for whoever asks what to send.
 *
 * Pure but for users' schemas, which are asked to describe themselves. Callers: acts.ts, house-acts.ts.
 * Invariant: a schema describes; what is sent is checked by the façade, or by the very schema, when it is
 * done.
 */
import { z } from 'zod';
import { HoldfastError } from '../../errors.js';
import { firstNonJson, isPlainObject, type Json, type JsonObject } from '../../json.js';
import type { StandardSchema } from '../schema.js';

/** A schema of an object with these fields. */
export function fields(
  properties: Readonly<Record<string, JsonObject>>,
  required: readonly string[] = [],
): JsonObject {
  return { type: 'object', properties, required, additionalProperties: false };
}

export const reason: JsonObject = {
  type: 'string',
  minLength: 1,
  maxLength: 1_000,
  description: 'Why; kept with it.',
};

/** One of these texts. */
export function oneOf(values: readonly string[], description: string): JsonObject {
  return { type: 'string', enum: values, description };
}

const ANYTHING: JsonObject = { type: 'object', additionalProperties: true };

/**
 * What an event has beside its type: as its schema says where that describes itself (Standard JSON Schema, or
 * zod's), else anything.
 */
export function eventInput(schema: StandardSchema | undefined): JsonObject {
  if (schema === undefined) return ANYTHING;
  try {
    const described = describedBy(schema);
    if (isPlainObject(described) && firstNonJson(described) === undefined)
      return withoutType(described as JsonObject);
  } catch {
    // It has parts that JSON Schema has no words for.
  }
  return ANYTHING;
}

function describedBy(schema: StandardSchema): unknown {
  const standard: Readonly<Record<string, unknown>> = { ...schema['~standard'] };
  const { input } = Object(standard['jsonSchema']) as { readonly input?: unknown };
  if (typeof input === 'function') return Reflect.apply(input, undefined, [{ target: 'draft-2020-12' }]);
  // Versions of zod 4 that have no such method yet.
  return isZod(schema) ? z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) : undefined;
}

function isZod(schema: object): schema is z.ZodType {
  return '_zod' in schema;
}

/** An event whose type is to be said, too. */
export function typedEvent(pattern: string): JsonObject {
  const type = { type: 'string', description: `The type of the event; ${pattern} stands for it.` };
  return { ...ANYTHING, properties: { type }, required: ['type'] };
}

/** The act says the type. */
function withoutType({ $schema: _dialect, ...schema }: JsonObject): JsonObject {
  const { properties, required } = schema;
  if (!isPlainObject(properties)) return schema;
  const { type: _type, ...rest } = properties;
  const needed = Array.isArray(required) ? required.filter((name) => name !== 'type') : [];
  return { ...schema, properties: rest as JsonObject, required: needed };
}

/** What was given, as fields; none where nothing was. Throws INVALID_INPUT. */
export function givenFields(input: Json | undefined): JsonObject {
  if (input === undefined || input === null) return {};
  if (isPlainObject(input)) return input as JsonObject;
  throw new HoldfastError('INVALID_INPUT', '"input": is no object', { details: { field: 'input' } });
}
