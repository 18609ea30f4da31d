/** Pages of contexts under examination: each is referred to, and each reference has its page. */
import { describe, expect, it } from 'vitest';
import type { ActorRecord } from '../../src/actors/kernel/index.js';
import { keys, pageNumberOf } from '../../src/store/keys.js';
import { openWorld } from '../kernel/fixtures.js';
import { ADDRESS, pagesStored, queueDefinition, type QueueEvent } from '../kernel/paged-queue.js';
import { codesOf, Household } from './household.js';

const definition = queueDefinition(4);
const known = [definition];
const pad = 'x'.repeat(8_000);

/** A queue of some checkpoints, at rest, and its state. */
async function openQueue(): Promise<{ readonly house: Household; readonly context: unknown }> {
  const world = await openWorld(known);
  await world.kernel.create('queue', 'a', { size: 30 });
  for (let step = 0; step < 50; step += 1) {
    const event: QueueEvent = { type: step % 3 === 0 ? 'shift' : 'push', pad };
    await world.kernel.send(ADDRESS, event);
  }
  const context: unknown = (await world.kernel.snapshot(ADDRESS))?.snapshot.context;
  await world.store.close();
  return { house: new Household(world, ''), context };
}

async function codes(house: Household): Promise<readonly string[]> {
  return codesOf(await house.findings(known));
}

/** Repaired, nothing is found any more, no page is left over, and the actor is where it was. */
async function expectMended(house: Household, context: unknown): Promise<void> {
  await house.repair(known);
  expect(await codes(house)).toEqual([]);
  const { world } = house;
  await world.crash(known);
  expect((await world.kernel.snapshot(ADDRESS))?.snapshot.context).toEqual(context);
  await world.kernel.send(ADDRESS, { type: 'shift', pad });
  const { rows, referred } = await pagesStored(world.store);
  expect(rows).toEqual(referred);
}

/** The key of a page that only the oldest checkpoint refers to, or only the newest. */
async function pageOf(house: Household, which: 'oldest' | 'newest'): Promise<string> {
  const rows = (await house.rows('c')).filter(([key]) => pageNumberOf(key) === undefined);
  const numbers = rows.map(([, text]) => {
    const { context } = (JSON.parse(text) as ActorRecord).snapshot as unknown as {
      readonly context: { readonly pages: readonly number[] };
    };
    return context.pages;
  });
  const own = numbers.at(which === 'oldest' ? 0 : -1) ?? [];
  const others = numbers.filter((list) => list !== own).flat();
  const number = own.find((each) => !others.includes(each));
  if (number === undefined) throw new Error('every page is in two checkpoints');
  return keys.page(ADDRESS, number);
}

describe('the pages of a context', () => {
  it('are found to be whole, and the journal leads from them to the state', async () => {
    const { house } = await openQueue();
    expect((await house.rows('c')).length).toBeGreaterThan(10);
    expect(await house.findings(known)).toEqual([]);
  });

  it.each(['gone', 'damaged', 'no object'] as const)(
    'are CHECKPOINT_MISSING where one of an old checkpoint is %s: the journal begins at the next',
    async (how) => {
      const { house, context } = await openQueue();
      const key = await pageOf(house, 'oldest');
      if (how === 'gone') await house.delete(key);
      else if (how === 'damaged') await house.corrupt(key);
      else await house.write({ key, value: '7' });
      expect(await codes(house)).toEqual(['CHECKPOINT_MISSING']);
      await expectMended(house, context);
    },
  );

  it('are CHECKPOINT_MISSING where one of the newest is gone: an older one leads there too', async () => {
    const { house, context } = await openQueue();
    await house.delete(await pageOf(house, 'newest'));
    expect(await codes(house)).toEqual(['CHECKPOINT_MISSING']);
    await expectMended(house, context);
  });

  it('are CHECKPOINT_LITTER where no checkpoint has them, or there is no such actor', async () => {
    const { house, context } = await openQueue();
    const value = JSON.stringify({ items: [] });
    await house.write({ key: keys.page(ADDRESS, 4_000), value }, { key: keys.page('queue/zz', 1), value });
    const found = await house.findings(known);
    expect(found.map(({ code, key }) => [code, key])).toEqual([
      ['CHECKPOINT_LITTER', keys.page(ADDRESS, 4_000)],
      ['CHECKPOINT_LITTER', keys.page('queue/zz', 1)],
    ]);
    await expectMended(house, context);
  });

  it('stay where what may refer to them cannot be read, and the state is nowhere else', async () => {
    const { house } = await openQueue();
    const before = await house.rows('c');
    const checkpoints = before.filter(([key]) => pageNumberOf(key) === undefined);
    await house.write(...checkpoints.map(([key]) => ({ key, value: '7' })));
    await house.delete(keys.journal(ADDRESS, 1));
    await house.repair(known);
    expect(await codes(house)).toEqual([]);
    expect((await house.record(ADDRESS)).quarantine).toMatchObject({ code: 'JOURNAL_TAIL' });
    expect((await house.rows('c')).length).toBe(before.length);
  });

  it('lead to a record that is lost', async () => {
    const { house, context } = await openQueue();
    await house.delete(keys.record(ADDRESS));
    expect(await codes(house)).toContain('RECORD_MISSING');
    await expectMended(house, context);
  });
});
