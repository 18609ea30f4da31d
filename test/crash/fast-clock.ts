/**
 * A clock that runs faster than the wall, and alike in every process that is told where it starts: minutes of
 * back-off pass in seconds, and two processes agree on what time it is.
 *
 * Callers: the crash tests and their child. Invariant: equal settings give equal times in every process.
 */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../../src/clock.js';

export interface FastClock {
  /** Epoch milliseconds at which fast time and wall time are the same. */
  readonly startMs: number;
  /** Fast milliseconds a wall millisecond. */
  readonly speed: number;
}

export function createFastClock({ startMs, speed }: FastClock): Clock {
  return {
    now: () => Math.floor(startMs + (Date.now() - startMs) * speed),
    monotonicMs: () => performance.now() * speed,
    schedule: (delayMs, run) => {
      const timer = setTimeout(run, delayMs / speed);
      return () => clearTimeout(timer);
    },
    soon: (run) => {
      setImmediate(run);
    },
  };
}
