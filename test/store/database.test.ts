/** What is asked of Level: one batch a write with the one policy, and every iterator closed. */
import { expect, test } from 'vitest';
import { levelDatabase, type LevelLike } from '../../src/store/database.js';

/** A Level that notes what it is asked for, and whose iterators fail at their third page. */
function notingLevel(): { readonly asked: readonly string[]; readonly level: LevelLike } {
  const asked: string[] = [];
  const level: LevelLike = {
    getSync: () => undefined,
    getMany: async () => [],
    batch: () => ({
      put: (key, value) => asked.push(`put ${key} ${value}`),
      del: (key) => asked.push(`del ${key}`),
      write: async ({ sync }) => void asked.push(`write ${sync ? 'synced' : 'unsynced'}`),
    }),
    iterator: ({ limit }) => {
      let pages = 0;
      return {
        nextv: async (size) => {
          asked.push(`nextv ${size} of ${limit}`);
          pages += 1;
          if (pages === 3) throw new Error('a damaged block');
          return [['q\0a', '1']];
        },
        close: async () => void asked.push('close'),
      };
    },
    snapshot: () => ({ ref: () => undefined, unref: () => undefined, close: async () => undefined }),
    close: async () => undefined,
  };
  return { asked, level };
}

test.each([
  [true, 'synced'],
  [false, 'unsynced'],
])('a write with sync %s is one %s batch of all its rows in order', async (sync, word) => {
  const { asked, level } = notingLevel();
  await levelDatabase(level, { sync }).write([
    { key: 'a', value: '1' },
    { key: 'b', value: undefined },
  ]);
  expect(asked).toEqual(['put a 1', 'del b', `write ${word}`]);
});

test('an iterator is closed when its page is full and when reading fails', async () => {
  const { asked, level } = notingLevel();
  const database = levelDatabase(level, { sync: true });
  await database.read({ gte: 'a', lt: 'z', limit: 2 });
  expect(asked).toEqual(['nextv 2 of 2', 'nextv 1 of 2', 'close']);
  await expect(database.read({ gte: 'a', lt: 'z', limit: 9_000 })).rejects.toThrow('a damaged block');
  expect(asked.slice(3)).toEqual(['nextv 2000 of 9000', 'nextv 2000 of 9000', 'nextv 2000 of 9000', 'close']);
});
