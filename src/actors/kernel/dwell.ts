/**
 * How long actors stay in one state: rows `b`, a histogram for each leaf state of a kind, written once a
 * commit group; and since when an actor is where it is.
 *
 * Owns: the histograms in memory, loaded at open. Callers: the counts (which load and write it), turn.ts, the
 * kernel. Invariants:
 *  D1  A stay is counted by the step that ends it, in that step's commit: once, whatever crashes.
 *  D2  What is kept is bounded by the states of the stored kinds, `limits.dwellStatesMax` at most, and by the
 *      buckets that a lifetime has.
 *  D3  A damaged histogram begins anew: it is a measurement, and nothing depends on it.
 */
import { isPlainObject, type Json } from '../../json.js';
import { limits } from '../../limits.js';
import { keys, partsOf, rangeOf } from '../../store/keys.js';
import type { Row, Store } from '../../store/store.js';
import { rowOf, scanPast } from './damage.js';
import { leavesOf } from './leaves.js';
import { pagesOf } from './pages.js';

/** The stays in one leaf state that have ended. */
export interface StateDwell {
  readonly kind: string;
  /** The path of a leaf state: `submitting.posting.wanted`. */
  readonly state: string;
  readonly count: number;
  /** Milliseconds: the middle of the bucket, within 5 % of the true value. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** The longest, longest first. */
  readonly slowest: readonly { readonly address: string; readonly ms: number }[];
}

/** A stay that a step has ended. */
export interface Stay {
  readonly state: string;
  readonly ms: number;
}

/** What one actor's step has ended. */
export interface Dwelt {
  readonly kind: string;
  readonly address: string;
  readonly stays: readonly Stay[];
}

/** Row `b`: how many stays were in each bucket, by its number, and the longest as `[ms, address]`. */
interface DwellRow {
  readonly buckets: Record<string, number>;
  readonly slowest: readonly (readonly [ms: number, address: string])[];
}

/** Eight an octave: wide enough to be few, from a millisecond to years some 290. */
const BUCKETS_AN_OCTAVE = 8;

export class Dwell {
  readonly #rows = new Map<string, DwellRow>();
  readonly #changed = new Set<string>();
  /** As they are on disk, of the rows that the group being written changes; undefined: not there yet. */
  readonly #before = new Map<string, DwellRow | undefined>();

  static async load(store: Store): Promise<Dwell> {
    const dwell = new Dwell();
    for await (const page of pagesOf((options) => scanPast(store, options), rangeOf('b'))) {
      for (const row of page) {
        const kept = rowOf<DwellRow>(row);
        if (isDwellRow(kept)) dwell.#rows.set(row[0], kept);
      }
    }
    return dwell;
  }

  /** Stays that have ended. */
  add({ kind, address, stays }: Dwelt): void {
    for (const stay of stays) this.#add(kind, address, stay);
  }

