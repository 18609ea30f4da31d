/**
 * Where the journal of a capsule can be taken again from.
 *
 * Pure. Callers: retrace.ts, mend.ts.
 */
import type { JsonEvent } from '../../json.js';
import type { ActorRecord, JournalEntry } from '../kernel/index.js';
import type { Capsule } from './capsule.js';

export interface Start {
  readonly entries: readonly JournalEntry[];
  /** The actor before the first of them; undefined for its creation, and for a migration. */
  readonly checkpoint: ActorRecord | undefined;
  /** The first step that is not there, where that is before all that are. */
  readonly missing: { readonly seq: number; readonly event: JsonEvent } | undefined;
}

/** From the newest migration where there is one: what is older was another machine's. */
export function startOf({ journal, checkpoint }: Capsule): Start {
  const all = journal.map(({ entry }) => entry);
  const migration = all.findLastIndex((entry) => entry.migrated !== undefined);
  if (migration >= 0) return { entries: all.slice(migration), checkpoint: undefined, missing: undefined };
  const seq = (checkpoint?.seq ?? 0) + 1;
  const first = all[0];
  const isThere = first === undefined || first.seq === seq;
  const missing = isThere ? undefined : { seq, event: first.event };
  if (checkpoint === undefined) return { entries: all, checkpoint, missing };
  const { quarantine: _stoodStill, ...well } = checkpoint;
  return { entries: all, checkpoint: well, missing };
}
