/**
 * The store contract, commits: all or nothing, numbered, checked against seq and epoch (S1, S2), faithful
 * (S4), each with its time (S8).
 *
 * Callers: store-contract.ts. Invariant: each case opens its own stores.
 */
import { strict as assert } from 'node:assert';
import { commitTimeOf, keys, type Store } from '../store/index.js';
import {
  ADDRESS,
  assertRejects,
  nextCommit,
  put,
  remove,
  step,
  type PlacedCase,
} from './store-contract-case.js';

const AT = 1_764_000_000_000;

async function timesOf(store: Store, commits: readonly number[]): Promise<readonly (number | undefined)[]> {
  const links = await store.getMany(commits.map(keys.chain));
  return links.map((link) => commitTimeOf(link ?? ''));
}

export const commitCases: readonly PlacedCase[] = [
  {
    name: 'a commit puts and deletes rows, and gives back the text as it was (S1, S4)',
    run: async (open) => {
      const store = await open();
      const odd = JSON.stringify({ text: 'é 😀 \u0000 \ud800', list: [1.5, null, true] });
      await store.commit(nextCommit(store, [put('q\0a', odd), put('q\0b', '1')]));
      await store.commit(nextCommit(store, [remove('q\0b'), put('q\0c', '""')]));
      assert.equal(await store.get('q\0a'), odd);
      assert.equal(await store.get('q\0b'), undefined);
      assert.deepEqual(await store.getMany(['q\0c', 'q\0none', 'q\0a']), ['""', undefined, odd]);
      assert.deepEqual(await store.getMany([]), []);
    },
  },
  {
    name: 'a later row of a commit wins over an earlier one with the same key',
    run: async (open) => {
      const store = await open();
      await store.commit(nextCommit(store, [put('q\0a', '1'), remove('q\0a'), put('q\0a', '2')]));
      await store.commit(nextCommit(store, [put('q\0b', '1'), remove('q\0b')]));
      assert.equal(await store.get('q\0a'), '2');
      assert.equal(await store.get('q\0b'), undefined);
    },
  },
  {
    name: 'commits are numbered without gaps, and any other number is refused and writes nothing (S2)',
    run: async (open) => {
      const store = await open();
      const last = store.lastCommit;
      await store.commit(nextCommit(store, []));
      assert.equal(store.lastCommit, last + 1);
      for (const number of [0, last, last + 1, last + 3]) {
        const commit = { number, rows: [put('q\0a', '1')], expect: [] };
        await assertRejects('COMMIT_REFUSED', () => store.commit(commit));
      }
      assert.equal(store.lastCommit, last + 1);
      assert.equal(await store.get('q\0a'), undefined);
    },
  },
  {
    name: 'an unexpected seq is refused and writes nothing, before and after reopening (S2)',
    run: async (open) => {
      const first = await open();
      await first.commit(step(first, 0, 1));
      await assertRejects('COMMIT_REFUSED', () => first.commit(step(first, 0, 1)));
      await first.commit(step(first, 1, 2));
      await first.close();
      const second = await open();
      await assertRejects('COMMIT_REFUSED', () => second.commit(step(second, 1, 3)));
      await second.commit(step(second, 2, 3));
      assert.match((await second.get(keys.record(ADDRESS))) ?? '', /"seq":3/);
    },
  },
  {
    name: 'a deleted record counts as seq 0 (S2)',
    run: async (open) => {
      const store = await open();
      await store.commit(step(store, 0, 7));
      await store.commit({ ...step(store, 7, 0), rows: [remove(keys.record(ADDRESS))] });
      await assertRejects('COMMIT_REFUSED', () => store.commit(step(store, 7, 8)));
      await store.commit(step(store, 0, 1));
    },
  },
  {
    name: 'the seq is the record’s own, wherever it stands and whatever its context calls seq (S2)',
    run: async (open) => {
      const first = await open();
      const record = JSON.stringify({ context: { seq: 99 }, note: '"seq":98,', seq: 5 });
      await first.commit({ ...step(first, 0, 5), rows: [put(keys.record(ADDRESS), record)] });
      await assertRejects('COMMIT_REFUSED', () => first.commit(step(first, 99, 100)));
      await first.close();
      const second = await open();
      await second.commit(step(second, 5, 6));
    },
  },
  {
    name: 'a journal entry without a record row moves the seq too (S2)',
    run: async (open) => {
      const first = await open();
      await first.commit(step(first, 0, 1));
      await first.commit({ ...step(first, 1, 2), rows: [put(keys.journal(ADDRESS, 2), '{}')] });
      await assertRejects('COMMIT_REFUSED', () => first.commit(step(first, 1, 2)));
      await first.close();
      const second = await open();
      await assertRejects('COMMIT_REFUSED', () => second.commit(step(second, 1, 2)));
      await second.commit(step(second, 2, 3));
    },
  },
  {
    name: 'another epoch than the store’s own is refused (S2)',
    run: async (open) => {
      const store = await open();
      for (const epoch of [store.generation - 1, store.generation + 1]) {
        const commit = { ...step(store, 0, 1), expect: [{ address: ADDRESS, expectedSeq: 0, epoch }] };
        await assertRejects('COMMIT_REFUSED', () => store.commit(commit));
      }
      assert.equal(await store.get(keys.record(ADDRESS)), undefined);
    },
  },
  {
    name: 'one of several expectations that fails refuses the whole commit (S1, S2)',
    run: async (open) => {
      const store = await open();
      const epoch = store.generation;
      const expect = [
        { address: 'job/b', expectedSeq: 0, epoch },
        { address: ADDRESS, expectedSeq: 4, epoch },
      ];
      const rows = [put('s\0job/b', '{"seq":1}')];
      await assertRejects('COMMIT_REFUSED', () =>
        store.commit({ number: store.lastCommit + 1, rows, expect }),
      );
      assert.equal(await store.get('s\0job/b'), undefined);
    },
  },
  {
    name: 'the time of a commit comes back, after reopening too, and one without has none (S8)',
    run: async (open) => {
      const first = await open();
      const numbers: number[] = [];
      for (const at of [AT, undefined, AT - 1, AT + 0.25, 0]) {
        const commit = { ...nextCommit(first, [put('q\0a', '1')]), at };
        await first.commit(commit);
        numbers.push(commit.number);
      }
      const told = [AT, undefined, AT - 1, AT + 0.25, 0];
      assert.deepEqual(await timesOf(first, numbers), told);
      await first.close();
      const second = await open();
      assert.deepEqual(await timesOf(second, numbers), told);
    },
  },
  {
    name: 'a time that is none is refused and writes nothing (S2)',
    run: async (open) => {
      const store = await open();
      for (const at of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const commit = { ...nextCommit(store, [put('q\0a', '1')]), at };
        await assertRejects('COMMIT_REFUSED', () => store.commit(commit));
      }
      assert.equal(await store.get('q\0a'), undefined);
      await store.commit(nextCommit(store, []));
    },
  },
  {
    name: 'a second commit while one is in flight is a caller’s bug, and harms neither',
    run: async (open) => {
      const store = await open();
      const commit = nextCommit(store, [put('q\0a', '1')]);
      const inFlight = store.commit(commit);
      await assert.rejects(store.commit({ ...commit, number: commit.number + 1 }), {
        name: 'AssertionError',
      });
      await inFlight;
      assert.equal(await store.get('q\0a'), '1');
      await store.commit(nextCommit(store, []));
    },
  },
  {
    name: 'what is not well-formed text is a caller’s bug, and writes nothing (S4)',
    run: async (open) => {
      const store = await open();
      for (const row of [put('', '1'), put('q\0\ud800', '1'), put('q\0a', '"\udc00"')]) {
        const commit = nextCommit(store, [put('q\0b', '1'), row]);
        await assert.rejects(store.commit(commit), { name: 'AssertionError' });
      }
      assert.equal(await store.get('q\0b'), undefined);
    },
  },
];
