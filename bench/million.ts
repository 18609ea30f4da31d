/**
 * The store that the parts about many actors share: a million sleepers, a hundred thousand of them due at
 * once.
 *
 * Callers: flat.ts, recovery.ts, storm.ts. Invariant: it is made once a run, by the first part that asks.
 */
import { existsSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { join } from 'node:path';
import { fillWithSleepers } from './sleeper.js';

export const MILLION = 1_000_000;
export const DUE_TOGETHER = 100_000;

/** The directory of the store, under the one that all parts of a run are given as their first argument. */
export async function millionSleepers(): Promise<string> {
  const shared = process.argv[2];
  if (shared === undefined) throw new Error('a part is given a directory to work in');
  const directory = join(shared, 'million');
  if (existsSync(directory)) return directory;
  const startedAt = performance.now();
  await fillWithSleepers({ directory, actors: MILLION, dueTogether: DUE_TOGETHER });
  console.log(`(a million sleepers written in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s)`);
  return directory;
}
