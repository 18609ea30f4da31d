/** Places, times and states in words: what the page's address says, and what people read. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { filterOf, isNarrowed, lineAfter, withFilter } from '../../../src/inspector/page/list/filters.js';
import { hrefOf, routeOf, views } from '../../../src/inspector/page/route.js';
import {
  activePathsOf,
  agoWords,
  commitWords,
  countWords,
  durationWords,
  leavesOf,
  stateWords,
  timeWords,
} from '../../../src/inspector/page/words.js';

describe('a place', () => {
  test('comes out of its link as it went in, whatever people call their actors', () => {
    const word = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' });
    const query = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), word, { noNullPrototype: true });
    fc.assert(
      fc.property(fc.constantFrom(...views), query, (view, words) => {
        expect(routeOf(hrefOf(view, words))).toEqual({ view, query: words });
      }),
    );
  });

  test('that is none leads to the population', () => {
    for (const hash of ['', '#', '#/', '#/nowhere', '#main']) expect(routeOf(hash).view).toBe('population');
  });
});

describe('a filter', () => {
  test('that the address says wrongly counts for nothing', () => {
    expect(filterOf({ status: 'lost', olderMs: '-3', kind: 'job' })).toEqual({ kind: 'job' });
    expect(filterOf({ olderMs: '60000', status: 'done' })).toEqual({ olderMs: 60_000, status: 'done' });
  });

  test('begins at the first page, and another kind has other states', () => {
    const query = { kind: 'job', state: 'pending', text: 'cat', cursor: 'c', focus: 'filter' };
    expect(withFilter(query, 'text', 'dog')).toEqual({ kind: 'job', state: 'pending', text: 'dog' });
    expect(withFilter(query, 'kind', 'task')).toEqual({ kind: 'task', text: 'cat' });
    expect(isNarrowed({ cursor: 'c' })).toBe(false);
    expect(isNarrowed({ text: 'dog' })).toBe(true);
  });
});

describe('a line', () => {
  const line = {
    ...{ address: 'order/1', kind: 'order', id: '1', status: 'active' as const },
    ...{ value: { open: 'waiting' }, since: 5, seq: 2, at: 5, title: 'a bicycle' },
  };

  test('follows a step, and says since when only where the step moved it', () => {
    const moved = lineAfter(line, { seq: 3, at: 9, value: { open: 'charging' }, status: 'active' });
    expect(moved).toMatchObject({ value: { open: 'charging' }, since: 9, seq: 3, title: 'a bicycle' });
    const stayed = lineAfter(line, { seq: 3, at: 9, value: { open: 'waiting' }, status: 'active' });
    expect(stayed).toMatchObject({ since: 5, at: 9 });
  });

  test('is not taken back by a step that it has seen', () => {
    expect(lineAfter(line, { seq: 2, at: 9, value: 'paid', status: 'done' })).toBe(line);
  });
});

describe('words', () => {
  test.each([
    [0, '0 ms'],
    [850.7, '850 ms'],
    [1_000, '1 s'],
    [2_190, '2.1 s'],
    [9_999, '9.9 s'],
    [10_900, '10 s'],
    [65_000, '1 min 5 s'],
    [7_200_000, '2 h'],
    [273_600_000, '3 d 4 h'],
    [-5, '0 ms'],
    [Number.NaN, ''],
  ])('%d ms are %s', (ms, words) => expect(durationWords(ms)).toBe(words));

  test('what is less than a second ago, or ahead of the clock, is now', () => {
    expect(agoWords(1_000, 1_900)).toBe('now');
    expect(agoWords(5_000, 1_000)).toBe('now');
    expect([agoWords(0, 125_000), agoWords(0, 2_900)]).toEqual(['2 min ago', '2 s ago']);
  });

  test('a commit says how long after its step it was written, or when, where the clock went back', () => {
    const step = { at: 5_000, commit: 1_812 };
    expect(commitWords(step)).toBe('1,812');
    expect(commitWords({ ...step, committedAt: 5_003 })).toBe('1,812, 3 ms later');
    expect(commitWords({ ...step, committedAt: 5_000 })).toBe('1,812, 0 ms later');
    expect(commitWords({ ...step, committedAt: 4_000 })).toBe(`1,812, at ${timeWords(4_000)}`);
  });

  test('counts are exact until they are large', () => {
    expect([1_234, 99_999, 123_456, 1_250_000].map(countWords)).toEqual([
      '1,234',
      '99,999',
      '123.5K',
      '1.3M',
    ]);
  });

  test('a state value is its leaves, and its paths those around them too', () => {
    const value = { open: { left: 'a', right: {} } };
    expect(leavesOf(value)).toEqual(['open.left.a', 'open.right']);
    expect(activePathsOf(value)).toEqual(['open', 'open.left', 'open.left.a', 'open.right']);
    expect(stateWords(value)).toBe('open.left.a · open.right');
    expect(stateWords(null)).toBe('');
  });
});
