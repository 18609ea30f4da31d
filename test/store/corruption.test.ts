/**
 * Damage on disk is STORE_CORRUPTED, at the latest when the damaged row is read: never silence, never another
 * value.
 */
import { appendFile, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { expect, test } from 'vitest';
import { isHoldfastError } from '../../src/errors.js';
import { keys, openLevelStore, openMemoryStore, createMemoryDisk, rangeOf } from '../../src/store/index.js';
import { STORE_FORMAT } from '../../src/store/index.js';
import { commitStep, databaseFile, filesIn, newDirectory, writtenDirectory } from './place.js';

const COMMITS = 400;

async function flipByte(file: string, position: (bytes: number) => number): Promise<void> {
  const handle = await open(file, 'r+');
  const { size } = await handle.stat();
  const at = position(size);
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, at);
  byte.writeUInt8(byte.readUInt8(0) ^ 0x40);
  await handle.write(byte, 0, 1, at);
  await handle.close();
}

async function expectCorrupted(directory: string): Promise<void> {
  await expect(openLevelStore({ directory })).rejects.toMatchObject({ code: 'STORE_CORRUPTED' });
}

/** Refused again and again, and as it was before the first time. */
async function expectUntouched(directory: string): Promise<void> {
  const before = await filesIn(directory);
  await expectCorrupted(directory);
  await expect(openLevelStore({ directory, purpose: 'look' })).rejects.toMatchObject({
    code: 'STORE_CORRUPTED',
  });
  expect(await filesIn(directory)).toEqual(before);
}

/** Lets LevelDB itself recover what it can, as any tool might; it drops damage with a note in its diary. */
async function openBare(
  directory: string,
  work: (db: Level<string, string>) => Promise<void>,
): Promise<void> {
  const db = new Level<string, string>(join(directory, 'db'));
  await db.open();
  await work(db);
  await db.close();
}

test('a flipped byte in mid-log is noticed, and still noticed at the next open', async () => {
  const directory = await writtenDirectory(COMMITS);
  await flipByte(await databaseFile(directory, '.log'), (bytes) => Math.floor(bytes / 3));
  await expectCorrupted(directory);
  await expectUntouched(directory);
});

test('a flipped byte in the last commit is noticed, and still noticed at the next open', async () => {
  const directory = await writtenDirectory(COMMITS);
  await flipByte(await databaseFile(directory, '.log'), (bytes) => bytes - 20);
  await expectCorrupted(directory);
  await expectUntouched(directory);
});

test('a wrong length in the last records of a log is noticed, and nothing is dropped', async () => {
  const directory = await writtenDirectory(COMMITS);
  const log = await databaseFile(directory, '.log');
  const starts = recordStarts(await readFile(log));
  // What LevelDB takes for a death in mid-write, and drops without a word.
  await flipByte(log, () => (starts.at(-3) ?? 0) + 5);
  await expectUntouched(directory);
});

/** Where records begin in the last block of a log: each has its checksum, length and type before it. */
function recordStarts(log: Buffer): readonly number[] {
  const starts: number[] = [];
  let at = log.length - (log.length % 32_768);
  while (at + 7 <= log.length) {
    starts.push(at);
    at += 7 + log.readUInt16LE(at + 4);
  }
  return starts;
}

test('commits dropped by an earlier recovery are noticed by the chain alone', async () => {
  const directory = await writtenDirectory(COMMITS);
  await flipByte(await databaseFile(directory, '.log'), (bytes) => Math.floor(bytes / 3));
  await openBare(directory, async () => undefined);
  for (const name of ['LOG', 'LOG.old']) await rm(join(directory, 'db', name), { force: true });
  await expect(openLevelStore({ directory })).rejects.toThrow(/the commit chain is broken/);
  await expect(openLevelStore({ directory })).rejects.toMatchObject({ code: 'STORE_CORRUPTED' });
});

test('what an earlier recovery says in its diary that it dropped is believed', async () => {
  const directory = await writtenDirectory(3);
  const diary = join(directory, 'db', 'LOG');
  await appendFile(diary, 'ignoring error Corruption: checksum mismatch; dropping 4096 bytes\n');
  await expectUntouched(directory);
});

test('a log cut short loses only its last commits, as a crash in mid-write does', async () => {
  const directory = await writtenDirectory(COMMITS);
  const log = await databaseFile(directory, '.log');
  const content = await readFile(log);
  await writeFile(log, content.subarray(0, Math.floor(content.length / 2)));
  const store = await openLevelStore({ directory });
  const last = store.lastCommit - 2;
  expect(last).toBeGreaterThan(COMMITS / 4);
  expect(await store.get(keys.record(`job/${last}`))).toContain(`job/${last} `);
  expect(await store.get(keys.record(`job/${last + 1}`))).toBeUndefined();
  await store.close();
});

test('a missing CURRENT is refused and nothing is deleted', async () => {
  const directory = await writtenDirectory(3);
  await rm(join(directory, 'db', 'CURRENT'));
  await expectUntouched(directory);
});

test.each([['garbage'], [''], ['MANIFEST-999999\n'], ['MANIFEST-000001']])(
  'CURRENT holding %j is refused and nothing is changed',
  async (text) => {
    const directory = await writtenDirectory(3);
    await writeFile(join(directory, 'db', 'CURRENT'), text);
    await expectUntouched(directory);
  },
);

