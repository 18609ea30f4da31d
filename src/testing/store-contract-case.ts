/**
 * The words the cases of the store contract are written in.
 *
 * Owns: the place a store lives in and the small moves on it. Callers: the store-contract files.
 * Invariant: nothing here knows an implementation or a test runner.
 */
import { strict as assert } from 'node:assert';
import { isHoldfastError, type ErrorCode } from '../errors.js';
import { keys, type Commit, type Row, type Store, type StorePurpose } from '../store/index.js';

/** Somewhere a store can be opened, closed and opened again. Empty at first. */
export interface StorePlace {
  readonly open: (purpose?: StorePurpose) => Promise<Store>;
  /**
   * Makes the next write fail with nothing written; left out where it cannot be done, and S3 is then not
   * covered.
   */
  readonly failNextWrite?: () => void;
  /** Removes everything. Stores are closed by then. */
  readonly dispose: () => Promise<void>;
}

/**
 * A case before it knows its place: it opens stores through `open`, and those left open are closed for it.
 */
export interface PlacedCase {
  readonly name: string;
  readonly run: (open: StorePlace['open'], place: StorePlace) => Promise<void>;
}

/** The actor that `step` moves. */
export const ADDRESS = 'job/a';

export function put(key: string, value: string): Row {
  return { key, value };
}

export function remove(key: string): Row {
  return { key, value: undefined };
}

/** The next commit of a store, with these rows and no expectation. */
export function nextCommit(store: Store, rows: readonly Row[]): Commit {
  return { number: store.lastCommit + 1, rows, expect: [] };
}

/** The next commit of a store, with a step of the actor from one seq to another. */
export function step(store: Store, from: number, to: number): Commit {
  const rows = [put(keys.record(ADDRESS), JSON.stringify({ seq: to, epoch: store.generation }))];
  const expect = [{ address: ADDRESS, expectedSeq: from, epoch: store.generation }];
  return { number: store.lastCommit + 1, rows, expect };
}

/** Fails unless `run` fails, at once or later, with this code. */
export async function assertRejects(code: ErrorCode, run: () => unknown): Promise<void> {
  await assert.rejects(
    async () => await run(),
    (error: unknown) => {
      assert.ok(isHoldfastError(error, code), `expected ${code}, got ${String(error)}`);
      return true;
    },
  );
}
