/** Views where something is wrong: a damaged row, a disk that is gone, too many of them. */
import { expect, test } from 'vitest';
import { limits } from '../../src/limits.js';
import { createMemoryDisk, keys, openMemoryStore, rangeOf } from '../../src/store/index.js';
import { commitStep } from './place.js';

const RECORDS = { ...rangeOf('s'), limit: 10 };

test('a damaged row is refused by a scan of a view and given as it is by its stored rows (S4)', async () => {
  const disk = createMemoryDisk();
  const store = await openMemoryStore({ disk });
  await commitStep(store, 'job/1');
  await commitStep(store, 'job/2');
  await disk.corrupt(keys.record('job/1'), (stored) => stored.replace('text', 'tent'));
  const view = await store.view();
  await expect(view.scan(RECORDS)).rejects.toMatchObject({ code: 'STORE_CORRUPTED' });
  const stored = await view.scanStored(RECORDS);
  expect(stored.map(([key]) => key)).toEqual([keys.record('job/1'), keys.record('job/2')]);
  expect(stored[0]?.[1]).toContain('tent');
  await store.close();
});

test('a view on a disk that lost its power cannot be read, and neither can one be opened', async () => {
  const disk = createMemoryDisk();
  const store = await openMemoryStore({ disk });
  const view = await store.view();
  disk.cutPower();
  await expect(view.scan(RECORDS)).rejects.toMatchObject({ code: 'STORE_FAILED' });
  await expect(view.scanStored(RECORDS)).rejects.toMatchObject({ code: 'STORE_FAILED' });
  await expect(store.view()).rejects.toMatchObject({ code: 'STORE_FAILED' });
  await store.close();
});

test('views that are asked for at the same moment are counted before they are open', async () => {
  const store = await openMemoryStore();
  const asked = Array.from({ length: limits.storeViewsMax + 1 }, () => store.view());
  const outcomes = await Promise.allSettled(asked);
  const refused = outcomes.filter(({ status }) => status === 'rejected');
  expect(refused).toMatchObject([{ reason: { code: 'STORE_BUSY' } }]);
  await store.close();
});
