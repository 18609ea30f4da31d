/**
 * Removing an actor: all its rows in one batch, once its retention has passed.
 *
 * Callers: the stepper. Invariant: dedupe rows stay until their own expiry; a tombstone keeps the id taken
 * where the definition asks for it.
 */
import type { AnyMachineSnapshot } from 'xstate';
import { keys, rangeOf } from '../../store/keys.js';
import { hourOf, timerKey } from './belongings.js';
import { kernelEvents } from './kernel-events.js';
import type { Before, After } from './turn-shapes.js';
import type { CommitLoop, Stage } from './commit-loop.js';
import { Counts } from './counts.js';
import { scanPast } from './damage.js';
import { releaseAll } from './holding.js';
import { NOTHING_INDEXED } from './indexed.js';
import { pagesOf } from './pages.js';
import { valueOf, type ActorRecord, type JournalEntry } from './record.js';

/**
 * Says that an id was used by an actor that is gone. No event id is empty, so it cannot clash with a dedupe
 * row.
 */
export function tombstoneKey(address: string): string {
  return keys.dedupe(address, '');
}

/** The keys of the rows that only this actor has: journal, checkpoints, payloads, inbox, holds of files. */
export async function rowsOf(loop: CommitLoop, address: string): Promise<string[]> {
  const found: string[] = [];
  for (const letter of ['j', 'c', 'p', 'i', 'f'] as const) {
    // A row that cannot be read can be removed.
    for await (const page of pagesOf((options) => scanPast(loop, options), rangeOf(letter, address))) {
      for (const [key] of page) found.push(key);
    }
  }
  return found;
}

/** Fills `stage` with the removal of a finished actor. */
export function writeCollection(
  stage: Stage,
  actor: Before & { readonly record: ActorRecord; readonly snapshot: AnyMachineSnapshot },
  rows: readonly string[],
  at: number,
): After {
  const { address, definition, record, indexed } = actor;
  for (const key of rows) stage.delete(key);
  const released = releaseAll(stage, rows);
  stage.delete(keys.record(address));
  for (const timer of record.timers) stage.delete(timerKey(address, timer));
  for (const key of indexed.keys) stage.delete(key);
  for (const sha of indexed.references) stage.delete(keys.artifact(sha, address));
  stage.count(Counts.key(definition.kind, record.version, record.hash, JSON.stringify(valueOf(record))), -1);
  if (definition.tombstoneMs > 0) {
    stage.put(tombstoneKey(address), record.seq);
    stage.expire(hourOf(at + definition.tombstoneMs), tombstoneKey(address));
  }
  stage.expect(address, record.seq);
  const entry: JournalEntry = {
    seq: record.seq + 1,
    at,
    event: { type: kernelEvents.retention },
    eventId: kernelEvents.retention,
    source: 'timer',
    value: valueOf(record),
    status: record.status,
    commit: stage.commitNumber,
  };
  return {
    record,
    bytes: 0,
    paging: undefined,
    snapshot: actor.snapshot,
    indexed: NOTHING_INDEXED,
    entry,
    started: [],
    ended: [],
    armed: [],
    sends: [],
    told: [],
    emitted: [],
    custom: [],
    dropped: [...indexed.references, ...released],
    resumed: false,
    gone: true,
  };
}
