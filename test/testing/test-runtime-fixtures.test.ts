/** Tests that begin where another one, or production, has stopped: fixtures are capsules. */
import { expect, test } from 'vitest';
import { charging, defineOrders, input, opened, stateOf } from './shop.js';

const define = defineOrders();

test('an actor goes on from its fixture, with what was left of its timers, as JSON', async () => {
  const shop = await opened({ define });
  const order = await shop.kinds.orders.create({ id: '7', input });
  await shop.advance('50 s');
  const fixture: unknown = JSON.parse(JSON.stringify(await shop.fixture(order)));

  const next = await opened({ define, fixtures: [fixture] });
  expect(await next.kinds.orders.get('7').snapshot()).toMatchObject({
    value: 'unpaid',
    context: { amount: 42 },
  });
  await next.advance('9999 ms');
  expect(await stateOf(next, '7')).toBe('unpaid');
  await next.advance(1);
  expect(await stateOf(next, '7')).toBe('expired');
});

test('what was under way is as after a crash: a rerun waits again, what is manual is in doubt', async () => {
  const rerun = await charging();
  const again = await opened({ define, fixtures: [await rerun.fixture('order/1')] });
  expect(again.effects.waiting()).toMatchObject([{ id: rerun.effects.all()[0]?.id, input }]);
  await again.effects.answer('charge', 'r');
  expect(await stateOf(again, '1')).toBe('paid');

  const manual = defineOrders({ effects: { charge: { recovery: 'manual' } } });
  const doubtful = await opened({ define: manual, fixtures: [await rerun.fixture('order/1')] });
  expect(await stateOf(doubtful, '1')).toBe('inDoubt');
});

test('one that has ended has ended; one that starts later finds its timers overdue', async () => {
  const shop = await charging();
  await shop.effects.answer('charge', 'r');
  const waiting = await shop.kinds.orders.create({ id: '2', input });
  const fixtures = [await shop.fixture('order/1'), await shop.fixture(waiting)];
  const next = await opened({ define, fixtures, startAt: shop.clock.now() + 60_000 });
  expect([await stateOf(next, '1'), await stateOf(next, '2')]).toEqual(['paid', 'expired']);
});

test('what is no capsule, or of a kind that is not defined, opens nothing', async () => {
  const fixture = await (await charging()).fixture('order/1');
  await expect(opened({ define, fixtures: [{ exportedAt: 7 }] })).rejects.toMatchObject({
    code: 'CAPSULE_INVALID',
  });
  await expect(opened({ fixtures: [fixture] })).rejects.toMatchObject({ code: 'KIND_UNKNOWN' });
});
