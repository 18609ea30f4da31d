/**
 * Poll cadence: how long a job waits before it asks its provider again.
 *
 * Owns: nothing; pure arithmetic. Callers: the job chart.
 * Invariants:
 *  C1  10 s for the first 12 polls, then 60 s, each moved by up to 20 % either way.
 *  C2  Never sooner than the adapter's own minimum, jitter included.
 *  C3  A Retry-After replaces the cadence, within 1 s .. 15 min.
 */
import { clampRetryAfterMs, jitteredMs } from './backoff.js';

/** Overrides of one job or one provider; what is absent keeps the default. */
export interface PollCadence {
  /** Between the first polls; 10 s by default. */
  readonly everyMs?: number;
  /** Between later polls; 60 s by default. */
  readonly slowMs?: number;
  /** How many polls count as the first ones; 12 by default. */
  readonly fastPolls?: number;
}

export interface PollMoment {
  readonly cadence: PollCadence;
  /** The adapter's floor between two polls. */
  readonly pollMinMs: number;
  /** Polls made so far. */
  readonly pollCount: number;
  /** What the provider asked for in its last reply. */
  readonly retryAfterMs?: number | undefined;
  /** In [0, 1). */
  readonly random: number;
}

/** Milliseconds until the next poll. */
export function pollDelayMs(moment: PollMoment): number {
  if (moment.retryAfterMs !== undefined) return clampRetryAfterMs(moment.retryAfterMs);
  const { everyMs = 10_000, slowMs = 60_000, fastPolls = 12 } = moment.cadence;
  const delayMs = moment.pollCount < fastPolls ? everyMs : slowMs;
  return Math.max(moment.pollMinMs, jitteredMs(delayMs, moment.random));
}
