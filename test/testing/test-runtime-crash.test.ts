/** A test runtime that is killed: it loses what a process loses, and nothing more. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { orderMachine as parcelled } from '../../examples/order/order.js';
import { isHoldfastError } from '../../src/errors.js';
import { charging, defineOrders, input, opened, stateOf } from './shop.js';

describe('a crash', () => {
  test('before the commit loses the step, and who waited is told', async () => {
    const shop = await opened({ define: defineOrders() });
    await shop.kinds.orders.create({ id: '1', input });
    const order = shop.kinds.orders.get('1');
    const waiting = order.waitFor(({ value }) => value === 'paid').catch((error: unknown) => error);
    const answers: unknown[] = [];
    const during = (): Promise<unknown> =>
      order.send({ type: 'pay' }).catch((error: unknown) => answers.push(error));
    await shop.crash({ at: 'before-commit', during });
    expect(await stateOf(shop, '1')).toBe('unpaid');
    expect([await waiting, ...answers].map((error) => isHoldfastError(error, 'STORE_FAILED'))).toEqual([
      true,
      true,
    ]);
  });

  test('after the commit keeps the step, acts on it once, and who waited is told nothing of it', async () => {
    const shop = await opened({ define: defineOrders() });
    const order = await shop.kinds.orders.create({ id: '1', input });
    const emitted: unknown[] = [];
    order.on('*', (event) => emitted.push(event));
    const sent = { error: undefined as unknown };
    const during = (): Promise<unknown> =>
      order.send({ type: 'pay' }, { id: 'click' }).catch((error: unknown) => (sent.error = error));
    await shop.crash({ at: 'after-commit', during });
    expect(isHoldfastError(sent.error, 'STORE_FAILED')).toBe(true);
    expect(await stateOf(shop, '1')).toBe('charging');
    const again = await shop.kinds.orders.get('1').send({ type: 'pay' }, { id: 'click' });
    expect(again.deduplicated).toBe(true);
    expect(shop.effects.all()).toHaveLength(1);
    expect(emitted).toEqual([]);
  });

  test('interrupts what waits: it waits again, under its id', async () => {
    const shop = await charging();
    const [before] = shop.effects.waiting();
    await shop.crash();
    expect(shop.effects.all()).toMatchObject([
      { id: before?.id, attempt: 1, status: 'interrupted' },
      { id: before?.id, attempt: 2, status: 'waiting' },
    ]);
  });

  test('asks the probe of what had started, and waits for its answer', async () => {
    const asked: string[] = [];
    const probe = async ({ effectId }: { readonly effectId: string }) => {
      for (let turns = 0; turns < 50; turns += 1) await setImmediate();
      asked.push(effectId);
      return { type: 'done', output: 'found' } as const;
    };
    const shop = await charging({ effects: { charge: { recovery: 'probe', probe } } });
    await shop.crash();
    expect(asked).toEqual(['order/1/2:1']);
    expect(await shop.kinds.orders.get('1').snapshot()).toMatchObject({ context: { receipt: 'found' } });
  });

  test('keeps timers: what became due is due, what did not has its rest left', async () => {
    const shop = await opened({ define: defineOrders() });
    await shop.kinds.orders.create({ id: '1', input });
    await shop.advance('50 s');
    await shop.crash();
    await shop.advance('9999 ms');
    expect(await stateOf(shop, '1')).toBe('unpaid');
    await shop.advance(1);
    expect(await stateOf(shop, '1')).toBe('expired');
  });

  test('that no commit comes is the mistake of the test, and so is what it throws on the way', async () => {
    const shop = await opened({ define: defineOrders() });
    const nothing = shop.crash({ at: 'before-commit' });
    await expect(nothing).rejects.toThrow('nothing was committed, so nothing died before-commit');
    const wrong = shop.crash({ at: 'after-commit', during: () => shop.effects.answer('charge') });
    await expect(wrong).rejects.toThrow('no effect "charge" waits; nothing waits, and no effect has run');
    // The moment is not kept for a later commit.
    await shop.kinds.orders.create({ id: '1', input });
    expect(await stateOf(shop, '1')).toBe('unpaid');
  });

  test('with its power may lose the newest commits, where durability is that of a process', async () => {
    const shop = await opened({ define: defineOrders(), durability: 'process' });
    await shop.kinds.orders.create({ id: '1', input });
    await shop.kinds.orders.create({ id: '2', input });
    await shop.crash({ losing: 1 });
    expect([await stateOf(shop, '1'), await stateOf(shop, '2')]).toEqual(['unpaid', undefined]);
  });

  test.each(['before-commit', 'after-commit'] as const)(
    '%s, at any step of an order with a parcel of its own, changes nothing of how it ends',
    async (at) => {
      for (let fatal = 0; fatal < 4; fatal += 1) {
        const house = await opened({
          define: (runtime) => ({ orders: runtime.define(parcelled) }),
          answers: { charge: ({ amount }: { readonly amount: number }) => ({ amount }) },
        });
        const order = () => house.kinds.orders.get('1');
        const steps = [
          () => house.kinds.orders.create({ id: '1', input: { amount: 1, to: 'Ada' } }),
          () => order().send({ type: 'pay' }, { id: 'click' }),
          () => house.advance('1 s'),
          () => house.advance('1 s'),
        ];
        for (const [n, step] of steps.entries()) {
          if (n === fatal) await house.crash({ at, during: step });
          // Whoever was not told does it again.
          await step();
        }
        await house.advance('2 s');
        expect((await order().snapshot())?.value).toBe('delivered');
        expect((await house.runtime.list('order.parcel')).items).toHaveLength(1);
        await house.expectQuiet();
      }
    },
  );
});
