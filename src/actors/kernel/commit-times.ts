/**
 * When commits were written, as far as the chain still has their links.
 *
 * Callers: the reader. Invariant: one read for all that are asked for; a link that cannot be read, or says
 * nothing of time, is a commit of an unknown time, never a failure.
 */
import { isHoldfastError } from '../../errors.js';
import { commitTimeOf } from '../../store/commit-time.js';
import { keys } from '../../store/keys.js';
import type { Store } from '../../store/store.js';

/** Epoch milliseconds by commit number. */
export type CommitTimes = ReadonlyMap<number, number>;

type Links = Pick<Store, 'get' | 'getMany'>;

export async function commitTimesIn(store: Links, commits: Iterable<number>): Promise<CommitTimes> {
  const numbers = [...new Set(commits)];
  const links = await linksOf(store, numbers);
  const times = new Map<number, number>();
  for (const [index, number] of numbers.entries()) {
    const at = commitTimeOf(links[index] ?? '');
    if (at !== undefined) times.set(number, at);
  }
  return times;
}

async function linksOf(store: Links, numbers: readonly number[]): Promise<readonly (string | undefined)[]> {
  try {
    return await store.getMany(numbers.map(keys.chain));
  } catch (error) {
    if (!isHoldfastError(error, 'STORE_CORRUPTED')) throw error;
  }
  const found: (string | undefined)[] = [];
  for (const number of numbers) found.push(await linkOf(store, number));
  return found;
}

async function linkOf(store: Links, number: number): Promise<string | undefined> {
  try {
    return await store.get(keys.chain(number));
  } catch (error) {
    if (isHoldfastError(error, 'STORE_CORRUPTED')) return undefined;
    throw error;
  }
}
