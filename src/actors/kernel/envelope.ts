/**
 * What a delivery is to a machine: its event, and the envelope the kernel adds to it (K10).
 *
 * Pure. Callers: the stepper and replay. Invariant: an envelope depends on the journal entry alone, so that a
 * replay makes the same one again.
 */
import type { AnyEventObject } from 'xstate';
import { sha256Hex } from '../../ids.js';
import { isPlainObject, type Json } from '../../json.js';
import type { Delivery } from './cell.js';
import type { EventEnvelope } from './record.js';

/** What a machine sees as the event of a delivery, without its envelope. */
export function eventOf(delivery: Delivery): AnyEventObject {
  const { content } = delivery;
  switch (content.type) {
    case 'timer':
      return content.timer.row.event;
    case 'result':
      return content.event;
    case 'create':
      return { type: 'xstate.init', input: content.input };
    case 'event':
      return content.event;
  }
}

/** The id of an event that has none of its own: that of the timer or effect it came from. */
export function originOf(content: Delivery['content']): string | undefined {
  if (content.type === 'timer') return `timer/${content.timer.ref.id}`;
  return content.type === 'result' ? `effect/${content.effectId}` : undefined;
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
