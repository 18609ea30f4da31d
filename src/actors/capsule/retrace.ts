/**
 * A capsule's journal, taken again by a machine: what it leads to and what it asks for, step by step, against
 * what the journal says.
 *
 * Pure. Callers: the testing room, the CLI. Invariants:
 *  1  Each step is written as the kernel writes it, into a stage that goes nowhere: what is compared is the
 *     journal entry itself.
 *  2  A difference is reported, never thrown. What is no machine for it is thrown: INVALID_DEFINITION.
 */
import type { AnyStateMachine, AnyMachineSnapshot } from 'xstate';
import { isHoldfastError } from '../../errors.js';
import { canonicalJson, isPlainObject, type Json, type JsonEvent } from '../../json.js';
import { Stage } from '../kernel/commit-loop.js';
import { defineMachine, type Definition } from '../kernel/definition.js';
import { errorToJson } from '../kernel/effect-run.js';
import { NOTHING_INDEXED } from '../kernel/indexed.js';
import { kernelEvents } from '../kernel/kernel-events.js';
import type { ActorRecord, JournalEntry } from '../kernel/record.js';
import { folded, type FoldedStep } from '../kernel/replay.js';
import { persisted, type StepAction } from '../kernel/step.js';
import type { After, Consumed, Special } from '../kernel/turn-shapes.js';
import { writeTurn } from '../kernel/turn.js';
import type { Capsule } from './capsule.js';
import { LeftOver, type Difference, type Wrote } from './left-over.js';
import { startOf } from './start.js';
import { underWayIn } from './under-way.js';

/** What is compared of a step. */
const COMPARED = ['value', 'status', 'effects', 'timers', 'sends', 'emitted'] as const;

export interface ReplayedStep extends Pick<
  JournalEntry,
  'seq' | 'at' | 'event' | 'source' | 'value' | 'status'
> {
  readonly effects: NonNullable<JournalEntry['effects']>;
  /** Armed by the step; the timer of its retention aside. */
  readonly timers: NonNullable<JournalEntry['timers']>;
  readonly sends: NonNullable<JournalEntry['sends']>;
  readonly emitted: NonNullable<JournalEntry['emitted']>;
}

export interface Divergence {
  readonly seq: number;
  readonly event: JsonEvent;
  /**
   * `threw`: the machine did. `gap`: the journal lacks steps. `snapshot`: the end is another. `input`: that
   * of an effect under way is. `payload`: what was stored is.
   */
  readonly what: (typeof COMPARED)[number] | Difference['what'] | 'snapshot' | 'threw' | 'gap';
  readonly expected: Json;
  readonly actual: Json;
}

export interface ReplayReport {
  /** As the machine takes them now, up to the first that differs. */
  readonly steps: readonly ReplayedStep[];
  /** After the last of them; undefined when there is none. */
  readonly snapshot: Json | undefined;
  /** The first difference; undefined: there is none. */
  readonly divergence: Divergence | undefined;
  /** True when the machine has the structure that the actor was of. */
  readonly sameStructure: boolean;
}

export interface ReplayOptions {
  /** The last step to take, by its seq. Default: all. */
  readonly to?: number | undefined;
}

/**
 * Folds a capsule's journal through a machine, from its checkpoint or creation, and compares every step:
 * state, status, effects, timers with their due times, sends, emitted events; the inputs of effects that are
 * under way; and the payloads and the snapshot at the end.
 * What is older than a migration was another machine's and is left out. Throws INVALID_DEFINITION alone.
 */
