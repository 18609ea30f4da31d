/**
 * What may come in from callers: checked once, at the door, and copied, so that what a caller does to its
 * object afterwards changes no actor.
 *
 * Pure. Callers: the kernel. Invariant: what is let in is exactly what reading its row gives back.
 */
import { HoldfastError } from '../../errors.js';
import { checkId } from '../../ids.js';
import { firstNonJson, isPlainObject, type Json, type JsonEvent } from '../../json.js';
import { limits } from '../../limits.js';
import { isKernelEvent } from './kernel-events.js';

/** A copy of an event. Throws INVALID_EVENT for what cannot be stored or would pass for the kernel's own. */
export function ownEvent(event: unknown, bytesMax: number = limits.eventBytesMax): JsonEvent {
  if (!isPlainObject(event) || typeof event['type'] !== 'string') {
    throw new HoldfastError('INVALID_EVENT', 'an event is an object with a type');
  }
  const { type } = event;
  const refuse = (what: string): HoldfastError =>
    new HoldfastError('INVALID_EVENT', `the event ${JSON.stringify(type)} ${what}`);
  if (type === '' || type === '*') throw refuse('has no type of its own');
  if ('$' in event) throw refuse('has the reserved key "$"');
  if (type.startsWith('xstate.')) throw refuse("has a type of XState's own");
  if (isKernelEvent(type)) throw refuse("has a type of the runtime's own");
  const flat = flatCopy(event);
  if (flat !== undefined) return flat as JsonEvent;
  const bad = firstNonJson(event);
  if (bad !== undefined) throw refuse(`is not JSON at ${bad}`);
  const text = JSON.stringify(event);
  if (Buffer.byteLength(text) > bytesMax) throw refuse(`is over ${bytesMax} bytes`);
  // It was JSON with a type a line ago.
  return JSON.parse(text) as JsonEvent;
}

const FLAT_BYTES_MAX = 4_096;

/** A copy of an object of short texts, numbers and booleans, as most events are; undefined for others. */
function flatCopy(value: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  const copy: Record<string, unknown> = {};
  let chars = 0;
  for (const key in value) {
    const part = value[key];
    if (typeof part === 'string') chars += part.length;
    else if (typeof part !== 'boolean' && part !== null && !Number.isFinite(part)) return undefined;
    chars += key.length;
    copy[key] = part;
  }
  return chars <= FLAT_BYTES_MAX ? copy : undefined;
}

/** A time to wait for, if there is one. Throws INVALID_INPUT for what a row could not hold. */
export function ownTime(at: number | undefined): { readonly at?: number } {
  if (at === undefined) return {};
  if (Number.isFinite(at)) return { at };
  throw new HoldfastError('INVALID_INPUT', `at: ${at} is no time in milliseconds`);
}

/** A copy of an actor's input. Throws INVALID_INPUT when it is not JSON, too big, or has the reserved "$". */
export function ownInput(input: Json | undefined): Json | undefined {
  if (input === undefined) return undefined;
  const bad = firstNonJson(input);
  if (bad !== undefined) throw new HoldfastError('INVALID_INPUT', `input: it is not JSON at ${bad}`);
  if (isPlainObject(input) && '$' in input) {
    throw new HoldfastError('INVALID_INPUT', 'input: it has the reserved key "$"');
  }
  const text = JSON.stringify(input);
  if (Buffer.byteLength(text) > limits.eventBytesMax) {
    throw new HoldfastError('INVALID_INPUT', `input: it is over ${limits.eventBytesMax} bytes`);
  }
  return JSON.parse(text) as Json;
}

/** A copy of payloads. Refuses those over 256 KiB, those that are not JSON, and names that make no key. */
export function ownPayloads(payloads: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> {
  const own = Object.entries(payloads).map(([name, value]) => {
    checkId(name);
    const bad = firstNonJson(value);
    if (bad !== undefined)
      throw new HoldfastError('INVALID_INPUT', `the payload ${name} is not JSON at ${bad}`);
    const text = JSON.stringify(value);
    if (Buffer.byteLength(text) > limits.payloadBytesMax) {
      throw new HoldfastError('INVALID_INPUT', `the payload ${name} is over ${limits.payloadBytesMax} bytes`);
    }
    return [name, JSON.parse(text) as Json] as const;
  });
  return Object.fromEntries(own);
}
