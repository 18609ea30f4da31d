/**
 * A capsule's events, given to a machine that was mended: does it take all of them, and where does it end?
 *
 * Pure. Callers: the testing room. Invariants:
 *  1  Every event that the actor was given is, in its order: the one it threw on, those an operator made it
 *     skip and the one at its head included. What the kernel did about them is not repeated.
 *  2  As in the kernel, the end of an effect that is not under way is not given: it is fenced (K6).
 */
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import type { Json, JsonEvent } from '../../json.js';
import { defineMachine, type Definition } from '../kernel/definition.js';
import { envelopeAt, withEnvelope } from '../kernel/envelope.js';
import { isKernelEvent, kernelEvents } from '../kernel/kernel-events.js';
import { addressAt, type JournalEntry, type ParentRef } from '../kernel/record.js';
import { childrenOf, initialStep, nextStep, restored } from '../kernel/step.js';
import { replayView } from '../kernel/step-view.js';
import type { Capsule } from './capsule.js';
import { endedBy } from './retrace.js';
import { startOf } from './start.js';

export interface MendedStep {
  readonly seq: number;
  readonly event: JsonEvent;
  readonly value: Json;
}

export interface MendReport {
  readonly steps: readonly MendedStep[];
  /** The state in the end; undefined when not even the beginning was taken. */
  readonly value: Json | undefined;
  readonly status: string | undefined;
  /** The first event that the machine throws on, or ends in an error by. */
  readonly failure: { readonly seq: number; readonly event: JsonEvent; readonly error: unknown } | undefined;
  /** Ends of effects and children in the journal that this machine had not under way then. */
  readonly unasked: readonly { readonly seq: number; readonly child: string }[];
  /** What it has under way in the end: the journal holds no result of it, or of another attempt. */
  readonly underWay: readonly string[];
}

/** An event as it was delivered. */
interface Given {
  readonly entry: Pick<JournalEntry, 'seq' | 'at' | 'eventId' | 'dueAt' | 'system' | 'rows'>;
  readonly event: JsonEvent;
}

/** Throws INVALID_DEFINITION for what is no machine, and nothing for what the machine does. */
export function mendCapsule(machine: AnyStateMachine, capsule: Capsule): MendReport {
  const { kind, version } = capsule;
  const definition = defineMachine({ kind, machine, version });
  const steps: MendedStep[] = [];
  const unasked: { readonly seq: number; readonly child: string }[] = [];
  let present: AnyMachineSnapshot | undefined;
  let failure: MendReport['failure'];
  for (const given of eventsOf(capsule)) {
    const { seq } = given.entry;
    const { event } = given;
    const child = endedBy(event);
    if (present !== undefined && present.status !== 'active') break;
    if (present !== undefined && child !== undefined && childrenOf(present)[child] === undefined) {
      unasked.push({ seq, child });
      continue;
    }
    try {
      present = taken(definition, capsule, present, given);
      if (present.status === 'error') failure = { seq, event, error: present.error };
    } catch (error) {
      failure = { seq, event, error };
    }
    if (failure !== undefined) break;
    steps.push({ seq, event, value: present === undefined ? null : valueOf(present) });
  }
  return {
    steps,
    value: present && valueOf(present),
    status: present?.status,
    failure,
    unasked,
    underWay: present?.status === 'active' ? Object.keys(childrenOf(present)) : [],
  };
}

/** The beginning, where none is there yet, and otherwise one more event. */
function taken(
  { steppable }: Definition,
  capsule: Capsule,
  present: AnyMachineSnapshot | undefined,
  { entry, event }: Given,
): AnyMachineSnapshot {
  if (event.type === BEGINNING) return restored(steppable, structuredClone(event['snapshot'] ?? null));
  const { seq, system } = entry;
  const address = addressAt(capsule.address, capsule.record.origins, seq);
  const envelope = envelopeAt(address, entry);
  const view = replayView(address, seq, parentOf(capsule), system);
  if (present === undefined)
    return initialStep(steppable, withEnvelope(event['input'], envelope), view).snapshot;
  return nextStep(steppable, present, { ...event, $: envelope } as AnyEventObject, view).snapshot;
}

/** Stands for the snapshot that the kept journal goes on from. */
const BEGINNING = 'holdfast.beginning';

function eventsOf(capsule: Capsule): readonly Given[] {
  const { record } = capsule;
  const { entries, checkpoint } = startOf(capsule);
  const given = entries.flatMap((entry): readonly Given[] => {
    const event = eventOf(entry);
    return event === undefined ? [] : [{ entry, event }];
  });
  const { seq } = record;
  if (checkpoint !== undefined) {
    const begin = { seq: checkpoint.seq, at: checkpoint.at, eventId: '' };
    given.unshift({ entry: begin, event: { type: BEGINNING, snapshot: checkpoint.snapshot } });
  }
  const { quarantine } = record;
  if (quarantine?.event === undefined) return given;
  const at = Math.max(quarantine.at, record.at);
  const eventId = quarantine.head?.eventId ?? `${capsule.address}/${seq + 1}`;
  return [...given, { entry: { seq: seq + 1, at, eventId, rows: quarantine.rows }, event: quarantine.event }];
}

/** What the actor was given in a step; undefined where it was the kernel's alone. */
function eventOf({ event, failure, migrated }: JournalEntry): JsonEvent | undefined {
  if (migrated !== undefined) return { type: BEGINNING, snapshot: migrated['snapshot'] };
  if (failure !== undefined) return failure.event;
  if (event.type === kernelEvents.skipped) return event['event'] as JsonEvent | undefined;
  return isKernelEvent(event.type) || event.type === 'xstate.stop' ? undefined : event;
}

function parentOf({ checkpoint, journal, record }: Capsule): ParentRef | undefined {
  return checkpoint?.parent ?? journal[0]?.entry.parent ?? record.parent;
}

function valueOf(snapshot: AnyMachineSnapshot): Json {
  return (snapshot.value as Json | undefined) ?? null;
}