export function replayCapsule(
  machine: AnyStateMachine,
  capsule: Capsule,
  { to = Infinity }: ReplayOptions = {},
): ReplayReport {
  const { kind, version, hash, record } = capsule;
  const definition = defineMachine({ kind, machine, version });
  const steps: ReplayedStep[] = [];
  const sameStructure = definition.hash === hash;
  let last: AnyMachineSnapshot | undefined;
  const report = (divergence?: Divergence): ReplayReport => ({
    steps,
    snapshot: last && plain(persisted(definition.steppable, last)),
    divergence,
    sameStructure,
  });
  const { entries: all, checkpoint, missing } = startOf(capsule);
  const entries = all.filter(({ seq }) => seq <= to);
  if (missing !== undefined) return report(gapAt(missing));
  const leftOver = new LeftOver(capsule);
  try {
    for (const { made, entry, snapshot, wrote } of retraced(definition, capsule, { entries, checkpoint })) {
      const step = stepOf(made);
      steps.push(step);
      last = snapshot;
      const divergence = differenceOf(entry, step) ?? besides(leftOver.take(entry, wrote));
      if (divergence !== undefined) return report(divergence);
    }
  } catch (error) {
    return report(thrown(entries, steps, error));
  }
  const end = entries.at(-1);
  const stored = record.snapshot as Json | undefined;
  const actual = report().snapshot;
  if (end?.seq !== record.seq) return report();
  const divergence = besides(leftOver.end());
  if (divergence !== undefined || stored === undefined || actual === undefined) return report(divergence);
  if (canonicalJson(actual) === canonicalJson(stored)) return report();
  return report({ seq: end.seq, event: end.event, what: 'snapshot', expected: stored, actual });
}

interface Retraced {
  readonly entry: JournalEntry;
  /** The same entry as this machine leads to it. */
  readonly made: JournalEntry;
  readonly snapshot: AnyMachineSnapshot;
  readonly wrote: Wrote;
}

function* retraced(
  definition: Definition,
  { address, record: { origins } }: Capsule,
  { entries, checkpoint }: Pick<ReturnType<typeof startOf>, 'entries' | 'checkpoint'>,
): Generator<Retraced, void, undefined> {
  let record = checkpoint;
  const whole = { definition, address, entries, origins, ...(checkpoint && { checkpoint }) };
  for (const step of folded(whole)) {
    const { entry, result } = step;
    const stage = emptyStage(entry);
    const after = remade(stage, definition, step, record);
    record = after.record;
    // What a migration keeps and starts is the old version's affair as well.
    const isMigration = entry.migrated !== undefined;
    if (isMigration) record = { ...record, ...underWayIn(definition, step, entries) };
    yield {
      entry,
      made: isMigration ? { ...entry, value: after.entry.value } : after.entry,
      snapshot: result.snapshot,
      wrote: isMigration ? { rows: [], expiring: undefined } : stage,
    };
  }
}

/** It goes nowhere. */
function emptyStage({ commit }: JournalEntry): Stage {
  return new Stage({ number: commit, rows: new Map(), stages: [], bytes: 0, created: 0 }, 0);
}

/** The step, written once more. */
function remade(
  stage: Stage,
  definition: Definition,
  step: FoldedStep,
  record: ActorRecord | undefined,
): After {
  const { entry, address, parent, envelope, before, result } = step;
  const { event, source } = entry;
  const special: Special = {
    ...(entry.failure && { failure: entry.failure }),
    ...(event.type === 'xstate.init' && entry.seq > 1 && { restarts: [] }),
  };
  return writeTurn(
    stage,
    { address, definition, record, paging: undefined, indexed: NOTHING_INDEXED },
    {
      event,
      envelope,
      source,
      traceparent: undefined,
      by: undefined,
      consumed: record === undefined ? {} : consumedBy(entry, record),
      ord: '',
      result: { snapshot: result.snapshot, actions: [...result.actions, ...kernelActions(entry, record)] },
      earlier: before,
      indexed: NOTHING_INDEXED,
      payloads: undefined,
      parent,
      special,
    },
  );
}

