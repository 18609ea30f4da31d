/**
 * One actor among many: what is wrong with it is the log's, and keeps nobody from the others.
 *
 * Callers: the façades, where they go through a listing. Invariant: a store that failed, or was closed, is
 * no fault of one actor and stops the listing.
 */
import { isEndOfWriting, isHoldfastError } from '../errors.js';
import type { Logger } from '../log.js';

/** What `visit` resolves with; undefined when this actor cannot be read or stepped, or has gone meanwhile. */
export async function unlessBad<T>(
  log: Logger,
  address: string,
  visit: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await visit();
  } catch (error) {
    if (isEndOfWriting(error)) throw error;
    if (!isHoldfastError(error, 'ACTOR_NOT_FOUND')) log.error({ err: error, address }, 'actor.unusable');
    return undefined;
  }
}
