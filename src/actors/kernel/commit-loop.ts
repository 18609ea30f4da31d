/**
 * The commit loop: the one writer of an open store.
 *
 * Owns: the groups of rows that are not on disk yet, and the view of the store with those rows laid over it.
 * Callers: the kernel's own files. Nobody else writes.
 *
 * Invariants:
 *  C1  One batch is in flight; everything staged meanwhile forms the next group (K3), closed at 4 MiB or
 *      2,000 rows.
 *  C2  All rows of one stage are in one group; groups commit in order; `after` callbacks run in stage order,
 *      after the commit of their group and before any of the next (K1).
 *  C3  Every read and scan sees staged rows, newest first, over the committed ones.
 *  C4  After a failed commit nothing is written any more and every stage's `failed` is called once (K4).
 *  C5  All that is staged during one `together` is in one group, whatever its size: it is on disk as a whole,
 *      or not at all.
 */
import type { Clock } from '../../clock.js';
import { HoldfastError, isHoldfastError } from '../../errors.js';
import type { Json } from '../../json.js';
import { limits } from '../../limits.js';
import { compareKeys, keys, rangeAfter } from '../../store/keys.js';
import type { Entry, Expectation, Range, Row, ScanOptions, Store } from '../../store/store.js';
import { expectations, isFull, isShortOfOrds, nextOrdOf, settledBy, type Group } from './commit-group.js';
import type { Counts } from './counts.js';
import type { Dwelt } from './dwell.js';
import type { Shape } from './shape.js';
import type { KernelWatch } from './watching.js';

interface Expiring {
  readonly hour: number;
  readonly key: string;
}

interface Counted {
  readonly key: string;
  readonly delta: number;
}

/** The rows of one step, gathered before they join a group. Lists that most stages leave empty come late. */
export class Stage {
  readonly rows: Row[] = [];
  /** What must hold for the one actor whose step it is. */
  expectation: Expectation | undefined = undefined;
  expiring: Expiring[] | undefined = undefined;
  counted: Counted[] | undefined = undefined;
  dwelt: Dwelt | undefined = undefined;
  after: () => void = nothing;
  failed: (error: unknown) => void = nothing;
  readonly commitNumber: number;
  readonly epoch: number;
  /** Who traces the step. */
  readonly watch: KernelWatch | undefined;
  readonly #group: Group;

  constructor(group: Group, epoch: number, watch?: KernelWatch) {
    this.#group = group;
    this.commitNumber = group.number;
    this.epoch = epoch;
    this.watch = watch;
  }

  /** Returns how long the row's text is. */
  put(key: string, value: Json | object): number {
    const text = JSON.stringify(value);
    this.putText(key, text);
    return text.length;
  }

  /** A key the store would refuse is refused here: it fails its own step, not the commit of everybody's. */
  putText(key: string, value: string): void {
    if (!key.isWellFormed()) throw new HoldfastError('INVALID_ID', 'a key holds a lone surrogate');
    this.rows.push({ key, value });
  }

  delete(key: string): void {
    this.rows.push({ key, value: undefined });
  }

  /** The step is refused unless the actor is at `seq` before its group. */
  expect(address: string, seq: number): void {
    this.expectation = { address, expectedSeq: seq, epoch: this.epoch };
  }

  /** The row is removed by the sweep of that hour. */
  expire(hour: number, key: string): void {
    this.expiring ??= [];
    this.expiring.push({ hour, key });
  }

  /** Moves the count of a state. */
  count(key: string, delta: number): void {
    this.counted ??= [];
    this.counted.push({ key, delta });
  }

  /** The order of the next thing this stage creates. */
  nextOrd(): string {
    return nextOrdOf(this.#group);
  }
}

function nothing(): void {
  // For stages that nobody waits for.
}

export class CommitLoop {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #counts: Counts;
  /** Oldest first; the first is in flight while `#writing`. */
  readonly #groups: Group[] = [];
  #writing = false;
  #scheduled = false;
  #failure: unknown;
  #idle: (() => void)[] = [];
  /** Who waits for the next commit, whatever is in it. */
  #turns: (() => void)[] = [];
  #stagesPending = 0;
  /** What is staged goes here, and it is not written yet (C5). */
  #held: Group | undefined;
  #holding: Promise<unknown> = Promise.resolve();

  readonly #onFailure: (error: unknown) => void;
  readonly #watch: KernelWatch | undefined;

  constructor(
    store: Store,
    clock: Clock,
    counts: Counts,
    onFailure: (error: unknown) => void,
    watch?: KernelWatch,
  ) {
    this.#onFailure = onFailure;
    this.#watch = watch;
    this.#store = store;
    this.#clock = clock;
    this.#counts = counts;
  }

