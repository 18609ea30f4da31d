/** The test runtime keeps what it promises: determinism, exact rest, time, effects. */
import { AssertionError } from 'node:assert';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createTestRuntime } from '../../src/testing/index.js';
import { charging, defineOrders, input, opened, rowsOf, stateOf } from './shop.js';

const HOUR_MS = 3_600_000;

describe('the same test', () => {
  async function story(): Promise<readonly (readonly [string, string])[]> {
    const shop = await createTestRuntime({
      define: defineOrders(),
      answers: { charge: async (_input, { id }) => setImmediate(`receipt ${id}`) },
    });
    const orders = await shop.kinds.orders.createMany(Array.from({ length: 20 }, () => ({ input })));
    await Promise.all(orders.map((order, n) => order.send({ type: n % 3 === 0 ? 'pay' : 'listen' })));
    await shop.effects.send('order.ticker', { type: 'tick' });
    await shop.crash();
    await shop.advance('2 min');
    await shop.crash({
      at: 'after-commit',
      during: () => shop.kinds.orders.create({ input }),
    });
    await shop.close();
    return rowsOf(shop);
  }

  test('writes the same rows twice, byte for byte', async () => {
    const [first, second] = [await story(), await story()];
    expect(first.length).toBeGreaterThan(100);
    expect(second).toEqual(first);
  });

  test('beside another one writes what it writes alone', async () => {
    const [first, second] = await Promise.all([story(), story()]);
    expect(second).toEqual(first);
    expect(await story()).toEqual(first);
  });
});

describe('settle', () => {
  test('has what was sent without waiting on disk, and what follows from it done', async () => {
    const shop = await opened({ define: defineOrders(), answers: { 'order.charge': () => 'receipt' } });
    const sent = shop.kinds.orders.create({ id: '1', input }).then((order) => order.send({ type: 'pay' }));
    await shop.settle();
    expect(await stateOf(shop, '1')).toBe('paid');
    expect(await sent).toMatchObject({ accepted: true });
  });

  test('waits for an answer that does real work, as long as it may', async () => {
    const answer = async (): Promise<string> => {
      for (let turns = 0; turns < 100; turns += 1) await setImmediate();
      return 'slow';
    };
    const shop = await opened({ define: defineOrders(), answers: { charge: answer } });
    const order = await shop.kinds.orders.create({ id: '1', input });
    await order.send({ type: 'pay' });
    await shop.settle();
    expect(await order.snapshot()).toMatchObject({ value: 'paid', context: { receipt: 'slow' } });
  });

  test('says what it waited for when its patience is over', async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    const shop = await opened({ define: defineOrders(), answers: { charge: never }, patienceMs: 20 });
    const order = await shop.kinds.orders.create({ id: '1', input });
    await order.send({ type: 'pay' });
    const message = 'still at work after 20 ms: order.charge of order/1; let it wait, and answer it';
    await expect(shop.settle()).rejects.toThrow(new AssertionError({ message }));
  });

  test('ends, and names the step, where a machine loops without end', async () => {
    const shop = await opened({ define: defineOrders() });
    const order = await shop.kinds.orders.create({ id: '1', input });
    await order.send({ type: 'loop' });
    const loops = /^it does not come to rest; the last step: xstate\.after\.0\.order\.looping at order\/1$/;
    await expect(shop.settle()).rejects.toThrow(loops);
  });
});

describe('advance', () => {
  test('fires each timer at its own time, chained ones too', async () => {
    const shop = await charging();
    await shop.effects.fail('charge', new Error('no'));
    const orders = await shop.kinds.orders.createMany([
      { id: 'a', input },
      { id: 'b', input },
    ]);
    const at: number[] = [];
    for (const order of orders) order.subscribe({ complete: () => at.push(shop.clock.now()) });
    const startedAt = shop.clock.now();
    await shop.advance('59999 ms');
    expect(await stateOf(shop, 'a')).toBe('unpaid');
    await shop.advance(HOUR_MS);
    expect(await stateOf(shop, 'b')).toBe('expired');
    expect(at).toEqual([startedAt + 60_000, startedAt + 60_000]);
    expect(shop.clock.now()).toBe(startedAt + 59_999 + HOUR_MS);
  });

  test('passes 300 days at once, waking nobody every minute', async () => {
    const shop = await opened({ define: defineOrders() });
    const order = await shop.kinds.orders.create({ id: '1', input });
    await order.send({ type: 'wait' });
    await shop.advance('299 d');
    expect(await shop.timers()).toMatchObject([
      { actor: 'order/1', name: 'xstate.after.aLongTime.order.waiting' },
    ]);
    await shop.advance('1 d');
    expect(await stateOf(shop, '1')).toBe('expired');
    await shop.expectQuiet();
  });

  test.each(['soon', '1 fortnight', -1, NaN, '-2 s'])('takes no %s for a duration', async (duration) => {
    const shop = await opened({});
    await expect(shop.advance(duration)).rejects.toThrow(AssertionError);
  });
});

