/** Places with one order, for the tests of the inspection: a test runtime, and a directory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openRuntime, silentLogger } from '../../src/index.js';
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

/** A directory that nobody runs, with `order/77` in its cart. */
export async function directoryWithOrder(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-inspection-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const runtime = await openRuntime({ directory, control: false, durability: 'process', log: silentLogger });
  const order = await runtime.define(orderMachine).create({ id: '77', input: { title: 'a red bicycle' } });
  await order.send({ type: 'add', line: 'bell' });
  await runtime.close();
  return directory;
}
