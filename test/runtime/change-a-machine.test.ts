/** The guide "Change a machine that has live actors", lived through. */
import { expect, test } from 'vitest';
import { mayDeploy } from '../../examples/change-a-machine/gate.js';
import { rollOut } from '../../examples/change-a-machine/roll-out.js';
import { orderMachine as first } from '../../examples/change-a-machine/version-1.js';
import { openRuntime, silentLogger, type Runtime } from '../../src/index.js';
import { newDirectory } from '../control/world.js';
import { until } from './house.js';

async function recordOf(runtime: Runtime, id: string) {
  const record = await runtime.inspect.reader.record(`order/${id}`);
  if (record === undefined) throw new Error(`there is no order/${id}`);
  return record;
}

test('live orders become ones of version 2: due times and a charge under way go on', async () => {
  const directory = await newDirectory();
  const before = await openRuntime({ directory, log: silentLogger });
  const orders = before.define(first);
  await orders.create({ id: 'open', input: { amount: 5 } });
  const packed = await orders.create({ id: 'packed', input: { amount: 7 } });
  await packed.send({ type: 'paid' });
  await packed.waitFor(({ value }) => value === 'packing');
  const charged = await orders.create({ id: 'charged', input: { amount: 9 } });
  await charged.send({ type: 'paid' });
  const [open, charging] = [await recordOf(before, 'open'), await recordOf(before, 'charged')];
  // Cut off in the middle of the charge.
  await before.close({ timeoutMs: 0 });

  expect(await mayDeploy(directory)).toBe(true);
  const { runtime: after, orders: next } = await rollOut(directory);
  try {
    await next.get('charged').waitFor(({ value }) => value === 'packing');
    for (const id of ['open', 'packed'])
      await until(after, async () => (await recordOf(after, id)).version === '2');
    expect(await next.get('open').waitFor(() => true)).toMatchObject({ value: 'awaitingPayment' });
    const moved = await recordOf(after, 'open');
    expect(moved).toMatchObject({ version: '2', timers: open.timers });
    expect(moved.snapshot).toMatchObject({ context: { amount: 5, currency: 'EUR' } });
    const journal = await after.inspect.reader.journal('order/charged');
    const migrated = journal.find(({ event }) => event.type === 'holdfast.migrated');
    expect(migrated?.migrated).toMatchObject({ from: '1', to: '2', dropped: [] });
    expect(charging.effects).toHaveLength(1);
    expect(await recordOf(after, 'charged')).toMatchObject({ snapshot: { context: { receipt: 'paid 9' } } });
    const waiting = await recordOf(after, 'packed');
    expect(waiting.timers.map(({ sendId }) => sendId)).toEqual(['xstate.after.shippingTime.order.packing']);
  } finally {
    await after.close();
  }
});
