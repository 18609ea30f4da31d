/**
 * The store contract, views (S7): one moment, whatever is committed meanwhile; no longer than the store.
 *
 * Callers: store-contract.ts. Invariant: each case opens its own stores.
 */
import { strict as assert } from 'node:assert';
import { limits } from '../limits.js';
import { rangeAfter, rangeOf, type Entry, type Row, type Store, type StoreView } from '../store/index.js';
import { assertRejects, nextCommit, put, remove, type PlacedCase } from './store-contract-case.js';

const ALL = { gte: '\0', lt: '\x7f' };
const LARGE_ROWS = 40;
const LARGE_CHARS = 200_000;

export const viewCases: readonly PlacedCase[] = [
  {
    name: 'a view shows the moment it was opened in, and no commit after it (S7)',
    run: async (open) => {
      const store = await open();
      await store.commit(nextCommit(store, [put('q\0a', '1'), put('q\0b', '1')]));
      const view = await store.view();
      const then = store.lastCommit;
      await store.commit(nextCommit(store, [put('q\0a', '2'), remove('q\0b'), put('q\0c', '2')]));
      assert.deepEqual(await view.scan({ ...rangeOf('q'), limit: 10 }), [
        ['q\0a', '1'],
        ['q\0b', '1'],
      ]);
      assert.equal(view.lastCommit, then);
      assert.equal((await view.scan({ ...rangeOf('k'), limit: 10 })).length, then);
      const later = await store.view();
      assert.equal(later.lastCommit, store.lastCommit);
      assert.deepEqual(await later.scan({ ...rangeOf('q'), limit: 1, reverse: true }), [['q\0c', '2']]);
      await view.close();
      await later.close();
    },
  },
  {
    name: 'a view opened while a commit is written shows all of it or nothing, and says which (S7)',
    run: async (open) => {
      const store = await open();
      for (let round = 0; round < 20; round += 1) {
        const before = store.lastCommit;
        const rows = Array.from({ length: 50 }, (_unused, index) => put(`q\0${index}`, String(round)));
        const [view] = await Promise.all([store.view(), store.commit(nextCommit(store, rows))]);
        const texts = new Set((await view.scan({ ...rangeOf('q'), limit: 100 })).map(([, text]) => text));
        assert.ok(texts.size <= 1, 'half a commit');
        const expected = view.lastCommit === before ? round - 1 : round;
        assert.deepEqual([...texts], expected < 0 ? [] : [String(expected)]);
        await view.close();
      }
    },
  },
  {
    name: 'the stored rows of a view are all of them, in order, each with its checksum, in bounded pages',
    run: async (open) => {
      const store = await open();
      const large = JSON.stringify('x'.repeat(LARGE_CHARS));
      const rows: Row[] = Array.from({ length: LARGE_ROWS }, (_unused, index) =>
        put(`q\0${String(index).padStart(3, '0')}`, large),
      );
      await store.commit(nextCommit(store, rows));
      const view = await store.view();
      const stored = await everyStoredRow(view);
      const texts = await view.scan({ ...ALL, limit: 1_000 });
      assert.deepEqual(
        stored.map(([key]) => key),
        texts.map(([key]) => key),
      );
      for (const [index, [key, value]] of stored.entries()) {
        const [, text = ''] = texts[index] ?? [];
        assert.ok(value.endsWith(text) && value.length > text.length, `${key} carries no checksum`);
      }
      await view.close();
    },
  },
  {
    name: 'a closed view refuses to be read, and closing it twice is harmless',
    run: async (open) => {
      const store = await open();
      const view = await store.view();
      await view.close();
      await view.close();
      await refused(view);
      await store.commit(nextCommit(store, [put('q\0a', '1')]));
    },
  },
  {
    name: 'closing the store closes its views, and no view is opened after it',
    run: async (open) => {
      const store = await open();
      const view = await store.view();
      await store.close();
      await refused(view);
      await view.close();
      await assertRejects('RUNTIME_CLOSED', () => store.view());
      const again = await open();
      assert.ok(again.lastCommit > view.lastCommit);
    },
  },
  {
    name: `views are ${limits.storeViewsMax} at most, and one that is closed makes room (S7)`,
    run: async (open) => {
      const store = await open();
      const views = await many(store, limits.storeViewsMax);
      await assertRejects('STORE_BUSY', () => store.view());
      await store.commit(nextCommit(store, [put('q\0a', '1')]));
      await views[0]?.close();
      const last = await store.view();
      assert.equal((await last.scan({ ...rangeOf('q'), limit: 1 })).length, 1);
    },
  },
];

async function many(store: Store, count: number): Promise<readonly StoreView[]> {
  return await Promise.all(Array.from({ length: count }, () => store.view()));
}

async function refused(view: StoreView): Promise<void> {
  await assertRejects('RUNTIME_CLOSED', () => view.scan({ ...ALL, limit: 1 }));
  await assertRejects('RUNTIME_CLOSED', () => view.scanStored({ ...ALL, limit: 1 }));
}

async function everyStoredRow(view: StoreView): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  let range = ALL;
  for (let page = 0; page < LARGE_ROWS * 10; page += 1) {
    const some = await view.scanStored({ ...range, limit: 1_000 });
    const last = some.at(-1);
    if (last === undefined) return found;
    found.push(...some);
    range = rangeAfter(ALL, last[0]);
  }
  throw new Error('pages without end');
}
