/**
 * A clock that runs ten times as fast as the wall, and can be moved: real sockets and disks go on under it,
 * and a retention of a day passes when a test says so.
 *
 * Callers: house.ts. Invariants: `advance` moves both times and fires what becomes due; `jump` moves the
 * wall time alone, as a user or NTP would.
 */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../../src/clock.js';

export interface MovableClock extends Clock {
  readonly advance: (ms: number) => void;
  readonly jump: (ms: number) => void;
}

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
  handle: NodeJS.Timeout | undefined;
}

const SPEED = 10;

export function createMovableClock(): MovableClock {
  const startMs = Date.now();
  const origin = performance.now();
  let advancedMs = 0;
  let jumpedMs = 0;
  const timers = new Set<Timer>();
  const monotonicMs = (): number => (performance.now() - origin) * SPEED + advancedMs;
  const arm = (timer: Timer): void => {
    clearTimeout(timer.handle);
    timer.handle = setTimeout(
      () => {
        timers.delete(timer);
        timer.run();
      },
      Math.max(0, timer.dueMs - monotonicMs()) / SPEED,
    );
  };
  return {
    now: () => Math.floor(startMs + monotonicMs() + jumpedMs),
    monotonicMs,
    schedule: (delayMs, run) => {
      const timer: Timer = { dueMs: monotonicMs() + delayMs, run, handle: undefined };
      timers.add(timer);
      arm(timer);
      return () => {
        timers.delete(timer);
        clearTimeout(timer.handle);
      };
    },
    soon: (run) => {
      setImmediate(run);
    },
    advance: (ms) => {
      advancedMs += ms;
      for (const timer of timers) arm(timer);
    },
    jump: (ms) => {
      jumpedMs += ms;
    },
  };
}
