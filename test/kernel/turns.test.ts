/** Whose turn it is among pools that share a bound: nobody waits behind somebody else's backlog. */
import { expect, it } from 'vitest';
import { deferred, openWorld, rowsOf, settled, workflow, type World } from './fixtures.js';

const LANES = 3;

/** One effect at a time over all pools; effect `n` waits in the pool that `poolOf` says. */
async function busy(poolOf: (n: number) => string, ends: (n: number) => Promise<unknown>) {
  const order: number[] = [];
  const definition = {
    kind: 'worker',
    machine: workflow(({ n }) => {
      order.push(n);
      return ends(n).then(() => n);
    }),
    effects: {
      work: {
        limit: 8,
        pool: (input: unknown) => poolOf(Number(Reflect.get(Object(input), 'n'))),
        shares: () => [{ name: 'account', limit: 1 }],
      },
    },
  };
  return { order, definition, world: await openWorld([definition]) };
}

async function begin(world: World, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n += 1) {
    await world.kernel.create('worker', `w${n}`, { n });
    await world.kernel.send(`worker/w${n}`, { type: 'go' });
  }
}

async function runsOut(world: World, order: readonly number[], count: number): Promise<void> {
  for (let turn = 0; turn < 20 * count && order.length < count; turn += 1) await settled(world);
  await settled(world);
}

it('one that comes to a backlog of a thousand is among the next two', async () => {
  const count = 1_000;
  const first = deferred<void>();
  const { order, world } = await busy(
    (n) => (n < count ? 'long' : 'short'),
    (n) => (n === 0 ? first.promise : Promise.resolve()),
  );
  await begin(world, 0, count + 1);
  await settled(world);
  expect(order).toEqual([0]);
  first.resolve();
  await runsOut(world, order, count + 1);
  expect(order.indexOf(count)).toBeLessThanOrEqual(2);
  // And nobody is lost for it, nor is the order within a pool.
  expect(order.filter((n) => n < count)).toEqual(Array.from({ length: count }, (_unused, n) => n));
  expect(await rowsOf(world.store, 'o')).toEqual([]);
});

it('pools with a backlog take turns, one effect each, also after a restart', async () => {
  const count = 30;
  const { order, definition, world } = await busy(
    (n) => `lane${Math.floor(n / 10)}`,
    () => (order.length > 1 ? Promise.resolve() : new Promise(() => undefined)),
  );
  await begin(world, 0, count);
  await settled(world);
  expect(order).toEqual([0]);
  await world.crash([definition]);
  await runsOut(world, order, count + 1);
  const rounds = Array.from({ length: 10 }, (_unused, n) => [n, n + 10, n + 20]);
  expect(order.slice(1)).toEqual(rounds.flat());
  expect(rounds[0]).toHaveLength(LANES);
});

it('a pool that comes and goes does not overtake one that waits', async () => {
  const gates = new Map<number, () => void>();
  const { order, world } = await busy(
    (n) => (n < 5 ? 'waits' : `single${n}`),
    (n) => new Promise<void>((resolve) => gates.set(n, resolve)),
  );
  await begin(world, 0, 5);
  await settled(world);
  for (let n = 5; n < 9; n += 1) {
    await begin(world, n, n + 1);
    await settled(world);
    const running = order.at(-1) ?? 0;
    gates.get(running)?.();
    await settled(world);
  }
  expect(order).toEqual([0, 1, 5, 2, 6]);
});

it('what waits in a pool that its policy names no more is found after a restart, and runs', async () => {
  const never = (): Promise<unknown> => new Promise(() => undefined);
  const before = await busy(() => 'account', never);
  await begin(before.world, 0, 3);
  await settled(before.world);
  expect(before.order).toEqual([0]);
  const after = await busy(
    (n) => `account:${n % 2}`,
    () => Promise.resolve(),
  );
  await before.world.crash([after.definition]);
  await begin(before.world, 3, 5);
  await runsOut(before.world, after.order, 5);
  expect(after.order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
  expect(await rowsOf(before.world.store, 'o')).toEqual([]);
});

it('a pool of a lower priority is slowed down by a backlog of a higher one, never stopped', async () => {
  const order: string[] = [];
  const policy = (name: string, priority: number) => ({
    pool: () => name,
    priority,
    shares: () => [{ name: 'account', limit: 1, rate: { perMinute: 4, burst: 1 } }],
  });
  const definitions = [
    { kind: 'first', priority: 0 },
    { kind: 'second', priority: 3 },
  ].map(({ kind, priority }) => ({
    kind,
    machine: workflow(({ n }) => Promise.resolve(order.push(`${kind} ${n}`))),
    effects: { work: policy(kind, priority) },
  }));
  const world = await openWorld(definitions);
  for (let n = 0; n < 20; n += 1) {
    for (const { kind } of definitions) {
      await world.kernel.create(kind, `w${n}`, { n });
      await world.kernel.send(`${kind}/w${n}`, { type: 'go' });
    }
  }
  await world.clock.advance(300_000);
  // The first minute is the first's; then the second has one as soon as it has waited for a minute.
  expect(order.slice(0, 4)).toEqual(['first 0', 'first 1', 'first 2', 'first 3']);
  expect(order[4]).toBe('second 0');
  expect(order.filter((done) => done.startsWith('second'))).toHaveLength(5);
});