  get epoch(): number {
    return this.#store.generation;
  }

  /**
   * Steps that are staged and not on disk; as many as there may be when what is kept together has given half
   * its orders away: it takes all that is staged, and a step that finds no order would stand still for it.
   */
  get pending(): number {
    const isCrowded = this.#held !== undefined && isShortOfOrds(this.#held);
    return isCrowded ? Math.max(this.#stagesPending, limits.pendingStepsMax) : this.#stagesPending;
  }

  /** The states of a stored version; undefined when they were never written down. */
  shape(kind: string, version: string, hash: string): Shape | undefined {
    return this.#counts.shape(kind, version, hash);
  }

  /** Starts a stage. It must be filled and given to `add` in the same synchronous turn. */
  begin(): Stage {
    if (this.#failure !== undefined) throw this.#failure;
    return new Stage(this.#openGroup(), this.epoch, this.#watch);
  }

  /** An order by itself, for what must be known before its stage is filled: no later one is smaller. */
  nextOrd(): string {
    if (this.#failure !== undefined) throw this.#failure;
    return nextOrdOf(this.#openGroup());
  }

  /** Puts a filled stage into its group; its `after` runs once the group is on disk. */
  add(stage: Stage): void {
    const group = this.#groups.at(-1);
    if (group?.number !== stage.commitNumber) throw new Error('a stage was kept across turns');
    for (const row of stage.rows) {
      group.rows.set(row.key, row);
      group.bytes += row.key.length + (row.value?.length ?? 0);
    }
    group.stages.push(stage);
    this.#stagesPending += 1;
    this.#wake();
  }

  /**
   * Keeps all that is staged until `work` has ended for one commit (C5), that of others, too; one at a time.
   * `work` waits for stages alone: for a commit it would wait for ever.
   */
  together<T>(work: () => Promise<T>): Promise<T> {
    const held = this.#holding.then(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      this.#held = this.#newGroup();
      try {
        return await work();
      } finally {
        this.#held = undefined;
        if (this.#holdsWork()) this.#wake();
      }
    });
    this.#holding = held.catch(nothing);
    return held;
  }

  /** Resolves when nothing is kept together any more. */
  async released(): Promise<void> {
    await this.#holding;
  }

  /** Resolves when what is staged for a key is on disk: at once when nothing is. */
  async settled(key: string): Promise<void> {
    // What was staged when memory was dropped is on no disk that we know of (K4).
    if (this.#failure !== undefined) throw this.#failure;
    const group = this.#groups.findLast((candidate) => candidate.rows.has(key));
    if (group !== undefined) await settledBy(group);
  }

  /** A row as of now, staged rows included (C3). */
  read(key: string): string | undefined | Promise<string | undefined> {
    const staged = this.peek(key);
    return staged === null ? this.#store.get(key) : staged;
  }

  /**
   * What is staged for a key: null when nothing is, undefined when it will be deleted. Never touches the
   * disk.
   */
  peek(key: string): string | undefined | null {
    for (let index = this.#groups.length - 1; index >= 0; index -= 1) {
      const rows = this.#groups[index]?.rows;
      const row = rows?.get(key);
      if (row !== undefined) return row.value;
    }
    return null;
  }

  /** One page of a range as of now, staged rows included (C3). */
  async scan(options: ScanOptions): Promise<Entry[]> {
    const staged = this.#stagedIn(options);
    if (staged.size === 0) return this.#store.scan(options);
    const direction = options.reverse === true ? -1 : 1;
    const found: Entry[] = [];
    let range: Range = options;
    for (;;) {
      const page = await this.#store.scan({ ...options, ...range });
      const last = page.at(-1);
      const complete = page.length < options.limit || last === undefined;
      for (const entry of page) if (!staged.has(entry[0])) found.push(entry);
      const within = ([key]: Entry): boolean => complete || compareKeys(key, last[0]) * direction <= 0;
      const extra = [...staged]
        .filter((entry): entry is [string, string] => entry[1] !== undefined)
        .filter(within);
      if (complete || found.length + extra.length >= options.limit) {
        return [...found, ...extra]
          .sort((a, b) => compareKeys(a[0], b[0]) * direction)
          .slice(0, options.limit);
      }
      range = options.reverse === true ? { gte: range.gte, lt: last[0] } : rangeAfter(range, last[0]);
    }
  }

  /** Resolves after the next commit: for those who wait until fewer steps are pending. */
  nextCommit(): Promise<void> {
    if (this.#failure !== undefined || !this.#holdsWork()) return Promise.resolve();
    return new Promise((resolve) => this.#turns.push(resolve));
  }

  /** Lets what is ready run: for those who wait for a step that is not staged yet. */
  moment(): Promise<void> {
    return new Promise((resolve) => this.#clock.soon(resolve));
  }

  /** Resolves when everything staged so far is on disk; rejects when it cannot be. */
  async flushed(): Promise<void> {
    while (this.#holdsWork()) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
      if (this.#failure !== undefined) throw this.#failure;
    }
  }

  /** Refuses all further work; used by `close` and when memory can no longer be trusted. */
  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    const groups = this.#groups.splice(0);
    this.#stagesPending = 0;
    for (const group of groups) for (const stage of group.stages) stage.failed(error);
    this.#releaseTurns();
    this.#releaseIdle();
  }

  #openGroup(): Group {
    if (this.#held !== undefined) return this.#held;
    const last = this.#groups.at(-1);
    const inFlight = this.#writing && this.#groups.length === 1;
    return last !== undefined && !inFlight && !isFull(last) ? last : this.#newGroup();
  }

  #newGroup(): Group {
    const number = (this.#groups.at(-1)?.number ?? this.#store.lastCommit) + 1;
    const group: Group = { number, rows: new Map(), stages: [], bytes: 0, created: 0 };
    this.#groups.push(group);
    return group;
  }

  #wake(): void {
    if (this.#writing || this.#scheduled) return;
    this.#scheduled = true;
    const writeSoon = (): void =>
      this.#clock.soon(() => {
        this.#scheduled = false;
        void this.#write();
      });
    if (this.#watch === undefined) writeSoon();
    else this.#watch.apart(writeSoon);
  }

  async #write(): Promise<void> {
    const group = this.#groups[0];
    const isHeld = group !== undefined && group === this.#held;
    if (group === undefined || isHeld || this.#writing || this.#failure !== undefined) return;
    this.#writing = true;
    try {
      this.#finish(group);
      const rows = [...group.rows.values()];
      const at = this.#clock.now();
      const startedMs = this.#watch === undefined ? 0 : this.#clock.monotonicMs();
      await this.#store.commit({ number: group.number, rows, expect: expectations(group), at });
      this.#watch?.committed({
        ...{ number: group.number, steps: group.stages.length, rows: rows.length, bytes: group.bytes },
        durationMs: this.#clock.monotonicMs() - startedMs,
      });
    } catch (error) {
      this.#writing = false;
      const code = isHoldfastError(error, 'STORE_FULL') ? error.code : 'STORE_FAILED';
      const failure = new HoldfastError(code, `commit ${group.number} failed`, { cause: error });
      this.fail(failure);
      this.#onFailure(failure);
      return;
    }
    this.#writing = false;
    this.#counts.written();
    this.#groups.shift();
    this.#stagesPending -= group.stages.length;
    for (const stage of group.stages) stage.after();
    this.#releaseTurns();
    if (this.#holdsWork()) this.#wake();
    this.#releaseIdle();
  }

  /** False too for a group whose only stage was given up before it was filled: there is nothing to write. */
  #holdsWork(): boolean {
    return this.#groups.some((group) => group.stages.length > 0);
  }

  /** Adds the rows that are written once a group: state counts and the expiry bucket of its dedupe rows. */
  #finish(group: Group): void {
    for (const { counted, dwelt } of group.stages) {
      if (counted !== undefined) for (const { key, delta } of counted) this.#counts.add(key, delta);
      if (dwelt !== undefined) this.#counts.dwell.add(dwelt);
    }
    for (const row of this.#counts.takeRows()) group.rows.set(row.key, row);
    const byHour = new Map<number, string[]>();
    for (const { expiring } of group.stages) {
      if (expiring === undefined) continue;
      for (const { hour, key } of expiring) {
        const bucket = byHour.get(hour);
        if (bucket === undefined) byHour.set(hour, [key]);
        else bucket.push(key);
      }
    }
    for (const [hour, expiring] of byHour) {
      const key = keys.expiry(hour, group.number);
      group.rows.set(key, { key, value: JSON.stringify(expiring) });
    }
  }

  #stagedIn(range: Range): Map<string, string | undefined> {
    const staged = new Map<string, string | undefined>();
    for (const group of this.#groups) {
      for (const [key, { value }] of group.rows) {
        if (compareKeys(key, range.gte) >= 0 && compareKeys(key, range.lt) < 0) staged.set(key, value);
      }
    }
    return staged;
  }

  #releaseTurns(): void {
    if (this.#turns.length === 0) return;
    const waiting = this.#turns;
    this.#turns = [];
    for (const resolve of waiting) resolve();
  }

  #releaseIdle(): void {
    if (this.#failure === undefined && this.#holdsWork()) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }
}
