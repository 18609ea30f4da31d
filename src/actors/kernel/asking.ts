/**
 * What a sender may ask of the step that takes its event, and what a definition shows that step.
 *
 * Callers: the kernel's door, the stepper. Invariants:
 *  A1  A check runs in the step's own synchronous turn: between what it looked at and the step comes nothing.
 *  A2  A check that throws is an answer to its sender: nothing of the event is consumed, written or counted
 *      against the actor. A step that is taken again asks again.
 *  A3  A step is shown rows as they were before it, staged ones included; they are journaled with it.
 */
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate';
import { HoldfastError, isHoldfastError } from '../../errors.js';
import { checkId } from '../../ids.js';
import type { Json } from '../../json.js';
import { keys } from '../../store/keys.js';
import type { Cell, Parcel } from './cell.js';
import type { CommitLoop } from './commit-loop.js';
import { isKeyPart, type Definition } from './definition.js';
import { ownEvent, ownPayloads, ownTime } from './door.js';
import type { EventEnvelope, ShownRows } from './record.js';

/**
 * Looks at an actor right before its step, and throws to refuse the event. The snapshot is the live one: read
 * it, change nothing, and keep what you need of it by copying.
 */
export type StepCheck = (snapshot: AnyMachineSnapshot, envelope: EventEnvelope) => void;

/** The same for who asks of nothing but when: `seq` is what the step would have. */
export type StepFence = (seq: number) => void;

export interface SendOptions {
  /** Delivered twice under one id, an event is applied once (24 h, or `idKeptMs`). */
  readonly id?: string;
  /** How long `id` is known once it was taken, to the hour: for senders who repeat for longer than a day. */
  readonly idKeptMs?: number | undefined;
  /**
   * Not before this wall-clock time, in milliseconds: until then it waits on disk, as a timer of the
   * actor. Not together with `check` or `payloads`, which belong to the step at hand: INVALID_INPUT.
   */
  readonly at?: number | undefined;
  /** Who sends; default `user`. */
  readonly source?: string;
  readonly traceparent?: string;
  /**
   * Called with the actor's snapshot and the event's envelope right before its machine steps; what it throws
   * refuses the event. The send then rejects with that very error, once what the check saw is on disk, and
   * nothing is written. Not called for an event that is a duplicate, or that the actor cannot take at all
   * (it has ended, or stands still); nor when an operator lets the actor take the event again later.
   */
  readonly check?: StepCheck | undefined;
  /** Called before `check`; what it throws refuses the event just so. */
  readonly fence?: StepFence | undefined;
  /**
   * Rows beside the record, at most 256 KiB each, written with the step and not journaled. What the step
   * itself puts or deletes under those names wins.
   */
  readonly payloads?: Readonly<Record<string, Json>> | undefined;
  /** How long its event may be as JSON; default 1 MiB, for users always. */
  readonly bytesMax?: number | undefined;
}

/**
 * An event as its sender asked for it. Throws INVALID_EVENT, INVALID_ID and INVALID_INPUT for what cannot be
 * stored.
 */
export function parcelOf(event: unknown, options: SendOptions): Parcel {
  const { id: eventId, source = 'user', traceparent, at, payloads, bytesMax, idKeptMs } = options;
  const check = fenced(options);
  if (eventId !== undefined) checkId(eventId);
  if (at !== undefined && (check ?? payloads) !== undefined) {
    const message = 'at: an event for later can have no check and no payloads';
    throw new HoldfastError('INVALID_INPUT', message, { details: { field: 'at' } });
  }
  const own = payloads === undefined ? {} : { payloads: ownPayloads(payloads) };
  const content = { type: 'event', event: ownEvent(event, bytesMax), ...ownTime(at), ...own } as const;
  return { content, source, dedupe: eventId !== undefined, eventId, idKeptMs, traceparent, check };
}

function fenced({ fence, check }: SendOptions): StepCheck | undefined {
  if (fence === undefined) return check;
  return (snapshot, envelope) => {
    fence(envelope.seq);
    check?.(snapshot, envelope);
  };
}

/** What a check threw; undefined when it let the event pass, or there is none. */
export function refusalOf(
  check: StepCheck | undefined,
  snapshot: AnyMachineSnapshot | undefined,
  envelope: EventEnvelope,
): { readonly error: unknown } | undefined {
  if (check === undefined || snapshot === undefined) return undefined;
  try {
    check(snapshot, envelope);
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** How the step goes on once its rows are read. */
export interface Shown {
  readonly goOn: (rows: ShownRows | undefined) => Promise<void> | undefined;
  /** The definition knows no such event. */
  readonly unknown: () => Promise<void> | undefined;
  /** The definition named no rows: it threw. */
  readonly threw: (error: unknown) => Promise<void> | undefined;
  /** One of the rows cannot be read. */
  readonly damaged: (error: unknown) => Promise<void> | undefined;
}

/**
 * Reads the rows that a step of this event is shown; a promise only where the store must wait. What keeps the
 * store from reading at all is thrown.
 */
export function showRows(
  loop: CommitLoop,
  { definition, address, snapshot }: Pick<Cell, 'definition' | 'address' | 'snapshot'>,
  event: AnyEventObject,
  { goOn, unknown, threw, damaged }: Shown,
): Promise<void> | undefined {
  let names: readonly string[] | undefined;
  try {
    names = snapshot === undefined ? [] : namesOf(definition, event, snapshot);
  } catch (error) {
    return threw(error);
  }
  if (names === undefined) return unknown();
  if (names.length === 0) return goOn(undefined);
  const failed = (error: unknown): Promise<void> | undefined => {
    if (isHoldfastError(error, 'STORE_CORRUPTED')) return damaged(error);
    throw error;
  };
  let rows: ShownRows | undefined | Promise<ShownRows | undefined>;
  try {
    rows = readRows(loop, address, names);
  } catch (error) {
    return failed(error);
  }
  return rows instanceof Promise ? rows.then(goOn, failed) : goOn(rows);
}

function readRows(
  loop: CommitLoop,
  address: string,
  names: readonly string[],
): ShownRows | undefined | Promise<ShownRows | undefined> {
  const read = names.map((name) => loop.read(keys.payload(address, name)));
  if (read.every(isAtHand)) return rowsIn(names, read);
  return Promise.all(read.map((text) => Promise.resolve(text))).then((texts) => rowsIn(names, texts));
}

function namesOf(
  { kind, reads }: Definition,
  event: AnyEventObject,
  before: AnyMachineSnapshot,
): readonly string[] | undefined {
  const names = reads?.(event, before);
  for (const name of names ?? []) {
    if (isKeyPart(name) && name !== '') continue;
    throw new HoldfastError('INVALID_DEFINITION', `${kind}: reads: ${JSON.stringify(name)} names no payload`);
  }
  return names;
}

function isAtHand(read: string | undefined | Promise<string | undefined>): read is string | undefined {
  return !(read instanceof Promise);
}

/** Those that are there, by name; undefined when none is. */
function rowsIn(names: readonly string[], texts: readonly (string | undefined)[]): ShownRows | undefined {
  const found = names.flatMap((name, index) => {
    const text = texts[index];
    return text === undefined ? [] : [[name, valueIn(name, text)] as const];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

function valueIn(name: string, text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    const message = `the payload ${JSON.stringify(name)} is no JSON`;
    throw new HoldfastError('STORE_CORRUPTED', message, { cause: error });
  }
}
