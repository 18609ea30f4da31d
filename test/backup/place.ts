/**
 * Places for copies, and looks at the rows in them.
 *
 * Callers: the tests of this folder and of test/crash. Invariant: what is made goes when its test ends.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openLevelStore, rangeAfter, type Entry, type Store, type StoreView } from '../../src/store/index.js';

const PAGES_MAX = 100_000;
const EVERYTHING = { gte: '\0', lt: '\x7f' };

/** The path of a directory that is not there yet, in one that is. */
export async function newTarget(name = 'copy'): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'holdfast-backup-'));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
  return join(parent, name);
}

/** Every row as it is stored. */
async function storedRows(view: StoreView): Promise<ReadonlyMap<string, string>> {
  const found: Entry[] = [];
  let range = EVERYTHING;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const some = await view.scanStored({ ...range, limit: 1_000 });
    const last = some.at(-1);
    if (last === undefined) return new Map(found);
    found.push(...some);
    range = rangeAfter(EVERYTHING, last[0]);
  }
  throw new Error('more rows than a test may write');
}

/** Looks into a directory nobody holds. */
export async function looked<T>(directory: string, look: (store: Store) => Promise<T>): Promise<T> {
  const store = await openLevelStore({ directory, purpose: 'look' });
  try {
    return await look(store);
  } finally {
    await store.close();
  }
}

/** Every stored row of a directory nobody holds. */
export function rowsIn(directory: string): Promise<ReadonlyMap<string, string>> {
  return looked(directory, async (store) => storedRows(await store.view()));
}
