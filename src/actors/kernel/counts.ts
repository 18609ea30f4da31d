/**
 * How many actors are in each state: rows `n`, written once a commit group; and the shapes of the machines
 * those actors are of: rows `v`, written with the first actor of a version.
 *
 * Owns: totals and shapes in memory, loaded at open. Callers: the commit loop (writes), the kernel
 * (define-time checks, migrations, lists), the census.
 * Invariants:
 *  N0  What is shown, of counts and of times, is on disk (K1); what is written has the group being written.
 *  N1  Where a count of a version is on disk, so is its shape, if that version was ever defined here.
 *  N2  A shape nobody is of any more goes with the first commit after the next open.
 *  N3  A damaged count makes the actors be counted again at open; a damaged shape is unknown, until its
 *      version is defined.
 */
import { splitAddress } from '../../ids.js';
import type { Json } from '../../json.js';
import { keys, partsOf, rangeOf } from '../../store/keys.js';
import type { Row, Store } from '../../store/store.js';
import { rowOf, scanPast, type Scanned } from './damage.js';
import { Dwell } from './dwell.js';
import { valueOf, type ActorRecord } from './record.js';
import { pagesOf } from './pages.js';
import { isFinal, type Shape } from './shape.js';

export interface StateCount {
  readonly kind: string;
  readonly version: string;
  readonly hash: string;
  /** The state value as JSON text. */
  readonly state: string;
  readonly count: number;
  /** True for a final state: these actors have ended and wait for their retention. */
  readonly finished: boolean;
  /** Their last steps may be in the journal alone: only the machine of their version can read them. */
  readonly amortized: boolean;
}

export class Counts {
  readonly #totals = new Map<string, number>();
  /** As they are on disk. */
  #shown = new Map<string, number>();
  readonly #changed = new Set<string>();
  /** Of the group being written. */
  #taken: (readonly [key: string, count: number])[] = [];
  readonly #shapes = new Map<string, Shape>();
  /** Defined, and not on disk: few, and none of them in most groups. */
  readonly #unwritten = new Set<string>();
  /** On disk as an older holdfast wrote them: written again with the next group, whatever it changes. */
  readonly #redrawn = new Set<string>();
  #abandoned: string[] = [];
  /** How long they stayed there. */
  readonly dwell: Dwell;

  constructor(dwell: Dwell) {
    this.dwell = dwell;
  }

