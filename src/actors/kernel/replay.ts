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
import { addressAt, type ActorRecord, type ActorStatus, type EventEnvelope } from './record.js';
import type { JournalEntry, Origins, ParentRef } from './record.js';
import { copiedBut, persistedPaged } from './paging.js';
import { initialStep, nextStep, restored, type StepResult } from './step.js';
import { envelopeAt, withEnvelope } from './envelope.js';
import { replayView } from './step-view.js';

export interface ReplayInput {
  readonly definition: Definition;
  readonly address: string;
  /** Where to start; absent when the journal starts with the creation. */
  readonly checkpoint?: ActorRecord;
  readonly entries: readonly JournalEntry[];
  /** Whose child it is; absent where the journal or the checkpoint says so. */
  readonly parent?: ParentRef;
  /** Where it came from, when it was imported. */
  readonly origins?: Origins | undefined;
}

/**
 * The snapshot after the last entry, as JSON. Throws REPLAY_DIVERGED when the journal has a gap, or when a
 * step leads to another state than its entry says.
 */
export function replay(input: ReplayInput): Json {
  const { definition, address } = input;
  let last: AnyMachineSnapshot | undefined;
  for (const { entry, result } of folded(input)) {
    last = result.snapshot;
    compare(address, entry, (last.value as Json | undefined) ?? null);
  }
  if (last === undefined) throw new HoldfastError('REPLAY_DIVERGED', `${address}: the journal is empty`);
  return persistedPaged(definition, last);
}

/** One entry, taken again. */
export interface FoldedStep {
  readonly entry: JournalEntry;
  /** The address the step was taken under. */
  readonly address: string;
  readonly parent: ParentRef | undefined;
  readonly envelope: EventEnvelope;
  readonly before: AnyMachineSnapshot | undefined;
  /** What the machine asks for; nothing where the journal says what the kernel made of the event. */
  readonly result: StepResult;
}

/**
 * The steps of a journal, one after the other: what is older than its newest migration is left out, since it
 * is another machine's. Throws REPLAY_DIVERGED at a gap, and what the machine throws.
 */
export function* folded(input: ReplayInput): Generator<FoldedStep, void, undefined> {
  const { definition, checkpoint } = input;
  const migration = input.entries.findLastIndex((entry) => entry.migrated !== undefined);
  const entries = input.entries.slice(Math.max(0, migration));
  let parent = input.parent ?? checkpoint?.parent ?? input.entries[0]?.parent;
  let before: AnyMachineSnapshot | undefined;
  let seq = (entries[0]?.seq ?? 1) - 1;
  if (checkpoint !== undefined && migration < 0) {
    before = restored(definition.steppable, copiedBut(checkpoint.snapshot, definition.paged));
    seq = checkpoint.seq;
  }
  for (const entry of entries) {
    seq += 1;
    if (entry.seq !== seq) {
      const message = `${input.address}: the journal goes from ${seq - 1} to ${entry.seq}`;
      throw new HoldfastError('REPLAY_DIVERGED', message);
    }
    parent ??= entry.parent;
    const address = addressAt(input.address, input.origins, seq);
    const envelope = envelopeAt(address, entry);
    const scene = { entry, address, parent, envelope, before };
    const result = taken(definition, scene);
    yield { ...scene, result };
    before = result.snapshot;
  }
}

/** One entry's step. */
function taken({ steppable }: Definition, scene: Omit<FoldedStep, 'result'>): StepResult {
  const { entry, address, parent, envelope, before } = scene;
  const { event, failure, migrated, status } = entry;
  if (migrated !== undefined) {
    const snapshot = restored(steppable, structuredClone(migrated['snapshot'] ?? null));
    return { snapshot, actions: [] };
  }
  const view = replayView(address, entry.seq, parent, entry.system);
  // The creation, or a new beginning by a supervisor.
  if (event.type === 'xstate.init' || before === undefined)
    return initialStep(steppable, withEnvelope(event['input'], envelope), view);
  // The machine did not see it, or threw on it: it ended as the kernel says.
  if (isKernelEvent(event.type) || failure !== undefined) {
    const error = status === 'error' ? (failure?.error ?? DISMISSED) : undefined;
    return { snapshot: ended(before, status, error), actions: [] };
  }
  const given = { ...event, $: envelope } as unknown as AnyEventObject;
  const { snapshot, actions } = nextStep(steppable, before, given, view);
  return { snapshot: snapshot.status === 'active' ? ended(snapshot, status) : snapshot, actions };
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

function compare(address: string, entry: JournalEntry, value: Json): void {
  if (canonicalJson(value) === canonicalJson(entry.value)) return;
  const message = `${address}: step ${entry.seq} (${entry.event.type}) leads to ${JSON.stringify(value)}`;
  throw new HoldfastError('REPLAY_DIVERGED', `${message}, the journal says ${JSON.stringify(entry.value)}`);
}
