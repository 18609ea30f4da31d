/**
 * Replay: a journal folded through its machine gives the stored snapshot again, or names the first step that
 * differs.
 *
 * Pure. Callers: tests, later capsules and `doctor`. Actions are discarded: a replay does nothing in the
 * world.
 */
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate';
import { HoldfastError } from '../../errors.js';
import { canonicalJson, type Json, type JsonObject } from '../../json.js';
import type { Definition } from './definition.js';
import { DISMISSED, isKernelEvent } from './kernel-events.js';
import type { ActorRecord, ActorStatus, EventEnvelope, JournalEntry, ParentRef } from './record.js';
import { initialStep, nextStep, persisted, restored } from './step.js';
import { randomOf, withEnvelope } from './envelope.js';
import { replayView } from './step-view.js';

export interface ReplayInput {
  readonly definition: Definition;
  readonly address: string;
  /** Where to start; absent when the journal starts with the creation. */
  readonly checkpoint?: ActorRecord;
  readonly entries: readonly JournalEntry[];
  /** Whose child it is; absent where the journal or the checkpoint says so. */
  readonly parent?: ParentRef;
}

/**
 * The snapshot after the last entry, as JSON. Throws REPLAY_DIVERGED when the journal has a gap, or when a
 * step leads to another state than its entry says.
 */
export function replay(input: ReplayInput): Json {
  const { definition, address, checkpoint } = input;
  // What is older than a migration is another machine's: the migration says where it led.
  const migration = input.entries.findLastIndex((entry) => entry.migrated !== undefined);
  const entries = input.entries.slice(Math.max(0, migration));
  const { steppable } = definition;
  let parent = input.parent ?? checkpoint?.parent ?? input.entries[0]?.parent;
  let snapshot: AnyMachineSnapshot | undefined;
  let seq = (entries[0]?.seq ?? 1) - 1;
  if (checkpoint !== undefined && migration < 0) {
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
    parent ??= entry.parent;
    snapshot = replayed(definition, address, parent, entry, snapshot);
    compare(address, entry, (snapshot.value as Json | undefined) ?? null);
  }
  if (snapshot === undefined) throw new HoldfastError('REPLAY_DIVERGED', `${address}: the journal is empty`);
  return persisted(steppable, snapshot);
}

/** The snapshot after one entry. */
function replayed(
  { steppable }: Definition,
  address: string,
  parent: ParentRef | undefined,
  entry: JournalEntry,
  before: AnyMachineSnapshot | undefined,
): AnyMachineSnapshot {
  const { event, failure, migrated, status } = entry;
  if (migrated !== undefined) return restored(steppable, structuredClone(migrated['snapshot'] ?? null));
  const envelope = envelopeOf(address, entry);
  const view = replayView(address, entry.seq, parent, entry.system);
  // The creation, or a new beginning by a supervisor.
  if (event.type === 'xstate.init' || before === undefined)
    return initialStep(steppable, withEnvelope(event['input'], envelope), view).snapshot;
  // The machine did not see it, or threw on it: it ended as the kernel says.
  if (isKernelEvent(event.type) || failure !== undefined)
    return ended(before, status, status === 'error' ? (failure?.error ?? DISMISSED) : undefined);
  const given = { ...event, $: envelope } as unknown as AnyEventObject;
  const { snapshot } = nextStep(steppable, before, given, view);
  return snapshot.status === 'active' ? ended(snapshot, status) : snapshot;
}

function ended(snapshot: AnyMachineSnapshot, status: ActorStatus, error?: JsonObject): AnyMachineSnapshot {
  if (status === snapshot.status) return snapshot;
  return { ...snapshot, status, ...(error && { error }) } as AnyMachineSnapshot;
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
