/** Mutants of what is shown of actors: what is on disk, without secrets, step by step (I1, I2, I5, I6). */
import type { Mutant } from './mutant.js';

const diff = 'src/actors/inspection/diff.ts';
const diffs = 'test/inspection/diff.test.ts';
const applied = 'applied to the one before, it makes the one after';
const pointers = 'names are pointers, those of slashes and of prototypes too';
const retake = 'src/actors/inspection/retake.ts';
const versions = 'test/inspection/versions.test.ts';
const migration = 'a migration is a step like any other; those before it are of a machine that is not here';
const sandbox = 'src/actors/inspection/sandbox.ts';
const whatIfs = 'test/inspection/what-if.test.ts';
const secrets = 'test/inspection/secrets.test.ts';
const onDisk = 'test/inspection/on-disk.test.ts';
const hangs = 'nobody is shown a step, a count, a time or a letter whose commit hangs or has failed';
const noSecret = 'no answer has a secret in it';

export const inspectionMutants: readonly Mutant[] = [
  {
    name: 'shows an actor as it will be when its commit is done',
    breaks: ['I1'],
    file: 'src/actors/inspection/subject.ts',
    find: 'await reader.recordOnDisk(address);',
    replace: 'await reader.record(address);',
    caughtBy: onDisk,
    by: hangs,
  },
  {
    name: 'counts actors where they will be',
    breaks: ['I1'],
    file: 'src/actors/kernel/counts.ts',
    find: 'return this.#views(this.#shown, wanted);',
    replace: 'return this.#views(this.#totals, wanted);',
    caughtBy: onDisk,
    by: hangs,
  },
  {
    name: 'shows a stay that has not ended yet on disk',
    breaks: ['I1', 'I7'],
    file: 'src/actors/kernel/dwell.ts',
    find: 'const row = this.#before.has(key) ? this.#before.get(key) : newest;',
    replace: 'const row = this.#before.has(key) ? newest : newest;',
    caughtBy: onDisk,
    by: hangs,
  },
  {
    name: 'looks for secrets in an answer alone, and not in what it was made of',
    breaks: ['I2'],
    file: 'src/actors/inspection/veil.ts',
    find: 'for (const each of data) if (each !== undefined)',
    replace: 'for (const each of data) if (each === undefined)',
    caughtBy: secrets,
    by: noSecret,
  },
  {
    name: 'shows the secrets of a step',
    breaks: ['I2'],
    file: 'src/actors/inspection/step-report.ts',
    find: 'veiled(withContexts(line, entry, retaken), [record.snapshot])',
    replace: 'withContexts(line, entry, retaken)',
    caughtBy: secrets,
    by: noSecret,
  },
  {
    name: 'shows a file that nobody refers to',
    breaks: ['I2'],
    file: 'src/actors/inspection/artifacts.ts',
    find: '|| !(await kernel.reader.isReferenced(file))',
    replace: '|| (await kernel.reader.isReferenced(file)) === undefined',
    caughtBy: 'test/inspection/artifacts.test.ts',
    by: 'a file is shown while an actor refers to it, by its own name alone',
  },
  {
    name: 'takes the steps of an older machine again with the present one',
    breaks: ['I5'],
    file: retake,
    find: 'all.some((entry) => entry.migrated !== undefined && entry.seq > seq)',
    replace: 'all.some((entry) => entry.migrated !== undefined && entry.seq > record.seq)',
    caughtBy: versions,
    by: migration,
  },
  {
    name: 'compares a migrated context with one that it does not know',
    breaks: ['I5'],
    file: 'src/actors/inspection/step-report.ts',
    find: 'if (migrated !== undefined) return { ...line, context: after, isCompared: false };',
    replace: 'if (migrated !== undefined) return { ...line, context: after, isCompared: true };',
    caughtBy: versions,
    by: migration,
  },
  {
    name: 'takes out of a list where nothing is any more',
    breaks: ['I5'],
    file: diff,
    find: 'yield { path: `${path}/${both}`, before: gone };',
    replace: 'yield { path: `${path}/${before.indexOf(gone)}`, before: gone };',
    caughtBy: diffs,
    by: applied,
  },
  {
    name: 'takes a member of a prototype for one of a context',
    breaks: ['I5'],
    file: diff,
    find: 'return Object.hasOwn(object, name) ? object[name] : undefined;',
    replace: 'return object[name];',
    caughtBy: diffs,
    by: pointers,
  },
  {
    name: 'takes a slash in a name for the end of it',
    breaks: ['I5'],
    file: diff,
    find: '`${path}/${pointerPart(name)}`',
    replace: '`${path}/${name}`',
    caughtBy: diffs,
    by: pointers,
  },
  {
    name: 'forgets in the sandbox what the event before led to',
    breaks: ['I5'],
    file: sandbox,
    find: '      snapshot = taken.snapshot;',
    replace: '      snapshot = index < 0 ? taken.snapshot : snapshot;',
    caughtBy: whatIfs,
    by: 'an event is taken from any kept step on, and nothing is written',
  },
  {
    name: 'goes on in the sandbox after a guard threw',
    breaks: ['I5'],
    file: sandbox,
    find: 'const standsStill = steps.at(-1)?.error !== undefined;',
    replace: 'const standsStill = steps.at(-1)?.error === null;',
    caughtBy: whatIfs,
    by: 'a guard that throws is told, and nothing is taken after it',
  },
  {
    name: 'takes in the sandbox the end of what is not under way',
    breaks: ['I6'],
    file: sandbox,
    find: 'child !== undefined && childrenOf(snapshot)[child] !== undefined;',
    replace: 'child !== undefined && childrenOf(snapshot) !== undefined;',
    caughtBy: whatIfs,
    by: 'what no sender could send is refused',
  },
];
