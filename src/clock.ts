/**
 * Time, as a port: everything that needs the time or a timer takes a `Clock`, so that tests can simulate it.
 *
 * Owns: the only use of `Date.now`, `performance.now` and `setTimeout` for waiting.
 * Callers: every room. Invariant: `monotonicMs` never goes back, `now` may jump either way.
 */
import { performance } from 'node:perf_hooks';

export interface Clock {
  /** Wall-clock time, epoch milliseconds. May jump in both directions. */
  readonly now: () => number;
  /** Milliseconds from an arbitrary origin; never goes back. */
  readonly monotonicMs: () => number;
  /** Calls `run` once after `delayMs` (0 to 2^31-1). Returns a function that cancels it; cancelling twice is harmless. */
  readonly schedule: (delayMs: number, run: () => void) => () => void;
}

/** The machine's own clock. Its timers keep the process alive until they fire or are cancelled. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
