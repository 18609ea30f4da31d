/**
 * Replay: a journal folded through its machine gives the stored snapshot again, or names the first step that
 * differs.
 *
 * Pure. Callers: tests, later capsules and `doctor`. Actions are discarded: a replay does nothing in the
 * world.
 */
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate';
import { HoldfastError } from '../../errors.js';
import { canonicalJson, type Json } from '../../json.js';
import type { Definition } from './definition.js';
import type { ActorRecord, EventEnvelope, JournalEntry } from './record.js';
import { initialStep, nextStep, persisted, restored } from './step.js';
import { randomOf, withEnvelope } from './envelope.js';

export interface ReplayInput {
  readonly definition: Definition;
  readonly address: string;
  /** Where to start; absent when the journal starts with the creation. */
  readonly checkpoint?: ActorRecord;
  readonly entries: readonly JournalEntry[];
}

/**
 * The snapshot after the last entry, as JSON. Throws REPLAY_DIVERGED when the journal has a gap, or when a
 * step leads to another state than its entry says.
 */
export function replay(input: ReplayInput): Json {
  const { definition, address, checkpoint, entries } = input;
  const { steppable } = definition;
  let snapshot: AnyMachineSnapshot | undefined;
  let seq = 0;
  if (checkpoint !== undefined) {
    snapshot = restored(steppable, structuredClone(checkpoint.snapshot));
    seq = checkpoint.seq;
  }
  for (const entry of entries) {
    seq += 1;
    if (entry.seq !== seq) {
      throw new HoldfastError(
        'REPLAY_DIVERGED',
        `${address}: the journal goes from ${seq - 1} to ${entry.seq}`,
      );
    }
    const envelope = envelopeOf(address, entry);
    const created = withEnvelope(entry.event['input'], envelope);
    const event = { ...entry.event, $: envelope } as unknown as AnyEventObject;
    const step =
      snapshot === undefined ? initialStep(steppable, created) : nextStep(steppable, snapshot, event);
    snapshot = step.snapshot;
    compare(address, entry, snapshot.value as Json);
  }
  if (snapshot === undefined) throw new HoldfastError('REPLAY_DIVERGED', `${address}: the journal is empty`);
  return persisted(steppable, snapshot);
}

/** Throws REPLAY_DIVERGED unless a replay ends in exactly the stored snapshot. */
export function checkReplay(input: ReplayInput, stored: Json): void {
  const replayed = canonicalJson(JSON.parse(JSON.stringify(replay(input))));
  if (replayed === canonicalJson(stored)) return;
  throw new HoldfastError('REPLAY_DIVERGED', `${input.address}: the replay ends in ${replayed}`);
}

function envelopeOf(address: string, entry: JournalEntry): EventEnvelope {
  const { at, eventId: id, seq, dueAt } = entry;
  return { at, id, seq, random: randomOf(address, seq), ...(dueAt === undefined ? {} : { dueAt }) };
}

function compare(address: string, entry: JournalEntry, value: Json): void {
  if (canonicalJson(value) === canonicalJson(entry.value)) return;
  const message = `${address}: step ${entry.seq} (${entry.event.type}) leads to ${JSON.stringify(value)}`;
  throw new HoldfastError('REPLAY_DIVERGED', `${message}, the journal says ${JSON.stringify(entry.value)}`);
}