test('a missing log is refused and nothing is changed: LevelDB would go on without its commits', async () => {
  const directory = await writtenDirectory(3);
  await (await openLevelStore({ directory })).close();
  await rm(await databaseFile(directory, '.log'));
  await expectUntouched(directory);
});

test('a missing database under a finished marker is refused, and none is created', async () => {
  const directory = await writtenDirectory(3);
  await rm(join(directory, 'db'), { recursive: true });
  await expectUntouched(directory);
});

test('an empty database under a finished marker is refused', async () => {
  const directory = await writtenDirectory(3);
  await rm(join(directory, 'db'), { recursive: true });
  await openBare(directory, async () => undefined);
  await expectCorrupted(directory);
});

test('a garbled manifest is refused', async () => {
  const directory = await writtenDirectory(3);
  await flipByte(join(directory, 'db', 'MANIFEST-000002'), () => 12);
  await expectCorrupted(directory);
  await expectCorrupted(directory);
});

test('a table that was cut short is refused', async () => {
  const directory = await writtenDirectory(COMMITS);
  await (await openLevelStore({ directory })).close();
  await truncate(await databaseFile(directory, '.ldb'), 3_000);
  await expectCorrupted(directory);
});

test('a missing table is refused', async () => {
  const directory = await writtenDirectory(3);
  await (await openLevelStore({ directory })).close();
  await rm(await databaseFile(directory, '.ldb'));
  await expectCorrupted(directory);
  await expectCorrupted(directory);
});

test('no flipped byte of a table ever gives another value', async () => {
  const directory = await writtenDirectory(40);
  await (await openLevelStore({ directory })).close();
  const table = await databaseFile(directory, '.ldb');
  const intact = await readFile(table);
  let noticed = 0;
  for (let at = 5; at < intact.length; at += Math.ceil(intact.length / 60)) {
    const damaged = Buffer.from(intact);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 0x20, at);
    await writeFile(table, damaged);
    await openBare(directory, async () => undefined).catch(() => undefined);
    noticed += (await readsTrue(directory)) ? 0 : 1;
  }
  expect(noticed).toBeGreaterThan(0);
});

/** Reads every record through the store: true when all are right, false when damage was reported. */
async function readsTrue(directory: string): Promise<boolean> {
  try {
    const store = await openLevelStore({ directory, purpose: 'look' });
    try {
      for (const [key, value] of await store.scan({ ...rangeOf('s'), limit: 1_000 })) {
        expect(value).toContain(`the text of ${key.slice(2)} `);
      }
      return true;
    } finally {
      await store.close();
    }
  } catch (error) {
    if (isHoldfastError(error) && error.code.startsWith('STORE_')) return false;
    throw error;
  }
}

test('a damaged row fails alone: reads and scans beside it go on', async () => {
  const disk = createMemoryDisk();
  const store = await openMemoryStore({ disk });
  for (const name of ['a', 'b', 'c']) await commitStep(store, `job/${name}`);
  await disk.corrupt(keys.record('job/b'), (stored) => stored.replace('text of', 'text if'));
  const beside = { gte: keys.record('job/c'), lt: keys.record('job/d') };
  expect(await store.scan({ ...beside, limit: 10 })).toHaveLength(1);
  expect(await store.scan({ ...rangeOf('s'), limit: 1 })).toHaveLength(1);
  expect(await store.get(keys.record('job/a'))).toContain('job/a');
  expect(() => store.get(keys.record('job/b'))).toThrow(/s\\u0000job\/b/);
  const meeting = [
    store.getMany([keys.record('job/a'), keys.record('job/b')]),
    store.scan({ ...rangeOf('s'), limit: 10 }),
  ];
  for (const read of meeting) await expect(read).rejects.toMatchObject({ code: 'STORE_CORRUPTED' });
  await store.close();
});

test.each([['format'], ['generation']])('a missing %s row is STORE_CORRUPTED', async (name) => {
  const disk = createMemoryDisk();
  await (await openMemoryStore({ disk })).close();
  await disk.corrupt(keys.meta(name), () => undefined);
  await expect(openMemoryStore({ disk })).rejects.toMatchObject({ code: 'STORE_CORRUPTED' });
});

test.each([
  [1, 'STORE_FORMAT_NEWER'],
  [-1, 'STORE_FORMAT_OLDER'],
])('rows in a format that is %i away are %s even under a marker of ours', async (away, code) => {
  const disk = createMemoryDisk();
  const store = await openMemoryStore({ disk });
  const rows = [{ key: keys.meta('format'), value: String(STORE_FORMAT + away) }];
  await store.commit({ number: store.lastCommit + 1, rows, expect: [] });
  await store.close();
  await expect(openMemoryStore({ disk })).rejects.toMatchObject({ code });
});

test('a record without a seq cannot be expected', async () => {
  const directory = await newDirectory();
  const store = await openLevelStore({ directory });
  const rows = [{ key: keys.record('job/a'), value: '{}' }];
  await store.commit({ number: store.lastCommit + 1, rows, expect: [] });
  const expectation = [{ address: 'job/a', expectedSeq: 0, epoch: store.generation }];
  await expect(
    store.commit({ number: store.lastCommit + 1, rows: [], expect: expectation }),
  ).rejects.toMatchObject({ code: 'STORE_CORRUPTED' });
  await store.close();
});
