/** Mutants do not rot: their places are in the source, and the tests that notice them are there. */
import { expect, test } from 'vitest';
import { sourceOf } from '../tidy/sources.js';
import { mutants } from './list.js';
import { hasTitle, mutated } from './mutant.js';

test('every mutant has a name of its own and breaks something', () => {
  const names = mutants.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) < index)).toEqual([]);
  expect(mutants.filter(({ breaks }) => breaks.length === 0)).toEqual([]);
});

test.each(mutants)('$name: its text is in its file once', (mutant) => {
  const { text } = sourceOf(mutant.file);
  expect(mutated(text, mutant)).not.toBe(text);
});

test.each(mutants)('$name: the test that notices is there', ({ caughtBy, by }) => {
  expect(hasTitle(caughtBy, by)).toBe(true);
});
