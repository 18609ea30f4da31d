/** The commit chain notices every lost or exchanged commit among those it keeps. */
import { performance } from 'node:perf_hooks';
import { beforeEach, expect, test } from 'vitest';
import { sha256Hex } from '../../src/ids.js';
import { limits } from '../../src/limits.js';
import { GENESIS, linkRows, nextLink, verifyChain, type Link } from '../../src/store/chain.js';
import { encodeRow, encodeValue } from '../../src/store/codec.js';
import { commitTimeOf, createMemoryDisk, keys, openMemoryStore, rangeOf } from '../../src/store/index.js';
import type { Entry, MemoryDisk, ScanOptions } from '../../src/store/index.js';

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

test('another time in a link breaks the chain, even with a correct checksum', async () => {
  const store = await openMemoryStore({ disk });
  const number = store.lastCommit + 1;
  await store.commit({ number, rows: [], expect: [], at: 1_764_000_000_000 });
  await store.close();
  await disk.corrupt(keys.chain(number), (stored) => {
    expect(stored).toContain('1764000000000');
    return encodeValue(stored.slice(9).replace('1764000000000', '1764000000001'));
  });
  await expect(openMemoryStore({ disk })).rejects.toThrow(/does not follow/);
});

test('a chain without times, as it was once written, is opened and goes on with times', async () => {
  const rows: [string, string][] = [
    [keys.meta('format'), '2'],
    [keys.meta('generation'), '1'],
    [keys.chain(1), '{"digest":"0badcafe","chain":"29d3800cd02ead653834a4f1202e9bef","oldest":1}'],
    [keys.chain(2), '{"digest":"1a2b3c4d","chain":"10e2654371483b447ce3713d5e1dc318","oldest":1}'],
  ];
  const database = await disk.attach();
  await database.write(rows.map(([key, text]) => ({ key, value: encodeValue(text) })));
  await database.close();
  const store = await openMemoryStore({ disk });
  expect(store.lastCommit).toBe(3);
  await store.commit({ number: 4, rows: [], expect: [], at: 5 });
  await store.close();
  const again = await openMemoryStore({ disk });
  const links = await again.getMany([2, 3, 4].map(keys.chain));
  expect(links.map((link) => commitTimeOf(link ?? ''))).toEqual([undefined, undefined, 5]);
  await again.close();
});

test('the hash over a timed link is that of its row alone, for a holdfast that knows no times', () => {
  const link = nextLink(GENESIS, [], KEPT, 1_764_000_000_000);
  const [row] = linkRows(GENESIS, link);
  const { digest, chain } = JSON.parse(row?.value?.slice(9) ?? '') as { digest: string; chain: string };
  expect(digest).toBe('00000000@1764000000000');
  expect(chain).toBe(sha256Hex(`/1/${digest}`).slice(0, 32));
});

test.each(['', '{}', '[]', 'null', '{"digest":7}', '{"digest":"1a2b3c4d@"}', '{"digest":"1a@x"}', '"@5"'])(
  'says of no link that it was written at a time: %s',
  (text) => {
    expect(commitTimeOf(text)).toBeUndefined();
  },
);

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
