/**
 * The store port: ordered rows of text, written in numbered atomic commits by one writer.
 *
 * The kernel, the façades and the tests know this file alone; LevelStore and MemoryStore implement it and
 * pass the contract suite in `testing/store-contract.ts`.
 *
 * Invariants every implementation keeps:
 *  S1  A commit is all or nothing; commits are durable in the order of their numbers, without gaps.
 *  S2  `commit` refuses a number other than `lastCommit + 1`, a stale epoch, an unexpected seq or a time that
 *      is none, and writes nothing.
 *  S3  After a failed commit every further commit fails until the store is reopened (STORE_FAILED; STORE_FULL
 *      where the disk has no room).
 *  S4  Values come back as they were written, or `STORE_CORRUPTED` is thrown: never something else, never
 *      silence.
 *  S5  Keys are ordered by their UTF-8 bytes.
 *  S6  One writer: a second open of the same place fails with STORE_LOCKED.
 *  S7  A view shows one moment, between two commits, whatever is committed while it is read; it ends with the
 *      store.
 *  S8  The time of a commit comes back as it was given, for the last `limits.chainRowsKept` commits at least.
 */

/** A row to write. `value` is JSON text; undefined deletes the key. Keys come from `keys.ts`. */
export interface Row {
  readonly key: string;
  readonly value: string | undefined;
}

/**
 * What must hold for an actor before a commit may touch it: its record's `seq` (0: no record) and the
 * writer's epoch.
 */
export interface Expectation {
  readonly address: string;
  readonly expectedSeq: number;
  /** The generation of the store handle that made the step. */
  readonly epoch: number;
}

export interface Commit {
  /** 1, 2, 3, ...: `lastCommit + 1`. */
  readonly number: number;
  /** Later rows win over earlier ones with the same key. */
  readonly rows: readonly Row[];
  /** At most one for each actor: what holds before the whole commit. */
  readonly expect: readonly Expectation[];
  /**
   * When its writing began, epoch milliseconds; default: that is not told. It comes back from the row
   * `keys.chain(number)`, by `commitTimeOf` (S8).
   */
  readonly at?: number | undefined;
}

/** A half-open range of keys, in byte order. */
export interface Range {
  readonly gte: string;
  readonly lt: string;
}

export interface ScanOptions extends Range {
  /** Rows at most; 1 or more. */
  readonly limit: number;
  readonly reverse?: boolean;
}

export type Entry = readonly [key: string, value: string];

/** One moment of a store (S7). It keeps what it shows on disk: close it. Later reads are RUNTIME_CLOSED. */
export interface StoreView {
  /** The newest commit it shows. */
  readonly lastCommit: number;
  /** As `Store.scan`. */
  scan(options: ScanOptions): Promise<Entry[]>;
  /**
   * Rows in the form they are stored in, checksums and damaged ones included: what a copy is made of. A page
   * of some MiB at most, so it may be shorter than its limit: the end is an empty one.
   */
  scanStored(options: ScanOptions): Promise<Entry[]>;
  /** Closing twice is harmless. */
  close(): Promise<void>;
}

export interface Store {
  /**
   * Rises by one at every open for running; 0 for a store opened only to look. Also the epoch of its steps.
   */
  readonly generation: number;
  /**
   * The number of the newest commit on disk. Creating a store and opening it to run are commits too: start
   * from here.
   */
  readonly lastCommit: number;
  get(key: string): string | undefined | Promise<string | undefined>;
  getMany(keys: readonly string[]): Promise<(string | undefined)[]>;
  /** One page of a range. Continue with `gte: lastKey + '\0'`. */
  scan(options: ScanOptions): Promise<Entry[]>;
  commit(commit: Commit): Promise<void>;
  /**
   * The store as it is now, to be read at leisure. Throws STORE_BUSY when `limits.storeViewsMax` are open.
   */
  view(): Promise<StoreView>;
  /** Waits for a commit in flight; closing twice is harmless. */
  close(): Promise<void>;
}