  static async load(store: Store): Promise<Counts> {
    const counts = new Counts(await Dwell.load(store));
    const damaged: string[] = [];
    for await (const [key, value] of rowsOf(store, 'n')) {
      if (value === undefined) damaged.push(key);
      else counts.#totals.set(key, Number(value));
    }
    if (damaged.length > 0) await counts.#recount(store, damaged);
    counts.#shown = new Map(counts.#totals);
    const used = new Set(Array.from(counts.#totals.keys(), shapeKeyOf));
    for await (const row of rowsOf(store, 'v')) {
      const [key] = row;
      const shape = rowOf<Shape>(row);
      if (!used.has(key)) counts.#abandoned.push(key);
      else if (shape !== undefined) counts.#shapes.set(key, shape);
    }
    return counts;
  }

  /** All of them, written with the next commit: one that is known to be wrong says nothing of the others. */
  async #recount(store: Store, damaged: readonly string[]): Promise<void> {
    for (const key of [...this.#totals.keys(), ...damaged]) this.#changed.add(key);
    this.#totals.clear();
    for await (const row of rowsOf(store, 's')) {
      const record = rowOf<ActorRecord>(row);
      const address = partsOf(row[0])[0] ?? '';
      if (record === undefined) continue;
      const { version, hash } = record;
      this.add(Counts.key(splitAddress(address).kind, version, hash, JSON.stringify(valueOf(record))), 1);
    }
  }

  static key(kind: string, version: string, hash: string, state: string): string {
    return keys.count(kind, version, hash, state);
  }

  add(key: string, delta: number): void {
    this.#totals.set(key, (this.#totals.get(key) ?? 0) + delta);
    this.#changed.add(key);
  }

  /** The shape is kept from the first actor of that version on. */
  define(kind: string, version: string, hash: string, shape: Shape): void {
    const key = keys.shape(kind, version, hash);
    const known = this.#shapes.get(key);
    // Written differently than before under one version: some are, for as long as there are stored ones.
    const isTold = known !== undefined && (known.amortized === true || shape.amortized !== true);
    // An older holdfast kept no drawing.
    if (isTold && (known.chart !== undefined || shape.chart === undefined)) return;
    this.#shapes.set(key, isTold ? { ...known, ...(shape.chart && { chart: shape.chart }) } : shape);
    (isTold && !this.#unwritten.has(key) ? this.#redrawn : this.#unwritten).add(key);
  }

  /** The shape of a stored version; undefined when this store never knew it. */
  shape(kind: string, version: string, hash: string): Shape | undefined {
    return this.#shapes.get(keys.shape(kind, version, hash));
  }

  /** What changed since the last call, for the group being written. */
  takeRows(): Row[] {
    const rows: Row[] = [];
    for (const key of this.#changed) {
      const count = this.#totals.get(key) ?? 0;
      this.#taken.push([key, count]);
      if (count === 0) this.#totals.delete(key);
      else if (this.#unwritten.size > 0) this.#keepShape(key, rows);
      rows.push({ key, value: count === 0 ? undefined : String(count) });
    }
    this.#changed.clear();
    for (const key of this.#redrawn) rows.push({ key, value: JSON.stringify(this.#shapes.get(key)) });
    this.#redrawn.clear();
    for (const key of this.#abandoned) if (!this.#isWritten(key)) rows.push({ key, value: undefined });
    this.#abandoned = [];
    rows.push(...this.dwell.takeRows());
    return rows;
  }

  /** What was taken last is on disk. */
  written(): void {
    for (const [key, count] of this.#taken) {
      if (count === 0) this.#shown.delete(key);
      else this.#shown.set(key, count);
    }
    this.#taken = [];
    this.dwell.written();
  }

  /** Of one kind, or of every kind: those too that nobody has defined in this process. */
  of(wanted?: string): StateCount[] {
    return this.#views(this.#totals, wanted);
  }

  /** The same, as far as it is on disk (N0). */
  onDisk(wanted?: string): StateCount[] {
    return this.#views(this.#shown, wanted);
  }

  #views(counts: ReadonlyMap<string, number>, wanted: string | undefined): StateCount[] {
    const found: StateCount[] = [];
    for (const [key, count] of counts) {
      const [kind = '', version = '', hash = '', state = ''] = partsOf(key);
      if (count <= 0 || (wanted !== undefined && kind !== wanted)) continue;
      const shape = this.#shapes.get(shapeKeyOf(key));
      const finished = shape !== undefined && isFinal(shape, JSON.parse(state) as Json);
      found.push({ kind, version, hash, state, count, finished, amortized: shape?.amortized === true });
    }
    return found;
  }

  #keepShape(countKey: string, rows: Row[]): void {
    const key = shapeKeyOf(countKey);
    if (!this.#unwritten.delete(key)) return;
    rows.push({ key, value: JSON.stringify(this.#shapes.get(key)) });
  }

  #isWritten(key: string): boolean {
    return this.#shapes.has(key) && !this.#unwritten.has(key);
  }
}

/** The key of the shape that a count's key belongs to. */
function shapeKeyOf(countKey: string): string {
  const [kind = '', version = '', hash = ''] = partsOf(countKey);
  return keys.shape(kind, version, hash);
}

async function* rowsOf(store: Store, letter: 'n' | 'v' | 's'): AsyncGenerator<Scanned> {
  for await (const page of pagesOf((options) => scanPast(store, options), rangeOf(letter))) yield* page;
}
