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
  /**
   * Calls `run` once after `delayMs` (0 to 2^31-1). Returns a function that cancels it; cancelling twice is
   * harmless.
   */
  readonly schedule: (delayMs: number, run: () => void) => () => void;
  /** Calls `run` in the next turn of the event loop, after all promises that are ready now. */
  readonly soon: (run: () => void) => void;
  /**
   * How long a sleeper may sleep without looking at the wall clock, which may have jumped; default 60 s.
   */
  readonly sleepMaxMs?: number;
}

/** The machine's own clock. Its timers keep the process alive until they fire or are cancelled. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (run) => {
    setImmediate(run);
  },
};

/** An HTTP date (`Sun, 06 Nov 1994 08:49:37 GMT`) as epoch milliseconds; undefined when it is none. */
export function parseHttpDate(text: string): number | undefined {
  const at = /[a-z]/i.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? undefined : at;
}

/** A moment as libraries want it. */
export function dateOf(epochMs: number): Date {
  return new Date(epochMs);
}
