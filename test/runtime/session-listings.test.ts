/** Lists of a session that are read while what they have found comes to its end. */
import { expect, test } from 'vitest';
import { keys } from '../../src/store/keys.js';
import { openOne } from './session-place.js';

test('a batch that is settled while a list is read is not in it, and the list goes on', async () => {
  const { session } = await openOne();
  for (const text of ['one', 'two', 'three']) await session.enqueue(text);
  const claim = await session.claim({ max: 1 });
  const [batchId = ''] = claim.batches.map((batch) => batch.batchId);
  const listing = session.list({ limit: 2 });
  const looking = session.batch(batchId);
  const settling = claim.complete();
  await expect(looking).rejects.toMatchObject({ code: 'BATCH_NOT_FOUND' });
  const { items, cursor } = await listing;
  await settling;
  expect(items.map(({ seq }) => seq)).toEqual([2]);
  expect((await session.list({ cursor })).items).toMatchObject([{ seq: 3 }]);
});

test('a batch that has lost its payloads is listed without them', async () => {
  const { place, session } = await openOne();
  const { batch } = await session.enqueue('one');
  const nonce = batch.batchId.slice(batch.batchId.indexOf('_', 4) + 1);
  await place.disk.corrupt(keys.payload('session/chat:1', `b/${nonce}`), () => undefined);
  expect((await session.list()).items).toMatchObject([{ batchId: batch.batchId, items: [] }]);
});
