/**
 * How often a share may be taken: a bucket of tokens for each name, filled at a steady rate.
 *
 * Owns: when each bucket is full again, on the monotonic clock. Callers: bounds.ts. A bucket is kept as one
 * number: the moment at which it will be full.
 * Invariants:
 *  R1  In any stretch of time no more are taken than the bucket holds and as many as the rate allows in it.
 *  R2  A bucket that is full is forgotten; every bucket is full when the process starts.
 */
const MINUTE_MS = 60_000;

export interface Rate {
  /** On average, more than 0. */
  readonly perMinute: number;
  /** What a full bucket holds, 1 or more. Default: a tenth of a minute's, at least one. */
  readonly burst?: number;
}

export class Rates {
  /** In the order of the last taking. */
  readonly #fullAtMs = new Map<string, number>();

  /** Milliseconds until one may be taken; 0 or less: now. */
  waitMs(name: string, rate: Rate, nowMs: number): number {
    const { everyMs, burst } = termsOf(rate);
    return (this.#fullAtMs.get(name) ?? nowMs) - nowMs - (burst - 1) * everyMs;
  }

  take(name: string, rate: Rate, nowMs: number): void {
    const fullAtMs = Math.max(this.#fullAtMs.get(name) ?? nowMs, nowMs) + termsOf(rate).everyMs;
    this.#fullAtMs.delete(name);
    for (const [other, atMs] of this.#fullAtMs) {
      if (atMs > nowMs) break;
      this.#fullAtMs.delete(other);
    }
    this.#fullAtMs.set(name, fullAtMs);
  }
}

function termsOf({ perMinute, burst }: Rate): { readonly everyMs: number; readonly burst: number } {
  return { everyMs: MINUTE_MS / perMinute, burst: burst ?? Math.max(1, Math.floor(perMinute / 10)) };
}
