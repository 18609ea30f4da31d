/**
 * Keys that are asked for somewhere, kept for a while.
 *
 * Owns: what was told, in memory. Callers: the verifier. Invariants:
 *  M1  Nothing is used that is older than `maxAgeMs`.
 *  M2  One question at a time for each key, and not sooner than `gapMs` after the one before: whoever sends
 *      forged deliveries makes us ask no more often than that.
 *  M3  At most `max` keys are kept; the oldest goes first.
 */
import type { Clock } from '../../clock.js';

export interface RememberedOptions {
  readonly clock: Clock;
  readonly maxAgeMs: number;
  readonly gapMs: number;
  readonly max: number;
}

interface Told<T> {
  readonly value?: T;
  readonly toldAtMs: number;
  readonly askedAtMs: number;
  readonly asking?: Promise<T | undefined>;
}

export class Remembered<T> {
  readonly #options: RememberedOptions;
  readonly #told = new Map<string, Told<T>>();

  constructor(options: RememberedOptions) {
    this.#options = options;
  }

  /** What is known under `key`, asked for where nothing is; undefined when it cannot be had now. */
  async known(key: string, ask: () => Promise<T | undefined>): Promise<T | undefined> {
    const told = this.#told.get(key);
    const ageMs = this.#options.clock.monotonicMs() - (told?.toldAtMs ?? 0);
    if (told?.value !== undefined && ageMs <= this.#options.maxAgeMs) return told.value;
    return this.renewed(key, ask);
  }

  /** What is told now; undefined when it cannot be had, or was asked for a moment ago. */
  async renewed(key: string, ask: () => Promise<T | undefined>): Promise<T | undefined> {
    const { clock, gapMs, max } = this.#options;
    const told = this.#told.get(key);
    if (told?.asking !== undefined) return told.asking;
    const askedAtMs = clock.monotonicMs();
    if (told !== undefined && askedAtMs - told.askedAtMs < gapMs) return undefined;
    const asking = ask();
    this.#told.delete(key);
    const [oldest] = this.#told.keys();
    if (this.#told.size >= max && oldest !== undefined) this.#told.delete(oldest);
    this.#told.set(key, { toldAtMs: 0, ...told, askedAtMs, asking });
    const value = await asking.catch(() => undefined);
    const kept = value === undefined ? told : { value, toldAtMs: askedAtMs };
    this.#told.set(key, { toldAtMs: 0, ...withoutAsking(kept), askedAtMs });
    return value;
  }
}

function withoutAsking<T>(told: Partial<Told<T>> | undefined): Partial<Told<T>> {
  const { value, toldAtMs = 0 } = told ?? {};
  return value === undefined ? { toldAtMs } : { value, toldAtMs };
}
