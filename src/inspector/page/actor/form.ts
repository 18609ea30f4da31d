/**
 * A form from a JSON Schema: its fields, what is typed into them, and the JSON that comes of it.
 *
 * Pure. Callers: acts.tsx. Invariants:
 *  1  What a schema says that no field can show is asked for as JSON, never left out.
 *  2  Only what is certain is checked here (a number, a choice, something required): the act's own schema
 *     decides.
 *  3  A field that is not required and left empty is absent, not `""`.
 */
import type { Json, JsonObject } from '../../../json.js';

interface About {
  readonly label: string;
  readonly description?: string;
  readonly required: boolean;
  /** The schema's default. */
  readonly initial?: Json;
}

export type Field = About &
  (
    | { readonly kind: 'text'; readonly long: boolean }
    | { readonly kind: 'number'; readonly whole: boolean; readonly min?: number; readonly max?: number }
    | { readonly kind: 'boolean' }
    | { readonly kind: 'choice'; readonly options: readonly Json[] }
    | { readonly kind: 'fixed'; readonly value: Json }
    | { readonly kind: 'group'; readonly fields: readonly (readonly [key: string, field: Field])[] }
    | { readonly kind: 'list'; readonly item: Field }
    | { readonly kind: 'json' }
  );

/** What is typed: text of a text, number, choice (its place) or JSON field; else its parts. */
export type Draft = string | boolean | readonly Draft[] | DraftGroup;
export interface DraftGroup {
  readonly [key: string]: Draft;
}

export interface Problem {
  /** Labels from the outside in; of an item its place, from 1. */
  readonly path: string;
  readonly message: string;
}

/** What a form says: a value (absent where nothing was typed), or what is wrong with it. */
export type Reading = { readonly value?: Json; readonly problems: readonly Problem[] };

/** Schemas that hold themselves are shown so deep, then as JSON. */
const DEPTH_MAX = 6;

export function fieldOf(schema: JsonObject): Field {
  return read(schema, schema, { label: textAt(schema, 'title') ?? 'input', required: true }, 0);
}

/** An empty form: with the schema's defaults where it has them. */
export function draftOf(field: Field, initial = field.initial): Draft {
  switch (field.kind) {
    case 'text':
      return typeof initial === 'string' ? initial : '';
    case 'number':
      return typeof initial === 'number' ? String(initial) : '';
    case 'boolean':
      return initial === true;
    case 'choice':
      return choiceOf(field.options, initial);
    case 'fixed':
      return '';
    case 'group':
      return Object.fromEntries(
        field.fields.map(([key, one]) => [key, draftOf(one, memberOf(initial, key))]),
      );
    case 'list':
      return Array.isArray(initial) ? initial.map((each: Json) => draftOf(field.item, each)) : [];
    case 'json':
      return initial === undefined ? '' : JSON.stringify(initial, undefined, 2);
  }
}

export function reading(field: Field, draft: Draft, path = field.label): Reading {
  const missing = field.required ? [{ path, message: 'is required' }] : [];
  const value = (one: Json): Reading => ({ value: one, problems: [] });
  const typed = typeof draft === 'string' ? draft : '';
  switch (field.kind) {
    case 'text':
      return typed === '' ? { problems: missing } : value(typed);
    case 'number':
      return numberRead(field, typed.trim(), path, missing);
    case 'boolean':
      return draft === true || field.required ? value(draft === true) : { problems: [] };
    case 'choice': {
      const chosen = typed === '' ? undefined : field.options[Number(typed)];
      return chosen === undefined ? { problems: missing } : value(chosen);
    }
    case 'fixed':
      return value(field.value);
    case 'group':
      return groupRead(field, isGroup(draft) ? draft : {}, path);
    case 'list':
      return listRead(field, Array.isArray(draft) ? (draft as readonly Draft[]) : [], path);
    case 'json':
      return jsonRead(typed.trim(), path, missing);
  }
}

function read(schema: JsonObject, root: JsonObject, named: About, depth: number): Field {
  const plain = resolved(schema, root);
  const description = textAt(plain, 'description');
  const initial = plain['default'] ?? (plain['type'] === 'object' && named.required ? {} : undefined);
  const about: About = {
    ...named,
    ...(description !== undefined && { description }),
    ...(initial !== undefined && { initial }),
  };
  if (depth > DEPTH_MAX || !isShown(plain)) return { ...about, kind: 'json' };
  if (plain['const'] !== undefined) return { ...about, kind: 'fixed', value: plain['const'] };
  const options = plain['enum'];
  if (Array.isArray(options)) return { ...about, kind: 'choice', options: options as readonly Json[] };
  switch (plain['type']) {
    case 'string':
      return { ...about, kind: 'text', long: (numberAt(plain, 'maxLength') ?? 1_000) > 200 };
    case 'number':
    case 'integer':
      return { ...about, kind: 'number', whole: plain['type'] === 'integer', ...boundsOf(plain) };
    case 'boolean':
      return { ...about, kind: 'boolean' };
    case 'object':
      return groupOf(plain, root, about, depth);
    case 'array':
      return isObject(plain['items'])
        ? {
            ...about,
            kind: 'list',
            item: read(plain['items'], root, { label: 'item', required: true }, depth + 1),
          }
        : { ...about, kind: 'json' };
    default:
      return { ...about, kind: 'json' };
  }
}