  #add(kind: string, address: string, { state, ms }: Stay): void {
    const key = keys.dwell(kind, state);
    const known = this.#rows.get(key);
    if (known === undefined && this.#rows.size >= limits.dwellStatesMax) return;
    if (!this.#before.has(key)) this.#before.set(key, known && { ...known, buckets: { ...known.buckets } });
    const { buckets, slowest } = known ?? { buckets: {}, slowest: [] };
    const bucket = bucketOf(ms);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    this.#rows.set(key, { buckets, slowest: withStay(slowest, ms, address) });
    this.#changed.add(key);
  }

  /** What changed since the last call, for the group being written. */
  takeRows(): Row[] {
    const rows = Array.from(this.#changed, (key) => ({ key, value: JSON.stringify(this.#rows.get(key)) }));
    this.#changed.clear();
    return rows;
  }

  /** What was taken last is on disk. */
  written(): void {
    this.#before.clear();
  }

  /** Of one kind, or of every kind that is stored; as far as it is on disk (K1). */
  of(wanted?: string): StateDwell[] {
    const found: StateDwell[] = [];
    for (const [key, newest] of this.#rows) {
      const [kind = '', state = ''] = partsOf(key);
      const row = this.#before.has(key) ? this.#before.get(key) : newest;
      if (row === undefined || (wanted !== undefined && kind !== wanted)) continue;
      const { buckets, slowest } = row;
      const sorted = Object.entries(buckets)
        .map(([bucket, count]) => [Number(bucket), count] as const)
        .toSorted(([a], [b]) => a - b);
      const count = sorted.reduce((sum, [, each]) => sum + each, 0);
      const longest = slowest.map(([ms, address]) => ({ address, ms }));
      // The middle of the highest bucket may lie beyond the longest stay.
      const most = slowest[0]?.[0] ?? Infinity;
      const within = (part: number): number => Math.min(most, quantile(sorted, count * part));
      found.push({ kind, state, count, p50Ms: within(0.5), p95Ms: within(0.95), slowest: longest });
    }
    return found;
  }
}

/** True for what can stand in a row `b`. */
export function isDwellRow(row: unknown): row is DwellRow {
  if (!isPlainObject(row)) return false;
  const { buckets, slowest } = row;
  return (
    isPlainObject(buckets) &&
    Object.values(buckets).every((count) => Number.isSafeInteger(count)) &&
    Array.isArray(slowest) &&
    slowest.every((one) => Array.isArray(one) && typeof one[0] === 'number' && typeof one[1] === 'string')
  );
}

/** Where an actor is, and since when: of each leaf in the order of `leavesOf`. */
export interface Standing {
  readonly value: Json;
  readonly since: readonly number[] | undefined;
  /** When its last step was. */
  readonly at: number;
}

/** When each leaf of the state was entered, and the stays that ended with the step. */
export interface Stays {
  readonly since: readonly number[];
  readonly ended: readonly Stay[];
}

/**
 * The stays after a step at `at` that leads from one record to a state value. What an older holdfast wrote
 * does not say since when: what stays has been there since the last step at least, and the stays that end
 * are not counted. A new beginning enters all states again.
 */
export function staysAfter(
  before: Standing | undefined,
  { value, at, isAnew }: { readonly value: Json; readonly at: number; readonly isAnew: boolean },
): Stays {
  if (before?.value === value && before.since !== undefined && !isAnew)
    return { since: before.since, ended: [] };
  const leaves = leavesOf(value);
  const earlier = leavesOf(before?.value);
  const known = before?.since?.length === earlier.length ? before.since : undefined;
  const stays = (leaf: string): boolean => !isAnew && leaves.includes(leaf);
  const sinceOf = (leaf: string): number => {
    const index = isAnew ? -1 : earlier.indexOf(leaf);
    return index === -1 ? at : (known?.[index] ?? before?.at ?? at);
  };
  const since = leaves.map(sinceOf);
  if (known === undefined) return { since, ended: [] };
  const ended = earlier.flatMap((state, index) =>
    stays(state) ? [] : [{ state, ms: Math.max(0, at - (known[index] ?? at)) }],
  );
  return { since, ended };
}

function withStay(slowest: DwellRow['slowest'], ms: number, address: string): DwellRow['slowest'] {
  const last = slowest.at(-1);
  if (slowest.length >= limits.dwellSlowestMax && last !== undefined && ms <= last[0]) return slowest;
  const others = slowest.filter(([known, by]) => by !== address || known > ms);
  // An actor that comes back again and again has one place.
  if (others.some(([, by]) => by === address)) return slowest;
  return [...others, [ms, address] as const].toSorted(([a], [b]) => b - a).slice(0, limits.dwellSlowestMax);
}

function bucketOf(ms: number): number {
  return ms < 1 ? 0 : 1 + Math.floor(Math.log2(ms) * BUCKETS_AN_OCTAVE);
}

/** The geometric middle of the bucket in which the `rank`-th smallest is. */
function quantile(sorted: readonly (readonly [bucket: number, count: number])[], rank: number): number {
  let seen = 0;
  for (const [bucket, count] of sorted) {
    seen += count;
    if (seen >= rank) return bucket === 0 ? 0 : Math.round(2 ** ((bucket - 0.5) / BUCKETS_AN_OCTAVE));
  }
  return 0;
}
