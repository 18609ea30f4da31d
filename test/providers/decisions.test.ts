/** The one table of decisions: as the docs show it, and as the rest of the house acts. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { failedPoll, providerError, refusedSubmit } from '../../src/providers/classify.js';
import { decisions } from '../../src/providers/decisions.js';
import type { ProviderErrorClass } from '../../src/providers/index.js';

const PAGE = new URL('../../docs/providers/errors.md', import.meta.url);
const classes = Object.keys(decisions) as readonly ProviderErrorClass[];
const MOVES_ON: ReadonlySet<string> = new Set(['wait', 'rest', 'refused']);

test('docs/providers/errors.md shows the table as it is', () => {
  const rows = readFileSync(PAGE, 'utf8')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => cells.length === 8 && cells[1] !== 'class' && cells[1] !== '---');
  const shown = classes.map((name) => {
    const { retryable, submit, poll, account } = decisions[name];
    const next = MOVES_ON.has(submit) ? 'yes' : 'no';
    return ['', name, retryable ? 'yes' : 'no', submit, poll, account, next, ''];
  });
  expect(rows).toEqual(shown);
});

test.each(classes)('an error of class %s is retryable as the table says', (name) => {
  expect(providerError(name, { message: 'x' }).retryable).toBe(decisions[name].retryable);
});

const reply = (status: number, text = '{}') => ({ status, headers: {}, text });

test.each(classes)('a submit that is refused as %s is known not to be accepted, or in doubt', (name) => {
  const { type } = refusedSubmit(reply(400), { class: name }, 0);
  expect(type).toBe(decisions[name].submit === 'doubt' ? 'ambiguous' : 'rejected');
});

test.each(classes)('a poll that is answered with %s ends nothing by its HTTP status', (name) => {
  expect(failedPoll(reply(400), { class: name }, 0).type).toBe('transient');
});

test('what may be asked again is rested for, or in doubt; what may not is neither', () => {
  for (const name of classes) {
    const { retryable, submit } = decisions[name];
    expect(retryable).toBe(submit === 'rest' || submit === 'doubt');
  }
});

test.each([
  [401, 'auth'],
  [402, 'billing'],
  [403, 'auth'],
  [404, 'validation'],
  [408, 'network'],
  [422, 'validation'],
  [425, 'rate'],
  [429, 'rate'],
  [500, 'server'],
  [503, 'server'],
  [529, 'rate'],
])('a submit answered with %i is of the class %s', (status, name) => {
  const outcome = refusedSubmit(reply(status), {}, 0);
  expect('error' in outcome && outcome.error.class).toBe(name);
});
