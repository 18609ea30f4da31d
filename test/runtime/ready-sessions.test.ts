/** Which sessions have a turn ready: hints first, the index for what there was no room for. */
import { expect, it } from 'vitest';
import { ReadySessions } from '../../src/actors/session/ready-sessions.js';
import type { Kernel } from '../../src/actors/kernel/index.js';
import { limits } from '../../src/limits.js';

/** An index of these sessions, that fails as often as it is told to. */
function indexOf(keys: readonly string[], failures = 0): Kernel['reader'] {
  let left = failures;
  const byIndex: Kernel['reader']['byIndex'] = (_index, _parts, options) => {
    const { cursor = '0', limit = 0 } = options ?? {};
    if (left > 0) {
      left -= 1;
      return Promise.reject(new Error('the disk is gone'));
    }
    const end = Number(cursor) + limit;
    const items = keys.slice(Number(cursor), end).map((key) => `session/${key}`);
    return Promise.resolve(end < keys.length ? { items, cursor: String(end) } : { items });
  };
  return { byIndex } as Kernel['reader'];
}

const nobody = (): boolean => false;

function* taken(ready: ReadySessions): Generator<string> {
  for (let key = ready.take(nobody); key !== undefined; key = ready.take(nobody)) yield key;
}

it('each is there once, the oldest first, and busy ones stay', () => {
  const ready = new ReadySessions(indexOf([]));
  for (const key of ['a', 'b', 'a', 'c']) ready.note(key);
  expect(ready.take((key) => key === 'a')).toBe('b');
  ready.forget('c');
  expect([...taken(ready)]).toEqual(['a']);
});

it('those of before are read from the index, a page at a time', async () => {
  const keys = Array.from({ length: limits.scanPageRows + 1 }, (_, index) => `s${index}`);
  const ready = new ReadySessions(indexOf(keys));
  await ready.readMore();
  expect([...taken(ready)]).toHaveLength(limits.scanPageRows);
  expect(ready.hasMore).toBe(true);
  await ready.readMore();
  expect([...taken(ready)]).toEqual([keys.at(-1)]);
  expect(ready.hasMore).toBe(false);
});

it('those that did not fit are found in the index again', async () => {
  const ready = new ReadySessions(indexOf(['lost']));
  await ready.readMore();
  expect([...taken(ready)]).toEqual(['lost']);
  for (let index = 0; index < limits.servedHintsMax; index += 1) ready.note(`s${index}`);
  ready.note('s0');
  expect(ready.hasMore).toBe(false);
  ready.note('lost');
  expect(ready.hasMore).toBe(true);
  expect([...taken(ready)]).toHaveLength(limits.servedHintsMax);
  await ready.readMore();
  expect([...taken(ready), ready.hasMore]).toEqual(['lost', false]);
});

it('an index that cannot be read is left alone until it is to be read again', async () => {
  const ready = new ReadySessions(indexOf(['a'], 1));
  await expect(ready.readMore()).rejects.toThrow('the disk is gone');
  expect(ready.hasMore).toBe(false);
  ready.readAgain();
  expect(ready.hasMore).toBe(true);
  await ready.readMore();
  expect([...taken(ready)]).toEqual(['a']);
});
