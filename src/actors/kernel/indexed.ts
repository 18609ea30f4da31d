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
import { isKeyPart, type Definition, type IndexedActor, type IndexRow } from './definition.js';

/** The rows an actor's declared indexes and references stand for. */
export interface Indexed {
  readonly rows: ReadonlyMap<string, IndexRow>;
  readonly references: ReadonlySet<string>;
}

export const NOTHING_INDEXED: Indexed = { rows: new Map(), references: new Set() };

/** What an actor is found by in a snapshot. Throws INVALID_DEFINITION for what makes no key. */
export function indexedBy(
  definition: Definition,
  snapshot: AnyMachineSnapshot,
  actor: IndexedActor,
): Indexed {
  const { address } = actor;
  const rows = new Map<string, IndexRow>();
  for (const row of definition.indexes(snapshot, actor)) {
    const { index, parts, unique = false } = row;
    checkPart(definition, index);
    for (const part of parts) checkPart(definition, part);
    rows.set(keys.index(index, parts, unique ? '' : address), row);
  }
  const references = new Set(definition.references(snapshot));
  for (const reference of references) checkPart(definition, reference);
  return { rows, references };
}

function checkPart(definition: Definition, part: string): void {
  if (isKeyPart(part)) return;
  const message = `${definition.kind}: indexes: ${JSON.stringify(part)} holds NUL or a lone surrogate`;
  throw new HoldfastError('INVALID_DEFINITION', message);
}

/** Writes the difference between what an actor was found by and what it is found by now. */
export function writeIndexed(stage: Stage, address: string, before: Indexed, next: Indexed): void {
  for (const key of before.rows.keys()) if (!next.rows.has(key)) stage.delete(key);
  for (const key of next.rows.keys()) if (!before.rows.has(key)) stage.put(key, address);
  for (const sha of before.references) {
    if (!next.references.has(sha)) stage.delete(keys.artifact(sha, address));
  }
  for (const sha of next.references) {
    if (!before.references.has(sha)) stage.put(keys.artifact(sha, address), true);
  }
}

const NOTHING: readonly string[] = [];

/** Artifact files that are not referred to any more. */
export function droppedBy(before: Indexed, next: Indexed): readonly string[] {
  if (before.references.size === 0) return NOTHING;
  return [...before.references].filter((sha) => !next.references.has(sha));
}
