import { describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { EffectDeferred, type DefinitionOptions, type EffectPolicy } from '../../src/actors/kernel/index.js';
import type { Store } from '../../src/store/store.js';
import { faultyStore, type FaultyStore } from '../../src/testing/index.js';
import { deferred, openWorld, reading, rowsOf, settled, type World } from './fixtures.js';

type Run = (call: {
  readonly n: number;
  readonly id: string;
  readonly signal: AbortSignal;
}) => Promise<unknown>;

/** idle → busy (effect `work`) → done with its output, failed with its error, or interrupted. */
function worker(run: Run): AnyStateMachine {
  return setup({
    types: { context: {} as { n: number; got: unknown }, input: {} as { n: number } },
    actors: {
      work: fromPromise<unknown, { n: number }>(({ input, self, signal }) =>
        run({ n: input.n, id: self.id, signal }),
      ),
    },
    actions: {
      keep: assign({
        got: ({ event }): unknown =>
          (Reflect.get(event, 'output') as unknown) ?? (Reflect.get(event, 'error') as unknown),
      }),
      fall: assign(() => {
        throw new Error('a bug');
      }),
    },
  }).createMachine({
    id: 'worker',
    version: '1',
    context: ({ input }) => ({ n: input.n, got: null }),
    initial: 'busy',
    on: { leave: '.left', again: '.busy', boom: { actions: 'fall' } },
    states: {
      busy: {
        invoke: {
          id: 'work',
          src: 'work',
          input: ({ context }) => ({ n: context.n }),
          onDone: { target: 'done', actions: 'keep' },
          onError: { target: 'failed', actions: 'keep' },
        },
        on: { 'effect.interrupted': 'interrupted', again: { target: 'busy', reenter: true } },
      },
      done: {},
      failed: {},
      left: {},
      interrupted: {},
    },
  });
}

function defined(run: Run, policy: EffectPolicy = {}): DefinitionOptions {
  return { kind: 'worker', machine: worker(run), effects: { work: policy } };
}

const hang: Run = () => new Promise(() => undefined);

async function create(world: World, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await world.kernel.create('worker', `w${n}`, { n });
}

async function gotBy(world: World, id: string): Promise<unknown> {
  const context: unknown = (await world.kernel.snapshot(`worker/${id}`))?.snapshot.context;
  return Reflect.get(Object(context) as object, 'got');
}

async function stateOf(world: World, id = 'w0'): Promise<unknown> {
  return (await world.kernel.snapshot(`worker/${id}`))?.snapshot.value;
}

describe('effects (K6, K7)', () => {
  it('K6: a result of an earlier entry is refused, and its run is aborted', async () => {
    const gates = [deferred<string>(), deferred<string>()];
    const signals: AbortSignal[] = [];
    const world = await openWorld([
      defined(
        ({ signal }) => (
          signals.push(signal),
          gates[signals.length - 1]?.promise ?? Promise.reject(new Error('one entry too many'))
        ),
      ),
    ]);
    await create(world, 1);
    await settled(world);
    await world.kernel.send('worker/w0', { type: 'again' });
    await settled(world);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    gates[0]?.resolve('old');
    await settled(world);
    expect(await stateOf(world)).toBe('busy');
    gates[1]?.resolve('new');
    const done = await world.kernel.waitFor('worker/w0', ({ value }) => value === 'done');
    expect(done.context).toMatchObject({ got: 'new' });
    expect(await rowsOf(world.store, 'o')).toEqual([]);
  });

  it('K6: a result that comes while the step that left its effect is being written is refused', async () => {
    const gates = [deferred<string>(), deferred<string>()];
    let runs = 0;
    let store: FaultyStore | undefined;
    const world = await openWorld(
      [defined(() => gates[runs++]?.promise ?? Promise.reject(new Error('one entry too many')))],
      (inner) => (store = faultyStore(inner)),
    );
    await create(world, 1);
    await settled(world);
    const hold = store?.hold();
    const left = world.kernel.send('worker/w0', { type: 'again' });
    await hold?.reached;
    // Its run is stopped after that commit alone: until then nothing but its row keeps the result out.
    gates[0]?.resolve('old');
    await settled(world);
    hold?.release();
    await left;
    await settled(world);
    expect([runs, await stateOf(world), await gotBy(world, 'w0')]).toEqual([2, 'busy', null]);
  });

  it('K7: an effect that outlives its timeout fails, and one that throws says so', async () => {
    const runs: Run[] = [hang, () => Promise.reject(new TypeError('no route'))];
    const world = await openWorld([
      defined((call) => runs[call.n]?.(call) ?? hang(call), { timeoutMs: 500 }),
    ]);
    await create(world, 2);
    await world.clock.advance(500);
    expect(await gotBy(world, 'w0')).toMatchObject({ code: 'EFFECT_TIMEOUT' });
    expect(await gotBy(world, 'w1')).toEqual({ name: 'TypeError', message: 'no route' });
  });

  it('K7: the id is the same for every attempt, and an output is a copy', async () => {
    const ids: string[] = [];
    const mine = { list: [1] };
    const world = await openWorld([defined(({ id }) => (ids.push(id), hang({ n: 0, id, signal: never })))]);
    await create(world, 1);
    await settled(world);
    await world.crash([defined(async ({ id }) => (ids.push(id), mine))]);
    await world.kernel.waitFor('worker/w0', ({ value }) => value === 'done');
    mine.list.push(2);
    expect(ids).toEqual(['worker/w0/1:0', 'worker/w0/1:0']);
    expect((await world.kernel.snapshot('worker/w0'))?.snapshot.context).toMatchObject({
      got: { list: [1] },
    });
  });

  it.each(['manual', 'probe'] as const)(
    'K7: a %s effect that a crash kept from starting is started',
    async (recovery) => {
      let runs = 0;
      let probes = 0;
      const probe = async () => (probes++, { type: 'unknown' as const });
      const policy: EffectPolicy = recovery === 'manual' ? { recovery } : { recovery, probe };
      let store: FaultyStore | undefined;
      const wrap = (inner: Store): Store => (store = faultyStore(inner));
      const world = await openWorld([defined(async () => ++runs, policy)], wrap);
      // The mark is the commit after the creation's: the process dies before it is written.
      const created = world.kernel.create('worker', 'w0', { n: 0 });
      await created;
      store?.failNext('before');
      await settled(world);
      expect([runs, world.failures.length]).toEqual([0, 1]);
      await world.crash([defined(async () => ++runs, policy)]);
      await world.kernel.waitFor('worker/w0', ({ value }) => value === 'done');
      expect([runs, probes]).toEqual([1, 0]);
    },
  );

  it('K7: an effect whose mark is on disk is in doubt although it never ran', async () => {
    let runs = 0;
    let store: FaultyStore | undefined;
    const policy: EffectPolicy = { recovery: 'manual' };
    const world = await openWorld(
      [defined(async () => ++runs, policy)],
      (inner) => (store = faultyStore(inner)),
    );
    await world.kernel.create('worker', 'w0', { n: 0 });
    store?.failNext('after');
    await settled(world);
    await world.crash([defined(async () => ++runs, policy)]);
    await world.kernel.waitFor('worker/w0', ({ value }) => value === 'interrupted');
    expect(runs).toBe(0);
    expect(await rowsOf(world.store, 'o')).toEqual([]);
  });

  it('K7: a probe decides what becomes of an interrupted effect', async () => {
    const answers = [{ type: 'done', output: 7 }, { type: 'notStarted' }, { type: 'unknown' }] as const;
    const policy: EffectPolicy = {
      recovery: 'probe',
      probe: async ({ input }) => answers[Number(Reflect.get(Object(input), 'n'))] ?? { type: 'unknown' },
    };
    const world = await openWorld([defined(hang, policy)]);
    await create(world, 3);
    await settled(world);
    await world.crash([defined(async () => 'ran', policy)]);
    await settled(world);
    const ids = ['w0', 'w1', 'w2'];
    const states = await Promise.all(ids.map((id) => stateOf(world, id)));
    expect(states).toEqual(['done', 'done', 'interrupted']);
    expect(await Promise.all(ids.map((id) => gotBy(world, id)))).toEqual([7, 'ran', null]);
  });

  it('K7: close ends although a probe hangs, and decides nothing for it', async () => {
    const policy: EffectPolicy = { recovery: 'probe', probe: () => new Promise(() => undefined) };
    const world = await openWorld([defined(hang, policy)]);
    await create(world, 1);
    await settled(world);
    await world.crash([defined(hang, policy)]);
    await settled(world);
    await world.kernel.close();
    expect((await rowsOf(world.store, 'o')).map(([, row]) => JSON.parse(row) as unknown)).toMatchObject([
      { started: { attempt: 1 } },
    ]);
    await world.crash([]);
    expect((await world.kernel.reader.record('worker/w0'))?.seq).toBe(1);
  });

  it('K7: a deferred effect did nothing: its mark is cleared and it runs when its gate opens', async () => {
    let open = false;
    let runs = 0;
    const share = { name: 'door', limit: 10 };
    const policy: EffectPolicy = { recovery: 'manual', shares: () => [share] };
    const world: World = await openWorld([
      defined(async () => {
        runs += 1;
        if (open) return 'in';
        world.kernel.gate('door', false);
        throw new EffectDeferred('the door is shut');
      }, policy),
    ]);
    await create(world, 1);
    await settled(world);
    expect(runs).toBe(1);
    expect(JSON.parse((await rowsOf(world.store, 'o'))[0]?.[1] ?? '')).not.toHaveProperty('started');
    open = true;
    world.kernel.gate('door', true);
    await world.kernel.waitFor('worker/w0', ({ value }) => value === 'done');
    expect(runs).toBe(2);
  });

  it('K7: a pool runs no more than its limit', async () => {
    let runs = 0;
    const world = await openWorld([defined(() => (runs++, new Promise(() => undefined)), { limit: 2 })]);
    await create(world, 5);
    await settled(world);
    expect(runs).toBe(2);
  });

  it('K7: a share bounds several pools', async () => {
    let running = 0;
    let most = 0;
    const order: number[] = [];
    const gates = Array.from({ length: 9 }, () => deferred<void>());
    const world = await openWorld([
      defined(
        async ({ n }) => {
          order.push(n);
          running += 1;
          most = Math.max(most, running);
          await gates[n]?.promise;
          running -= 1;
        },
        {
          limit: 2,
          pool: (input) => `p${Number(Reflect.get(Object(input), 'n')) % 3}`,
          shares: () => [{ name: 'all', limit: 3 }],
        },
      ),
    ]);
    await create(world, 9);
    await settled(world);
    expect(most).toBe(3);
    for (const gate of gates) {
      gate.resolve();
      await settled(world);
    }
    expect([most, order.length, await rowsOf(world.store, 'o')]).toEqual([3, 9, []]);
  });
});

describe('a pool that is longer than memory (K7)', () => {
  it('K7: hundreds wait on disk, run oldest first, also after a restart', async () => {
    const count = 600;
    const order: number[] = [];
    const shut = defined(hang, { limit: 4 });
    const world = await openWorld([shut]);
    await Promise.all(
      Array.from({ length: count }, (_unused, n) => world.kernel.create('worker', `w${n}`, { n })),
    );
    await settled(world);
    await world.crash([defined(async ({ n }) => order.push(n), { limit: 4 })]);
    for (let turn = 0; turn < 2_000 && order.length < count; turn += 1) await settled(world);
    expect(order).toEqual(Array.from({ length: count }, (_unused, n) => n));
    await settled(world);
    expect(await rowsOf(world.store, 'o')).toEqual([]);
  });

  it('K7: loses none that is asked for while a page of its pool is being read', async () => {
    const page = deferred<void>();
    let hold = false;
    const done: number[] = [];
    const gate = deferred<void>();
    const world = await openWorld(
      [defined(({ n }) => gate.promise.then(() => done.push(n)), { limit: 1 })],
      (store) =>
        reading(store, {
          scan: async (options) => {
            const rows = await store.scan(options);
            if (hold && options.gte.startsWith('o')) await page.promise;
            return rows;
          },
        }),
    );
    // One runs, two wait in memory, one on disk: the page that is read next is not a full one.
    await create(world, 4);
    await settled(world);
    hold = true;
    gate.resolve();
    await settled(world);
    await create(world, 6);
    hold = false;
    page.resolve();
    for (let turn = 0; turn < 10; turn += 1) await settled(world);
    expect(done).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('K14: runs no effect again and again whose actor cannot take the result', async () => {
    let runs = 0;
    const gate = deferred<void>();
    const world = await openWorld([
      defined(({ n }) => (runs++, n === 0 ? gate.promise : Promise.resolve()), { limit: 1 }),
    ]);
    await create(world, 8);
    await settled(world);
    await expect(world.kernel.send('worker/w0', { type: 'boom' })).rejects.toMatchObject({
      code: 'ACTOR_QUARANTINED',
    });
    gate.resolve();
    for (let turn = 0; turn < 10; turn += 1) await settled(world);
    expect(runs).toBe(8);
    await world.crash([defined(async () => ++runs, { limit: 1 })]);
    await settled(world);
    expect(runs).toBe(8);
    expect(await rowsOf(world.store, 'o')).toHaveLength(1);
  });

  it.each(['manual', 'rerun'] as const)(
    'K14: a %s effect that ended while its actor stood still is neither repeated nor in doubt',
    async (recovery) => {
      const runs: number[] = [];
      const gate = deferred<string>();
      const inbox = deferred<void>();
      let isLate = false;
      const world = await openWorld(
        [
          defined(({ n }) => (runs.push(n), n === 0 ? gate.promise : Promise.resolve(n)), {
            recovery,
            limit: 2,
          }),
        ],
        (store) =>
          reading(store, {
            // What waits for the actor is found late: its effect's row is there all the while.
            scan: async (options) => {
              if (isLate && options.gte.startsWith('i\0')) await inbox.promise;
              return store.scan(options);
            },
          }),
      );
      await create(world, 1);
      await settled(world);
      await expect(world.kernel.send('worker/w0', { type: 'boom' })).rejects.toMatchObject({
        code: 'ACTOR_QUARANTINED',
      });
      gate.resolve('paid for');
      await settled(world);
      isLate = true;
      await world.kernel.operate('skip', 'worker/w0', 'me');
      // More than fit in memory: the pool reads its rows from disk, and the first one's is among them.
      for (let n = 1; n < 20; n += 1) void world.kernel.create('worker', `w${n}`, { n });
      for (let turn = 0; turn < 10; turn += 1) await settled(world);
      inbox.resolve();
      for (let turn = 0; turn < 10; turn += 1) await settled(world);
      expect([await stateOf(world), await gotBy(world, 'w0')]).toEqual(['done', 'paid for']);
      expect(runs).toEqual(Array.from({ length: 20 }, (_unused, n) => n));
      expect(await rowsOf(world.store, 'o')).toEqual([]);
    },
  );
});

const never = new AbortController().signal;
