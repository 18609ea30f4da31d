/**
 * What a delivery is to a machine: its event, and the envelope the kernel adds to it (K10).
 *
 * Pure. Callers: the stepper and replay. Invariant: an envelope depends on the journal entry alone, so that a
 * replay makes the same one again.
 */
import { sha256Hex } from '../../ids.js';
import { isPlainObject, type Json } from '../../json.js';
import type { Delivery } from './cell.js';
import type { ActorRecord, EventEnvelope, JournalEntry, TimerRef } from './record.js';

/** The envelope of the next step of an actor. */
export function envelopeFor(
  address: string,
  record: ActorRecord | undefined,
  delivery: Partial<Pick<Delivery, 'eventId' | 'content'>>,
  timer: TimerRef | undefined,
  now: number,
): EventEnvelope {
  const seq = (record?.seq ?? 0) + 1;
  const at = Math.max(now, record?.at ?? 0);
  const id = delivery.eventId ?? originOf(delivery.content) ?? `${address}/${seq}`;
  const random = randomOf(address, seq);
  // Two literals: a spread of what may be there is slower, and machines see no `dueAt: undefined`.
  return timer === undefined ? { at, id, seq, random } : { at, id, seq, random, dueAt: timer.dueAt };
}

/** The envelope of a step that was taken. */
export function envelopeAt(
  address: string,
  entry: Pick<JournalEntry, 'seq' | 'at' | 'eventId' | 'dueAt' | 'rows'>,
): EventEnvelope {
  const { at, eventId: id, seq, dueAt, rows } = entry;
  const given = { at, id, seq, random: randomOf(address, seq) };
  return { ...given, ...(dueAt === undefined ? {} : { dueAt }), ...(rows && { rows }) };
}

/** The id of an event that has none of its own: that of the timer or effect it came from. */
function originOf(content: Delivery['content'] | undefined): string | undefined {
  if (content?.type === 'timer') return `timer/${content.timer.ref.id}`;
  return content?.type === 'result' ? `effect/${content.effectId}` : undefined;
}

/**
 * The first 53 bits of sha256(address/seq) as a number in [0, 1): chance that a replay throws again (K10).
 */
export function randomOf(address: string, seq: number): number {
  const hex = sha256Hex(`${address}/${seq}`);
  const high = Number.parseInt(hex.slice(0, 8), 16);
  const low = Number.parseInt(hex.slice(8, 14), 16) >>> 3;
  return (high * 2 ** 21 + low) / 2 ** 53;
}

/**
 * The input with the envelope of the creation beside it, where `envelopeOf` finds it: not enumerable, so that
 * it is neither copied into a context nor stored.
 */
export function withEnvelope(input: Json | undefined, envelope: EventEnvelope): unknown {
  if (!isPlainObject(input)) return input;
  return Object.defineProperty({ ...input }, '$', { value: envelope, enumerable: false });
}
