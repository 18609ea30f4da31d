/**
 * Reading replies: small tolerant readers for JSON that somebody else wrote.
 *
 * Callers: the adapters and the classifier. Invariant: nothing here throws; what is not there is undefined.
 */
import { isPlainObject } from '../json.js';
import type { JsonObject } from '../json.js';

export type WireObject = Readonly<Record<string, unknown>>;

/** The text as a JSON object, or undefined when it is anything else (HTML, empty, an array, a torn body). */
export function readObject(text: string): WireObject | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch (error) {
    // Not JSON is an answer like any other here: each caller decides what it means for a submit or a poll.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function asObject(value: unknown): WireObject | undefined {
  return isPlainObject(value) ? value : undefined;
}

/** The object, or an empty one: of a reply that was parsed, or of a request that was checked. */
export function jsonObject(value: unknown): JsonObject {
  return (asObject(value) as JsonObject | undefined) ?? {};
}

/** The value below `path`, where every part but the last is an object or an index of an array. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let part: unknown = value;
  for (const key of path) {
    if (typeof key === 'number') part = Array.isArray(part) ? part[key] : undefined;
    else part = asObject(part)?.[key];
  }
  return part;
}

/** A string that is not empty; numbers count, since providers write ids and codes both ways. */
export function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined;
}

/** A finite number, also when it is written as a string. */
export function asNumber(value: unknown): number | undefined {
  if (typeof value === 'string' && value.trim() === '') return undefined;
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** How far a task has come, for a `pending`: a number out of `whole`, as a share of 1. */
export function progressOf(value: unknown, whole = 1): { readonly progress?: number } {
  const number = asNumber(value);
  return number === undefined ? {} : { progress: Math.min(1, Math.max(0, number / whole)) };
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** An absolute http or https URL, or undefined. */
export function asUrl(value: unknown): string | undefined {
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
  const { protocol } = new URL(value);
  return protocol === 'https:' || protocol === 'http:' ? value : undefined;
}

/** Lower-case names with one text each, as the port wants them. */
export function plainHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return plain;
}

/** True for a 2xx. */
export function isSuccess(response: { readonly status: number }): boolean {
  return response.status >= 200 && response.status < 300;
}
