/**
 * JSON as a type and as a check: what the runtime stores is exactly what `JSON.stringify` can bring back.
 *
 * Callers: every room. Invariant: `canonicalJson` depends on the value alone, never on key order.
 */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** True for an object literal: not an array, not null, not an instance of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Where `value` stops being JSON: the path of the first part that would not survive a round trip
 * (a function, Date, Map, NaN, BigInt, class instance, cycle), or undefined when all of it does.
 * Keys whose value is undefined are allowed: JSON leaves them out and reading gives undefined again.
 */
export function firstNonJson(
  value: unknown,
  path = '$',
  seen: ReadonlySet<object> = new Set(),
): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : path;
  if (typeof value !== 'object' || seen.has(value)) return path;
  const within = new Set(seen).add(value);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const bad = firstNonJson(item, `${path}[${index}]`, within);
      if (bad !== undefined) return bad;
    }
    return undefined;
  }
  if (!isPlainObject(value)) return path;
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const bad = firstNonJson(item, `${path}.${key}`, within);
    if (bad !== undefined) return bad;
  }
  return undefined;
}

/** JSON text with the keys of every object sorted: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (!isPlainObject(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
