/** Mutants of what can be done to an actor now, and of who hears of it (I6, I8). */
import type { Mutant } from './mutant.js';

const acts = 'src/actors/inspection/acts.ts';
const actTests = 'test/inspection/acts.test.ts';
const legal = 'src/actors/inspection/legal.ts';
const legalTests = 'test/inspection/legal.test.ts';
const usersMachine = 'a user’s machine takes what is legal, described and checked by its own schemas';
const watch = 'src/actors/inspection/watch.ts';
const watchTests = 'test/inspection/watch.test.ts';
const stream = 'src/control/event-stream.ts';
const streamTests = 'test/control/event-stream.test.ts';
const races = 'test/inspection/act-races.test.ts';
const onceById = 'an act with an id is done once, however often and whenever it is asked for again';

export const actMutants: readonly Mutant[] = [
  {
    name: 'offers what the chart of a job does not take now',
    breaks: ['I6'],
    file: acts,
    find: 'takes: (type) => types.has(type),',
    replace: "takes: (type) => types.has(type) || type !== '',",
    caughtBy: actTests,
    by: 'a job is cancelled once, by name; twice is refused, and says what there is',
  },
  {
    name: 'does not journal who acted',
    breaks: ['I6'],
    file: acts,
    find: 'scene.actors.tell(address, { ...givenFields(input), type }, by)',
    replace: "scene.actors.tell(address, { ...givenFields(input), type }, { ...by, operator: 'somebody' })",
    caughtBy: actTests,
    by: usersMachine,
  },
  {
    name: 'does to who stands still what may be done to who does not',
    breaks: ['I6'],
    file: acts,
    find: 'if (record.quarantine !== undefined) {\n    const canSkip = record.quarantine.head !== undefined;',
    replace: 'if (record.quarantine !== undefined) {\n    const canSkip = record.seq < 0;',
    caughtBy: actTests,
    by: 'who stands still is resumed, skipped, dismissed; offline it is house kinds alone',
  },
  {
    name: 'tells of timers that are not armed',
    breaks: ['I6'],
    file: legal,
    find: 'if (scope.record !== undefined && armed === undefined) return [];',
    replace: 'if (scope.record === undefined && armed !== undefined) return [];',
    caughtBy: legalTests,
    by: 'what nothing could bring is not told: timers that are not armed, ends of what is not under way',
  },
  {
    name: 'tells of the end of what is not under way',
    breaks: ['I6'],
    file: legal,
    find: 'if (record !== undefined && effect === undefined) return [];',
    replace: 'if (record === undefined && effect !== undefined) return [];',
    caughtBy: legalTests,
    by: 'what nothing could bring is not told: timers that are not armed, ends of what is not under way',
  },
  {
    name: 'tells of what a parent takes though a state within takes it to do nothing',
    breaks: ['I6'],
    file: legal,
    find: '        decided.add(type);\n',
    replace: '        if (transition.target !== undefined) decided.add(type);\n',
    caughtBy: legalTests,
    by: 'a transition that does nothing is no event to send, and hides that of its parent',
  },
  {
    name: 'tells nobody but the first broken one of those who watch',
    breaks: ['I8'],
    file: watch,
    find: '    for (const listener of this.#listeners) this.#tell(listener, frame);',
    replace: '    for (const listener of this.#listeners) return this.#tell(listener, frame);',
    caughtBy: watchTests,
    by: 'who watches one actor hears of no other, and who throws keeps nobody from hearing',
  },
  {
    name: 'tells those who watch of all steps at once',
    breaks: ['I8'],
    file: watch,
    find: 'const over = Math.max(0, this.#steps.length - limits.inspectorFrameStepsMax);',
    replace: 'const over = Math.max(0, this.#steps.length - limits.inspectorFrameStepsMax * 100);',
    caughtBy: watchTests,
    by: 'a frame has room for the newest steps, and says how many more there were',
  },
  {
    name: 'tells those who watch of each step by itself',
    breaks: ['I8'],
    file: watch,
    find: 'schedule(limits.inspectorFrameGapMs, () => this.#flush())',
    replace: 'schedule(0, () => this.#flush())',
    caughtBy: watchTests,
    by: 'a frame tells the steps since the last one, and the counts that changed',
  },
  {
    name: 'piles up what a reader does not take',
    breaks: ['I8'],
    file: stream,
    find: 'if ((this.#controller.desiredSize ?? 0) <= 0) return false;',
    replace: 'if (this.#controller.desiredSize === null) return false;',
    caughtBy: streamTests,
    by: 'a listener that is behind misses frames, and is told so before the next one',
  },
  {
    name: 'listens for a reader that has gone',
    breaks: ['I8'],
    file: stream,
    find: '        this.#controller = undefined;\n        end();',
    replace: '        this.#controller = undefined;',
    caughtBy: streamTests,
    by: 'a reader that cancels is listened for no more, and its place is free once',
  },
  {
    name: 'keeps the place of a stream that could not begin',
    breaks: ['I8'],
    file: stream,
    find: '  } catch (error) {\n    end();\n    throw error;',
    replace: '  } catch (error) {\n    throw error;',
    caughtBy: streamTests,
    by: 'what cannot begin gives its place back',
  },
  {
    name: 'waits for ever for a reader that takes nothing',
    breaks: ['I8'],
    file: stream,
    find: 'if (isStuck && wasStuck) return end();',
    replace: 'if (isStuck && wasStuck && told.body.locked) return;',
    caughtBy: streamTests,
    by: 'one that takes nothing from one beat to the next is given up',
  },
  {
    name: 'journals the cancel of a job that somebody has cancelled meanwhile',
    breaks: ['I6'],
    file: 'src/actors/jobs.ts',
    find: 'if (SETTLED.has(now)) throw notCancellable(id, now);',
    replace: "if (SETTLED.has(now) && now === 'failed') throw notCancellable(id, now);",
    caughtBy: races,
    by: 'a job is cancelled by the first of two, and the other hears that it is',
  },
  {
    name: 'journals the cancel of a job that is to be cancelled already',
    breaks: ['I6'],
    file: 'src/actors/jobs.ts',
    find: 'if (isUnwanted(snapshot)) throw NOTED;',
    replace: "if (isUnwanted(snapshot) && now === 'blocked') throw NOTED;",
    caughtBy: races,
    by: 'a job whose POST is out is to be cancelled once, whoever says so again',
  },
  {
    name: 'does again what was done under its id',
    breaks: ['I6'],
    file: acts,
    find: 'if (await isTaken(scene, asked.address, eventId)) return;',
    replace: 'if (await isTaken(scene, asked.address, id)) return;',
    caughtBy: races,
    by: onceById,
  },
  {
    name: 'does not tell the step what the act is called',
    breaks: ['I6'],
    file: 'src/actors/operator.ts',
    find: 'const called = id === undefined ? {} : { id };',
    replace: "const called = id === '' ? { id } : {};",
    caughtBy: races,
    by: onceById,
  },
];
