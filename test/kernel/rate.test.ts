/** Shares with a rate: a bucket of tokens, on the monotonic clock. */
import { describe, expect, it } from 'vitest';
import { Rates } from '../../src/actors/kernel/rate.js';
import { createMemoryDisk, openMemoryStore } from '../../src/store/index.js';
import { Kernel } from '../../src/actors/kernel/index.js';
import { silentLogger } from '../../src/log.js';
import { createSimulatedClock } from '../../src/testing/simulated-clock.js';
import { openWorld, settled, workflow, type World } from './fixtures.js';

describe('a bucket', () => {
  it('holds a tenth of a minute’s, at least one, and fills at its rate', () => {
    const rates = new Rates();
    const rate = { perMinute: 60 };
    const takenAt = (nowMs: number): number => {
      let taken = 0;
      for (; rates.waitMs('a', rate, nowMs) <= 0; taken += 1) rates.take('a', rate, nowMs);
      return taken;
    };
    expect([takenAt(0), rates.waitMs('a', rate, 0)]).toEqual([6, 1_000]);
    expect([takenAt(999), takenAt(1_000), takenAt(1_000), takenAt(3_500)]).toEqual([0, 1, 0, 2]);
    expect(takenAt(1_000_000)).toBe(6);
    expect(rates.waitMs('b', rate, 0)).toBeLessThanOrEqual(0);
  });

  it('never gives more in any minute than the rate and what it holds', () => {
    const rates = new Rates();
    const rate = { perMinute: 7, burst: 3 };
    const taken: number[] = [];
    for (let nowMs = 0; nowMs < 600_000; nowMs += 137) {
      if (rates.waitMs('a', rate, nowMs) > 0) continue;
      rates.take('a', rate, nowMs);
      taken.push(nowMs);
    }
    for (const from of taken) {
      expect(taken.filter((at) => at >= from && at < from + 60_000).length).toBeLessThanOrEqual(10);
    }
    expect(taken.length).toBeGreaterThanOrEqual(70);
  });
});

const START_AT_MS = 0;

describe('effects under a rate', () => {
  const limited = (ran: (readonly [n: number, atMs: number])[], nowMs: () => number) => ({
    kind: 'worker',
    machine: workflow(({ n }) => Promise.resolve(ran.push([n, nowMs() - START_AT_MS]))),
    effects: {
      work: {
        pool: (input: unknown) => `p${Number(Reflect.get(Object(input), 'n')) % 2}`,
        shares: () => [{ name: 'account', limit: 8, rate: { perMinute: 6, burst: 2 } }],
      },
    },
  });

  async function begin(world: Pick<World, 'kernel'>, count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      await world.kernel.create('worker', `w${n}`, { n });
      await world.kernel.send(`worker/w${n}`, { type: 'go' });
    }
  }

  it('wait in their places for a token, over several pools, and are woken when one is due', async () => {
    const ran: (readonly [number, number])[] = [];
    let world: World | undefined = undefined;
    world = await openWorld([limited(ran, () => world?.clock.monotonicMs() ?? 0)]);
    await begin(world, 5);
    await settled(world);
    expect(ran).toEqual([
      [0, 0],
      [1, 0],
    ]);
    await world.clock.advance(35_000);
    expect(ran.slice(2)).toEqual([
      [2, 10_000],
      [3, 20_000],
      [4, 30_000],
    ]);
  });

  it('leave no timer behind when the kernel closes', async () => {
    const clock = createSimulatedClock();
    const set = new Set<number>();
    let count = 0;
    const watched = {
      ...clock,
      schedule: (delayMs: number, run: () => void) => {
        const id = (count += 1);
        set.add(id);
        const cancel = clock.schedule(delayMs, () => {
          set.delete(id);
          run();
        });
        return () => {
          set.delete(id);
          cancel();
        };
      },
    };
    const store = await openMemoryStore({ disk: createMemoryDisk() });
    const kernel = await Kernel.open({ store, clock: watched, log: silentLogger });
    kernel.define(limited([], clock.monotonicMs));
    await kernel.start();
    await begin({ kernel }, 4);
    await clock.advance(0);
    expect(set.size).toBeGreaterThan(0);
    await kernel.close(0);
    expect([...set]).toEqual([]);
  });
});
