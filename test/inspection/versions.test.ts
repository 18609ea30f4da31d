/** Actors of an older version: before their migration by its machine, where that is given, and after it. */
import { expect, onTestFinished, test } from 'vitest';
import { openOffline, silentLogger } from '../../src/index.js';
import { createTestRuntime } from '../../src/testing/index.js';
import { directoryWithOrder, house } from './house.js';
import { orderMachine } from './orders.js';

const migrate = { from: { '1': 'compatible' } } as const;

test('before it is migrated, an actor is shown by its own machine, where that is given', async () => {
  const offline = await openOffline({ directory: await directoryWithOrder(), log: silentLogger });
  onTestFinished(() => offline.close());
  offline.define(orderMachine, { version: '2', migrate: { ...migrate, machines: { '1': orderMachine } } });
  const { inspection } = offline;
  const { version, hash } = await inspection.actor('order/77');
  expect(version).toBe('1');
  expect(await inspection.chart('order', '1', hash)).toMatchObject({ version: '1', hash });
  expect((await inspection.chart('order')).version).toBe('2');
  expect(await inspection.step('order/77', 2)).toMatchObject({ context: { lines: ['bell'] } });
  const events = [{ type: 'add', line: 'lamp' }];
  const { steps } = await inspection.whatIf({ address: 'order/77', seq: 1, events });
  expect(steps).toMatchObject([{ taken: true, context: { lines: ['lamp'] } }]);
});

test('a migration is a step like any other; those before it are of a machine that is not here', async () => {
  const before = await house();
  await before.test.close();
  const home = await createTestRuntime({
    disk: before.test.disk,
    define: (runtime) => runtime.define(orderMachine, { version: '2', migrate }),
  });
  onTestFinished(() => home.close());
  const { inspection } = home.runtime;
  await home.kinds.get('77').send({ type: 'note', text: 'later' });
  const { items } = await inspection.steps('order/77');
  const [, , , migration, note] = items;
  expect(migration).toMatchObject({ migrated: true, event: { type: 'holdfast.migrated' } });
  const migrated = await inspection.step('order/77', migration?.seq ?? 0);
  expect([migrated.context, migrated.diff]).toEqual([expect.objectContaining({ paid: 20 }), undefined]);
  expect((await inspection.step('order/77', note?.seq ?? 0)).context).toMatchObject({
    noted: { text: 'later' },
  });
  const old = await inspection.step('order/77', 2);
  expect([old.context, old.unknown]).toEqual([undefined, 'it is of an older version of its machine']);
  const { steps } = await inspection.look(await home.runtime.export('order/77'));
  expect(steps.map(({ context }) => context === undefined)).toEqual([true, true, true, false, false]);
});
