/**
 * The rules that a write of the disk must keep about where actors stay: since when each is where it is, and
 * how many stays in a state have ended (I7).
 *
 * Callers: the oracle, once for each write. Invariants:
 *  1  It is told by journal entries alone where an actor is; the record and the rows `b` are what it checks.
 *  2  Of steps that came and went within a write it cannot tell what they left: at most one stay a step and
 *     state, and the row is believed.
 */
import { isPlainObject, type Json } from '../../src/json.js';
import { keys } from '../../src/store/keys.js';
import type { ActorChange, Batch } from './batch.js';
import { Memory, type Writes } from './memory.js';
import { printable } from './rules-of-steps.js';
import type { Shadow } from './shadow.js';
import type { Verdict } from './verdict.js';

/** The leaves that an actor is in, and when it came there. */
type Standing = ReadonlyMap<string, number>;

const NOWHERE: Standing = new Map();

export class RulesOfStays {
  readonly #verdict: Verdict;
  readonly #shadow: Shadow;
  readonly #standing: Memory<Standing>;
  /** How often a state was entered, and how many were never seen to leave it, by the key of its row. */
  readonly #entered: Memory<number>;
  readonly #there: Memory<number>;

  constructor(verdict: Verdict, shadow: Shadow, writes: Writes) {
    this.#verdict = verdict;
    this.#shadow = shadow;
    this.#standing = new Memory(writes);
    this.#entered = new Memory(writes);
    this.#there = new Memory(writes);
  }

  check({ actors, changes }: Batch): void {
    const touched = new Set(changes.flatMap(({ key }) => (key.startsWith('b\0') ? key : [])));
    const unseen = new Map<string, number>();
    for (const change of actors.values()) {
      const kind = kindOf(change.address);
      for (const state of this.#follow(kind, change)) touched.add(keys.dwell(kind, state));
      if (change.unseen.length > 0) unseen.set(kind, (unseen.get(kind) ?? 0) + change.unseen.length);
      this.#checkSince(change);
    }
    for (const key of touched) this.#checkEnded(key, unseen.get(key.split('\0')[1] ?? '') ?? 0);
  }

  /** Walks on over the new steps; the states that were left or entered. */
  #follow(kind: string, { address, after, entries }: ActorChange): ReadonlySet<string> {
    const moved = new Set<string>();
    let standing = this.#standing.get(address) ?? NOWHERE;
    for (const { value, at, event } of entries) {
      const isAnew = event.type === 'xstate.init';
      const next = new Map<string, number>();
      for (const leaf of leaves(value)) {
        const since = isAnew ? undefined : standing.get(leaf);
        next.set(leaf, since ?? at);
        if (since !== undefined) continue;
        moved.add(leaf);
        add(this.#entered, keys.dwell(kind, leaf), 1);
        add(this.#there, keys.dwell(kind, leaf), 1);
      }
      for (const leaf of standing.keys()) {
        if (!isAnew && next.has(leaf)) continue;
        moved.add(leaf);
        add(this.#there, keys.dwell(kind, leaf), -1);
      }
      standing = next;
    }
    // Who is removed has not left: that stay has no end.
    if (after === undefined) this.#standing.delete(address);
    else if (entries.length > 0) this.#standing.set(address, standing);
    return moved;
  }

  #checkSince({ address, after, isWritten }: ActorChange): void {
    if (!isWritten || after === undefined) return;
    const expected = [...(this.#standing.get(address) ?? NOWHERE).values()];
    const isRight = JSON.stringify(after.since) === JSON.stringify(expected);
    this.#verdict.holds(
      'I7',
      isRight,
      () => `${address} says since ${after.since?.join()}, its journal ${expected.join()}`,
    );
  }

  /** Entries into a state are the stays that have ended there, and those that have not. */
  #checkEnded(key: string, unseen: number): void {
    const row = this.#shadow.read<{ readonly buckets: Readonly<Record<string, number>> }>(key);
    const ended = Object.values(row?.buckets ?? {}).reduce((sum, count) => sum + count, 0);
    const [entered, there] = [this.#entered.get(key) ?? 0, this.#there.get(key) ?? 0];
    const more = ended + there - entered;
    const isRight = more === 0 || (more > 0 && more <= unseen);
    this.#verdict.holds(
      'I7',
      isRight,
      () => `${printable(key)}: ${ended} stays have ended, ${there} are there, ${entered} were entered`,
    );
    if (more > 0) add(this.#entered, key, more);
  }
}

function add(counts: Memory<number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

function kindOf(address: string): string {
  return address.slice(0, address.indexOf('/'));
}

/** The paths of the states without a state below them. */
function leaves(value: Json): readonly string[] {
  if (!isPlainObject(value)) return typeof value === 'string' ? [value] : [];
  return Object.keys(value).flatMap((name) => {
    const below = leaves((value[name] ?? null) as Json);
    return below.length === 0 ? [name] : below.map((path) => `${name}.${path}`);
  });
}
