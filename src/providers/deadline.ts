/**
 * Deadlines: an abort signal and a time on a clock, as one signal.
 *
 * Callers: the transport and the download. Invariant: `end()` leaves no timer behind.
 */
import type { Clock } from '../clock.js';

/** The caller's signal and a total time, as one signal that says afterwards which of the two it was. */
export class Deadline {
  readonly signal: AbortSignal;
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  #cancelTimer: () => void = () => undefined;

  constructor(clock: Clock, signal: AbortSignal, timeoutMs: number) {
    this.signal = AbortSignal.any([signal, this.#controller.signal]);
    this.#clock = clock;
    this.restart(timeoutMs);
  }

  /** Counts anew from now: the next part of the work has a time of its own. */
  restart(timeoutMs: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.schedule(timeoutMs, () => {
      this.#controller.abort(new Error(`no complete answer within ${timeoutMs} ms`));
    });
  }

  get expired(): boolean {
    return this.#controller.signal.aborted;
  }

  end(): void {
    this.#cancelTimer();
  }
}
