/** Cases that the two sides once disagreed on, as small as they get. */
import { expect, it } from 'vitest';
import { runCase } from './compare.js';
import type { Case, StateSpec } from './spec.js';

const send = (type: string): Case['steps'][number] => ({ do: 'send', event: { type, v: 1 } });

/** Both regions can take an eventless transition at once: who goes first is seen in what is emitted. */
const regions: StateSpec = {
  id: 'chart',
  type: 'parallel',
  on: { a: [{ actions: ['spark'] }] },
  states: {
    deep: {
      id: 'deep',
      initial: 'leaf',
      states: {
        leaf: { id: 'leaf', always: [{ guard: 'sparked', actions: ['increase'] }] },
        other: { id: 'other' },
      },
      on: { b: [{ target: '#other', reenter: true }], c: [{ target: '#leaf', reenter: true }] },
    },
    flat: { id: 'flat', always: [{ guard: 'sparked', actions: ['useSpark', 'say'] }] },
  },
};

it.each<readonly [string, readonly string[]]>([
  ['were restored', ['a']],
  ['were left and entered again', ['b', 'c', 'a', 'a']],
])('regions that %s take their eventless transitions in the order of the document', async (_how, events) => {
  const { disagreement, coverage } = await runCase({ chart: regions, steps: events.map(send) });
  expect(disagreement).toBeUndefined();
  expect(coverage.seen).toContain('always');
});

it('a promise that was left behind settles for nobody, on either side', async () => {
  const busy: StateSpec = {
    id: 'busy',
    invoke: [{ id: 'w', src: 'work', onDone: [{ actions: ['add'] }] }],
    on: { a: [{ target: '#idle' }] },
  };
  const idle: StateSpec = { id: 'idle', on: { a: [{ target: '#busy' }] } };
  const steps: Case['steps'] = [
    send('a'),
    { do: 'settle', nth: 0, how: 'reject', v: 1 },
    send('a'),
    { do: 'settle', nth: 0, how: 'resolve', v: 5 },
  ];
  const chart: StateSpec = { id: 'chart', initial: 'busy', states: { busy, idle } };
  const { disagreement, coverage } = await runCase({ chart, steps });
  expect(disagreement).toBeUndefined();
  expect(coverage.seen).toContain('onDone of an invoke');
});

it('an unhandled rejection ends the actor in error, on both sides', async () => {
  const busy: StateSpec = { id: 'busy', invoke: [{ id: 'w', src: 'work', onDone: [] }] };
  const chart: StateSpec = { id: 'chart', initial: 'busy', states: { busy } };
  const { disagreement } = await runCase({
    chart,
    steps: [{ do: 'settle', nth: 0, how: 'reject', v: 1 }, send('a')],
  });
  expect(disagreement).toBeUndefined();
});
