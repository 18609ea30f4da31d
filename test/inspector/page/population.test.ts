/** What the population's charts and tables are painted from: counts by state, added up and kept up. */
import { expect, test } from 'vitest';
import type { DwellView, KindView, Population, StateCountView } from '../../../src/actors/inspection/face.js';
import {
  countsByPath,
  editionsOf,
  stateRows,
  unfinishedOf,
  withCounts,
} from '../../../src/inspector/page/population/tally.js';

const count = (value: StateCountView['value'], number: number, more: Partial<StateCountView> = {}) => ({
  ...{ version: '1', hash: 'aa', value, count: number, finished: false },
  ...more,
});

const states: readonly StateCountView[] = [
  count({ open: 'waiting' }, 3),
  count({ open: 'charging' }, 2),
  count({ done: { left: 'a', right: 'b' } }, 4, { finished: true }),
  count('gone', 1, { finished: true }),
];

const dwell: readonly DwellView[] = [
  { state: 'open.waiting', count: 9, p50Ms: 10, p95Ms: 20, slowest: [{ address: 'order/7', ms: 31 }] },
  { state: 'left', count: 1, p50Ms: 1, p95Ms: 1, slowest: [] },
];

const order: KindView = { kind: 'order', house: false, defined: true, count: 10, states, dwell };
const population: Population = { at: 0, live: true, kinds: [order], quarantined: 0 };

test('a compound state counts those in all of its own, each once, and the machine counts all', () => {
  expect(Object.fromEntries(countsByPath(states))).toEqual({
    '': 10,
    open: 5,
    'open.waiting': 3,
    'open.charging': 2,
    done: 4,
    'done.left': 4,
    'done.left.a': 4,
    'done.right': 4,
    'done.right.b': 4,
    gone: 1,
  });
});

test('rows are leaf states, the most crowded first, with those that were only left at their end', () => {
  const rows = stateRows(states, dwell);
  expect(rows.map(({ state, count: number }) => `${state} ${number}`)).toEqual([
    ...['done.left.a 4', 'done.right.b 4', 'open.waiting 3', 'open.charging 2', 'gone 1', 'left 0'],
  ]);
  expect(rows.find(({ state }) => state === 'open.waiting')?.dwell?.p95Ms).toBe(20);
  expect(rows.filter(({ finished }) => finished).map(({ state }) => state)).toEqual([
    ...['done.left.a', 'done.right.b', 'gone'],
  ]);
});

test('structures are charts of their own, the most used first, under one version too', () => {
  const more = [...states, count('open', 90, { hash: 'bb' }), count('open', 2, { version: '2', hash: 'cc' })];
  const editions = editionsOf({ ...order, states: more });
  expect(new Set(editions.map(({ name }) => name)).size).toBe(3);
  expect(editions.map(({ version, hash, count: number }) => [version, hash, number])).toEqual([
    ['1', 'bb', 90],
    ['1', 'aa', 10],
    ['2', 'cc', 2],
  ]);
});

test('a frame replaces the counts it tells of, adds states, and takes those away that nobody is in', () => {
  const news = [
    { kind: 'order', version: '1', hash: 'aa', value: { open: 'waiting' }, count: 0, finished: false },
    // Regions are a set: their order says nothing.
    {
      kind: 'order',
      version: '1',
      hash: 'aa',
      value: { done: { right: 'b', left: 'a' } },
      count: 6,
      finished: true,
    },
    { kind: 'order', version: '1', hash: 'aa', value: 'paid', count: 1, finished: false },
  ];
  const [after] = withCounts(population, news)?.kinds ?? [];
  expect(after?.count).toBe(10);
  expect(Object.fromEntries(countsByPath(after?.states ?? []))).toMatchObject({ done: 6, paid: 1, open: 2 });
  expect(countsByPath(after?.states ?? []).has('open.waiting')).toBe(false);
  expect(unfinishedOf(after ?? { states: [] })).toBe(3);
});

test('a frame about a kind that was not there asks for the whole', () => {
  const news = [{ kind: 'new', version: '1', hash: 'aa', value: 'open', count: 1, finished: false }];
  expect(withCounts(population, news)).toBeUndefined();
});
