/** Differences of contexts as the page says them. */
import { expect, test } from 'vitest';
import { diffLines, placeOf } from '../../../src/inspector/page/actor/diff-lines.js';

test('a line has a sign and a word for what was added, removed and changed', () => {
  expect(
    diffLines([
      { path: '/a/0', after: { b: 1 } },
      { path: '/c', before: null },
      { path: '/d~1e', before: 'x', after: 'y' },
    ]),
  ).toEqual([
    { sign: '+', word: 'added', place: 'a[0]', after: '{"b":1}' },
    { sign: '−', word: 'removed', place: 'c', before: 'null' },
    { sign: '~', word: 'changed', place: '["d/e"]', before: '"x"', after: '"y"' },
  ]);
});

test('a place is written as in code, whatever its keys are', () => {
  expect(placeOf('')).toBe('(all of it)');
  expect(placeOf('/turns/12/text')).toBe('turns[12].text');
  expect(placeOf('/a b/~0c')).toBe('["a b"]["~c"]');
});
