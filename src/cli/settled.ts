/**
 * When an actor has come to its end for whoever watches it: before it is final, where its chart keeps it for
 * a while.
 *
 * Pure. Callers: watch-actor.ts. Invariant: a kind of a user's is over when it is final, and no sooner.
 */
import { leavesOf } from '../actors/index.js';
import { splitAddress } from '../ids.js';
import type { StepLine } from '../index.js';

interface Ends {
  /** States in which nothing more is done by itself. */
  readonly over: RegExp;
  /** Those of them that were wanted. */
  readonly well: RegExp;
}

const ENDS: Readonly<Record<string, Ends>> = {
  delivery: { over: /^exhausted$/, well: /^delivered$/ },
  job: { over: /^settled\.outcome\./, well: /^settled\.outcome\.done$/ },
  task: { over: /^settled\./, well: /^settled\.completed$/ },
  work: { over: /^(done|failed|cancelled)$/, well: /^done$/ },
};

/** Undefined: it goes on. */
export function endOf({ address, status, value }: StepLine): 'well' | 'badly' | undefined {
  if (status !== 'active') return status === 'done' ? 'well' : 'badly';
  const ends = ENDS[splitAddress(address).kind];
  const states = leavesOf(value);
  if (ends === undefined || !states.some((state) => ends.over.test(state))) return undefined;
  return states.some((state) => ends.well.test(state)) ? 'well' : 'badly';
}
