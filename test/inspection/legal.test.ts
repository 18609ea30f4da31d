/** What an actor could take in a state, who may send it; the house's own events all have a sender. */
import { expect, test } from 'vitest';
import { and, fromPromise, not, raise, setup } from 'xstate';
import { houseMachines } from '../../src/actors/house-machines.js';
import { chartMachine, legalAt } from '../../src/actors/inspection/legal.js';
import { houseSenders } from '../../src/actors/inspection/senders.js';
import { chartConfigOf } from '../../src/actors/kernel/index.js';
import { nodesOf } from '../../src/actors/kernel/shape.js';
import { deliveryMachine, jobMachine, taskMachine } from '../../src/machines/index.js';

const NOTHING = { timers: [], effects: [] };

function typesOf(...asked: Parameters<typeof legalAt>): readonly string[] {
  return legalAt(...asked).map(({ type }) => type);
}

test('every event of a chart of the house has a sender in the table, and the table has no other', () => {
  const taken = houseMachines.map(({ kind, machine }) => {
    const types = [...nodesOf(machine.root)].flatMap((node) => [...node.transitions.keys()]);
    const sent = types.filter((type) => !type.startsWith('xstate.'));
    return [kind, [...new Set(sent)].sort()] as const;
  });
  const table = Object.entries(houseSenders).map(
    ([kind, senders]) => [kind, Object.keys(senders).sort()] as const,
  );
  expect(Object.fromEntries(table)).toEqual(Object.fromEntries(taken));
});

test('a job whose POST is out may be cancelled, told of by its provider, or answered', () => {
  const effects = [{ id: '1:0', child: 'submit', src: 'submit', pool: 'submit', ord: '1' }];
  const legal = legalAt(
    jobMachine,
    { submitting: { posting: 'wanted' } },
    { kind: 'job', record: { timers: [], effects } },
  );
  expect(Object.fromEntries(legal.map(({ type, who }) => [type, who]))).toMatchObject({
    'job.cancel': 'an operator, or your code',
    'provider.evidence': 'the provider, by signed webhook',
    'effect.interrupted': 'the runtime, after a crash cut the effect off',
    'xstate.done.actor.submit': 'the effect submit, when it answers',
    'xstate.error.actor.submit': 'the effect submit, when it fails',
  });
  const cancel = legal.find(({ type }) => type === 'job.cancel');
  expect(cancel).toMatchObject({ by: 'operator', guards: [], targets: ['submitting.posting.unwanted'] });
  const evidence = legal.find(({ type }) => type === 'provider.evidence');
  expect(evidence).toMatchObject({
    guards: ['saysDone', 'saysFailed', 'saysPending'],
    targets: ['fetching', 'settled.outcome.failed', 'pending'],
  });
});

test('what nothing could bring is not told: timers that are not armed, ends of what is not under way', () => {
  const armed = { id: '1:0', sendId: 'xstate.after.nextPoll.job.pending', dueAt: 77 };
  const whole = typesOf(jobMachine, 'pending', { kind: 'job' });
  expect(whole).toContain('xstate.after.deadline.job.pending');
  const legal = legalAt(jobMachine, 'pending', { kind: 'job', record: { timers: [armed], effects: [] } });
  expect(legal.filter(({ by }) => by === 'timer')).toEqual([
    {
      type: armed.sendId,
      by: 'timer',
      who: 'the timer nextPoll',
      dueAt: 77,
      targets: ['polling'],
      guards: [],
    },
  ]);
  expect(typesOf(jobMachine, 'polling', { kind: 'job', record: NOTHING })).not.toContain(
    'xstate.done.actor.poll',
  );
});

test('a transition that does nothing is no event to send, and hides that of its parent', () => {
  const unwanted = { submitting: { posting: 'unwanted' } };
  expect(typesOf(jobMachine, unwanted)).not.toContain('job.cancel');
  expect(typesOf(taskMachine, { settled: 'completed' })).not.toContain('task.retry');
  expect(typesOf(taskMachine, { settled: 'failed' })).toContain('task.retry');
});

test('states that are not there take nothing, and those that have ended take nothing', () => {
  expect(legalAt(jobMachine, 'nowhere')).toEqual([]);
  expect(legalAt(deliveryMachine, 'delivered')).toEqual([]);
  expect(legalAt(undefined, 'x')).toEqual([]);
});

const odd = setup({
  types: { events: {} as { type: 'go' } | { type: 'x.one' } | { type: 'later' } },
  actors: { work: fromPromise(() => Promise.resolve(1)), child: setup({}).createMachine({}) },
  guards: { a: () => true, b: () => true },
}).createMachine({
  id: 'odd',
  type: 'parallel',
  on: { '*': { actions: () => undefined } },
  states: {
    left: {
      initial: 'one',
      entry: raise({ type: 'later' }, { delay: 5 }),
      states: {
        one: {
          on: {
            go: [
              { guard: and(['a', not('b')]), target: 'two' },
              { guard: () => true, target: 'two' },
            ],
          },
          after: { 1000: 'two' },
        },
        two: { type: 'final' },
      },
      onDone: '.one',
    },
    right: {
      on: { 'x.*': { actions: () => undefined }, later: { actions: () => undefined } },
      invoke: [
        { src: 'work', id: 'w', onDone: {} },
        { src: 'child', id: 'c', onDone: { actions: () => 1 } },
      ],
    },
  },
});

test('guards are named by their parts, wildcards as they are, regions beside each other', () => {
  const legal = legalAt(odd, { left: 'one', right: {} });
  const told = legal.map(({ type, by, guards }) => [type, by, guards]);
  expect(told).toEqual([
    ['go', 'caller', ['a', 'b', 'ƒ']],
    ['xstate.after.1000.odd.left.one', 'timer', []],
    ['*', 'caller', []],
    ['x.*', 'caller', []],
    ['later', 'caller', []],
    ['xstate.done.actor.c', 'actor', []],
  ]);
  expect(legal.find(({ by }) => by === 'timer')?.who).toBe('the timer 1000 ms');
  expect(legal.find(({ by }) => by === 'actor')?.who).toBe('its child child, when it ends');
});

test('what a timer of its own will deliver is told with its time, beside who else may send it', () => {
  const later = { id: '1:0', sendId: 'x', dueAt: 9, event: { type: 'later' } };
  const legal = legalAt(odd, { left: 'one', right: {} }, { record: { timers: [later], effects: [] } });
  expect(legal.filter(({ type }) => type === 'later').map(({ by, dueAt }) => [by, dueAt])).toEqual([
    ['caller', undefined],
    ['timer', 9],
  ]);
});

test.each(houseMachines.map(({ kind, machine }) => [kind, machine] as const))(
  'the chart of %s as it is stored says the same as its machine, in every leaf state',
  (kind, machine) => {
    const stored = chartMachine(chartConfigOf(machine));
    const values = [...nodesOf(machine.root)]
      .filter(({ states }) => Object.keys(states).length === 0)
      .map(({ path }) =>
        path.reduceRight<unknown>((value, key) => (value === undefined ? key : { [key]: value }), undefined),
      );
    expect(values.length).toBeGreaterThan(2);
    for (const value of values)
      expect(legalAt(stored, value, { kind })).toEqual(legalAt(machine, value, { kind }));
  },
);
