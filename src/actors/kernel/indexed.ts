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
import { isKeyPart, type Definition, type IndexRow } from './definition.js';

/** The rows an actor's declared indexes and references stand for. */
export interface Indexed {
  readonly rows: ReadonlyMap<string, IndexRow>;
  readonly references: ReadonlySet<string>;
}

/** What an actor is found by in a snapshot. Throws INVALID_DEFINITION for what makes no key. */
export function indexedBy(definition: Definition, snapshot: AnyMachineSnapshot, address: string): Indexed {
  const rows = definition.indexes(snapshot, address);
  const references = definition.references(snapshot);
  for (const part of [...rows.flatMap(({ index, parts }) => [index, ...parts]), ...references]) {
    if (isKeyPart(part)) continue;
    const message = `${definition.kind}: indexes: ${JSON.stringify(part)} holds NUL or a lone surrogate`;
    throw new HoldfastError('INVALID_DEFINITION', message);
  }
  const byKey = new Map(
    rows.map((row) => [keys.index(row.index, row.parts, row.unique === true ? '' : address), row]),
  );
  return { rows: byKey, references: new Set(references) };
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
