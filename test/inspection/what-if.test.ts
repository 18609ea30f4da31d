import { describe, expect, test } from 'vitest';
import { whatIf } from '../../src/testing/index.js';
import { house } from './house.js';
import { orderMachine } from './orders.js';

describe('what would happen', () => {
  test('an event is taken from any kept step on, and nothing is written', async () => {
    await using home = await house();
    const { inspection } = home;
    const report = await inspection.whatIf({
      address: 'order/77',
      seq: 2,
      events: [
        { type: 'add', line: 'lamp' },
        { type: 'pay', amount: 3 },
        { type: 'pay', amount: 50 },
      ],
    });
    expect(report.value).toBe('cart');
    expect(report.steps).toMatchObject([
      { taken: true, value: 'cart', diff: [{ path: '/lines/1', after: 'lamp' }] },
      { taken: false, value: 'cart', diff: [] },
      { taken: true, value: { paying: 'charging' }, diff: [{ path: '/paid', before: 0, after: 50 }] },
    ]);
    expect(report.steps[2]?.effects).toEqual([{ src: 'charge', child: 'charge' }]);
    expect(report.legalBefore.map(({ type }) => type)).toContain('pay');
    expect(report.legalAfter.map(({ type }) => type)).toContain('xstate.done.actor.charge');
    expect((await inspection.actor('order/77')).seq).toBe(3);
  });

  test('the end of what is under way, and a delay, are events like any other', async () => {
    await using home = await house();
    const done = { type: 'xstate.done.actor.charge', output: { receipt: 'r1' } };
    const ended = { type: 'note', text: 'too late' };
    const { steps } = await home.inspection.whatIf({
      address: 'order/77',
      events: [done, { type: 'drop' }, ended],
    });
    expect(steps.map(({ value }) => value)).toEqual([{ paying: 'charged' }, 'gone', 'gone']);
    expect(steps.map(({ status, taken }) => [status, taken])).toEqual([
      ['active', true],
      ['done', true],
      ['done', false],
    ]);
    const late = { address: 'order/77', seq: 1, events: [{ type: 'xstate.after.patience.order.cart' }] };
    expect((await home.inspection.whatIf(late)).steps).toMatchObject([{ taken: true, value: 'gone' }]);
  });

  test('what no sender could send is refused', async () => {
    await using home = await house();
    const refused = [
      { type: 'xstate.init' },
      { type: 'xstate.done.actor.nobody' },
      { type: 'xstate.after.patience.order.cart' },
      { type: 'holdfast.skipped' },
      { type: 'pay', $: {} },
    ];
    for (const event of refused) {
      const asked = home.inspection.whatIf({ address: 'order/77', events: [event] });
      await expect(asked, event.type).rejects.toMatchObject({ code: 'INVALID_EVENT' });
    }
  });

  test('a guard that throws is told, and nothing is taken after it', async () => {
    await using home = await house();
    const events = [{ type: 'explode' }, { type: 'add', line: 'lamp' }];
    const { steps } = await home.inspection.whatIf({ address: 'order/77', seq: 1, events });
    expect(steps).toMatchObject([
      { taken: false, value: 'cart' },
      { taken: false, value: 'cart', error: 'it stands still' },
    ]);
    expect(steps[0]?.error).toContain('the guard is broken');
  });

  test('a step that is not kept is refused, and a kind without its machine', async () => {
    await using home = await house();
    const { inspection } = home;
    const late = inspection.whatIf({ address: 'order/77', seq: 4, events: [] });
    await expect(late).rejects.toMatchObject({ code: 'STEP_NOT_KEPT' });
    await expect(inspection.step('order/77', 0)).rejects.toMatchObject({ code: 'STEP_NOT_KEPT' });
  });

  test('a capsule leads the same way, and so does the test that is saved', async () => {
    await using home = await house();
    const events = [
      { type: 'pay', amount: 50 },
      { type: 'xstate.done.actor.charge', output: {} },
    ];
    const capsule = await home.runtime.export('order/77');
    const ofActor = await home.inspection.whatIf({ address: 'order/77', seq: 1, events });
    const ofCapsule = await home.inspection.whatIfOf(capsule, { seq: 1, events });
    expect(ofCapsule.steps).toEqual(ofActor.steps);
    const { steps } = await whatIf(orderMachine, capsule, { seq: 1, events });
    expect(steps).toEqual(ofActor.steps);
    expect(ofActor.test).toContain('77.capsule.json');
  });
});
