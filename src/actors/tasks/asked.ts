/**
 * What callers ask of tasks that exist, checked once, at the door.
 *
 * Pure. Callers: tasks.ts. Throws INVALID_INPUT naming the field.
 */
import { z } from 'zod';
import type { Json } from '../../json.js';
import { text } from '../checked.js';
import { TASK_STATUSES } from './task-index.js';

export const cancelSchema = z.strictObject({ reason: text(1_000).optional() });

export const retrySchema = z.strictObject({ fromStart: z.boolean().default(false) });

export const decisionSchema = z.union(
  [
    z.strictObject({ callId: text(300), result: z.custom<Json>((value) => value !== undefined) }),
    z.strictObject({ callId: text(300), rerun: z.literal(true) }),
  ],
  'says neither "result" nor "rerun: true" of a "callId"',
);

export const listSchema = z.strictObject({
  status: z.enum(TASK_STATUSES).optional(),
  parentId: text(512).optional(),
  cursor: z.string().optional(),
  limit: z.number().int().min(1).max(1_000).optional(),
});
