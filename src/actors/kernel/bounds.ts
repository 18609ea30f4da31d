/**
 * The bounds that several pools share, by name: how many at once, how many a minute, and whether at all.
 *
 * Owns: the timer for the next token. Callers: the outbox. Invariants:
 *  B1  Who found no token is woken when the first one is due; one timer, whatever waits.
 *  B2  A bound that holds nothing is forgotten: they may be named after what comes and goes.
 */
import type { Clock } from '../../clock.js';
import { Rates, type Rate } from './rate.js';

/** A bound shared by several pools, such as the calls of one provider account. */
export interface Share {
  readonly name: string;
  /** At once. */
  readonly limit: number;
  /** How often, on top; whoever finds no token keeps its place in its pool. Default: no such limit. */
  readonly rate?: Rate;
}

interface Bound {
  running: number;
  open: boolean;
}

export class Bounds {
  readonly #bounds = new Map<string, Bound>();
  readonly #rates = new Rates();
  readonly #clock: Pick<Clock, 'monotonicMs' | 'schedule'>;
  readonly #wake: () => void;
  #timer: { readonly dueMs: number; readonly cancel: () => void } | undefined;

  /** `wake` is called when somebody who found no token may look again. */
  constructor(clock: Pick<Clock, 'monotonicMs' | 'schedule'>, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  /** True when one more may start under all of these. */
  admits(shares: readonly Share[]): boolean {
    if (!shares.every((share) => this.#hasRoom(share))) return false;
    const waitMs = Math.max(0, ...shares.map((share) => this.#tokenInMs(share)));
    if (waitMs > 0) this.#wakeIn(waitMs);
    return waitMs === 0;
  }

  isOpen(share: Share): boolean {
    return this.#bounds.get(share.name)?.open !== false;
  }

  take(share: Share): void {
    this.#of(share.name).running += 1;
    const { name, rate } = share;
    if (rate !== undefined) this.#rates.take(name, rate, this.#clock.monotonicMs());
  }

  giveBack(share: Share): void {
    this.#of(share.name).running -= 1;
    this.#forget(share.name);
  }

  gate(name: string, open: boolean): void {
    this.#of(name).open = open;
    this.#forget(name);
  }

  /** Wakes nobody any more. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #hasRoom(share: Share): boolean {
    const bound = this.#bounds.get(share.name);
    return bound === undefined || (bound.open && bound.running < share.limit);
  }

  #tokenInMs({ name, rate }: Share): number {
    return rate === undefined ? 0 : this.#rates.waitMs(name, rate, this.#clock.monotonicMs());
  }

  #wakeIn(waitMs: number): void {
    const dueMs = this.#clock.monotonicMs() + waitMs;
    if (this.#timer !== undefined && this.#timer.dueMs <= dueMs) return;
    this.#timer?.cancel();
    const cancel = this.#clock.schedule(Math.ceil(waitMs), () => {
      this.#timer = undefined;
      this.#wake();
    });
    this.#timer = { dueMs, cancel };
  }

  #of(name: string): Bound {
    const known = this.#bounds.get(name);
    if (known !== undefined) return known;
    const bound: Bound = { running: 0, open: true };
    this.#bounds.set(name, bound);
    return bound;
  }

  #forget(name: string): void {
    const bound = this.#bounds.get(name);
    if (bound?.running === 0 && bound.open) this.#bounds.delete(name);
  }
}
