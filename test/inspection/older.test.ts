/** A directory that an older holdfast wrote: what it lacks is said, or missing; nothing is made up. */
import { expect, test } from 'vitest';
import { openMemoryStore } from '../../src/store/index.js';
import { createTestRuntime } from '../../src/testing/index.js';
import { rowsOf } from '../kernel/fixtures.js';
import { orderMachine } from './orders.js';

const define = (runtime: Awaited<ReturnType<typeof createTestRuntime>>['runtime']) => ({
  orders: runtime.define(orderMachine),
});

type Disk = Awaited<ReturnType<typeof createTestRuntime>>['disk'];

/** Records without `since`, shapes without their chart, and no histograms. */
async function older(disk: Disk): Promise<void> {
  const store = await openMemoryStore({ disk });
  const without = async (letter: 's' | 'v', field: string) =>
    (await rowsOf(store, letter)).map(([key, text]) => {
      const { [field]: _gone, ...row } = JSON.parse(text) as Readonly<Record<string, unknown>>;
      return { key, value: JSON.stringify(row) };
    });
  const rows = [
    ...(await without('s', 'since')),
    ...(await without('v', 'chart')),
    ...(await rowsOf(store, 'b')).map(([key]) => ({ key, value: undefined })),
  ];
  await store.commit({ number: store.lastCommit + 1, rows, expect: [] });
  await store.close();
}

test('since when is told as far as it is known, then and after its next step; charts come back', async () => {
  const home = await createTestRuntime({ define });
  const order = await home.kinds.orders.create({ id: '77', input: { title: 'a lamp' } });
  await home.advance(10_000);
  await order.send({ type: 'add', line: 'bell' });
  await home.close();
  await older(home.disk);

  // Its clock begins anew: twenty seconds are ten after the last step.
  const stranger = await createTestRuntime({ disk: home.disk, define: () => undefined });
  const looking = stranger.runtime.inspection;
  await stranger.advance(20_000);
  expect((await looking.list()).items).toMatchObject([{ address: 'order/77', value: 'cart' }]);
  expect((await looking.list()).items[0]).not.toHaveProperty('since');
  const { kinds } = await looking.population();
  expect(kinds.find(({ kind }) => kind === 'order')).toMatchObject({ count: 1, dwell: [] });
  const why = await looking.why('order/77');
  expect(why.words).toMatch(/^order\/77 has been in cart for at least 10 s\. /);
  expect(why.states).toMatchObject([{ path: 'cart', atLeast: true }]);
  await expect(looking.chart('order')).rejects.toMatchObject({ code: 'CHART_UNKNOWN' });
  await stranger.close();

  const after = await createTestRuntime({ disk: home.disk, define });
  await after.advance(30_000);
  await after.kinds.orders.get('77').send({ type: 'add', line: 'book' });
  const { words } = await after.runtime.inspection.why('order/77');
  expect(words).toMatch(/^order\/77 has been in cart for 20 s\. /);
  await after.close();

  const again = await createTestRuntime({ disk: home.disk, define: () => undefined });
  expect(await again.runtime.inspection.chart('order')).toMatchObject({ config: { id: 'order' } });
  await again.close();
});
