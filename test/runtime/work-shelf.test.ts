/** The shelf against a model: whatever comes, goes and is read in whatever order, the first is the first. */
import { describe, expect, test } from 'vitest';
import { Shelf, type ReadyItem } from '../../src/actors/work/shelf.js';
import { comparePlaces } from '../../src/actors/work/work-index.js';
import { limits } from '../../src/limits.js';
import { Chance } from '../simulation/chance.js';

/** Take a failing run back with HOLDFAST_SEED=<the printed seed>. */
const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000_007);

type Row = readonly string[];

const rowOf = ({ place, address }: ReadyItem): Row => ['k', 'ready', place.priority, place.ord, address];
const inOrder = (a: ReadyItem, b: ReadyItem): number => comparePlaces(a.place, b.place);

function itemOf(n: number, priority: number): ReadyItem {
  const place = { priority: String(priority).padStart(3, '0'), ord: n.toString(16).padStart(16, '0') };
  return { kind: 'k', address: `work/${n}`, place };
}

/** An index whose reads are answered when the test says so, as of when they were asked. */
function openIndex() {
  const rows = new Map<string, ReadyItem>();
  const answers: (() => void)[] = [];
  const after = (_index: string, _parts: Row, place: Row, limit: number): Promise<readonly Row[]> => {
    const [priority = '', ord = ''] = place;
    const found = [...rows.values()]
      .filter((item) => place.length === 0 || comparePlaces(item.place, { priority, ord }) > 0)
      .toSorted(inOrder)
      .slice(0, limit)
      .map(rowOf);
    return new Promise((resolve) => answers.push(() => resolve(found)));
  };
  const answer = async (): Promise<void> => {
    for (const one of answers.splice(0)) one();
    await Promise.resolve();
  };
  return { rows, after, answer };
}

describe('the shelf', () => {
  test('gives every ready item once, in claim order, however it came', async () => {
    for (let round = 0; round < 120; round += 1) await walk(seed + round);
  });

  test('holds so many and reads the rest on from there', async () => {
    const index = openIndex();
    const shelf = new Shelf('k', index as never);
    const read = shelf.read();
    await index.answer();
    await read;
    const count = limits.workShelfMax + limits.workShelfPage + 10;
    const items = Array.from({ length: count }, (_, n) => itemOf(n, 9));
    for (const item of items) {
      index.rows.set(item.address, item);
      shelf.add(item);
    }
    expect(await emptied(shelf, index)).toEqual(items.map(({ address }) => address));
  });

  test('leaves a page aside that follows no more on what it has', async () => {
    const index = openIndex();
    const shelf = new Shelf('k', index as never);
    const put = (item: ReadyItem): number => index.rows.set(item.address, item).size;
    const first = Array.from({ length: limits.workShelfPage }, (_, n) => itemOf(n, 5));
    const behind = Array.from({ length: 10 }, (_, n) => itemOf(10_000 + n, 7));
    for (const item of [...first, ...behind]) put(item);
    const page = shelf.read();
    await index.answer();
    await page;
    // Asked for what lies behind the first page; before it is told, more comes before than there is room for.
    const second = shelf.read();
    const before = Array.from({ length: limits.workShelfMax }, (_, n) => itemOf(20_000 + n, 1));
    for (const item of before) {
      put(item);
      shelf.add(item);
    }
    await index.answer();
    await second;
    const all = [...before, ...first, ...behind].map(({ address }) => address);
    expect(await emptied(shelf, index)).toEqual(all);
  });
});

/**
 * A life of a few happenings, or a few hundred: what was lost early is claimed or cancelled by the end of a
 * long one. What is left at its end is all that is ready, in order.
 */
async function walk(from: number): Promise<void> {
  const chance = new Chance(from);
  const index = openIndex();
  const shelf = new Shelf('k', index as never);
  /** Commits that the shelf is not told of yet, in their order. */
  const untold: (() => void)[] = [];
  const reads: Promise<void>[] = [];
  const happen = [
    (n: number) => {
      const item = itemOf(n, chance.below(3));
      index.rows.set(item.address, item);
      untold.push(() => shelf.add(item));
    },
    () => {
      const all = [...index.rows.values()];
      const item = all[chance.below(Math.max(1, all.length))];
      if (item === undefined) return;
      index.rows.delete(item.address);
      untold.push(() => shelf.remove(item));
    },
    () => untold.shift()?.(),
    () => {
      if (shelf.mustRead) reads.push(shelf.read());
    },
    () => index.answer(),
    () => {
      const { first } = shelf;
      if (first === undefined) return;
      shelf.takeFirst();
      // Claimed; one that was gone already is refused.
      if (index.rows.delete(first.address)) untold.push(() => shelf.remove(first));
    },
  ] as const;
  const count = 5 + chance.below(chance.happens(0.5) ? 40 : 400);
  for (let n = 0; n < count; n += 1) {
    const act = happen[chance.below(happen.length)];
    await act?.(n);
  }
  for (const tell of untold) tell();
  await index.answer();
  await Promise.all(reads);
  const left = [...index.rows.values()].toSorted(inOrder).map(({ address }) => address);
  expect(await emptied(shelf, index), `HOLDFAST_SEED=${from}`).toEqual(left);
}

async function emptied(shelf: Shelf, index: ReturnType<typeof openIndex>): Promise<readonly string[]> {
  const given: string[] = [];
  for (let turns = 0; turns < 10_000 && !shelf.isEmpty; turns += 1) {
    const { first } = shelf;
    if (first !== undefined) {
      given.push(first.address);
      shelf.takeFirst();
      continue;
    }
    const read = shelf.read();
    await index.answer();
    await read;
  }
  return given;
}
