/**
 * The clock of a test runtime: it stands still until the test moves it.
 *
 * Callers: the test runtime moves it; the runtime under test, and the test's own code, read it and set
 * timers. Invariants:
 *  1  Timers fire in the order of their due times, and of their setting where those are equal.
 *  2  The wall clock and the monotonic clock move together, forwards: nobody need wake up to look for a jump.
 */
import type { Clock } from '../clock.js';
import type { Activity } from './test-activity.js';

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
}

export class TestClock implements Clock {
  readonly sleepMaxMs = Infinity;
  readonly #activity: Activity;
  readonly #startAt: number;
  readonly #timers = new Set<Timer>();
  #elapsedMs = 0;

  constructor(startAt: number, activity: Activity) {
    this.#startAt = startAt;
    this.#activity = activity;
  }

  readonly now = (): number => this.#startAt + this.#elapsedMs;

  readonly monotonicMs = (): number => this.#elapsedMs;

  readonly schedule = (delayMs: number, run: () => void): (() => void) => {
    const timer = { dueMs: this.#elapsedMs + Math.max(0, delayMs), run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  readonly soon = (run: () => void): void => {
    const end = this.#activity.begin('kernel');
    setImmediate(() => {
      try {
        run();
      } finally {
        end();
      }
    });
  };

  /** When the next timer is due, in milliseconds of the monotonic clock; undefined when none is set. */
  nextDueMs(): number | undefined {
    return this.#next()?.dueMs;
  }

  /** Moves to `elapsedMs`, firing nothing. Never back. */
  moveTo(elapsedMs: number): void {
    this.#elapsedMs = Math.max(this.#elapsedMs, elapsedMs);
  }

  /** Fires the next timer if it is due by now; false when none is. */
  fireDue(): boolean {
    const next = this.#next();
    if (next === undefined || next.dueMs > this.#elapsedMs) return false;
    this.#timers.delete(next);
    next.run();
    return true;
  }

  #next(): Timer | undefined {
    let found: Timer | undefined;
    for (const timer of this.#timers) if (found === undefined || timer.dueMs < found.dueMs) found = timer;
    return found;
  }
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of `90_000`, `'90 s'`, `'1.5 h'`; units ms, s, min, h, d. Undefined for what is none. */
export function millisecondsOf(duration: number | string): number | undefined {
  const [, digits = '', unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)\s*$/.exec(String(duration)) ?? [];
  const ms = typeof duration === 'number' ? duration : Math.round(Number(digits) * (UNITS_MS[unit] ?? NaN));
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}
