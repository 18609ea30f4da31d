/** Frames of what happens: throttled, bounded, and for as long as somebody watches. */
import { expect, test } from 'vitest';
import type { LiveFrame } from '../../src/index.js';
import { limits } from '../../src/limits.js';
import { house } from './house.js';

test('a frame tells the steps since the last one, and the counts that changed', async () => {
  await using home = await house();
  const { inspection, test: runtime, order } = home;
  const frames: LiveFrame[] = [];
  const stop = inspection.watch((frame) => frames.push(frame));
  await runtime.effects.answer('order.charge', { receipt: 'r1' });
  await order.send({ type: 'drop' });
  await runtime.advance(limits.inspectorFrameGapMs - 1);
  expect(frames).toEqual([]);
  await runtime.advance(1);
  expect(frames).toHaveLength(1);
  expect(frames[0]?.steps.map(({ seq, value }) => [seq, value])).toEqual([
    [4, { paying: 'charged' }],
    [5, 'gone'],
  ]);
  expect(frames[0]?.counts.map(({ kind, value, count, finished }) => [kind, value, count, finished])).toEqual(
    [
      ['order', 'gone', 1, true],
      ['order', { paying: 'charging' }, 0, false],
    ],
  );
  await runtime.advance(10 * limits.inspectorFrameGapMs);
  expect(frames).toHaveLength(1);
  stop();
  stop();
});

test('a frame has room for the newest steps, and says how many more there were', async () => {
  await using home = await house();
  const frames: LiveFrame[] = [];
  home.inspection.watch((frame) => frames.push(frame));
  const orders = Array.from({ length: 180 }, (_one, n) => ({ id: `o${n}`, input: { title: 'one' } }));
  await home.test.kinds.orders.createMany(orders);
  await home.test.advance(limits.inspectorFrameGapMs);
  const [frame] = frames;
  expect([frame?.steps.length, frame?.more]).toEqual([50, 130]);
  expect(frame?.steps.at(-1)?.address).toBe('order/o179');
});

test('who watches one actor hears of no other, and who throws keeps nobody from hearing', async () => {
  await using home = await house();
  const { inspection, test: runtime } = home;
  const own: LiveFrame[] = [];
  const all: LiveFrame[] = [];
  inspection.watch(() => {
    throw new Error('this watcher is broken');
  });
  inspection.watch((frame) => all.push(frame));
  const stop = inspection.watch((frame) => own.push(frame), { address: 'order/78' });
  for (const id of ['78', '79']) await runtime.kinds.orders.create({ id, input: { title: 'a lamp' } });
  await runtime.advance(limits.inspectorFrameGapMs);
  expect(own.map(({ steps }) => steps.map(({ address }) => address))).toEqual([['order/78']]);
  expect(all[0]?.steps.map(({ address }) => address)).toEqual(['order/78', 'order/79']);
  stop();
  await runtime.kinds.orders.get('78').send({ type: 'add', line: 'bulb' });
  await runtime.advance(limits.inspectorFrameGapMs);
  expect([own.length, all.length]).toEqual([1, 2]);
});
