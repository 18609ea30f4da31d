/**
 * What docs/guide-work.md says, run: its code is in examples/work; examples/embed-documents is run in
 * test/crash.
 */
import { expect, test } from 'vitest';
import { byHand, elsewhere, enqueue, everyNight, serve } from '../../examples/work/ways.js';
import { buildHouse } from './house.js';

test('items are enqueued once by key, handled, and claimed by hand', async () => {
  const runtime = await (await buildHouse()).open();
  const [first, again, second] = await enqueue(runtime);
  expect(again).toBe(first);
  expect(await byHand(runtime)).toMatchObject({ kind: 'compact', workerId: 'me' });
  expect(await byHand(runtime)).toBeUndefined();
  const indexed: string[] = [];
  const handling = serve(runtime, indexed);
  await expect.poll(async () => (await runtime.work.get(second ?? '')).status).toBe('done');
  await handling.close();
  expect(indexed).toEqual(['manual', 'price list']);
  expect((await runtime.work.get(first ?? '')).result).toEqual({ document: 'manual' });
});

test('a schedule says when it is due next, and runs at once when it is told to', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  expect(await everyNight(runtime)).toBeGreaterThan(house.clock.now());
  await expect.poll(async () => (await runtime.work.list({ kind: 'compact' })).items.length).toBe(1);
  expect(await runtime.work.scheduleHistory('compact every night')).toMatchObject([{ trigger: 'hand' }]);
});

test('a client of a runtime elsewhere asks nothing before it is used', async () => {
  await elsewhere('a token of its work').close();
});
