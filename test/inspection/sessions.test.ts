/** Actors whose snapshots are not stored with each step: contexts are folded from checkpoints and pages. */
import { expect, onTestFinished, test } from 'vitest';
import type { Json } from '../../src/json.js';
import { createTestRuntime } from '../../src/testing/index.js';
import { orderMachine } from './orders.js';

test('a long queue is shown at every kept step, and a new message can be tried at any', async () => {
  const home = await createTestRuntime();
  onTestFinished(() => home.close());
  const { inspection, sessions } = home.runtime;
  const session = sessions.get('chat:1');
  for (let n = 0; n < 300; n += 1) await session.enqueue({ text: `message ${n}` });
  const actor = await inspection.actor('session/chat:1');
  expect([actor.seq, actor.defined]).toEqual([301, true]);
  expect(actor.context).toMatchObject({ key: 'chat:1', counts: { batches: 300 } });
  for (const seq of [1, 2, 200, 257, 258, 301]) {
    const { context, unknown } = await inspection.step('session/chat:1', seq);
    expect([seq, unknown]).toEqual([seq, undefined]);
    expect(context).toMatchObject({ counts: { batches: seq - 1 } });
  }
  const { context } = await inspection.step('session/chat:1', 301);
  expect(context).toEqual(JSON.parse(JSON.stringify(actor.context)) as Json);
  const capsule = await home.runtime.export('session/chat:1');
  const looked = await inspection.look(capsule);
  expect(looked.steps.at(-1)?.context).toEqual(context);
  expect(looked.actor.context).toEqual(context);
  const events = [{ type: 'mode.set', settings: { mode: 'followup' } }];
  const { steps } = await inspection.whatIf({ address: 'session/chat:1', seq: 10, events });
  expect(steps[0]?.error).toBeUndefined();
  expect(steps[0]?.context).toMatchObject({ counts: { batches: 9 } });
});

test('a machine of a user that is amortized is shown whole, with what it has under way', async () => {
  const home = await createTestRuntime({
    define: (runtime) => runtime.define(orderMachine, { snapshot: 'amortized' }),
  });
  onTestFinished(() => home.close());
  const order = await home.kinds.create({ id: '77', input: { title: 'a red bicycle' } });
  await order.send({ type: 'add', line: 'bell' });
  const { inspection } = home.runtime;
  expect(await inspection.actor('order/77')).toMatchObject({
    context: { title: 'a red bicycle', lines: ['bell'] },
    title: 'a red bicycle',
  });
  expect(await inspection.step('order/77', 2)).toMatchObject({ diff: [{ path: '/lines/0', after: 'bell' }] });
  const { steps } = await inspection.whatIf({ address: 'order/77', events: [{ type: 'add', line: 'lamp' }] });
  expect(steps).toMatchObject([{ context: { lines: ['bell', 'lamp'] } }]);
});
