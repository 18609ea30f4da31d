/**
 * Records and journal entries in the words of face.ts.
 *
 * Pure. Callers: this folder. Invariant: what is said of an actor or a step is what its rows say.
 */
import type { StateValue } from 'xstate';
import { isPlainObject } from '../../json.js';
import { splitAddress } from '../../ids.js';
import { viewOf } from '../actor-view.js';
import type { FoundRecord, JournalEntry } from '../kernel/index.js';
import type { TimerRef } from '../kernel/record.js';
import type { Shape } from '../kernel/shape.js';
import type { ActorLine, LiveFrame, StepLine, TimerView } from './face.js';
import { aboutOf } from './titles.js';

export function actorLine(found: FoundRecord): ActorLine {
  const { state, ...view } = viewOf(found);
  const since = sinceOf(found);
  return {
    ...view,
    ...(state !== undefined && { value: state }),
    ...(since !== undefined && { since }),
    ...(found.record && aboutOf(found.address, found.record)),
  };
}

/** When the newest of its states began; undefined where its record does not say. */
export function sinceOf({ record }: FoundRecord): number | undefined {
  const since = record?.since ?? [];
  return since.length === 0 ? undefined : Math.max(...since);
}

export function stateIn(value: unknown): StateValue | null {
  return typeof value === 'string' || isPlainObject(value) ? (value as StateValue) : null;
}

/** Where the delays of a machine's states are, by the send ids of their timers. */
export type DelayNames = ReadonlyMap<string, { readonly state: string; readonly name: string }>;

const AFTER = 'xstate.after.';

export function delayNames(shape: Shape | undefined): DelayNames {
  const names = new Map<string, { readonly state: string; readonly name: string }>();
  const visit = (node: Shape, path: readonly string[]): void => {
    for (const sendId of node.after ?? []) {
      const name = sendId.slice(AFTER.length, -node.id.length - 1);
      names.set(sendId, { state: path.join('.'), name });
    }
    for (const [key, state] of Object.entries(node.states ?? {})) visit(state, [...path, key]);
  };
  if (shape !== undefined) visit(shape, []);
  return names;
}

export function timerView({ id, sendId, dueAt, event }: TimerRef, names: DelayNames): TimerView {
  return { id, name: sendId, ...names.get(sendId), dueAt, event: event?.type ?? sendId };
}

/** A step without what it asked for. */
export type BareStep = LiveFrame['steps'][number];

export function bareStep(address: string, entry: JournalEntry): BareStep {
  const { seq, at, source, event, eventId, value, status, commit, by, traceparent, failure } = entry;
  const cause = causeOf(address, entry);
  return {
    ...{ address, seq, at, source, event, eventId, value: stateIn(value), status, commit },
    ...(cause && { cause }),
    ...(by !== undefined && { by }),
    ...(traceparent !== undefined && { traceparent }),
    ...(failure && { failure: { event: failure.event, error: failure.error } }),
    migrated: entry.migrated !== undefined,
  };
}

export function stepLine(address: string, entry: JournalEntry, names: DelayNames): StepLine {
  const { seq, effects = [], timers = [], sends = [], emitted = [] } = entry;
  return {
    ...bareStep(address, entry),
    effects,
    // The end of a quarantine puts the others back.
    timers: timers.filter(({ id }) => id.startsWith(`${seq}:`)).map((timer) => timerView(timer, names)),
    sends,
    emitted,
  };
}

/** Ids of what a step sent, or of an effect it asked for, and what an effect's stream sent. */
const SENT = /^(.+)\/(\d+):\w+(?:\/\d+\/\d+)?$/;
const OWN = /^(?:timer|effect)\/(\d+):\w+$/;

/** The step that caused one: another actor's, or its own whose timer or effect it is. */
export function causeOf(
  address: string,
  { eventId, source }: Pick<JournalEntry, 'eventId' | 'source'>,
): StepLine['cause'] {
  const own = source === 'timer' || source === 'effect' ? OWN.exec(eventId) : null;
  if (own !== null) return { address, seq: Number(own[1]) };
  // What users call their events is no cause.
  if (source !== 'effect' && !source.startsWith('actor:')) return undefined;
  const [, by = '', seq] = SENT.exec(eventId) ?? [];
  return by === '' || !isAddress(by) ? undefined : { address: by, seq: Number(seq) };
}

function isAddress(text: string): boolean {
  return text.indexOf('/') > 0 && splitAddress(text).id !== '';
}
