/** The commit chain notices every lost or exchanged commit among those it keeps. */
import { performance } from 'node:perf_hooks';
import { beforeEach, expect, test } from 'vitest';
import { limits } from '../../src/limits.js';
import { GENESIS, linkRows, nextLink, verifyChain, type Link } from '../../src/store/chain.js';
import { encodeRow, encodeValue } from '../../src/store/codec.js';
import { createMemoryDisk, keys, openMemoryStore, rangeOf, type Entry } from '../../src/store/index.js';
import type { MemoryDisk, ScanOptions } from '../../src/store/index.js';

const KEPT = 5;

let disk: MemoryDisk;
beforeEach(() => {
  disk = createMemoryDisk();
});

/** Opens, commits `count` single rows, closes, and tells the number of the last commit. */
async function writeCommits(count: number, chainRowsKept = KEPT): Promise<number> {
  const store = await openMemoryStore({ disk, chainRowsKept });
  for (let index = 0; index < count; index += 1) {
    const rows = [{ key: keys.index('n', [String(index)], 'job/a'), value: String(index) }];
    await store.commit({ number: store.lastCommit + 1, rows, expect: [] });
  }
  await store.close();
  return store.lastCommit;
}

async function keptNumbers(): Promise<number[]> {
  const store = await openMemoryStore({ disk, purpose: 'look' });
  const entries = await store.scan({ ...rangeOf('k'), limit: 1_000 });
  await store.close();
  return entries.map(([key]) => Number.parseInt(key.slice(2), 16));
}

test('the last rows are kept and the one before them goes with each commit', async () => {
  const last = await writeCommits(20);
  expect(await keptNumbers()).toEqual([last - 4, last - 3, last - 2, last - 1, last]);
});

test('a raised limit fills up, and a lowered one drops the surplus over the next commits', async () => {
  await writeCommits(10, 3);
  await writeCommits(30, 25);
  expect(await keptNumbers()).toHaveLength(25);
  const last = await writeCommits(6, 2);
  expect(await keptNumbers()).toEqual([last - 1, last]);
});

test.each([
  ['in the middle', 2],
  ['at the front', 4],
])('a missing link %s is STORE_CORRUPTED', async (_where, back) => {
  const last = await writeCommits(20);
  await disk.corrupt(keys.chain(last - back), () => undefined);
  await expect(openMemoryStore({ disk })).rejects.toMatchObject({ code: 'STORE_CORRUPTED' });
  await expect(openMemoryStore({ disk, purpose: 'look' })).rejects.toMatchObject({ code: 'STORE_CORRUPTED' });
});

test('the first link of a short chain may not be missing either', async () => {
  await writeCommits(3, 100);
  await disk.corrupt(keys.chain(1), () => undefined);
  await expect(openMemoryStore({ disk })).rejects.toThrow(/commits 1 to 1 are missing/);
});

test('a link from another history does not fit, even with a correct checksum', async () => {
  const last = await writeCommits(20);
  const foreign = { digest: '00000000', chain: '0'.repeat(32), oldest: last - 6 };
  await disk.corrupt(keys.chain(last - 2), () => encodeValue(JSON.stringify(foreign)));
  await expect(openMemoryStore({ disk })).rejects.toThrow(/does not follow/);
});

test('a link that is not one is STORE_CORRUPTED', async () => {
  const last = await writeCommits(2);
  await disk.corrupt(keys.chain(last), () => encodeValue('{"digest":1}'));
  await expect(openMemoryStore({ disk })).rejects.toThrow(/malformed/);
});

test('the digest depends on every key, value and deletion of the batch', () => {
  const batches = [
    [{ key: 'q\0a', value: '1' }],
    [{ key: 'q\0a', value: '2' }],
    [{ key: 'q\0b', value: '1' }],
    [{ key: 'q\0a', value: undefined }],
    [],
  ];
  const digests = batches.map((rows) => nextLink(GENESIS, rows.map(encodeRow), KEPT).digest);
  expect(new Set(digests).size).toBe(batches.length);
});

test('verifying a whole chain reads in pages and its cost is printed', async () => {
  const stored: Entry[] = [];
  let link: Link = GENESIS;
  for (let index = 0; index < limits.chainRowsKept; index += 1) {
    const next = nextLink(link, [], limits.chainRowsKept);
    for (const row of linkRows(link, next)) stored.push([row.key, row.value ?? '']);
    link = next;
  }
  let rowsMax = 0;
  const read = async (options: ScanOptions): Promise<Entry[]> => {
    const from = stored.findIndex(([key]) => key >= options.gte);
    const page = from < 0 ? [] : stored.slice(from, from + options.limit);
    rowsMax = Math.max(rowsMax, page.length);
    return page;
  };
  const startMs = performance.now();
  expect(await verifyChain(read)).toEqual(link);
  const tookMs = performance.now() - startMs;
  expect(rowsMax).toBe(limits.scanPageRows);
  process.stdout.write(`verified ${limits.chainRowsKept} links in ${tookMs.toFixed(0)} ms\n`);
});
