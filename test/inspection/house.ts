/** A test runtime with one order under way, for the tests of the inspection. */
import { createTestRuntime } from '../../src/testing/index.js';
import { orderMachine } from './orders.js';

/** `order/77` has taken three steps: it was made, a bell was put in, and it was paid. */
export async function house() {
  const test = await createTestRuntime({ define: (runtime) => ({ orders: runtime.define(orderMachine) }) });
  const order = await test.kinds.orders.create({ id: '77', input: { title: 'a red bicycle' } });
  await order.send({ type: 'add', line: 'bell' });
  await order.send({ type: 'pay', amount: 20 });
  await test.settle();
  const { runtime } = test;
  return {
    ...{ test, order, runtime, inspection: runtime.inspection },
    [Symbol.asyncDispose]: () => test.close(),
  };
}