/** What a step of the kernel's own asked for. */
function kernelActions(
  { event, seq, at }: JournalEntry,
  record: ActorRecord | undefined,
): readonly StepAction[] {
  const { scheduled, send } = kernelEvents;
  const inner = event['event'] as JsonEvent | undefined;
  if (inner === undefined) return [];
  if (event.type === scheduled) {
    const delayMs = Number(event['dueAt']) - at;
    return [{ type: '@xstate.raise', sendId: `${scheduled}/${seq}`, delayMs, event: inner }];
  }
  if (event.type !== send) return [];
  const { to: sentTo } = event;
  const to = record?.timers.find((timer) => canonicalJson(timer.event) === canonicalJson(inner))?.to;
  const target = { type: 'actor', ...(to ?? { address: typeof sentTo === 'string' ? sentTo : '' }) } as const;
  return [{ type: '@xstate.sendTo', to: target, event: inner, sendId: undefined, delayMs: undefined }];
}

/** What the step's event ended: the journal names it, as the outbox and the inbox did. */
function consumedBy({ event, eventId, source }: JournalEntry, record: ActorRecord): Consumed {
  const told = event.type === kernelEvents.skipped ? event['event'] : event;
  const timer = source === 'timer' ? record.timers.find(({ id }) => eventId === `timer/${id}`) : undefined;
  const name = endedBy(told);
  const effect = record.effects.find((each) => each.child === name);
  const child = record.children?.find((each) => each.child === name);
  return { ...(timer && { timer }), ...(effect && { effect }), ...(child && { child }) };
}

/** The effect or child whose end an event tells. */
export function endedBy(event: unknown): string | undefined {
  const { type, actorId, effect } = Object(event) as Readonly<Record<string, unknown>>;
  const isEnd = typeof type === 'string' && /^xstate\.(done|error)\.actor\./.test(type);
  const name = type === 'effect.interrupted' ? effect : isEnd && actorId;
  return typeof name === 'string' ? name : undefined;
}

function stepOf(entry: JournalEntry): ReplayedStep {
  const { seq, at, event, source, value, status } = entry;
  const { effects = [], sends = [], emitted = [] } = entry;
  return { seq, at, event, source, value, status, effects, timers: ownTimers(entry), sends, emitted };
}

/** Those the step armed itself: the end of a quarantine puts the others back. */
function ownTimers({ seq, timers = [] }: JournalEntry): ReplayedStep['timers'] {
  return timers.filter(({ id, sendId }) => id.startsWith(`${seq}:`) && sendId !== kernelEvents.retention);
}

function differenceOf(entry: JournalEntry, step: ReplayedStep): Divergence | undefined {
  const before = stepOf(entry);
  for (const what of COMPARED) {
    const expected = plain(before[what]);
    const actual = plain(step[what]);
    if (canonicalJson(expected) === canonicalJson(actual)) continue;
    return { seq: entry.seq, event: entry.event, what, expected, actual };
  }
  return undefined;
}

function besides(difference: Difference | undefined): Divergence | undefined {
  if (difference === undefined) return undefined;
  const { entry, ...rest } = difference;
  return { seq: entry.seq, event: entry.event, ...rest };
}

function thrown(
  entries: readonly JournalEntry[],
  steps: readonly ReplayedStep[],
  error: unknown,
): Divergence {
  const entry = entries[steps.length];
  if (entry === undefined) throw error;
  const { seq, event } = entry;
  const expectedSeq = (steps.at(-1)?.seq ?? seq - 1) + 1;
  if (isHoldfastError(error, 'REPLAY_DIVERGED') && seq !== expectedSeq)
    return gapAt({ seq: expectedSeq, event });
  return { seq, event, what: 'threw', expected: null, actual: errorToJson(error) as Json };
}

function gapAt({ seq, event }: { readonly seq: number; readonly event: JsonEvent }): Divergence {
  return { seq, event, what: 'gap', expected: seq, actual: null };
}

/** As it is on disk. */
function plain(value: unknown): Json {
  const json: unknown = JSON.parse(JSON.stringify(value ?? null));
  return isPlainObject(json) || Array.isArray(json)
    ? (json as Json)
    : (json as string | number | boolean | null);
}
