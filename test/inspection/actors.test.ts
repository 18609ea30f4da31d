import { describe, expect, test } from 'vitest';
import { createTestRuntime } from '../../src/testing/index.js';
import { orderMachine } from './orders.js';

async function house() {
  const test = await createTestRuntime({ define: (runtime) => ({ orders: runtime.define(orderMachine) }) });
  const order = await test.kinds.orders.create({ id: '77', input: { title: 'a red bicycle' } });
  await order.send({ type: 'add', line: 'bell' });
  await order.send({ type: 'pay', amount: 20 });
  await test.settle();
  return { test, order, inspection: test.runtime.inspection };
}

describe('an actor that is looked at', () => {
  test('is shown with its context, what it has under way, and since when', async () => {
    const { test, inspection } = await house();
    const actor = await inspection.actor('order/77');
    expect(actor).toMatchObject({
      address: 'order/77',
      value: { paying: 'charging' },
      since: test.clock.now(),
      title: 'a red bicycle',
      context: { title: 'a red bicycle', paid: 20, lines: ['bell'] },
      defined: true,
      firstSeq: 1,
      seq: 3,
    });
    expect(actor.effects).toMatchObject([
      { id: '3:1', src: 'charge', state: 'running', attempts: 1, input: { amount: 20 } },
    ]);
    await test.close();
  });
});
