/** Paged contexts: what a step costs has nothing to do with how much there is. */
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.js';
import { faultyStore, type FaultyStore } from '../../src/testing/index.js';
import { openWorld, rowsOf, settled, type World } from './fixtures.js';
import {
  ADDRESS,
  expectedAfter,
  pagesStored,
  queueDefinition,
  storedRecord,
  type QueueEvent,
} from './paged-queue.js';

const HOUR_MS = 3_600_000;

/** As long as a page and a cut of the journal come soon. */
const long = 'x'.repeat(8_000);

/** Adds up what commits write. */
function counting(store: Store, count: (bytes: number) => void): Store {
  return faultyStore(store, {
    onCommit: (_number, phase, { rows }) => {
      if (phase === 'after')
        count(rows.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0));
    },
  });
}

/** Pushes and shifts, in turns of `turn`. */
function turns(count: number, turn: number, pad = long): readonly QueueEvent[] {
  return Array.from({ length: count }, (_unused, index) => ({
    type: Math.floor(index / turn) % 2 === 0 ? 'push' : 'shift',
    pad,
  }));
}

async function sendAll(world: World, events: readonly QueueEvent[]): Promise<void> {
  for (const event of events) await world.kernel.send(ADDRESS, event);
}

async function contextOf(world: World): Promise<unknown> {
  return (await world.kernel.snapshot(ADDRESS))?.snapshot.context;
}

/** No page row is left over, and none is missing. */
async function expectTidy(world: World): Promise<void> {
  const { rows, referred } = await pagesStored(world.store);
  expect(rows).toEqual(referred);
}

describe('a paged context', () => {
  it('costs a step the same bytes with 100,000 items as with 10, after a restart too', async () => {
    const pad = 'x'.repeat(380);
    const perStep: number[] = [];
    for (const size of [10, 100_000]) {
      let bytes = 0;
      const definition = queueDefinition(256);
      const world = await openWorld([definition], (store) => counting(store, (more) => (bytes += more)));
      await world.kernel.create('queue', 'a', { size });
      await sendAll(world, turns(600, 1, pad));
      await world.crash([definition]);
      bytes = 0;
      await sendAll(world, turns(1_200, 1, pad));
      perStep.push(Math.round(bytes / 1_200));
      await expectTidy(world);
    }
    const [few = 0, many = 0] = perStep;
    expect(few).toBeLessThan(1_100);
    expect(many / few, `${few} and ${many} bytes a step`).toBeLessThan(1.2);
  });

  it('is as if nothing had been, whichever commit the process dies at, before or after', async () => {
    for (const phase of ['before', 'after'] as const) {
      const stores: FaultyStore[] = [];
      const definition = queueDefinition(4);
      const world = await openWorld([definition], (inner) => {
        stores.push(faultyStore(inner));
        return stores.at(-1) ?? inner;
      });
      await world.kernel.create('queue', 'a', { size: 30 });
      const events = turns(170, 7);
      for (const [index, event] of events.entries()) {
        stores.at(-1)?.failNext(phase);
        const id = `event ${index}`;
        await expect(world.kernel.send(ADDRESS, event, { id })).rejects.toMatchObject({
          code: 'STORE_FAILED',
        });
        await world.crash([definition]);
        await world.kernel.send(ADDRESS, event, { id });
        const where = `${phase} ${id}`;
        expect([where, await contextOf(world)]).toEqual([
          where,
          expectedAfter(30, 4, events.slice(0, index + 1)),
        ]);
        await expectTidy(world);
      }
      const { marks } = await storedRecord(world.store);
      expect(marks.length).toBeGreaterThan(3);
      expect(marks[0]?.[0]).toBeGreaterThan(0);
      const page = await pagesStored(world.store);
      expect(page.rows[0]).toBeGreaterThan(1);
    }
  });

  it('leaves no page behind in thousands of steps, and none when its actor goes', async () => {
    const definition = queueDefinition(8);
    const world = await openWorld([definition]);
    await world.kernel.create('queue', 'a', { size: 200 });
    const pad = 'x'.repeat(1_000);
    for (let round = 0; round < 6; round += 1) {
      await sendAll(world, turns(500, 3 + 20 * round, pad));
      await expectTidy(world);
      if (round === 2) await sendAll(world, [{ type: 'empty' }]);
      if (round % 2 === 1) await world.crash([definition]);
    }
    expect((await pagesStored(world.store)).rows.length).toBeLessThan(200);
    await world.kernel.send(ADDRESS, { type: 'close' });
    expect(await storedRecord(world.store)).toMatchObject({ status: 'done', snapshot: { value: 'closed' } });
    await expectTidy(world);
    await world.clock.advance(25 * HOUR_MS);
    await settled(world);
    expect(await rowsOf(world.store, 's', 'c', 'j')).toEqual([]);
  });
});