describe('effects', () => {
  test('wait, and are recorded with what they were asked and what they said', async () => {
    const shop = await charging();
    const asked = { name: 'order.charge', actor: 'order/1', input, attempt: 1, told: [] };
    expect(shop.effects.all()).toMatchObject([{ ...asked, status: 'waiting' }]);
    await shop.effects.answer('charge', 'r-1');
    expect(shop.effects.all('order.charge')).toMatchObject([{ ...asked, status: 'done', output: 'r-1' }]);
    expect(await shop.kinds.orders.get('1').snapshot()).toMatchObject({ context: { receipt: 'r-1' } });
    await shop.expectQuiet();
  });

  test('fail with what the test throws for them', async () => {
    const shop = await charging();
    await shop.effects.fail('order.charge', new TypeError('the card is stolen'));
    expect(await stateOf(shop, '1')).toBe('refused');
    const error = { name: 'TypeError', message: 'the card is stolen' };
    expect(shop.effects.all()).toMatchObject([{ status: 'failed', error }]);
  });

  test('of an actor that has left are cancelled, and an answer finds none', async () => {
    const shop = await charging();
    await shop.kinds.orders.get('1').send({ type: 'cancel' });
    const message =
      'no effect "charge" waits; nothing waits; the last was order.charge of order/1, cancelled';
    await expect(shop.effects.answer('charge', 'late')).rejects.toThrow(new AssertionError({ message }));
    expect(await stateOf(shop, '1')).toBe('cancelled');
  });

  test('are answered oldest first, or by their id', async () => {
    const shop = await charging();
    for (const id of ['2', '3']) {
      const order = await shop.kinds.orders.create({ id, input });
      await order.send({ type: 'pay' });
    }
    await shop.effects.answer('charge', 'first');
    const third = shop.effects.waiting('charge').at(-1);
    await shop.effects.answer(third?.id ?? '', 'last');
    expect(shop.effects.all().map(({ actor, status }) => [actor, status])).toEqual([
      ['order/1', 'done'],
      ['order/2', 'waiting'],
      ['order/3', 'done'],
    ]);
    await expect(shop.effects.answer('chrage', 1)).rejects.toThrow('waiting: order.charge of order/2');
  });

  test('end at their timeout, on the clock of the test', async () => {
    const shop = await charging({ effects: { charge: { timeoutMs: 5_000 } } });
    await shop.advance(4_999);
    expect(shop.effects.waiting()).toHaveLength(1);
    await shop.advance(1);
    expect(shop.effects.all()).toMatchObject([{ status: 'failed', error: { code: 'EFFECT_TIMEOUT' } }]);
  });

  test('are run again within their budget, and counted', async () => {
    const budget = { failuresMax: 2, periodMs: HOUR_MS };
    const shop = await charging({ effects: { charge: { restart: budget } } });
    for (let failures = 0; failures < 3; failures += 1) {
      await shop.effects.fail('charge', new Error('busy'));
      await shop.advance('1 min');
    }
    expect(shop.effects.all().map(({ attempt, status }) => `${attempt} ${status}`)).toEqual([
      '1 failed',
      '2 failed',
      '3 failed',
    ]);
    expect(await stateOf(shop, '1')).toBe('refused');
  });

  test('are kept within the bounds of their pool', async () => {
    const shop = await opened({ define: defineOrders({ effects: { charge: { limit: 2 } } }) });
    const orders = await shop.kinds.orders.createMany(Array.from({ length: 5 }, () => ({ input })));
    await Promise.all(orders.map((order) => order.send({ type: 'pay' })));
    await shop.settle();
    expect(shop.effects.waiting()).toHaveLength(2);
    await shop.effects.answer('charge', 'r');
    expect(shop.effects.all()).toHaveLength(3);
  });

  test('whose output is no JSON fail, as in production', async () => {
    const shop = await charging();
    await shop.effects.answer('charge', new Map());
    expect(shop.effects.all()).toMatchObject([{ status: 'failed', error: { code: 'INVALID_DEFINITION' } }]);
  });

  test('run the logic of the machine where the test wants that', async () => {
    const define = defineOrders({ own: { charge: (id) => Promise.resolve(`own ${id}`) } });
    const shop = await opened({ define, effects: 'run' });
    const order = await shop.kinds.orders.create({ id: '1', input });
    await order.send({ type: 'pay' });
    await shop.settle();
    expect((await order.snapshot())?.context.receipt).toBe('own order/1/2:1');
    expect(shop.effects.all()).toMatchObject([{ status: 'done', output: 'own order/1/2:1' }]);
  });

  test('are answered by name, the whole name before the short one', async () => {
    const answers = {
      charge: 'run',
      'order.charge': ({ amount }: { readonly amount: number }, { attempt }: { readonly attempt: number }) =>
        `${amount} at attempt ${attempt}`,
    } as const;
    const shop = await opened({ define: defineOrders(), answers });
    const order = await shop.kinds.orders.create({ id: '1', input });
    await order.send({ type: 'pay' });
    await shop.settle();
    expect((await order.snapshot())?.context.receipt).toBe('42 at attempt 1');
  });

  test('that are callbacks send, hear, and end when the test says so', async () => {
    const shop = await opened({ define: defineOrders() });
    const order = await shop.kinds.orders.create({ id: '1', input });
    await order.send({ type: 'listen' });
    await shop.effects.send('order.ticker', { type: 'tick' });
    await shop.effects.send('ticker', { type: 'tick' });
    await order.send({ type: 'ask' });
    await shop.settle();
    expect(shop.effects.waiting()).toMatchObject([{ child: 'ticks', told: [{ type: 'question' }] }]);
    expect((await order.snapshot())?.context.notes).toEqual(['tick', 'tick']);
    await shop.effects.fail('ticker', new Error('the line is cut'));
    expect(await stateOf(shop, '1')).toBe('refused');
  });

  test('that are observables emit values, and complete', async () => {
    const shop = await opened({ define: defineOrders() });
    const order = await shop.kinds.orders.create({ id: '1', input });
    await order.send({ type: 'watch' });
    await shop.effects.next('order.prices', 7);
    await shop.effects.next('order.prices', 8);
    // XState tells of the first, empty snapshot too.
    expect((await order.snapshot())?.context.notes.slice(-2)).toEqual(['7', '8']);
    await shop.effects.answer('order.prices');
    expect(await stateOf(shop, '1')).toBe('paid');
  });

  test('that are promises have nothing to send', async () => {
    const shop = await charging();
    const sending = shop.effects.send('charge', { type: 'tick' });
    await expect(sending).rejects.toThrow('order.charge is a promise: answer it, or fail it');
  });
});

test('a closed one has its disk for the next', async () => {
  const shop = await charging();
  await shop.close();
  await shop.close();
  expect(() => shop.runtime).toThrow(AssertionError);
  const next = await opened({ define: defineOrders(), disk: shop.disk, startAt: shop.clock.now() });
  expect(next.effects.waiting('charge')).toHaveLength(1);
});

test('what is not quiet is listed', async () => {
  const shop = await charging();
  await shop.kinds.orders.create({ id: '2', input });
  await expect(shop.expectQuiet()).rejects.toThrow(
    [
      'not quiet:',
      '  order.charge of order/1 waits for an answer',
      '  xstate.after.timeToPay.order.unpaid of order/2 fires in 60000 ms',
    ].join('\n'),
  );
});

test('a define that throws opens nothing, and leaves the disk free', async () => {
  const shop = await charging();
  await shop.close();
  const define = (): never => {
    throw new Error('no such machine');
  };
  await expect(createTestRuntime({ define, disk: shop.disk })).rejects.toThrow('no such machine');
  expect((await rowsOf(shop)).length).toBeGreaterThan(10);
});
