/**
 * What callers may put into queries and bodies about work, checked once, before a route acts.
 *
 * Pure. Callers: work-routes.ts, worker-routes.ts. Invariants: those of input.ts. What items and schedules
 * may be, their façade checks itself.
 */
import { z } from 'zod';
import { WORK_STATUSES } from '../actors/index.js';
import type { FailOptions } from '../index.js';
import { isPlainObject } from '../json.js';
import { limits } from '../limits.js';
import { refused } from './codec.js';
import { listingQuery } from './input.js';
import { doneWire, failWire } from './work-wire.js';

const text = z.string().min(1).max(512);

export const workQuery = z.strictObject({
  ...listingQuery.shape,
  status: z.enum(WORK_STATUSES).optional(),
  kind: z.string().min(1).max(300).optional(),
});
export const claimBody = z.strictObject({
  kinds: z.union([text, z.array(text).max(limits.workShelvesMax)]).optional(),
  max: z.int().min(1).max(limits.workClaimsMax).default(1),
  workerId: z.string().min(1).max(300).default('elsewhere'),
  ttlMs: z.int().optional(),
  waitMs: z.int().min(0).max(limits.workWaitMaxMs).default(0),
});
export const heartbeatBody = z.strictObject({ token: text, ttlMs: z.int().optional() });
export const requeueBody = z.strictObject({ token: text });
export const reclaimBody = z.strictObject({ nowMs: z.int().min(0).optional() });

/** What a worker brings back. */
export function doneFrom(body: unknown): { readonly token: string; readonly result: unknown } {
  const { token, result } = Object(doneWire.fromWire(body, '')) as Readonly<Record<string, unknown>>;
  return { token: tokenIn(token), result };
}

/** Why a worker could not. */
export function failureFrom(body: unknown): {
  readonly token: string;
  readonly error: Error;
  readonly options: FailOptions;
} {
  const { token, error, ...options } = Object(failWire.fromWire(body, '')) as Readonly<
    Record<string, unknown>
  >;
  // The façade checks what is in the options.
  return { token: tokenIn(token), error: errorFrom(error), options: options as FailOptions };
}

/** A message, or one with a code: what the façade keeps of what was thrown. */
function errorFrom(error: unknown): Error {
  const { code, message } = isPlainObject(error) ? error : { code: undefined, message: error };
  if (typeof message !== 'string') throw refused('error', 'is neither a text nor an object with a message');
  if (code !== undefined && typeof code !== 'string') throw refused('error.code', 'is not a text');
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

function tokenIn(token: unknown): string {
  if (typeof token === 'string') return token;
  throw refused('token', 'is not a text');
}
