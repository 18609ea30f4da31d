/**
 * A clock that stands still until it is told to move: for tests that must not wait.
 *
 * Callers: tests. Invariant: timers fire in due order, each at its own time; `jump` moves the wall clock
 * alone, as a user or NTP would.
 */
import type { Clock } from '../clock.js';

export interface SimulatedClock extends Clock {
  /** Moves both clocks on by `ms`, firing what becomes due on the way and letting its promises run. */
  readonly advance: (ms: number) => Promise<void>;
  /** Moves the wall clock alone, either way. */
  readonly jump: (ms: number) => void;
  /** How often a timer was set since the start: what an idle runtime must not do. */
  readonly timersSet: () => number;
}

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
}

const TURNS_PER_TIMER = 20;

/** A simulated clock; the wall clock starts at `startAt` (default 1,000,000 ms after the epoch). */
export function createSimulatedClock(startAt = 1_000_000): SimulatedClock {
  let elapsedMs = 0;
  let jumpedMs = 0;
  let set = 0;
  const timers = new Set<Timer>();
  const earliest = (): Timer | undefined => {
    let found: Timer | undefined;
    for (const timer of timers) if (found === undefined || timer.dueMs < found.dueMs) found = timer;
    return found;
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < TURNS_PER_TIMER; turn += 1) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
  };
  return {
    now: () => startAt + elapsedMs + jumpedMs,
    monotonicMs: () => elapsedMs,
    schedule: (delayMs, run) => {
      set += 1;
      const timer = { dueMs: elapsedMs + delayMs, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    soon: (run) => {
      setImmediate(run);
    },
    advance: async (ms) => {
      const until = elapsedMs + ms;
      await settle();
      for (let next = earliest(); next !== undefined && next.dueMs <= until; next = earliest()) {
        timers.delete(next);
        elapsedMs = Math.max(elapsedMs, next.dueMs);
        next.run();
        await settle();
      }
      elapsedMs = until;
    },
    jump: (ms) => {
      jumpedMs += ms;
    },
    timersSet: () => set,
  };
}
