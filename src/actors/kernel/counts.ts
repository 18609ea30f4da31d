/**
 * How many actors are in each state: rows `n`, written once a commit group.
 *
 * Owns: the totals in memory, loaded at open. Callers: the commit loop (writes), the kernel (define-time
 * checks, lists).
 */
import { keys, partsOf, rangeAfter, rangeOf } from '../../store/keys.js';
import { limits } from '../../limits.js';
import type { Store } from '../../store/store.js';

export interface StateCount {
  readonly kind: string;
  readonly version: string;
  readonly hash: string;
  /** The state value as JSON text. */
  readonly state: string;
  readonly count: number;
}

export class Counts {
  readonly #totals = new Map<string, number>();
  readonly #changed = new Set<string>();

  static async load(store: Store): Promise<Counts> {
    const counts = new Counts();
    let range = rangeOf('n');
    for (;;) {
      const page = await store.scan({ ...range, limit: limits.scanPageRows });
      for (const [key, value] of page) counts.#totals.set(key, Number(value));
      const last = page.at(-1);
      if (page.length < limits.scanPageRows || last === undefined) return counts;
      range = rangeAfter(range, last[0]);
    }
  }

  static key(kind: string, version: string, hash: string, state: string): string {
    return keys.count(kind, version, hash, state);
  }

  add(key: string, delta: number): void {
    this.#totals.set(key, (this.#totals.get(key) ?? 0) + delta);
    this.#changed.add(key);
  }

  /** The totals that changed since the last call, for the group being written. */
  takeChanged(): (readonly [key: string, count: number])[] {
    const changed = Array.from(this.#changed, (key) => [key, this.#totals.get(key) ?? 0] as const);
    this.#changed.clear();
    for (const [key, count] of changed) if (count === 0) this.#totals.delete(key);
    return changed;
  }

  of(kind: string): StateCount[] {
    const found: StateCount[] = [];
    for (const [key, count] of this.#totals) {
      const [rowKind = '', version = '', hash = '', state = ''] = partsOf(key);
      if (rowKind === kind && count > 0) found.push({ kind, version, hash, state, count });
    }
    return found;
  }
}
