/** `runtime.quarantine`: who stands still is listed and told of, and an operator lets them go on. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { openOffline, openRuntime, silentLogger } from '../../src/index.js';
import type { MemoryLimits, QuarantineView } from '../../src/index.js';
import { keys, openLevelStore } from '../../src/store/index.js';
import { buildHouse } from './house.js';

/** Counts; `boom` throws until it is mended. */
function orderMachine(mended: { is: boolean }) {
  return setup({
    types: { context: {} as { n: number }, events: {} as { type: 'add' } | { type: 'boom'; why: string } },
    actions: {
      add: assign({ n: ({ context }) => context.n + 1 }),
      boom: assign(({ context }) => {
        if (!mended.is) throw new Error('not mended');
        return { n: context.n + 10 };
      }),
    },
  }).createMachine({
    id: 'order',
    version: '1',
    context: { n: 0 },
    on: { add: { actions: 'add' }, boom: { actions: 'boom' } },
  });
}

const refusal = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'ok',
    (error: unknown): unknown => Reflect.get(Object(error) as object, 'code'),
  );

test('an actor that stands still is told of, listed, shown, and goes on as an operator says', async () => {
  const house = await buildHouse();
  const mended = { is: false };
  let runtime = await house.open();
  const heard: QuarantineView[] = [];
  runtime.on('quarantined', (info) => heard.push(info));
  let orders = runtime.define(orderMachine(mended));
  for (const id of ['a', 'b', 'c']) await orders.create({ id });
  for (const id of ['a', 'b'])
    expect(await refusal(orders.get(id).send({ type: 'boom', why: 'x' }))).toBe('ACTOR_QUARANTINED');
  const view = {
    address: 'order/a',
    kind: 'order',
    id: 'a',
    code: 'THREW',
    message: 'not mended',
    at: expect.any(Number) as number,
    event: { type: 'boom', why: 'x' },
    source: 'user',
  };
  expect(heard).toEqual([view, { ...view, address: 'order/b', id: 'b' }]);
  await runtime.close();

  runtime = await house.open();
  // Its machine is not needed for looking, only for acting.
  expect(await runtime.quarantine.get('order/a')).toEqual(view);
  expect(await refusal(runtime.quarantine.resume('order/a'))).toBe('KIND_UNKNOWN');
  orders = runtime.define(orderMachine(mended));
  const { quarantine } = runtime;
  const first = await quarantine.list({ limit: 1 });
  expect(first.items).toEqual([view]);
  const rest = await quarantine.list({ limit: 1, kind: 'order', cursor: first.cursor });
  expect(rest.items.map(({ id }) => id)).toEqual(['b']);
  expect((await quarantine.list({ kind: 'job' })).items).toEqual([]);
  expect(await refusal(quarantine.resume('order/a', { operator: 'ann' }))).toBe('ACTOR_QUARANTINED');
  mended.is = true;
  await quarantine.resume('order/a', { operator: 'ann' });
  await quarantine.skip('order/b', { operator: 'ann' });
  expect((await orders.get('a').snapshot())?.context).toEqual({ n: 10 });
  expect((await orders.get('b').snapshot())?.context).toEqual({ n: 0 });
  expect((await runtime.inspect.reader.journal('order/b')).at(-1)).toMatchObject({ source: 'operator:ann' });
  expect(await refusal(quarantine.dismiss('order/b'))).toBe('ACTOR_NOT_QUARANTINED');
  expect(await refusal(quarantine.get('order/b'))).toBe('ACTOR_NOT_QUARANTINED');
  expect(await refusal(quarantine.get('order/x'))).toBe('ACTOR_NOT_FOUND');
  expect(await refusal(quarantine.skip('order/x'))).toBe('ACTOR_NOT_FOUND');
  expect(await refusal(quarantine.skip('order/a', { operator: 'a\nb' }))).toBe('INVALID_INPUT');
  expect(await refusal(quarantine.list({ kind: 'no kind' }))).toBe('INVALID_ID');
  expect((await quarantine.list()).items).toEqual([]);
});

test('a directory that nobody holds is looked at, and a damaged record is listed, too', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const orders = runtime.define(orderMachine({ is: false }));
  for (const id of ['a', 'b']) await orders.create({ id });
  await refusal(orders.get('a').send({ type: 'boom', why: 'x' }));
  await runtime.close();
  const store = await openLevelStore({ directory: house.directory, purpose: 'look' });
  const rows = [{ key: keys.record('order/b'), value: '[]' }];
  await store.commit({ number: store.lastCommit + 1, rows, expect: [] });
  await store.close();
  const again = await house.open();
  again.define(orderMachine({ is: false }));
  expect(await refusal(again.quarantine.resume('order/b'))).toBe('ACTOR_QUARANTINED');
  await again.close();

  const offline = await openOffline({ directory: house.directory, log: silentLogger });
  const { items } = await offline.quarantine.list();
  expect(items.map(({ address, code }) => [address, code])).toEqual([
    ['order/a', 'THREW'],
    ['order/b', 'STORE_CORRUPTED'],
  ]);
  expect(await refusal(offline.quarantine.dismiss('order/a'))).toBe('KIND_UNKNOWN');
  await offline.close();
});

test('memory bounds are checked, a failed open frees its directory, who left memory is read', async () => {
  const house = await buildHouse();
  const bounds = [{ actorsMax: 0 }, { bytesMax: 1.5 }, { actorsMax: Number.NaN }, { bytes: 5 }, 5, null];
  for (const memory of bounds) {
    const wrong = openRuntime({ directory: house.directory, memory: memory as MemoryLimits });
    await expect(wrong).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  }
  const unwrapped = house.open({
    wrapStore: () => {
      throw new Error('no wrapping today');
    },
  });
  await expect(unwrapped).rejects.toThrow('no wrapping today');
  const runtime = await house.open({ memory: { actorsMax: 1, bytesMax: 1 } });
  const orders = runtime.define(orderMachine({ is: true }));
  for (const id of ['a', 'b']) await orders.create({ id });
  for (let turn = 0; turn < 3; turn += 1)
    for (const id of ['a', 'b']) await orders.get(id).send({ type: 'add' });
  expect((await orders.get('a').snapshot())?.context).toEqual({ n: 3 });
});

test('ports that cannot be called are refused by name, before anything is made', async () => {
  const house = await buildHouse();
  const directory = join(house.directory, 'none');
  const wrong = [
    [{ providers: 'kling' }, 'providers: not a list of adapters'],
    [{ providers: [null] }, 'providers[0]: not an adapter'],
    [{ channels: [] }, 'channels: not an object'],
    [{ channels: { chat: {} } }, 'channels.chat: neither a function nor an object'],
    [{ clock: Date }, 'clock.monotonicMs: not a function'],
  ] as const;
  for (const [options, message] of wrong) {
    const opened = openRuntime({ directory, ...options } as never);
    await expect(opened).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(opened).rejects.toThrow(message);
  }
  expect(existsSync(directory)).toBe(false);
});
