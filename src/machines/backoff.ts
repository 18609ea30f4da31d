/**
 * Back-off: how long to wait after the n-th failure in a row.
 *
 * Owns: nothing; pure arithmetic. Callers: the charts (submit, fetch and delivery retries) and poll-cadence.
 * Invariants:
 *  B1  The same policy, failure number and random number give the same delay.
 *  B2  A delay is a whole number of milliseconds, never negative, never above the policy's maximum.
 *  B3  What a server asks for is honoured between 1 s and 15 min.
 */

export interface BackoffPolicy {
  readonly kind: 'fixed' | 'exponential';
  /** The delay after the first failure. */
  readonly delayMs: number;
  /** Growth a failure, exponential only; 2 by default. */
  readonly factor?: number;
  /** Ceiling of one delay; no ceiling but a day by default. */
  readonly maxMs?: number;
}

const CEILING_MS = 86_400_000;
const RETRY_AFTER_MIN_MS = 1_000;
const RETRY_AFTER_MAX_MS = 900_000;
/** Jitter is at most this share of the delay, either way. */
const JITTER_SHARE = 0.2;

/** The plain delay after failure number `failures` (1, 2, ...), without jitter. */
export function backoffMs(policy: BackoffPolicy, failures: number): number {
  const ceilingMs = policy.maxMs ?? CEILING_MS;
  const growth = policy.kind === 'fixed' ? 1 : (policy.factor ?? 2) ** (Math.max(1, failures) - 1);
  return Math.round(Math.min(ceilingMs, policy.delayMs * growth));
}

/** `delayMs` moved by up to 20 % either way; `random` in [0, 1), 0.5 leaves it as it is. */
export function jitteredMs(delayMs: number, random: number): number {
  return Math.max(0, Math.round(delayMs * (1 + JITTER_SHARE * (2 * random - 1))));
}

/** The jittered delay after failure number `failures`, never above the policy's maximum. */
export function jitteredBackoffMs(policy: BackoffPolicy, failures: number, random: number): number {
  return Math.min(policy.maxMs ?? CEILING_MS, jitteredMs(backoffMs(policy, failures), random));
}

/** What a server asked for, within 1 s .. 15 min; a figure that is no number counts as the minimum. */
export function clampRetryAfterMs(retryAfterMs: number): number {
  if (!(retryAfterMs > RETRY_AFTER_MIN_MS)) return RETRY_AFTER_MIN_MS;
  return Math.round(Math.min(RETRY_AFTER_MAX_MS, retryAfterMs));
}
