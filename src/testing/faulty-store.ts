/**
 * A store whose commits can be watched, held, failed or made the last thing a process does.
 *
 * Owns: nothing of the data, which lies in the inner store. Callers: tests, which decide when a fault strikes.
 * Invariants:
 *  F1 `before` comes when nothing of the commit is written, `after` when all of it is and the caller does not know;
 *  F2 a fault in either phase looks to the caller like any failed commit: STORE_FAILED, now and for every later one;
 *  F3 closing waits for a commit that is held, as it waits for one being written;
 *  F4 a store without faults behaves exactly like its inner store.
 */
import { strict as assert } from 'node:assert';
import { HoldfastError } from '../errors.js';
import type { Commit, Store } from '../store/index.js';

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
  /** Commits that came through since the store was wrapped. */
  readonly commitCount: number;
}

interface Hold extends CommitHold {
  readonly phase: CommitPhase;
  readonly pass: (number: number) => Promise<void>;
}

export function faultyStore(inner: Store, options: FaultyStoreOptions = {}): FaultyStore {
  let hold: Hold | undefined;
  let failing: CommitPhase | undefined;
  let failure: unknown;
  let commitCount = 0;
  let inFlight: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  const mustBeOpen = (): void => {
    if (closing !== undefined) throw new HoldfastError('RUNTIME_CLOSED', 'the store is closed');
  };

  const reach = async (commit: Commit, phase: CommitPhase): Promise<void> => {
    if (hold?.phase === phase) await hold.pass(commit.number);
    await options.onCommit?.(commit.number, phase, commit);
    if (failing !== phase) return;
    failing = undefined;
    throw new Error(`simulated fault ${phase} commit ${commit.number}`);
  };

  const guarded = async (commit: Commit, phase: CommitPhase): Promise<void> => {
    try {
      await reach(commit, phase);
    } catch (error) {
      failure = error;
      throw failed(commit.number, error);
    }
  };

  const write = async (commit: Commit): Promise<void> => {
    await guarded(commit, 'before');
    await inner.commit(commit);
    await guarded(commit, 'after');
    commitCount += 1;
  };

  return {
    get generation() {
      return inner.generation;
    },
    get lastCommit() {
      return inner.lastCommit;
    },
    get commitCount() {
      return commitCount;
    },
    get: (key) => {
      mustBeOpen();
      return inner.get(key);
    },
    getMany: async (keys) => {
      mustBeOpen();
      return await inner.getMany(keys);
    },
    scan: async (scan) => {
      mustBeOpen();
      return await inner.scan(scan);
    },
    close: () => {
      closing ??= Promise.allSettled([inFlight]).then(() => inner.close());
      return closing;
    },
    commit: async (commit) => {
      mustBeOpen();
      if (failure !== undefined) throw failed(commit.number, failure);
      assert.ok(inFlight === undefined, 'one commit at a time');
      inFlight = write(commit);
      try {
        await inFlight;
      } finally {
        inFlight = undefined;
      }
    },
    hold: (phase = 'before') => {
      const mine: Hold = makeHold(phase, () => {
        if (hold === mine) hold = undefined;
      });
      hold = mine;
      return mine;
    },
    failNext: (phase) => {
      failing = phase;
    },
  };
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
