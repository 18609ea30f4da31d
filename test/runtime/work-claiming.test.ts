/** Claims against a store that does not always answer, played by hand: no item is lost or held back. */
import { describe, expect, test } from 'vitest';
import { Claims } from '../../src/actors/work/claims.js';
import type { WorkDesk } from '../../src/actors/work/desk.js';
import type { ReadyItem } from '../../src/actors/work/shelf.js';
import { Shelves } from '../../src/actors/work/shelves.js';
import { HoldfastError, silentLogger, type ErrorCode } from '../../src/index.js';

const context = {
  ...{ input: { kind: 'embed' }, attempts: 0, attemptsMax: 5, priority: 128, createdAt: 0 },
  claim: { claimedAt: 1, expiresAt: 60_001, workerId: 'w' },
};

function itemOf(n: number): ReadyItem {
  return { kind: 'embed', address: `work/${n}`, place: { priority: '128', ord: String(n) } };
}

/** So many items that are ready; a step of an item fails with these codes, one after the other. */
async function play(count: number, faults: Readonly<Record<string, readonly ErrorCode[]>>) {
  const left = new Map(Object.entries(faults).map(([id, codes]) => [`work/${id}`, [...codes]]));
  const asked: string[] = [];
  const indexRows = { after: () => Promise.resolve([]), nextPart: () => Promise.resolve(undefined) };
  const reader = { payload: () => Promise.resolve(1) };
  const desk = {
    options: { generation: 1, log: silentLogger, kernel: { reader, indexRows } },
    newToken: (id: string) => `${id}.token`,
    ask: (address: string) => {
      asked.push(address);
      const code = left.get(address)?.shift();
      const failed = code !== undefined && new HoldfastError(code, 'played');
      return failed === false ? Promise.resolve({ status: 'running', context }) : Promise.reject(failed);
    },
  };
  const shelves = new Shelves({ indexRows } as never);
  const claims = new Claims(desk as unknown as WorkDesk, shelves);
  // The index is read and found empty: what is on the shelf from now on is what is added.
  await shelves.take(['embed']);
  for (let n = 1; n <= count; n += 1) shelves.add(itemOf(n));
  const ids = async (max: number) => (await claims.claim(['embed'], max)).map(({ id }) => id);
  return { asked, ids };
}

describe('an item whose step is refused', () => {
  test('because too much waits for the disk is in its old place again', async () => {
    const { ids } = await play(3, { 1: ['COMMITS_BEHIND'] });
    await expect(ids(1)).rejects.toMatchObject({ code: 'COMMITS_BEHIND' });
    expect(await ids(2)).toEqual(['1', '2']);
  });

  test('keeps no other from the worker that has claimed it; the next claim hears of the fault', async () => {
    const { ids } = await play(3, { 2: ['COMMITS_BEHIND', 'COMMITS_BEHIND'] });
    expect(await ids(3)).toEqual(['1', '3']);
    await expect(ids(3)).rejects.toMatchObject({ code: 'COMMITS_BEHIND' });
    expect(await ids(3)).toEqual(['2']);
  });

  test('because it stands still is passed over, and not tried again', async () => {
    const { ids, asked } = await play(2, { 1: ['ACTOR_QUARANTINED'] });
    expect(await ids(2)).toEqual(['2']);
    expect(await ids(2)).toEqual([]);
    expect(asked).toEqual(['work/1', 'work/2']);
  });
});
