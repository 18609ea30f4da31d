/**
 * Actors as they are looked at: in a runtime, in a directory that nobody runs, with their machine or
 * without.
 */
import { describe, expect, test } from 'vitest';
import { openOffline, silentLogger } from '../../src/index.js';
import { directoryWithOrder, house } from './house.js';

describe('an actor', () => {
  test('is shown with its context, what it has under way, and since when', async () => {
    await using home = await house();
    const actor = await home.inspection.actor('order/77');
    expect(actor).toMatchObject({
      address: 'order/77',
      value: { paying: 'charging' },
      since: home.test.clock.now(),
      title: 'a red bicycle',
      context: { title: 'a red bicycle', paid: 20, lines: ['bell'] },
      defined: true,
      firstSeq: 1,
      seq: 3,
    });
    expect(actor.effects).toMatchObject([
      { id: '3:1', src: 'charge', state: 'running', attempts: 1, input: { amount: 20 } },
    ]);
  });

  test('has timers by the names of their delays and the states that have them', async () => {
    await using home = await house();
    await home.test.kinds.orders.create({ id: '78', input: { title: 'a lamp' } });
    const { timers } = await home.inspection.actor('order/78');
    const dueAt = home.test.clock.now() + 60_000;
    expect(timers).toMatchObject([
      { name: 'patience', state: 'cart', dueAt, event: expect.any(String) as string },
    ]);
  });

  test('that is not there, and an address that is none, are told apart', async () => {
    await using home = await house();
    const { inspection } = home;
    await expect(inspection.actor('order/none')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    await expect(inspection.actor('order')).rejects.toMatchObject({ code: 'INVALID_ID' });
    await expect(inspection.steps('order/none')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    await expect(inspection.steps('order/77', { limit: 0 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(() => inspection.watch(() => undefined, { address: 'order' })).toThrow(/not an address/);
  });

  test('of a directory that nobody runs is shown without its machine', async () => {
    const offline = await openOffline({ directory: await directoryWithOrder(), log: silentLogger });
    const { inspection } = offline;
    const { live, kinds } = await inspection.population();
    expect(live).toBe(false);
    expect(kinds.find(({ kind }) => kind === 'order')).toMatchObject({
      defined: false,
      house: false,
      count: 1,
    });
    expect(kinds.find(({ kind }) => kind === 'job')).toMatchObject({ defined: true, house: true, count: 0 });
    expect((await inspection.list({ text: 'RED BICYCLE' })).items).toMatchObject([{ address: 'order/77' }]);
    const actor = await inspection.actor('order/77');
    expect(actor).toMatchObject({ defined: false, value: 'cart', context: { lines: ['bell'] } });
    expect(actor.timers).toMatchObject([{ name: 'patience', state: 'cart' }]);
    const step = await inspection.step('order/77', 2);
    expect(step).toMatchObject({ event: { type: 'add', line: 'bell' }, value: 'cart' });
    expect([step.context, step.unknown]).toEqual([
      undefined,
      'no machine of order, version 1, is defined here',
    ]);
    expect((await inspection.chart('order')).config).toMatchObject({ initial: 'cart', id: 'order' });
    const whatIf = inspection.whatIf({ address: 'order/77', events: [] });
    await expect(whatIf).rejects.toMatchObject({ code: 'KIND_UNKNOWN' });
    await offline.close();
  });
});

describe('a step', () => {
  test('shows the context that it led to, and what it changed', async () => {
    await using home = await house();
    expect(await home.inspection.step('order/77', 2)).toMatchObject({
      event: { type: 'add', line: 'bell' },
      context: { lines: ['bell'] },
      diff: [{ path: '/lines/0', after: 'bell' }],
    });
    const first = await home.inspection.step('order/77', 1);
    expect(first.diff).toEqual([{ path: '', after: first.context }]);
  });

  test('names the step that caused it: of the timer or the effect that it is the end of', async () => {
    await using home = await house();
    await home.test.effects.answer('order.charge', { receipt: 'r1' });
    await home.test.kinds.orders.create({ id: '78', input: { title: 'a lamp' } });
    await home.test.advance(60_000);
    const paid = await home.inspection.step('order/77', 4);
    expect(paid).toMatchObject({ source: 'effect', cause: { address: 'order/77', seq: 3 } });
    const late = await home.inspection.step('order/78', 2);
    expect(late).toMatchObject({ source: 'timer', cause: { address: 'order/78', seq: 1 }, value: 'gone' });
    expect((await home.inspection.step('order/78', 1)).cause).toBeUndefined();
  });

  test('is found page by page, from the newest back', async () => {
    await using home = await house();
    const { inspection } = home;
    const newest = await inspection.steps('order/77', { limit: 2 });
    expect(newest.items.map(({ seq }) => seq)).toEqual([2, 3]);
    const older = await inspection.steps('order/77', { before: Number(newest.cursor), limit: 2 });
    expect(older).toMatchObject({ items: [{ seq: 1 }] });
    expect(older.cursor).toBeUndefined();
  });

  test('behind a checkpoint is taken again from there; one that was cut is not kept', async () => {
    await using home = await house();
    const { inspection } = home;
    const order = await home.test.kinds.orders.create({ id: 'long', input: { title: 'long' } });
    for (let n = 2; n <= 1_290; n += 1) await order.send({ type: 'note', text: `note ${n}` });
    const { firstSeq, seq = 0 } = await inspection.actor('order/long');
    expect([firstSeq > 1, seq]).toEqual([true, 1_290]);
    for (const at of [firstSeq, 513, 514, 1_289, seq]) {
      const step = await inspection.step('order/long', at);
      expect(step.context).toMatchObject({ noted: { text: `note ${at}` } });
      const text = { path: '/noted/text', before: `note ${at - 1}`, after: `note ${at}` };
      expect(step.diff).toContainEqual(text);
    }
    const cut = inspection.step('order/long', firstSeq - 1);
    await expect(cut).rejects.toMatchObject({ code: 'STEP_NOT_KEPT' });
  });
});

describe('a chart', () => {
  test('is of the version and the hash that are named, or unknown', async () => {
    await using home = await house();
    const { inspection } = home;
    const chart = await inspection.chart('order');
    expect(await inspection.chart('order', chart.version, chart.hash)).toEqual(chart);
    const other = inspection.chart('order', '2');
    await expect(other).rejects.toMatchObject({ code: 'CHART_UNKNOWN' });
    await expect(inspection.chart('nothing')).rejects.toMatchObject({ code: 'CHART_UNKNOWN' });
    expect((await inspection.chart('job')).config).toMatchObject({ id: 'job' });
  });
});
