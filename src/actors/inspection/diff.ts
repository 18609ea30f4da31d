/**
 * What changed between two JSON values, as JSON pointers.
 *
 * Pure. Callers: retake.ts, what-if.ts. Invariants:
 *  1  Applied one after the other, the changes make `after` of `before`: a member that was not there is put
 *     in, one that is gone is taken out; of a list, those behind it move up or down.
 *  2  What is equal is not in it; of a list, what stands before and behind the change neither.
 */
import { isPlainObject, type Json, type JsonObject } from '../../json.js';
import { pointerPart } from '../capsule/own-data.js';
import type { Change } from './face.js';

/** Undefined: there is nothing. */
export function changesBetween(before: Json | undefined, after: Json | undefined): readonly Change[] {
  return [...changes('', before, after)];
}

function* changes(path: string, before: Json | undefined, after: Json | undefined): Generator<Change> {
  if (isSame(before, after)) return;
  if (isList(before) && isList(after)) yield* inList(path, before, after);
  else if (isObject(before) && isObject(after)) yield* inObject(path, before, after);
  else yield { path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) };
}

function* inObject(path: string, before: JsonObject, after: JsonObject): Generator<Change> {
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)]))
    yield* changes(`${path}/${pointerPart(name)}`, ownOf(before, name), ownOf(after, name));
}

/** `constructor` may be the name of a member, and is nobody's who has none. */
function ownOf(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function* inList(path: string, before: readonly Json[], after: readonly Json[]): Generator<Change> {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && isSame(before[start], after[start])) start += 1;
  let tail = 0;
  while (tail < shorter - start && isSame(before.at(-1 - tail), after.at(-1 - tail))) tail += 1;
  const both = shorter - tail;
  for (let index = start; index < both; index += 1)
    yield* changes(`${path}/${index}`, before[index], after[index]);
  // Each is at the same place when those before it have gone.
  for (const gone of before.slice(both, before.length - tail))
    yield { path: `${path}/${both}`, before: gone };
  for (let index = both; index < after.length - tail; index += 1)
    yield { path: `${path}/${index}`, after: after[index] ?? null };
}

function isSame(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (isList(a) && isList(b))
    return a.length === b.length && a.every((each, index) => isSame(each, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const names = namesOf(a);
  return names.length === namesOf(b).length && names.every((name) => isSame(a[name], ownOf(b, name)));
}

/** JSON has no undefined members. */
function namesOf(object: JsonObject): readonly string[] {
  return Object.keys(object).filter((name) => object[name] !== undefined);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function isObject(value: Json | undefined): value is JsonObject {
  return isPlainObject(value);
}
