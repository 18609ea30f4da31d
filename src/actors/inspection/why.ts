/**
 * Why an actor is where it is: its state and since when, what it waits for, what went wrong, what is legal.
 *
 * Callers: inspection.ts. Invariant: it answers for every actor that has a record, whatever is wrong with it.
 */
import { isHoldfastError, type HoldfastError } from '../../errors.js';
import { valueOf } from '../kernel/record.js';
import { actsOf } from './acts.js';
import type { WhyReport } from './face.js';
import { stateIn } from './lines.js';
import type { Scene } from './scene.js';
import { subjectOf, type Subject } from './subject.js';
import { factsOf } from './why-facts.js';
import { unreadableWords, wordsOf } from './why-words.js';

/** The report, and what it was made of. Throws INVALID_ID, ACTOR_NOT_FOUND. */
export async function whyOf(
  scene: Scene,
  address: string,
): Promise<{ readonly report: WhyReport; readonly madeOf: readonly unknown[] }> {
  let subject: Subject;
  try {
    subject = await subjectOf(scene, address);
  } catch (error) {
    if (isHoldfastError(error, 'STORE_CORRUPTED'))
      return { report: await unreadable(scene, address, error), madeOf: [] };
    throw error;
  }
  const facts = await factsOf(scene, subject);
  const { status, states, legal, nextTimer, effects, errors, record } = facts;
  const value = stateIn(valueOf(record));
  const report = {
    ...{ address, status, states, legal, effects, errors, words: wordsOf(facts) },
    ...(value !== null && { value }),
    ...(nextTimer && { nextTimer }),
  };
  return { report, madeOf: [record.snapshot] };
}

async function unreadable(
  scene: Scene,
  address: string,
  { code, message }: HoldfastError,
): Promise<WhyReport> {
  const acts = (await actsOf(scene, address)).map(({ name }) => name);
  return {
    ...{ address, status: 'unreadable', states: [], legal: [], effects: [] },
    errors: [{ code, message }],
    words: unreadableWords(address, code, acts),
  };
}
