/**
 * Schemas at the door: what users send is checked, and what their schema makes of it is what is sent.
 *
 * Pure but for the schema. Callers: actors.ts, actor-ref.ts. Invariants:
 *  1  Any library that implements the public Standard Schema interface, version 1, will do: none is imported.
 *  2  A schema that answers at once costs no promise: calls keep their order.
 */
import { HoldfastError, type ErrorCode } from '../errors.js';

/** The part of Standard Schema (standardschema.dev, version 1) that is used here. */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What is checked, for the message, and the code it is refused with. */
export interface Checked {
  readonly what: string;
  readonly code: Extract<ErrorCode, 'INVALID_EVENT' | 'INVALID_INPUT'>;
}

/**
 * The value as the schema returns it, now or later; the value itself without a schema. Throws or rejects with
 * the code of `checked`, naming path and message of the first issues.
 */
export function validated(schema: StandardSchema | undefined, value: unknown, checked: Checked): unknown {
  if (schema === undefined) return value;
  const result = answerOf(schema, value, checked);
  if (!(result instanceof Promise)) return valueOf(result, checked);
  return result.then(
    (settled) => valueOf(settled, checked),
    (error: unknown) => {
      throw broken(error, checked);
    },
  );
}

/** True for something that implements the interface. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard: unknown = (value as Partial<Record<'~standard', unknown>>)['~standard'];
  if (typeof standard !== 'object' || standard === null) return false;
  return (
    'version' in standard &&
    standard.version === 1 &&
    'validate' in standard &&
    typeof standard.validate === 'function'
  );
}

function answerOf(
  schema: StandardSchema,
  value: unknown,
  checked: Checked,
): SchemaResult<unknown> | Promise<SchemaResult<unknown>> {
  try {
    return schema['~standard'].validate(value);
  } catch (error) {
    throw broken(error, checked);
  }
}

const ISSUES_TOLD = 5;

function valueOf(result: SchemaResult<unknown>, { what, code }: Checked): unknown {
  if (result.issues === undefined) return result.value;
  const told = result.issues.slice(0, ISSUES_TOLD).map((issue) => {
    const path = pathOf(issue);
    return path === '' ? issue.message : `${path}: ${issue.message}`;
  });
  const [first] = result.issues;
  const field = first === undefined ? '' : pathOf(first);
  throw new HoldfastError(code, `${what}: ${told.join('; ')}`, { details: { field } });
}

function pathOf({ path = [] }: SchemaIssue): string {
  return path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
}

/** The schema itself failed: the value is refused, since nobody knows what it is. */
function broken(error: unknown, { what, code }: Checked): HoldfastError {
  return new HoldfastError(code, `${what}: its schema failed: ${String(error)}`, { cause: error });
}
