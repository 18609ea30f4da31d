/** Another process: what it holds nobody else opens, and what it acknowledged is there after its death. */
import { expect, test } from 'vitest';
import { keys, openLevelStore, rangeAfter, rangeOf, type Entry, type Store } from '../../src/store/index.js';
import { startChild, type Child } from './child.js';
import { newDirectory } from './place.js';

const KILLS = Number(process.env['HOLDFAST_KILLS'] ?? 5);
const ACTORS = 5;
const PAGES_MAX = 1_000;

function lastCommitOf(child: Child): number {
  const line = child.lines.findLast((each) => each.startsWith('commit '));
  return Number(line?.split(' ')[1] ?? 0);
}

/** All rows of a range. */
async function everyRow(store: Store, letter: 'j' | 'k', ...parts: string[]): Promise<Entry[]> {
  const whole = rangeOf(letter, ...parts);
  const found: Entry[] = [];
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const last = found.at(-1);
    const range = last === undefined ? whole : rangeAfter(whole, last[0]);
    const some = await store.scan({ ...range, limit: 1_000 });
    if (some.length === 0) return found;
    found.push(...some);
  }
  throw new Error('more pages than a test may write');
}

/**
 * Each actor's journal is gapless from 1 to the seq of its record, and together they are all commits but
 * `opens`.
 */
async function expectWhole(store: Store, opens: number): Promise<void> {
  let steps = 0;
  for (let actor = 0; actor < ACTORS; actor += 1) {
    const address = `job/${actor}`;
    const journal = await everyRow(store, 'j', address);
    const seqs = journal.map(([key]) => Number.parseInt(key.slice(-12), 16));
    expect(seqs).toEqual(Array.from({ length: journal.length }, (_, index) => index + 1));
    const newest = await store.get(keys.record(address));
    expect(newest).toBe(journal.at(-1)?.[1]);
    steps += journal.length;
  }
  expect(steps).toBe(store.lastCommit - opens);
}

test(`a process killed ${KILLS} times in mid-commit keeps all it acknowledged, gapless`, async () => {
  const directory = await newDirectory();
  const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 100_000);
  process.stdout.write(`HOLDFAST_SEED=${seed}\n`);
  let acknowledged = 0;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const child = startChild(directory, 'write');
    const opening = await child.heard('open ');
    expect(opening).toBe(`open ${2 * kill - 1}`);
    const target = acknowledged + 2 + ((seed * kill * 7_919) % 150);
    await child.heard(`commit ${target}`);
    child.kill();
    await child.ended;
    const heard = lastCommitOf(child);
    expect(heard).toBeGreaterThanOrEqual(target);
    const store = await openLevelStore({ directory });
    expect(store.generation).toBe(2 * kill);
    expect(store.lastCommit).toBeGreaterThan(heard);
    await expectWhole(store, 2 * kill);
    acknowledged = store.lastCommit;
    await store.close();
  }
});

test('a directory held by another process is STORE_LOCKED, and free when it is killed', async () => {
  const directory = await newDirectory();
  const child = startChild(directory, 'hold');
  await child.heard('open ');
  await expect(openLevelStore({ directory })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  await expect(openLevelStore({ directory, purpose: 'look' })).rejects.toMatchObject({
    code: 'STORE_LOCKED',
  });
  child.kill();
  await child.ended;
  const store = await openLevelStore({ directory });
  expect(store.generation).toBe(2);
  await store.close();
});

test('a second open in one process does not free the lock for other processes', async () => {
  const directory = await newDirectory();
  const store = await openLevelStore({ directory });
  await expect(openLevelStore({ directory })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  const child = startChild(directory, 'try');
  await child.ended;
  expect(child.lines).toEqual(['refused STORE_LOCKED']);
  await store.commit({ number: store.lastCommit + 1, rows: [], expect: [] });
  await store.close();
});

test('a directory is free again when its holder lets go', async () => {
  const directory = await newDirectory();
  const child = startChild(directory, 'hold');
  await child.heard('open ');
  child.letGo();
  await child.ended;
  await (await openLevelStore({ directory })).close();
});

test('a write that the disk refuses is STORE_FAILED, and everything before it is there', async () => {
  const directory = await newDirectory();
  const child = startChild(directory, 'fill', { fileKibMax: 2_048 });
  await child.ended;
  expect(child.lines.at(-1)).toBe('refused STORE_FAILED');
  const heard = lastCommitOf(child);
  expect(heard).toBeGreaterThan(2);
  const store = await openLevelStore({ directory });
  expect(store.lastCommit).toBeGreaterThan(heard);
  await expectWhole(store, 2);
  await store.close();
});
