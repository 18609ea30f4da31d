/**
 * The store contract, reads: byte order (S5), pages, both directions, ranges that end where they should, and
 * every method of a closed store.
 *
 * Callers: store-contract.ts. Invariant: each case opens its own stores.
 */
import { strict as assert } from 'node:assert';
import { compareKeys, keys, rangeAfter, rangeOf, type Entry, type Row, type Store } from '../store/index.js';
import { assertRejects, nextCommit, put, type PlacedCase } from './store-contract-case.js';

/** In byte order. UTF-16 order would put the emoji (a surrogate pair) before U+E000 and U+FFFD. */
const BYTE_ORDER = [
  '!',
  '0',
  'A',
  'a',
  'a!',
  'aa',
  '~',
  '\x7f',
  'é',
  '߿',
  'ࠀ',
  '\ue000',
  '\ufffd',
  '😀',
  '\u{10ffff}',
];

const PAGED_ROWS = 2_500;

/** Every method, as a closed store must refuse it. */
const METHODS: readonly (readonly [name: string, call: (store: Store) => unknown])[] = [
  ['get', (store) => store.get('q\0a')],
  ['getMany', (store) => store.getMany(['q\0a'])],
  ['getMany of nothing', (store) => store.getMany([])],
  ['scan', (store) => store.scan({ ...rangeOf('q'), limit: 1 })],
  ['commit', (store) => store.commit(nextCommit(store, []))],
  ['view', (store) => store.view()],
];

export const readCases: readonly PlacedCase[] = [
  {
    name: 'keys are ordered by their UTF-8 bytes, surrogate pairs included (S5)',
    run: async (open) => {
      const store = await open();
      const wanted = BYTE_ORDER.map((part) => keys.index('order', [part], 'job/a'));
      const shuffled = wanted.toSorted();
      assert.notDeepEqual(shuffled, wanted, 'the order of UTF-16 units is another one');
      await store.commit(
        nextCommit(
          store,
          shuffled.map((key) => put(key, '1')),
        ),
      );
      assert.deepEqual(await scanKeys(store, rangeOf('q', 'order')), wanted);
      assert.deepEqual(await scanKeys(store, rangeOf('q', 'order'), true), wanted.toReversed());
      assert.deepEqual(shuffled.toSorted(compareKeys), wanted);
    },
  },
  {
    name: 'a range is half open, and empty when its ends meet or cross',
    run: async (open) => {
      const store = await open();
      await store.commit(
        nextCommit(
          store,
          ['a', 'b', 'c'].map((name) => put(`q\0${name}`, '1')),
        ),
      );
      assert.deepEqual(await scanKeys(store, { gte: 'q\0a', lt: 'q\0c' }), ['q\0a', 'q\0b']);
      assert.deepEqual(await scanKeys(store, { gte: 'q\0b', lt: 'q\0b' }), []);
      assert.deepEqual(await scanKeys(store, { gte: 'q\0c', lt: 'q\0a' }), []);
      assert.deepEqual(await scanKeys(store, { gte: 'q\0c', lt: 'q\0a' }, true), []);
    },
  },
  {
    name: 'a range over a prefix never catches a neighbour whose name starts the same',
    run: async (open) => {
      const store = await open();
      const addresses = ['job/1', 'job/10', 'job/1!', 'job/1~', 'job/1\x01', 'job/1é', 'job/1/x'];
      const rows = addresses.map((address) => put(keys.journal(address, 1), '1'));
      await store.commit(nextCommit(store, rows));
      for (const address of addresses) {
        assert.deepEqual(await scanKeys(store, rangeOf('j', address)), [keys.journal(address, 1)]);
      }
    },
  },
  {
    name: 'a scan gives at most its limit, and pages on from the last key in either direction',
    run: async (open) => {
      const store = await open();
      const rows: Row[] = Array.from({ length: PAGED_ROWS }, (_, index) =>
        put(keys.journal('job/a', index), JSON.stringify({ index })),
      );
      await store.commit(nextCommit(store, rows));
      const whole = rangeOf('j', 'job/a');
      const forward: Entry[] = [];
      const backward: Entry[] = [];
      for (let page = 0; page < PAGED_ROWS; page += 1) {
        const last = forward.at(-1);
        const range = last === undefined ? whole : rangeAfter(whole, last[0]);
        const some = await store.scan({ ...range, limit: 700 });
        if (some.length === 0) break;
        forward.push(...some);
      }
      for (let page = 0; page < PAGED_ROWS; page += 1) {
        const lt = backward.at(-1)?.[0] ?? whole.lt;
        const some = await store.scan({ gte: whole.gte, lt, limit: 700, reverse: true });
        if (some.length === 0) break;
        backward.push(...some);
      }
      const wanted = rows.map((row) => [row.key, row.value]);
      assert.deepEqual(forward, wanted);
      assert.deepEqual(backward, wanted.toReversed());
    },
  },
  {
    name: 'rows larger than any read-ahead come back whole',
    run: async (open) => {
      const store = await open();
      const large = JSON.stringify('é'.repeat(700_000));
      const rows = ['a', 'b', 'c'].map((name) => put(`q\0${name}`, large));
      await store.commit(nextCommit(store, rows));
      const found = await store.scan({ ...rangeOf('q'), limit: 10 });
      assert.equal(found.length, 3);
      assert.ok(found.every(([, value]) => value === large));
    },
  },
  {
    name: 'keys of any length and alphabet are told apart by get as by scan',
    run: async (open) => {
      const store = await open();
      const rows: Row[] = [];
      for (let length = 1; length <= 300; length += 1) {
        const stem = `q\0${'a'.repeat(length)}`;
        rows.push(put(stem, `"${length}"`), put(`${stem}😀`, `"${length} face"`));
      }
      for (const length of [1_000, 1_365, 1_366, 5_000]) {
        rows.push(put(`q\0${'é'.repeat(length)}`, '1'), put(`q\0${'é'.repeat(length)}😀`, '2'));
      }
      await store.commit(nextCommit(store, rows));
      for (const row of rows) assert.equal(await store.get(row.key), row.value);
      assert.deepEqual(
        await store.getMany(rows.map((row) => row.key)),
        rows.map((row) => row.value),
      );
    },
  },
  {
    name: 'a scan for less than one row is a caller’s bug',
    run: async (open) => {
      const store = await open();
      for (const limit of [0, -1, 1.5, Number.NaN]) {
        await assert.rejects(store.scan({ ...rangeOf('q'), limit }), { name: 'AssertionError' });
      }
    },
  },
  ...METHODS.map(([name, call]): PlacedCase => ({
    name: `${name} on a closed store fails with RUNTIME_CLOSED`,
    run: async (open) => {
      const store = await open();
      const closing = store.close();
      await assertRejects('RUNTIME_CLOSED', () => call(store));
      await closing;
      await assertRejects('RUNTIME_CLOSED', () => call(store));
    },
  })),
  {
    name: 'close waits for the commit in flight, and closing twice is harmless',
    run: async (open) => {
      const first = await open();
      let committed = false;
      const inFlight = first.commit(nextCommit(first, [put('q\0a', '1')])).then(() => {
        committed = true;
      });
      await Promise.all([first.close(), first.close()]);
      assert.ok(committed, 'the commit is settled when the store is closed');
      await inFlight;
      await first.close();
      const second = await open();
      assert.equal(await second.get('q\0a'), '1');
    },
  },
];

async function scanKeys(
  store: Store,
  range: { readonly gte: string; readonly lt: string },
  reverse = false,
): Promise<string[]> {
  const entries = await store.scan({ ...range, limit: 1_000, reverse });
  return entries.map(([key]) => key);
}
