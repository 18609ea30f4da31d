/** The memory disk as a machine that loses its power: with and without what it had not flushed. */
import { expect, test } from 'vitest';
import { createMemoryDisk, openMemoryStore, type MemoryDisk } from '../../src/store/index.js';

async function written(disk: MemoryDisk, ...values: readonly string[]): Promise<void> {
  const store = await openMemoryStore({ disk });
  for (const value of values) {
    const rows = [
      { key: 'q\0a', value },
      { key: `q\0${value}`, value },
    ];
    await store.commit({ number: store.lastCommit + 1, rows, expect: [] });
  }
}

async function found(disk: MemoryDisk): Promise<readonly [newest: string | undefined, commits: number]> {
  const store = await openMemoryStore({ disk, purpose: 'look' });
  const newest = await store.get('q\0a');
  await store.close();
  return [newest, store.lastCommit];
}

test('a disk that flushes each write keeps it through a loss of power, and can lose none', async () => {
  const disk = createMemoryDisk();
  await written(disk, '1', '2');
  disk.cutPower();
  expect(await found(disk)).toEqual(['2', 3]);
  expect(() => disk.cutPower({ losing: 1 })).toThrow('1 writes cannot be lost, 0 can');
});

test('a disk that does not flush loses its newest writes whole, and a valid store is left', async () => {
  const disk = createMemoryDisk({ durability: 'process' });
  await written(disk, '1', '2', '3');
  disk.cutPower({ losing: 2 });
  expect(await found(disk)).toEqual(['1', 2]);
  await written(disk, '4');
  disk.cutPower();
  expect(await found(disk)).toEqual(['4', 4]);
});

test('what was lost once is not lost again', async () => {
  const disk = createMemoryDisk({ durability: 'process' });
  await written(disk, '1', '2');
  disk.cutPower({ losing: 1 });
  disk.cutPower({ losing: 1 });
  expect(await found(disk)).toEqual([undefined, 1]);
});
