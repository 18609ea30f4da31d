/**
 * Payloads that expire: a row that says until when it is worth keeping, and the buckets that name it.
 *
 * Callers: reserved.ts, the sweeper. Invariants:
 *  X1  A row is named by the bucket of each `until` it was put with; one that says a later hour is left, for
 *      that hour's bucket.
 *  X2  What cannot be read, or says no `until`, is left: it goes with its actor.
 */
import { isPlainObject } from '../../json.js';
import { hourOf } from './belongings.js';
import type { CommitLoop } from './commit-loop.js';
import { readable } from './damage.js';

/** Until when a value is worth keeping, in epoch milliseconds; undefined when it does not say. */
export function untilOf(value: unknown): number | undefined {
  const until: unknown = isPlainObject(value) ? value['until'] : undefined;
  return typeof until === 'number' && Number.isFinite(until) ? until : undefined;
}

/** True for a key that a bucket names, and whose row must be asked. */
export function isPayload(key: string): boolean {
  return key.startsWith('p\0');
}

/** Those of the payloads that have nothing to say after that hour. */
export async function expiredBy(
  loop: CommitLoop,
  named: readonly string[],
  hour: number,
): Promise<ReadonlySet<string>> {
  const expired = new Set<string>();
  for (const key of named) {
    const until = isPayload(key) ? untilOf(await readable(loop, key)) : undefined;
    if (until !== undefined && hourOf(until) <= hour) expired.add(key);
  }
  return expired;
}
