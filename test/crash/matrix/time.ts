/**
 * Time that passes when nothing else happens: hours of back-off cost nothing, and sockets are real.
 *
 * Callers: life.ts. Invariants: timers fire in the order of their due times, one at a time, when told; what
 * the provider waits on passes by itself, for it is a process of its own.
 */
import type { Clock } from '../../../src/clock.js';

interface Alarm {
  readonly dueMs: number;
  readonly run: () => void;
}

const START_MS = 1_780_000_000_000;
/** What a wait of the provider costs at most. */
const PROVIDER_WAIT_MAX_MS = 5;

export class IdleTime {
  #elapsedMs = 0;
  readonly #alarms = new Set<Alarm>();
  #soon = 0;

  readonly clock: Clock = {
    now: () => START_MS + this.#elapsedMs,
    monotonicMs: () => this.#elapsedMs,
    schedule: (delayMs, run) => {
      const alarm = { dueMs: this.#elapsedMs + Math.max(0, delayMs), run };
      this.#alarms.add(alarm);
      return () => this.#alarms.delete(alarm);
    },
    soon: (run) => {
      this.#soon += 1;
      setImmediate(() => {
        this.#soon -= 1;
        run();
      });
    },
  };

  /** The same time for those who do not wait for us. */
  readonly outside: Clock = {
    ...this.clock,
    schedule: (delayMs, run) => {
      const timer = setTimeout(run, Math.min(delayMs, PROVIDER_WAIT_MAX_MS));
      return () => clearTimeout(timer);
    },
  };

  get isBusy(): boolean {
    return this.#soon > 0;
  }

  /** Goes to the next alarm and lets it ring; false when there is none. */
  pass(): boolean {
    let next: Alarm | undefined;
    for (const alarm of this.#alarms) if (next === undefined || alarm.dueMs < next.dueMs) next = alarm;
    if (next === undefined) return false;
    this.#alarms.delete(next);
    this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
    next.run();
    return true;
  }

  /** Nobody hears the alarms of a process that is dead. */
  forget(): void {
    this.#alarms.clear();
  }
}