/** What no field can say: alternatives, conditions, members of any name. */
function isShown(schema: JsonObject): boolean {
  const beyond = ['anyOf', 'oneOf', 'allOf', 'not', 'if', 'patternProperties', 'prefixItems', '$ref'];
  return beyond.every((word) => schema[word] === undefined);
}

function groupOf(schema: JsonObject, root: JsonObject, about: About, depth: number): Field {
  const members = isObject(schema['properties']) ? Object.entries(schema['properties']) : [];
  const isOpen = isObject(schema['additionalProperties']) || schema['additionalProperties'] === true;
  if (isOpen || members.length === 0) return { ...about, kind: 'json' };
  const required: readonly Json[] = Array.isArray(schema['required']) ? schema['required'] : [];
  const fields = members.map(([key, each]): readonly [string, Field] => {
    const named = { label: key, required: required.includes(key) };
    return [key, read(isObject(each) ? each : {}, root, named, depth + 1)];
  });
  return { ...about, kind: 'group', fields };
}

/** A reference within the schema, followed; one that leads elsewhere stays. */
function resolved(schema: JsonObject, root: JsonObject): JsonObject {
  let at = schema;
  for (let hops = 0; hops < DEPTH_MAX; hops += 1) {
    const to = textAt(at, '$ref');
    if (to === undefined || !to.startsWith('#')) return at;
    const keys = to.split('/').slice(1);
    const found = keys.reduce<Json | undefined>((part, key) => memberOf(part, unescaped(key)), root);
    if (!isObject(found)) return at;
    const { $ref: _followed, ...rest } = at;
    at = { ...found, ...rest };
  }
  return at;
}

function unescaped(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}

function numberRead(
  field: Extract<Field, { kind: 'number' }>,
  typed: string,
  path: string,
  missing: readonly Problem[],
): Reading {
  if (typed === '') return { problems: missing };
  const value = Number(typed);
  const problem = ((): string | undefined => {
    if (!Number.isFinite(value)) return 'is not a number';
    if (field.whole && !Number.isInteger(value)) return 'is not a whole number';
    if (field.min !== undefined && value < field.min) return `is less than ${field.min}`;
    return field.max !== undefined && value > field.max ? `is more than ${field.max}` : undefined;
  })();
  return problem === undefined ? { value, problems: [] } : { problems: [{ path, message: problem }] };
}

function groupRead(field: Extract<Field, { kind: 'group' }>, draft: DraftGroup, path: string): Reading {
  const read = field.fields.map(([key, one]) => {
    const within = path === '' ? one.label : `${path}.${one.label}`;
    return [key, reading(one, draft[key] ?? draftOf(one), within)] as const;
  });
  const isEmpty = read.every(([, { value }]) => value === undefined);
  const problems = read.flatMap(([, one]) => one.problems);
  // Nothing typed into a part that may be absent: what is required in it is not asked for.
  if (isEmpty && !field.required && problems.every(({ message }) => message === 'is required'))
    return { problems: [] };
  if (problems.length > 0) return { problems };
  const members = read.flatMap(([key, { value }]) => (value === undefined ? [] : [[key, value] as const]));
  return { value: Object.fromEntries(members), problems: [] };
}

function listRead(field: Extract<Field, { kind: 'list' }>, draft: readonly Draft[], path: string): Reading {
  if (draft.length === 0 && !field.required) return { problems: [] };
  const read = draft.map((each, index) => reading(field.item, each, `${path} ${index + 1}`));
  const problems = read.flatMap((one) => one.problems);
  if (problems.length > 0) return { problems };
  return { value: read.flatMap(({ value }) => (value === undefined ? [] : [value])), problems: [] };
}

function jsonRead(typed: string, path: string, missing: readonly Problem[]): Reading {
  if (typed === '') return { problems: missing };
  try {
    return { value: JSON.parse(typed) as Json, problems: [] };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { problems: [{ path, message: `is no JSON: ${why}` }] };
  }
}

function choiceOf(options: readonly Json[], initial: Json | undefined): string {
  const at = options.findIndex((option) => JSON.stringify(option) === JSON.stringify(initial));
  return at < 0 ? '' : String(at);
}

function boundsOf(schema: JsonObject): { readonly min?: number; readonly max?: number } {
  const [min, max] = [numberAt(schema, 'minimum'), numberAt(schema, 'maximum')];
  return { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  return isObject(value) ? value[key] : undefined;
}

function numberAt(schema: JsonObject, key: string): number | undefined {
  const value = schema[key];
  return typeof value === 'number' ? value : undefined;
}

function textAt(schema: JsonObject, key: string): string | undefined {
  const value = schema[key];
  return typeof value === 'string' ? value : undefined;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isGroup(draft: Draft): draft is DraftGroup {
  return typeof draft === 'object' && !Array.isArray(draft);
}
