/**
 * What a caller leaves behind with claims it completes, checked once, at the door.
 *
 * Pure. Callers: settle.ts. Throws INVALID_INPUT naming the field: a step that could not write it would set
 * the session aside.
 */
import { z } from 'zod';
import { addressOf } from '../../ids.js';
import { limits } from '../../limits.js';
import type { Completion, DeliveryInput } from '../../machines/index.js';
import { checked, text } from '../checked.js';

const path = text(4_096);
const record = z.record(z.string(), z.json());

const delivery = z.strictObject({
  /** The same for every attempt; a delivery of that id that exists is not made again. */
  deliveryId: text(400).refine((id) => Buffer.byteLength(id) <= limits.idBytesMax, 'is longer than an id'),
  channel: text(200),
  /** The chat, in the channel's own words. */
  target: text(512),
  text: z.string().max(limits.payloadBytesMax),
  files: z.array(z.strictObject({ name: text(300), mime: text(100), path })).default([]),
  images: z.array(path).optional(),
  isGroup: z.boolean().optional(),
  replyTo: text(512).optional(),
  account: text(200).optional(),
  meta: record.optional(),
  /** Address of the actor that is told how it ended; default: the session, which needs not know. */
  cause: text(512).optional(),
});

const completionSchema = z.strictObject({
  turnId: text(120).optional(),
  commitHash: text(300).optional(),
  history: z.array(record).max(limits.completionEntriesMax).default([]),
  deliveries: z.array(delivery).max(100).default([]),
});

/** A message for a chat, written with what it answers. */
export type TurnDelivery = z.input<typeof delivery>;

export function checkedCompletion(sessionId: string, options: unknown): Omit<Completion, 'claims'> {
  const { deliveries, ...rest } = checked(completionSchema, options);
  const cause = addressOf('session', sessionId);
  return given({
    ...rest,
    deliveries: deliveries.map((each): DeliveryInput => given({ ...each, cause: each.cause ?? cause })),
  });
}

/** The attachments that entries name by `attachment`, as a message's images do, however deep. */
export function attachmentsIn(history: readonly unknown[]): readonly string[] {
  const names = new Set<string>();
  const left = [...history];
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    if ('attachment' in value && typeof value.attachment === 'string') names.add(value.attachment);
    for (const inner of Object.values(value)) left.push(inner);
  }
  return [...names];
}

/** Without what is there and undefined: an event is plain JSON. */
function given<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
