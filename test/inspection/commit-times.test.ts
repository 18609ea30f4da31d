/** A step says when the write of its commit began: whatever crashes, and only where that is known. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { commitTimesIn } from '../../src/actors/kernel/commit-times.js';
import type { LiveFrame, StepLine } from '../../src/index.js';
import { silentLogger } from '../../src/log.js';
import { openOver } from '../../src/runtime.js';
import { createMemoryDisk, keys, openMemoryStore } from '../../src/store/index.js';
import { createSimulatedClock } from '../../src/testing/simulated-clock.js';
import { createTestRuntime, faultyStore } from '../../src/testing/index.js';
import { house } from './house.js';
import { orderMachine } from './orders.js';

const FAR = 50_000;

const timesOf = (steps: readonly Pick<StepLine, 'committedAt'>[]): readonly (number | undefined)[] =>
  steps.map(({ committedAt }) => committedAt);

test('a step that is taken while another commit is written is committed later', async () => {
  const store = faultyStore(await openMemoryStore());
  const clock = createSimulatedClock();
  const directory = join(tmpdir(), 'holdfast-nowhere');
  const runtime = await openOver(store, { directory, clock, log: silentLogger, control: false });
  const creating = runtime.define(orderMachine).create({ id: '77', input: { title: 'a lamp' } });
  await clock.advance(0);
  const order = await creating;
  await clock.advance(FAR);
  const held = store.hold();
  const sends = [order.send({ type: 'add', line: 'bell' })];
  await clock.advance(0);
  await held.reached;
  await clock.advance(10);
  sends.push(order.send({ type: 'note', text: 'a' }), order.send({ type: 'note', text: 'b' }));
  await clock.advance(30);
  held.release();
  await clock.advance(0);
  await Promise.all(sends);

  const { items } = await runtime.inspection.steps('order/77');
  const [made = 0] = items.map(({ at }) => at);
  expect(items.map(({ at, committedAt = 0 }) => [at - made, committedAt - at])).toEqual([
    [0, 0],
    [FAR, 0],
    [FAR + 10, 30],
    [FAR + 10, 30],
  ]);
  expect(items[2]?.commit).toBe(items[3]?.commit);
  expect(await runtime.inspection.step('order/77', 3)).toMatchObject({ committedAt: made + FAR + 40 });
  const closing = runtime.close({ timeoutMs: 0 });
  await clock.advance(1_000);
  await closing;
});

test('the time of a commit outlives a crash, and is in pages, steps and stories, not in frames', async () => {
  await using home = await house();
  const { test: place, inspection: before } = home;
  const frames: LiveFrame[] = [];
  before.watch((frame) => frames.push(frame));
  await place.advance(FAR);
  await home.order.send({ type: 'note', text: 'a' });
  await place.advance(FAR);
  expect(frames.flatMap(({ steps }) => timesOf(steps))).toEqual([undefined]);
  const { items } = await before.steps('order/77');
  expect(timesOf(items)).toEqual(items.map(({ at }) => at));
  await place.crash();
  const { inspection } = place.runtime;
  expect(timesOf((await inspection.steps('order/77')).items)).toEqual(timesOf(items));
  expect((await inspection.step('order/77', 4)).committedAt).toBe(items[3]?.at);
  expect(timesOf((await inspection.story('order/77')).steps)).toContain(items[0]?.at);
});

test('what came in a capsule was committed when it came; in the capsule it has no such time', async () => {
  await using home = await house();
  const capsule = await home.runtime.export('order/77');
  const { steps } = await home.inspection.look(capsule);
  expect(timesOf(steps)).toEqual([undefined, undefined, undefined]);
  await home.test.advance(FAR);
  await home.runtime.import(capsule, { id: 'moved' });
  const { items } = await home.inspection.steps('order/moved');
  const { at: cameAt } = await home.inspection.population();
  expect(timesOf(items)).toEqual(items.map(() => cameAt));
  expect(items.map(({ at }) => at < cameAt)).not.toContain(false);
});

test('a link that is damaged, or of an older holdfast, leaves its own steps without a time', async () => {
  const disk = createMemoryDisk();
  const place = await createTestRuntime({
    disk,
    define: (runtime) => ({ orders: runtime.define(orderMachine) }),
  });
  onTestFinished(() => place.close());
  const order = await place.kinds.orders.create({ id: '77', input: { title: 'a lamp' } });
  for (const text of ['a', 'b']) await order.send({ type: 'note', text });
  const { inspection } = place.runtime;
  const [made, ...notes] = (await inspection.steps('order/77')).items;
  await disk.corrupt(keys.chain(notes[0]?.commit ?? 0), (stored) => `${stored} `);
  await disk.corrupt(keys.chain(notes[1]?.commit ?? 0), () => undefined);
  const { items } = await inspection.steps('order/77');
  expect(timesOf(items)).toEqual([made?.at, undefined, undefined]);
});

test('a page of steps costs one read, of each of its commits once', async () => {
  const asked: (readonly string[])[] = [];
  const link = (digest: string): string => JSON.stringify({ digest, chain: '', oldest: 1 });
  const times = await commitTimesIn(
    {
      get: () => expect.unreachable('one by one'),
      getMany: async (wanted) => {
        asked.push(wanted);
        return [link('1a2b3c4d@5'), undefined, link('1a2b3c4d')];
      },
    },
    [7, 7, 8, 9, 7],
  );
  expect(asked).toEqual([[7, 8, 9].map((number) => keys.chain(number))]);
  expect([...times]).toEqual([[7, 5]]);
});
