/** What is shown is on disk (K1): while a commit hangs, and when it has failed. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { setup } from 'xstate';
import type { LiveFrame } from '../../src/index.js';
import { silentLogger } from '../../src/log.js';
import { reservedActions } from '../../src/machines/index.js';
import { openOver } from '../../src/runtime.js';
import { createMemoryDisk, openMemoryStore } from '../../src/store/index.js';
import { createSimulatedClock } from '../../src/testing/simulated-clock.js';
import { faultyStore } from '../../src/testing/index.js';
import { orderMachine } from './orders.js';

const postman = setup({ actions: reservedActions }).createMachine({
  id: 'postman',
  version: '1',
  initial: 'idle',
  states: {
    idle: {
      on: {
        go: {
          target: 'gone',
          actions: { type: 'actor.send', params: { to: 'order/77', event: { type: 'add', line: 'lamp' } } },
        },
      },
    },
    gone: {},
  },
});

/** `order/77` in its cart and `postman/1`, over a store whose commits can be held and failed. */
async function scene() {
  const store = faultyStore(await openMemoryStore({ disk: createMemoryDisk() }));
  const clock = createSimulatedClock();
  const directory = join(tmpdir(), 'holdfast-nowhere');
  const runtime = await openOver(store, { directory, clock, log: silentLogger, control: false });
  const orders = runtime.define(orderMachine);
  const postmen = runtime.define(postman);
  const creating = [orders.create({ id: '77', input: { title: 'a lamp' } }), postmen.create({ id: '1' })];
  await clock.advance(0);
  await Promise.all(creating);
  await clock.advance(1_000);
  const { inspection } = runtime;
  const close = async (): Promise<void> => {
    const closing = runtime.close({ timeoutMs: 0 });
    await clock.advance(1_000);
    await closing;
  };
  return { clock, store, inspection, orders, postmen, close };
}

type Scene = Awaited<ReturnType<typeof scene>>;

/** The counts and times of users' kinds, and what everybody answers who answers at all. */
async function answers({ inspection, clock }: Scene) {
  const { kinds } = await inspection.population();
  const found: unknown[] = [];
  const asked: readonly Promise<unknown>[] = [
    inspection.list(),
    ...['order/77', 'postman/1'].flatMap((address) => [
      inspection.actor(address),
      inspection.steps(address),
      inspection.step(address, 2),
      inspection.why(address),
      inspection.whatIf({ address, events: [] }),
      inspection.story(address),
      inspection.acts(address),
    ]),
  ];
  for (const one of asked)
    one.then(
      (answer) => void found.push(answer),
      () => undefined,
    );
  await clock.advance(0);
  return { kinds: kinds.filter(({ house }) => !house), text: JSON.stringify(found) };
}

const UNSEEN = /"paying":"charging"|"value":"gone"|"seq":2|lamp"\]/;

test('nobody is shown a step, a count, a time or a letter whose commit hangs or has failed', async () => {
  const given = await scene();
  const { store, clock, orders, postmen, inspection } = given;
  const { kinds: before } = await answers(given);
  const frames: LiveFrame[] = [];
  inspection.watch((frame) => frames.push(frame));
  const held = store.hold();
  const order = orders.get('77').send({ type: 'pay', amount: 20 });
  const letter = postmen.get('1').send({ type: 'go' });
  for (const each of [order, letter]) each.catch(() => undefined);
  await clock.advance(0);
  await held.reached;
  const hanging = await answers(given);
  expect(hanging.kinds).toEqual(before);
  expect(hanging.text).not.toMatch(UNSEEN);
  store.failNext('before');
  held.release();
  await expect(order).rejects.toMatchObject({ code: 'STORE_FAILED' });
  await expect(letter).rejects.toMatchObject({ code: 'STORE_FAILED' });
  const failed = await answers(given);
  expect(failed.kinds).toEqual(before);
  expect(failed.text).not.toMatch(UNSEEN);
  await clock.advance(1_000);
  expect(frames).toEqual([]);
  await given.close();
});

test('a letter that another actor sent is shown once it is on disk', async () => {
  const given = await scene();
  const { store, clock, inspection, postmen } = given;
  const held = store.hold();
  const letter = postmen.get('1').send({ type: 'go' });
  await clock.advance(0);
  await held.reached;
  expect(await inspection.actor('order/77')).toMatchObject({ seq: 1, waiting: 0 });
  held.release();
  await clock.advance(0);
  await letter;
  expect(await inspection.actor('order/77')).toMatchObject({ seq: 2, context: { lines: ['lamp'] } });
  await given.close();
});

test('a watcher that throws, at once or later, is let go, and the next hears of each step once', async () => {
  const given = await scene();
  const { clock, inspection, orders } = given;
  const note = async (text: string): Promise<void> => {
    const sent = orders.get('77').send({ type: 'note', text });
    await clock.advance(0);
    await sent;
  };
  const throwing: readonly (() => unknown)[] = [
    () => {
      throw new Error('at once');
    },
    async () => Promise.reject(new Error('later')),
  ];
  for (const listener of throwing) {
    let told = 0;
    inspection.watch(() => {
      told += 1;
      return listener();
    });
    for (const text of ['one', 'two']) {
      await note(text);
      await clock.advance(300);
    }
    expect(told).toBe(1);
  }
  const heard: number[] = [];
  inspection.watch(({ steps }) => heard.push(...steps.map(({ seq }) => seq)));
  await note('three');
  await clock.advance(300);
  expect(heard).toEqual([6]);
  await given.close();
});
