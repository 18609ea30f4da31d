/** Effects that fail and are run again: budgets, back-off, and what a crash may not reset. */
import { describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { EffectDeferred, type DefinitionOptions, type EffectPolicy } from '../../src/actors/kernel/index.js';
import { limits } from '../../src/limits.js';
import { faultyStore, type FaultyStore } from '../../src/testing/index.js';
import { deferred, openWorld, rowsOf, settled, type World } from './fixtures.js';

type Run = (call: { readonly n: number; readonly signal: AbortSignal }) => Promise<unknown>;

/** busy (effect `work`) → done with its output, failed with its error, left, or interrupted. */
function worker(run: Run): AnyStateMachine {
  return setup({
    types: { context: {} as { n: number; got: unknown }, input: {} as { n: number } },
    actors: { work: fromPromise<unknown, { n: number }>(({ input, signal }) => run({ n: input.n, signal })) },
    actions: {
      keep: assign({
        got: ({ event }): unknown => Reflect.get(event, 'output') ?? Reflect.get(event, 'error'),
      }),
    },
  }).createMachine({
    id: 'worker',
    version: '1',
    context: ({ input }) => ({ n: input.n, got: null }),
    initial: 'busy',
    on: { leave: '.left' },
    states: {
      busy: {
        invoke: {
          id: 'work',
          src: 'work',
          input: ({ context }) => ({ n: context.n }),
          onDone: { target: 'done', actions: 'keep' },
          onError: { target: 'failed', actions: 'keep' },
        },
        on: { 'effect.interrupted': 'interrupted' },
      },
      done: {},
      failed: {},
      left: {},
      interrupted: {},
    },
  });
}

function defined(run: Run, policy: EffectPolicy): DefinitionOptions {
  return { kind: 'worker', machine: worker(run), effects: { work: policy } };
}

const budget = { failuresMax: 2, periodMs: 600_000 };
const MINUTE_MS = 60_000;

async function create(world: World, count = 1): Promise<void> {
  for (let n = 0; n < count; n += 1) await world.kernel.create('worker', `w${n}`, { n });
  await settled(world);
}

async function stateOf(world: World, id = 'w0'): Promise<unknown> {
  return (await world.kernel.snapshot(`worker/${id}`))?.snapshot.value;
}

async function gotBy(world: World, id = 'w0'): Promise<unknown> {
  return Reflect.get(
    Object((await world.kernel.snapshot(`worker/${id}`))?.snapshot.context) as object,
    'got',
  );
}

async function effectRows(world: World): Promise<unknown[]> {
  return (await rowsOf(world.store, 'o')).map(([, text]) => JSON.parse(text) as unknown);
}

const hang: Run = () => new Promise(() => undefined);

describe('the restart budget of an effect', () => {
  it('runs a failing effect again, later each time, and the machine hears of its success alone', async () => {
    const at: number[] = [];
    const world = await openWorld([
      defined(
        async () => {
          at.push(world.clock.now());
          if (at.length < 3) throw new Error('not yet');
          return 'at last';
        },
        { restart: budget },
      ),
    ]);
    await create(world);
    expect(at).toHaveLength(1);
    await world.clock.advance(MINUTE_MS);
    const [first = 0, second = 0, third = 0] = at;
    expect(second - first).toBeGreaterThanOrEqual(800);
    expect(second - first).toBeLessThanOrEqual(1_200);
    expect(third - second).toBeGreaterThanOrEqual(1_600);
    expect(third - second).toBeLessThanOrEqual(2_400);
    expect([await stateOf(world), await gotBy(world), at.length]).toEqual(['done', 'at last', 3]);
    expect((await world.kernel.reader.record('worker/w0'))?.seq).toBe(2);
    expect(await effectRows(world)).toEqual([]);
  });

  it('gives the last error to the machine when there were too many', async () => {
    let runs = 0;
    const world = await openWorld([
      defined(async () => Promise.reject(new Error(`failure ${++runs}`)), { restart: budget }),
    ]);
    await create(world);
    await world.clock.advance(MINUTE_MS);
    expect([runs, await stateOf(world)]).toEqual([3, 'failed']);
    expect(await gotBy(world)).toEqual({ name: 'Error', message: 'failure 3' });
  });

  it('counts a timeout as a failure, and a failure that is older than the period not at all', async () => {
    let runs = 0;
    const restart = { failuresMax: 1, periodMs: 10_000 };
    const world = await openWorld([
      defined(
        async (call) => {
          runs += 1;
          if (runs === 1) throw new Error('once');
          // Long after the first failure.
          return hang(call);
        },
        { restart, timeoutMs: 30_000 },
      ),
    ]);
    await create(world);
    // The second run times out after 30 s: alone within its period. The third one does, too.
    await world.clock.advance(90_000);
    expect([runs, await stateOf(world)]).toEqual([4, 'busy']);
  });

  it('does not wait longer because the clock went back', async () => {
    let runs = 0;
    const world = await openWorld([
      defined(async () => (++runs === 1 ? Promise.reject(new Error('no')) : 'yes'), { restart: budget }),
    ]);
    await create(world);
    world.clock.jump(-3_600_000);
    await world.clock.advance(5_000);
    expect([runs, await stateOf(world)]).toEqual([2, 'done']);
  });

  it('runs it no more once its actor has gone on, and leaves no timer behind', async () => {
    let runs = 0;
    const world = await openWorld([
      defined(async () => Promise.reject(new Error(`${++runs}`)), { restart: budget }),
    ]);
    await create(world);
    await world.kernel.send('worker/w0', { type: 'leave' });
    await world.clock.advance(MINUTE_MS);
    expect([runs, await stateOf(world)]).toEqual([1, 'left']);
    expect(await effectRows(world)).toEqual([]);
  });

  it('lets others into the pool while one rests', async () => {
    const ran: number[] = [];
    const world = await openWorld([
      defined(
        async ({ n }) => {
          ran.push(n);
          if (n === 0 && ran.length === 1) throw new Error('no');
        },
        { restart: budget, limit: 1 },
      ),
    ]);
    await create(world, 4);
    await settled(world);
    expect(ran).toEqual([0, 1, 2, 3]);
    await world.clock.advance(2_000);
    expect([ran, await stateOf(world)]).toEqual([[0, 1, 2, 3, 0], 'done']);
  });

  it('starts none in a pool of which a thousand rest, until one comes back', async () => {
    let runs = 0;
    const count = limits.restingEffectsMax + 50;
    const world = await openWorld([
      defined(async () => Promise.reject(new Error(`${++runs}`)), { restart: budget, limit: 10 }),
    ]);
    await world.kernel.createMany(
      'worker',
      Array.from({ length: count }, (_unused, n) => ({ id: `w${n}`, input: { n } })),
    );
    for (let turn = 0; turn < 100 && runs < limits.restingEffectsMax; turn += 1) await settled(world);
    await settled(world);
    expect(runs).toBeGreaterThanOrEqual(limits.restingEffectsMax);
    expect(runs).toBeLessThan(limits.restingEffectsMax + 10);
    const before = runs;
    for (let n = 0; n < 10; n += 1) await world.kernel.send(`worker/w${n}`, { type: 'leave' });
    await settled(world);
    expect(runs).toBeGreaterThan(before);
    expect(runs).toBeLessThanOrEqual(before + 10);
  });
});

describe('failures and crashes', () => {
  it('keeps the failures through a crash, and the rest of their back-off', async () => {
    let runs = 0;
    const failing = defined(async () => Promise.reject(new Error(`failure ${++runs}`)), { restart: budget });
    const world = await openWorld([failing]);
    await create(world);
    expect(await effectRows(world)).toMatchObject([{ failures: [1_000_000] }]);
    await world.crash([failing]);
    await settled(world);
    expect(runs).toBe(1);
    await world.clock.advance(2_000);
    expect(runs).toBe(2);
    await world.crash([failing]);
    await world.clock.advance(MINUTE_MS);
    expect([runs, await gotBy(world)]).toEqual([3, { name: 'Error', message: 'failure 3' }]);
  });

  it('marks each run on disk before it begins', async () => {
    let runs = 0;
    let store: FaultyStore | undefined;
    const world = await openWorld([defined(async () => ++runs, { restart: budget })], (inner) => {
      store = faultyStore(inner);
      return store;
    });
    await world.kernel.create('worker', 'w0', { n: 0 });
    const hold = store?.hold();
    await hold?.reached;
    await settled(world);
    expect(runs).toBe(0);
    hold?.release();
    await world.kernel.waitFor('worker/w0', ({ value }) => value === 'done');
    expect(runs).toBe(1);
  });

  it('runs an effect that kills its process no more often than its budget allows', async () => {
    let runs = 0;
    const deadly = defined((call) => (runs++, hang(call)), { restart: budget });
    const world = await openWorld([deadly]);
    await create(world);
    for (let death = 0; death < 6; death += 1) {
      await world.crash([deadly]);
      await world.clock.advance(5_000);
    }
    expect([runs, await stateOf(world)]).toEqual([3, 'failed']);
    expect(await gotBy(world)).toMatchObject({ name: 'HoldfastError', code: 'EFFECT_CRASHED' });
  });

  it('counts no clean close as a crash', async () => {
    let runs = 0;
    const slow = defined((call) => (runs++, hang(call)), { restart: budget });
    const world = await openWorld([slow]);
    await create(world);
    for (let restart = 0; restart < 5; restart += 1) {
      await world.kernel.close();
      expect(await effectRows(world)).not.toMatchObject([{ started: {} }]);
      await world.crash([slow]);
      await settled(world);
    }
    expect([runs, await stateOf(world)]).toEqual([6, 'busy']);
  });

  it('without a budget an effect is run after every crash, unmarked', async () => {
    let runs = 0;
    const plain = defined((call) => (runs++, hang(call)), {});
    const world = await openWorld([plain]);
    await create(world);
    for (let death = 0; death < 5; death += 1) {
      await world.crash([plain]);
      await settled(world);
    }
    expect(runs).toBe(6);
    expect(Object.keys(Object((await effectRows(world))[0]) as object)).not.toContain('started');
  });

  it('K7: a manual effect is repeated when it said that it failed, never when in doubt', async () => {
    let runs = 0;
    const policy: EffectPolicy = { recovery: 'manual', restart: budget };
    const manual = defined((call) => (++runs === 1 ? Promise.reject(new Error('no')) : hang(call)), policy);
    const world = await openWorld([manual]);
    await create(world);
    await world.clock.advance(2_000);
    expect([runs, await stateOf(world)]).toEqual([2, 'busy']);
    await world.crash([manual]);
    await world.clock.advance(MINUTE_MS);
    expect([runs, await stateOf(world)]).toEqual([2, 'interrupted']);
  });

  it('K7: a manual effect without a budget is not repeated when it failed', async () => {
    let runs = 0;
    const manual = defined(async () => Promise.reject(new Error(`${++runs}`)), { recovery: 'manual' });
    const world = await openWorld([manual]);
    await create(world);
    await world.clock.advance(MINUTE_MS);
    expect([runs, await stateOf(world)]).toEqual([1, 'failed']);
  });

  it('K7: a probe is asked after each crash, and the crashes it allows a repeat for count', async () => {
    let runs = 0;
    let probes = 0;
    const policy: EffectPolicy = {
      recovery: 'probe',
      probe: async () => (probes++, { type: 'notStarted' }),
      restart: budget,
    };
    const deadly = defined((call) => (runs++, hang(call)), policy);
    const world = await openWorld([deadly]);
    await create(world);
    for (let death = 0; death < 6; death += 1) {
      await world.crash([deadly]);
      await world.clock.advance(5_000);
    }
    expect([runs, probes, await stateOf(world)]).toEqual([3, 3, 'failed']);
    expect(await gotBy(world)).toMatchObject({ code: 'EFFECT_CRASHED' });
  });
});

describe('an effect that was put off', () => {
  it('is no failure, whatever its budget', async () => {
    let runs = 0;
    const world = await openWorld([
      defined(
        async () => {
          runs += 1;
          if (runs < 6) throw new EffectDeferred('not now');
          return 'now';
        },
        { restart: { failuresMax: 0, periodMs: MINUTE_MS } },
      ),
    ]);
    await create(world);
    await world.clock.advance(5_000);
    expect([runs, await stateOf(world)]).toEqual([6, 'done']);
  });

  it('does not spin while its gate is open', async () => {
    let runs = 0;
    const world = await openWorld([
      defined(
        async () => {
          runs += 1;
          throw new EffectDeferred('not now');
        },
        { shares: () => [{ name: 'door', limit: 1 }] },
      ),
    ]);
    await create(world);
    for (let turn = 0; turn < 20; turn += 1) await settled(world);
    expect(runs).toBe(1);
    await world.clock.advance(10 * limits.deferredPauseMs);
    expect(runs).toBe(11);
  });

  it('keeps its place before those that were asked for later', async () => {
    const order: number[] = [];
    const gate = deferred<void>();
    const world: World = await openWorld([
      defined(
        async ({ n }) => {
          if (order.length === 0 && n === 0) {
            world.kernel.gate('door', false);
            order.push(-1);
            throw new EffectDeferred('the door is shut');
          }
          order.push(n);
          await gate.promise;
        },
        { limit: 1, shares: () => [{ name: 'door', limit: 1 }] },
      ),
    ]);
    await create(world, 5);
    expect(order).toEqual([-1]);
    world.kernel.gate('door', true);
    gate.resolve();
    for (let turn = 0; turn < 10; turn += 1) await settled(world);
    expect(order).toEqual([-1, 0, 1, 2, 3, 4]);
  });
});
