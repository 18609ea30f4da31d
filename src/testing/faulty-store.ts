/**
 * A store whose commits can be watched, held, failed or made the last thing a process does.
 *
 * Owns: nothing of the data, which lies in the inner store. Callers: tests, which decide when a fault
 * strikes.
 * Invariants:
 *  F1 `before` comes when nothing of the commit is written, `after` when all of it is and the caller does not
 *     know;
 *  F2 a fault in either phase looks to the caller like any failed commit: STORE_FAILED, now and for every
 *     later one;
 *  F3 closing waits for a commit that is held, as it waits for one being written;
 *  F4 a store without faults behaves exactly like its inner store;
 *  F5 after `kill` no call is answered, those under way included: whoever holds the store is a dead process.
 */
import { strict as assert } from 'node:assert';
import { HoldfastError } from '../errors.js';
import type { Commit, Entry, ScanOptions, Store, StoreView } from '../store/index.js';

export type CommitPhase = 'before' | 'after';

export interface FaultyStoreOptions {
  /** Called around every commit. It may throw, wait (a promise delays the commit), or kill the process. */
  readonly onCommit?: (number: number, phase: CommitPhase, commit: Commit) => void | Promise<void>;
}

/** A commit that is being held up. */
export interface CommitHold {
  /** Settles with the number of the commit when one has come as far as the hold. */
  readonly reached: Promise<number>;
  /** Lets it, and all that follow, go on. Releasing twice is harmless. */
  readonly release: () => void;
}

export interface FaultyStore extends Store {
  /** Holds the next commit that comes to `phase` (default `before`) until it is released. */
  readonly hold: (phase?: CommitPhase) => CommitHold;
  /** Makes the next commit fail: `before` with nothing written, `after` with all of it written. */
  readonly failNext: (phase: CommitPhase) => void;
  /**
   * Takes the store away from its holder, as SIGKILL would. Resolves when the inner store is closed and may
   * be opened again; a write that had reached it is finished first. Call it from `onCommit` to die at a
   * commit.
   */
  readonly kill: () => Promise<void>;
  /** Commits that came through since the store was wrapped. */
  readonly commitCount: number;
}

interface Hold extends CommitHold {
  readonly phase: CommitPhase;
  readonly pass: (number: number) => Promise<void>;
}

/** Wraps a store. The inner one is the wrapper's own from then on: it is closed with it. */
export function faultyStore(inner: Store, options: FaultyStoreOptions = {}): FaultyStore {
  return new WrappedStore(inner, options);
}

class WrappedStore implements FaultyStore {
  readonly #inner: Store;
  readonly #onCommit: FaultyStoreOptions['onCommit'];
  #hold: Hold | undefined;
  #failing: CommitPhase | undefined;
  #failure: { readonly cause: unknown } | undefined;
  #commitCount = 0;
  #inFlight: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #dead = false;
  /** The write that has reached the inner store. */
  #writing: Promise<unknown> = Promise.resolve();

  constructor(inner: Store, options: FaultyStoreOptions) {
    this.#inner = inner;
    this.#onCommit = options.onCommit;
  }

  get generation(): number {
    return this.#inner.generation;
  }

  get lastCommit(): number {
    return this.#inner.lastCommit;
  }

  get commitCount(): number {
    return this.#commitCount;
  }

  get(key: string): string | undefined | Promise<string | undefined> {
    if (this.#dead) return never();
    this.#mustBeOpen();
    const found = this.#inner.get(key);
    return found instanceof Promise ? this.#answer(() => found) : found;
  }

  async getMany(keys: readonly string[]): Promise<(string | undefined)[]> {
    return await this.#answer(() => this.#inner.getMany(keys));
  }

  async scan(options: ScanOptions): Promise<Entry[]> {
    return await this.#answer(() => this.#inner.scan(options));
  }

  async commit(commit: Commit): Promise<void> {
    if (this.#dead) return never();
    this.#mustBeOpen();
    if (this.#failure !== undefined) throw failed(commit.number, this.#failure.cause);
    assert.ok(this.#inFlight === undefined, 'one commit at a time');
    this.#inFlight = this.#write(commit);
    try {
      await this.#inFlight;
    } finally {
      this.#inFlight = undefined;
    }
  }

  async view(): Promise<StoreView> {
    const view = await this.#answer(() => this.#inner.view());
    return {
      lastCommit: view.lastCommit,
      scan: (options) => this.#answer(() => view.scan(options)),
      scanStored: (options) => this.#answer(() => view.scanStored(options)),
      close: () => view.close(),
    };
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled([this.#inFlight]).then(() => this.#inner.close());
    return this.#closing;
  }

  hold(phase: CommitPhase = 'before'): CommitHold {
    const mine: Hold = makeHold(phase, () => {
      if (this.#hold === mine) this.#hold = undefined;
    });
    this.#hold = mine;
    return mine;
  }

  failNext(phase: CommitPhase): void {
    this.#failing = phase;
  }

  async kill(): Promise<void> {
    this.#dead = true;
    await Promise.allSettled([this.#writing]);
    await this.#inner.close();
  }

  /** What a read gives, unless its holder has died meanwhile. */
  async #answer<T>(read: () => Promise<T>): Promise<T> {
    if (this.#dead) return never();
    this.#mustBeOpen();
    const settled = await Promise.allSettled([read()]);
    if (this.#dead) return never();
    const [found] = settled;
    if (found.status === 'rejected') throw found.reason;
    return found.value;
  }

  async #write(commit: Commit): Promise<void> {
    await this.#reach(commit, 'before');
    if (this.#dead) return never();
    const writing = this.#inner.commit(commit);
    this.#writing = writing;
    await Promise.allSettled([writing]);
    if (this.#dead) return never();
    await writing;
    await this.#reach(commit, 'after');
    if (this.#dead) return never();
    this.#commitCount += 1;
  }

  async #reach(commit: Commit, phase: CommitPhase): Promise<void> {
    try {
      if (this.#hold?.phase === phase) await this.#hold.pass(commit.number);
      await this.#onCommit?.(commit.number, phase, commit);
      if (this.#failing === phase) throw new Error(`simulated fault ${phase} commit ${commit.number}`);
    } catch (cause) {
      this.#failure = { cause };
      throw failed(commit.number, cause);
    }
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw new HoldfastError('RUNTIME_CLOSED', 'the store is closed');
  }
}

/** The answer a dead process gets. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}

function makeHold(phase: CommitPhase, onRelease: () => void): Hold {
  let release = (): void => undefined;
  let announce: (number: number) => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const reached = new Promise<number>((resolve) => {
    announce = resolve;
  });
  return {
    phase,
    reached,
    pass: (number) => {
      announce(number);
      return released;
    },
    release: () => {
      onRelease();
      release();
    },
  };
}

function failed(number: number, cause: unknown): HoldfastError {
  return new HoldfastError('STORE_FAILED', `commit ${number} could not be written`, { cause });
}
