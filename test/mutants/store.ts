/** Mutants of the store (S1 to S6). */
import type { Mutant } from './mutant.js';

const rows = 'src/store/row-store.ts';
const contract = 'test/store/contract.test.ts';
const corruption = 'test/store/corruption.test.ts';
const chain = 'test/store/chain.test.ts';

export const storeMutants: readonly Mutant[] = [
  {
    name: 'writes the rows of a commit one by one',
    breaks: ['P1', 'S1'],
    file: 'src/store/database.ts',
    find: 'const batch = db.batch();',
    replace: `for (const row of rows) {
        const one = db.batch();
        if (row.value !== undefined) one.put(row.key, row.value);
        await one.write({ sync: options.sync });
      }
      const batch = db.batch();`,
    caughtBy: 'test/store/database.test.ts',
    by: 'a write with sync … is one … batch of all its rows in order',
  },
  {
    name: 'drops the sync of a commit',
    breaks: ['P4', 'S1'],
    file: 'src/store/database.ts',
    find: 'batch.write({ sync: options.sync })',
    replace: 'batch.write({ sync: false && options.sync })',
    caughtBy: 'test/store/database.test.ts',
    by: 'a write with sync … is one … batch of all its rows in order',
  },
  {
    name: 'closes in the middle of a commit',
    breaks: ['P4', 'S1'],
    file: rows,
    find: `const work = this.#phase.at === 'committing' ? this.#phase.work : Promise.resolve();`,
    replace: 'const work = Promise.resolve();',
    caughtBy: contract,
    by: 'close waits for the commit in flight, and closing twice is harmless',
  },
  {
    name: 'does not check what a commit expects of an actor',
    breaks: ['P1', 'S2'],
    file: rows,
    find: 'if (expectation.expectedSeq === seq) return;',
    replace: 'if (expectation.expectedSeq >= seq) return;',
    caughtBy: contract,
    by: 'one of several expectations that fails refuses the whole commit (S1, S2)',
  },
  {
    name: 'takes a commit of an earlier epoch',
    breaks: ['S2'],
    file: rows,
    find: 'if (expectation.epoch !== this.generation) {',
    replace: 'if (expectation.epoch > this.generation) {',
    caughtBy: contract,
    by: 'another epoch than the store’s own is refused (S2)',
  },
  {
    name: 'takes a commit out of its order',
    breaks: ['S1', 'S2'],
    file: rows,
    find: 'if (commit.number !== this.lastCommit + 1) {',
    replace: 'if (commit.number <= this.lastCommit) {',
    caughtBy: contract,
    by: 'commits are numbered without gaps, and any other number is refused and writes nothing (S2)',
  },
  {
    name: 'commits again after a failure',
    breaks: ['K4', 'S3'],
    file: rows,
    find: `{ at: 'failed', cause: error.cause } :`,
    replace: `{ at: 'open' } :`,
    caughtBy: contract,
    by: 'after a failed commit every further one fails until the store is opened again (S3)',
  },
  {
    name: 'reads a value without its checksum',
    breaks: ['S4'],
    file: 'src/store/codec.ts',
    find: 'if (version !== VERSION || stored.slice(1, HEADER_LENGTH) !== checksumOf(text)) {',
    replace: 'if (version !== VERSION) {',
    caughtBy: 'test/store/codec.test.ts',
    by: 'any changed character is STORE_CORRUPTED and names the key',
  },
  {
    name: 'does not look whether commits are missing',
    breaks: ['S1', 'S4'],
    file: 'src/store/chain.ts',
    find: 'if (first !== undefined) checkFollows(last, link, hear);',
    replace: '',
    caughtBy: chain,
    by: 'a missing link … is STORE_CORRUPTED',
  },
  {
    name: 'takes a commit of another history for its own',
    breaks: ['S1', 'S4'],
    file: 'src/store/chain.ts',
    find: 'link.chain !== chainOf(previous.chain, link.number, link.digest)',
    replace: `link.chain === ''`,
    caughtBy: chain,
    by: 'a link from another history does not fit, even with a correct checksum',
  },
  {
    name: 'does not read the diary of LevelDB',
    breaks: ['S4'],
    file: 'src/store/level-files.ts',
    find: 'const DAMAGE = /Corruption|dropping/;',
    replace: 'const DAMAGE = /^Corruption$/;',
    caughtBy: corruption,
    by: 'a flipped byte in the last commit is noticed, and still noticed at the next open',
  },
  {
    name: 'opens a database whose CURRENT is missing',
    breaks: ['S4'],
    file: 'src/store/level-files.ts',
    find: `if (state === 'creating' && !names.some(`,
    replace: `if (state === 'creating' || !names.some(`,
    caughtBy: corruption,
    by: 'a missing database under a finished marker is refused, and none is created',
  },
  {
    name: 'takes an empty database for a new store',
    breaks: ['S4'],
    file: rows,
    find: 'if (empty && !options.mayBeEmpty) {',
    replace: 'if (empty && options.mayBeEmpty === undefined) {',
    caughtBy: corruption,
    by: 'an empty database under a finished marker is refused',
  },
  {
    name: 'says that a store is ready before it is there',
    breaks: ['S1'],
    file: 'src/store/directory.ts',
    find: `await writeMarker(path, 'creating');`,
    replace: `await writeMarker(path, 'ready');`,
    caughtBy: 'test/store/directory.test.ts',
    by: 'a directory says that it is being created until its store is there',
  },
  {
    name: 'orders keys as JavaScript does',
    breaks: ['S5'],
    file: 'src/store/keys.ts',
    find: 'return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;',
    replace: 'return unit;',
    caughtBy: contract,
    by: 'keys are ordered by their UTF-8 bytes, surrogate pairs included (S5)',
  },
  {
    name: 'opens a directory twice in one process',
    breaks: ['S6'],
    file: 'src/store/process-claim.ts',
    find: 'if (claimed.has(identity)) {',
    replace: 'if (claimed.has(directory)) {',
    caughtBy: 'test/store/directory.test.ts',
    by: 'the same directory by another name is the same store',
  },
];
