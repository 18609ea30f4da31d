import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fromPromise, setup } from 'xstate';
import { Telemetry } from '../../src/actors/telemetry/telemetry.js';
import { silentLogger } from '../../src/index.js';
import { createSimulatedClock, createTestRuntime } from '../../src/testing/index.js';
import { buildHouse, delivered, until, video } from '../runtime/house.js';
import { defineShop, orderMachine, storeMachine } from './listeners.js';
import { parsed } from './prometheus-text.js';

function heard(name: string): unknown[] {
  const messages: unknown[] = [];
  const listener = (message: unknown): void => void messages.push(structuredClone(message));
  subscribe(name, listener);
  onTestFinished(() => void unsubscribe(name, listener));
  return messages;
}

async function openShop() {
  const shop = await createTestRuntime({ define: defineShop, effects: 'run' });
  onTestFinished(() => shop.close());
  await shop.kinds.stores.create({ id: '1' });
  return shop;
}

describe('who listens to a channel hears of it', () => {
  test('holdfast:step and holdfast:commit, after the commit', async () => {
    const shop = await openShop();
    const steps = heard('holdfast:step');
    const commits = heard('holdfast:commit');
    const order = await shop.kinds.orders.create({ id: '7', input: { card: 'card-secret' } });
    await order.send({ type: 'pay' });
    await shop.settle();
    expect(steps[1]).toEqual({
      address: 'order/7',
      kind: 'order',
      seq: 2,
      event: 'pay',
      source: 'user',
      state: 'paying',
      status: 'active',
      commit: expect.any(Number) as number,
      at: shop.clock.now(),
    });
    expect(steps[2]).toMatchObject({ cause: 'order/7/2:0', state: 'paid' });
    expect(commits[0]).toMatchObject({ steps: 1, rows: expect.any(Number) as number });
    expect(JSON.stringify([steps, commits])).not.toContain('secret');
  });

  test('holdfast:effect is a tracing channel: its start may bind a store for the run', async () => {
    const storage = new AsyncLocalStorage<{ readonly src: unknown }>();
    const runs = tracingChannel<{ readonly src: unknown }, { src: unknown }>('holdfast:effect');
    runs.start.bindStore(storage, (message) => ({ src: (message as { src: unknown }).src }));
    onTestFinished(() => void runs.start.unbindStore(storage));
    const ends = heard('tracing:holdfast:effect:asyncEnd');
    const stores: unknown[] = [];
    const charge = fromPromise<{ readonly receipt: string }, { readonly card: string }>(async () => {
      await Promise.resolve();
      stores.push(storage.getStore());
      return { receipt: 'receipt-secret' };
    });
    const shop = await createTestRuntime({
      define: (runtime) => {
        runtime.define(storeMachine);
        return runtime.define(orderMachine.provide({ actors: { charge } }));
      },
      effects: 'run',
    });
    onTestFinished(() => shop.close());
    const order = await shop.kinds.create({ id: '7', input: { card: '' } });
    await order.send({ type: 'pay' });
    await shop.settle();
    expect(stores).toEqual([{ src: 'charge' }]);
    const facts = { id: 'order/7/2:0', address: 'order/7', kind: 'order', src: 'charge', attempt: 1 };
    expect(ends).toEqual([{ ...facts, outcome: 'done', durationMs: 0 }]);
  });

  test('holdfast:delivery, when an attempt to send has ended', async () => {
    const sent = heard('holdfast:delivery');
    const house = await buildHouse();
    const runtime = await house.open();
    const job = await runtime.jobs.submit(video());
    await delivered(runtime, job);
    await until(runtime, () => sent.length > 0);
    expect(sent).toEqual([
      {
        address: expect.stringMatching(/^delivery\//) as string,
        channel: 'chat',
        attempt: 1,
        outcome: 'sent',
        durationMs: expect.any(Number) as number,
      },
    ]);
    const { value } = parsed(await runtime.metrics());
    expect(value('holdfast_deliveries_total', { channel: 'chat', outcome: 'sent' })).toBe(1);
  });

  test('holdfast:quarantine, with the code of the reason and not its message', async () => {
    const quarantines = heard('holdfast:quarantine');
    const fussy = setup({
      guards: {
        isFine: () => {
          throw new Error('message-secret');
        },
      },
    }).createMachine({ id: 'fussy', version: '1', on: { go: { guard: 'isFine' } } });
    const shop = await createTestRuntime({ define: (runtime) => runtime.define(fussy) });
    onTestFinished(() => shop.close());
    const actor = await shop.kinds.create({ id: '1' });
    await expect(actor.send({ type: 'go' })).rejects.toMatchObject({ code: 'ACTOR_QUARANTINED' });
    await shop.settle();
    expect(quarantines).toEqual([{ address: 'fussy/1', kind: 'fussy', code: 'THREW' }]);
    const { value } = parsed(await shop.runtime.metrics());
    expect(value('holdfast_quarantined_actors', { kind: 'fussy' })).toBe(1);
    expect(value('holdfast_quarantines_total', { kind: 'fussy', code: 'THREW' })).toBe(1);
  });

  test('holdfast:clock-jump, either way', async () => {
    const jumps = heard('holdfast:clock-jump');
    const telemetry = new Telemetry(createSimulatedClock(), silentLogger);
    telemetry.clockJumped(-7_000);
    telemetry.clockJumped(9_000);
    expect(jumps).toEqual([{ jumpMs: -7_000 }, { jumpMs: 9_000 }]);
    const { value } = parsed(await telemetry.text());
    expect(value('holdfast_clock_jumps_total', { direction: 'back' })).toBe(1);
  });
});
