/** Mutants of what one event led to: what its causes are told by, and what has its place (I10). */
import type { Mutant } from './mutant.js';

const causes = 'src/actors/inspection/story-causes.ts';
const journals = 'src/actors/inspection/story-journals.ts';
const story = 'src/actors/inspection/story.ts';
const turns = 'test/inspection/story-turns.test.ts';
const ownJobs = 'of two turns that run at once each has its own jobs in its story, after a crash too';
const checkpoints =
  'what is asked for after a checkpoint follows it; one without a turn is of that which ran';
const lives = 'test/inspection/story-lives.test.ts';

export const storyMutants: readonly Mutant[] = [
  {
    name: 'takes the turn that ran then for the one that a job names',
    breaks: ['I10'],
    file: journals,
    find: 'if (of !== undefined && turnId !== undefined)\n      return',
    replace: 'if (of !== undefined && turnId === undefined)\n      return',
    caughtBy: turns,
    by: ownJobs,
  },
  {
    name: 'does not keep the turn that asks for a job',
    breaks: ['I10'],
    file: 'src/actors/job-input.ts',
    find: '...(turn === undefined ? {} : { turn }),',
    replace: '...(turn === undefined || !asked.wakeSession ? {} : {}),',
    caughtBy: turns,
    by: ownJobs,
  },
  {
    name: 'takes another turn for one that is not kept',
    breaks: ['I10'],
    file: causes,
    find: "event['turnId'] === turnId,\n  );\n  return taken",
    replace: "event['turnId'] !== '' && turnId !== '',\n  );\n  return taken",
    caughtBy: turns,
    by: 'a turn that is not kept is a gap, and no other turn is taken for it',
  },
  {
    name: 'tells what it inferred as if somebody had said so',
    breaks: ['I10'],
    file: story,
    find: 'return { cause: step, ...(isInferred && { isInferred }) };',
    replace: 'return { cause: step, ...(isInferred && {}) };',
    caughtBy: turns,
    by: checkpoints,
  },
  {
    name: 'finds the jobs of a turn by their session alone',
    breaks: ['I10'],
    file: journals,
    find: '...(await this.#found(jobIndexes.turn, [id, turnId])),',
    replace: '...(await this.#found(jobIndexes.turn, [turnId, id])),',
    caughtBy: turns,
    by: ownJobs,
  },
  {
    name: 'gives the step that was asked about no place of its own',
    breaks: ['I10'],
    file: story,
    find: 'const waiting: Link[] = [...chain];',
    replace: 'const waiting: Link[] = chain.slice(0, 1);',
    caughtBy: 'test/inspection/story.test.ts',
    by: 'the step that was asked about has its place, whatever else its cause led to',
  },
  {
    name: 'tells the steps of several actors in an order of its own',
    breaks: ['I10'],
    file: story,
    find: 'told.toSorted((a, b) => a.entry.commit - b.entry.commit)',
    replace: 'told.toSorted((a, b) => a.seq - b.seq)',
    caughtBy: lives,
    by: 'a story tells steps that are there, causes first, and the one asked about (seed …',
  },
];
