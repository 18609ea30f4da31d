/**
 * What an actor is found by: its declared index rows and the artifact files it keeps alive.
 *
 * Pure. Callers: the stepper, turn.ts. Invariant: what comes out makes keys; a part that cannot is the
 * definition's fault and stops its own actor, never the commit of others.
 */
import type { AnyMachineSnapshot } from 'xstate';
import { HoldfastError } from '../../errors.js';
import { keys } from '../../store/keys.js';
import type { Stage } from './commit-loop.js';
import { isKeyPart, type Definition, type IndexedActor } from './definition.js';

/** What an actor's declared indexes and references stand for: few of each, or none. Without repetitions. */
export interface Indexed {
  /** The keys of its index rows. */
  readonly keys: readonly string[];
  /** Those of them that one actor alone may have. */
  readonly uniqueKeys: readonly string[];
  readonly references: readonly string[];
}

const NONE: readonly string[] = [];

export const NOTHING_INDEXED: Indexed = { keys: NONE, uniqueKeys: NONE, references: NONE };

/** What an actor is found by in a snapshot. Throws INVALID_DEFINITION for what makes no key. */
export function indexedBy(
  definition: Definition,
  snapshot: AnyMachineSnapshot,
  actor: IndexedActor,
): Indexed {
  const rows = definition.indexes(snapshot, actor);
  const named = definition.references(snapshot);
  if (rows.length === 0 && named.length === 0) return NOTHING_INDEXED;
  const found: string[] = [];
  const uniqueKeys: string[] = [];
  for (const { index, parts, unique = false } of rows) {
    checkPart(definition, index);
    for (const part of parts) checkPart(definition, part);
    const key = keys.index(index, parts, unique ? '' : actor.address);
    found.push(key);
    if (unique) uniqueKeys.push(key);
  }
  for (const reference of named) checkPart(definition, reference);
  return { keys: onceEach(found), uniqueKeys: onceEach(uniqueKeys), references: onceEach(named) };
}

function checkPart(definition: Definition, part: unknown): void {
  if (isKeyPart(part)) return;
  const message = `${definition.kind}: indexes: ${JSON.stringify(part)} is no text that can be in a key`;
  throw new HoldfastError('INVALID_DEFINITION', message);
}

/** Writes the difference between what an actor was found by and what it is found by now. */
export function writeIndexed(stage: Stage, address: string, before: Indexed, next: Indexed): void {
  if (before === next) return;
  for (const key of missing(before.keys, next.keys)) stage.delete(key);
  for (const key of missing(next.keys, before.keys)) stage.put(key, address);
  for (const sha of missing(before.references, next.references)) stage.delete(keys.artifact(sha, address));
  for (const sha of missing(next.references, before.references)) stage.put(keys.artifact(sha, address), true);
}

/** Artifact files that are not referred to any more. */
export function droppedBy(before: Indexed, next: Indexed): readonly string[] {
  return missing(before.references, next.references);
}

/** So few are compared one by one; a set for each would cost more than it saves. */
const FEW = 16;

/** Those of `list` that are not among `others`. */
export function missing(list: readonly string[], others: readonly string[]): readonly string[] {
  if (list.length === 0 || others.length === 0) return list;
  if (others.length > FEW) {
    const known = new Set(others);
    return list.filter((text) => !known.has(text));
  }
  return list.every((text) => others.includes(text)) ? NONE : list.filter((text) => !others.includes(text));
}

function onceEach(list: readonly string[]): readonly string[] {
  if (list.length > FEW) return [...new Set(list)];
  const repeats = list.some((text, index) => list.indexOf(text) !== index);
  return repeats ? [...new Set(list)] : list;
}
