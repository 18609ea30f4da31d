/** Whatever a handler throws, or an owner says, its work is given back: no words hold up a session. */
import { expect, test } from 'vitest';
import { createLogger } from '../../src/index.js';
import { open, sessionOf } from './conversation.js';
import { openOne } from './session-place.js';

const unspeakable = {
  toString: () => {
    throw new Error('it says nothing');
  },
};

const thrown: readonly (readonly [string, unknown])[] = [
  ['an error longer than an event', new Error('x'.repeat(2_000_000))],
  ['half a character', new Error('\ud800')],
  ['nothing', undefined],
  ['an object without a prototype', Object.create(null)],
  ['an object that cannot be told', unspeakable],
];

test.each(thrown)('a turn whose handler throws %s is given back', async (_what, error) => {
  const place = await open();
  const session = sessionOf(place);
  place.runtime.sessions.serve(() => {
    throw error;
  });
  await session.enqueue('one');
  await place.settle();
  expect(await session.view()).toMatchObject({ state: 'pausing', claimed: 0, pending: 1 });
});

test.each(thrown)('a claim is given back for %s', async (_what, reason) => {
  const { session } = await openOne();
  await session.enqueue('one');
  const claim = await session.claim();
  expect(await claim.abandon({ reason: reason as string })).toBe(true);
  expect((await session.list()).items).toMatchObject([{ state: 'ready', attempts: 1 }]);
});

test.each(thrown)('a log can tell of %s', (_what, err) => {
  const lines: string[] = [];
  const log = createLogger({ format: 'json', level: 'warn', write: (line) => void lines.push(line) });
  log.warn({ err }, 'turn.failed');
  expect(lines).toHaveLength(1);
});
