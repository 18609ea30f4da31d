/**
 * Codecs: tables that say how a value of ours is written on the wire, and read back.
 *
 * Pure. Callers: the files of wire tables, routes and clients; `refused` is anybody's here. Invariants:
 *  1  `fromWire(toWire(x))` equals `x`, undefined fields aside; keys that are not in a table are never
 *     renamed.
 *  2  What comes in with a word or a field of no table is refused, INVALID_INPUT, naming it and what is
 *     known. Whether something is missing, or of a wrong type, its façade says.
 */
import { HoldfastError } from '../errors.js';
import { isPlainObject } from '../json.js';
import { snakeCase } from './wire.js';

export interface Codec {
  readonly toWire: (value: unknown) => unknown;
  /** `path` says where the value stands, in the wire's names; empty for the whole. */
  readonly fromWire: (value: unknown, path: string) => unknown;
}

/** A field that has another name on the wire than its own in snake_case. */
export interface Renamed {
  readonly name: string;
  readonly codec: Codec;
}

/** One field each of `T`, none left out and none too many. */
export type FieldsOf<T> = { readonly [Name in keyof Required<T>]: Codec | Renamed };

/** Numbers, texts of others and whatever else is the same on both sides. */
export const same: Codec = { toWire: (value) => value, fromWire: (value) => value };

/** An epoch time in milliseconds, 0 or later. */
export const timeMs: Codec = {
  toWire: same.toWire,
  fromWire: (value, path) => {
    if (Number.isSafeInteger(value) && Number(value) >= 0) return value;
    throw refused(path, 'is not a whole number of milliseconds since 1970');
  },
};

/** One of these words. */
export function word(...words: readonly string[]): Codec {
  const known = new Map(words.map((ours) => [snakeCase(ours), ours]));
  return {
    toWire: (value) => (typeof value === 'string' ? snakeCase(value) : value),
    fromWire: (value, path) => {
      const ours = typeof value === 'string' ? known.get(value) : undefined;
      if (ours !== undefined) return ours;
      throw refused(
        path,
        `${shown(value)} is not known; it is one of ${Array.from(known.keys()).join(', ')}`,
      );
    },
  };
}

export function listOf(item: Codec): Codec {
  return {
    toWire: (value) => (Array.isArray(value) ? value.map(item.toWire) : value),
    fromWire: (value, path) => {
      if (!Array.isArray(value)) throw refused(path, 'is not a list');
      return value.map((each, index) => item.fromWire(each, within(path, String(index))));
    },
  };
}

/** An object whose keys are names that somebody gave: they pass as they are. */
export function mapOf(item: Codec): Codec {
  return {
    toWire: (value) => (isPlainObject(value) ? mapped(value, item.toWire) : value),
    fromWire: (value, path) => {
      if (!isPlainObject(value)) throw refused(path, 'is not an object');
      return mapped(value, (each, name) => item.fromWire(each, within(path, name)));
    },
  };
}

export function fieldsOf<T>(table: FieldsOf<T>): Codec {
  return fields(Object.entries<Codec | Renamed>(table));
}

/** A page of a listing. */
export function pageWire(item: Codec): Codec {
  return fieldsOf<{ readonly items: unknown; readonly cursor?: string }>({
    items: listOf(item),
    cursor: same,
  });
}

/** Objects of several forms, told apart by the word in their field `tag`. */
export function taggedBy(tag: string, forms: Readonly<Record<string, Codec>>): Codec {
  const words = word(...Object.keys(forms));
  const formOf = (named: unknown): Codec => (typeof named === 'string' ? forms[named] : undefined) ?? same;
  return {
    toWire: (value) => {
      if (!isPlainObject(value)) return value;
      const { [tag]: named, ...rest } = value;
      return { [tag]: words.toWire(named), ...(formOf(named).toWire(rest) as object) };
    },
    fromWire: (value, path) => {
      if (!isPlainObject(value)) throw refused(path, 'is not an object');
      const { [tag]: given, ...rest } = value;
      const named = words.fromWire(given, within(path, tag));
      return { [tag]: named, ...(formOf(named).fromWire(rest, path) as object) };
    },
  };
}

export function refused(path: string, why: string): HoldfastError {
  const where = path === '' ? 'the body' : `"${path}"`;
  // The message names it as it came; the field is as it is on the wire.
  return new HoldfastError('INVALID_INPUT', `${where}: ${why}`, { details: { field: snakeCase(path) } });
}

function fields(table: readonly (readonly [name: string, field: Codec | Renamed])[]): Codec {
  const ours = new Map(
    table.map(([name, field]) => {
      const renamed = 'codec' in field ? field : { name: snakeCase(name), codec: field };
      return [name, { ...renamed, ours: name }] as const;
    }),
  );
  const theirs = new Map(Array.from(ours.values(), (field) => [field.name, field]));
  return {
    toWire: (value) => {
      if (!isPlainObject(value)) return value;
      const given = Object.entries(value).flatMap(([name, each]) => {
        const field = ours.get(name);
        return field === undefined || each === undefined ? [] : [[field.name, field.codec.toWire(each)]];
      });
      return Object.fromEntries(given) as unknown;
    },
    fromWire: (value, path) => {
      if (!isPlainObject(value)) throw refused(path, 'is not an object');
      const given = Object.entries(value).map(([name, each]) => {
        const field = theirs.get(name);
        if (field !== undefined) return [field.ours, field.codec.fromWire(each, within(path, name))];
        const meant = ours.get(name);
        if (meant !== undefined) throw refused(within(path, name), `on the wire it is "${meant.name}"`);
        const known = Array.from(theirs.keys()).join(', ');
        throw refused(within(path, name), `is not known here; known are ${known}`);
      });
      return Object.fromEntries(given) as unknown;
    },
  };
}

function mapped(
  value: Readonly<Record<string, unknown>>,
  change: (each: unknown, name: string) => unknown,
): unknown {
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, change(each, name)]));
}

function within(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function shown(value: unknown): string {
  return value === undefined ? 'what is missing' : JSON.stringify(value).slice(0, 100);
}
