/**
 * What callers may put into queries and bodies, checked once, before a route acts.
 *
 * Pure. Callers: the files of routes. Everything here throws INVALID_INPUT naming the field as it is on the
 * wire. What `submit` and `track` take is checked by the jobs façade itself.
 */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { HoldfastError } from '../errors.js';
import { JOB_STATUSES, TASK_STATUSES } from '../actors/index.js';
import type { DeliveryView } from '../index.js';
import { limits } from '../limits.js';
import { fromWire, snakeCase } from './wire.js';

const DELIVERY_STATUSES = [
  'queued',
  'sending',
  'reconciling',
  'waiting',
  'delivered',
  'exhausted',
  'dismissed',
] as const satisfies readonly DeliveryView['status'][];

/** Numbers in a query are decimal digits: `1e3` and ` 7 ` are mistakes. */
export const digits = (min: number, max: number): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'is not a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max));

const flag = z.enum(['true', 'false']).transform((word) => word === 'true');
const page = {
  limit: digits(1, limits.scanPageRows).optional(),
  cursor: z.string().max(4_096).optional(),
  newestFirst: flag.optional(),
};

export const jobsQuery = z.strictObject({
  ...page,
  status: z.enum(JOB_STATUSES).optional(),
  provider: z.string().min(1).max(100).optional(),
  session: z.string().min(1).max(300).optional(),
  kind: z.enum(['video', 'image']).optional(),
});
export const deliveriesQuery = z.strictObject({
  ...page,
  status: z.enum(DELIVERY_STATUSES).default('exhausted'),
});
export const historyQuery = z.strictObject(page);
export const listingQuery = z.strictObject({ limit: page.limit, cursor: page.cursor });
export const batchesQuery = z.strictObject({ ...listingQuery.shape, pending: flag.optional() });
export const modeQuery = z.strictObject({ channel: z.string().min(1).max(300).optional() });
export const quarantineQuery = z.strictObject({
  limit: page.limit,
  cursor: page.cursor,
  kind: z.string().min(1).max(300).optional(),
});
export const actorQuery = z.strictObject({ address: z.string().min(1).max(1_024) });
export const capsuleQuery = z.strictObject({ address: actorQuery.shape.address, redact: flag.optional() });
export const operatorBody = z.strictObject({
  address: z.string().min(1).max(1_024),
  operator: z.string().optional(),
});
export const waitQuery = z.strictObject({ timeoutMs: digits(0, limits.controlWaitMaxMs).optional() });

export const tasksQuery = z.strictObject({
  limit: page.limit,
  cursor: page.cursor,
  status: z.enum(TASK_STATUSES).optional(),
  parent: z.string().min(1).max(512).optional(),
});
export const taskWaitQuery = z.strictObject({
  ...waitQuery.shape,
  seen: digits(0, 999_999_999).optional(),
});

export const cancelBody = z.strictObject({ reason: z.string().min(1).max(1_000).optional() });
export const retryTaskBody = z.strictObject({ fromStart: z.boolean().default(false) });
export const backupBody = z.strictObject({
  directory: z.string().max(4_096).refine(isAbsolute, 'is not an absolute path'),
});
export const emptyBody = z.strictObject({});
const text = z.string().min(1).max(512);
export const adoptBody = z.strictObject({
  ref: z.strictObject({ taskId: text, endpoint: text, generation: text, region: text.optional() }),
});
export const accountBody = z.strictObject({ provider: text, credential: text.default('default') });
export const checkBody = z.strictObject({ credential: text.optional() });

/** Renames what came over the wire and checks it. */
export function accepted<T>(schema: z.ZodType<T>, value: unknown): T {
  return parsed(schema, fromWire(value));
}

/** The same for what has our names already. */
export function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])];
  const field = snakeCase(path.join('.'));
  const where = field === '' ? 'the body' : `"${field}"`;
  const why = unknown === undefined ? (issue?.message ?? 'is not valid') : 'is not known here';
  throw new HoldfastError('INVALID_INPUT', `${where}: ${why}`, { details: { field } });
}

/** What a stored value of `limits.jsonDepthMax` may lie in: a capsule, its record, a snapshot. */
const BODY_DEPTH_MAX = limits.jsonDepthMax + 100;

/** A body as JSON; an empty one is `{}`. A deeper one would exhaust the stack of who walks through it. */
export function jsonBody(body: string): unknown {
  const value = body.trim() === '' ? {} : parsedJson(body);
  if (!isDeeperThan(value, BODY_DEPTH_MAX)) return value;
  throw new HoldfastError('INVALID_INPUT', `the body has more than ${BODY_DEPTH_MAX} levels`);
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new HoldfastError('INVALID_INPUT', 'the body is not JSON', { cause: error });
  }
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeperThan(each, levels - 1));
}
