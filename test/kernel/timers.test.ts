import { describe, expect, it } from 'vitest';
import { assign, cancel, raise, setup } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { limits } from '../../src/limits.js';
import { envelopeOf } from '../../src/machines/envelope.js';
import { keys, orderedNumber, rangeOf } from '../../src/store/keys.js';
import type { ScanOptions, Store } from '../../src/store/store.js';
import { deferred, openWorld, reading, rowsOf, settled, type World } from './fixtures.js';

const YEAR_MS = 365 * 86_400_000;

/** Keeps a diary of the timers that reached it: [name, at, dueAt]. */
function diary(): AnyStateMachine {
  return setup({
    types: { context: {} as { seen: (readonly [string, number, number | undefined])[] } },
    actions: {
      note: assign(({ context, event }) => {
        const { at, dueAt } = envelopeOf(event);
        return { seen: [...context.seen, [event.type, at, dueAt] as const] };
      }),
    },
  }).createMachine({
    id: 'diary',
    version: '1',
    context: { seen: [] },
    initial: 'one',
    on: {
      '*': { actions: 'note' },
      arm: { actions: raise({ type: 'bell' }, { id: 'bell', delay: ({ event }) => Number(event['ms']) }) },
      drop: { actions: cancel('bell') },
      three: {
        actions: ['c', 'a', 'b'].map((type) => raise({ type }, { delay: 100 })),
      },
      chain: { target: '.first' },
      again: { target: '.one', reenter: true },
    },
    states: {
      one: { after: { 1_000: 'two' } },
      two: {},
      first: { after: { 100: 'second' } },
      second: { entry: 'note', after: { 100: 'third' } },
      third: { entry: 'note' },
    },
  });
}

/** Notes what is scanned of the due index. */
function watching(store: Store, scans: ScanOptions[]): Store {
  return reading(store, {
    scan: (options) => {
      if (options.gte.startsWith('d')) scans.push(options);
      return store.scan(options);
    },
  });
}

async function openDiary(): Promise<World> {
  const world = await openWorld([{ kind: 'diary', machine: diary() }]);
  await world.kernel.create('diary', 'a', {});
  return world;
}

async function seen(world: World, id = 'a'): Promise<readonly (readonly [string, number, number?])[]> {
  const found = await world.kernel.snapshot(`diary/${id}`);
  if (found === undefined) throw new Error(`there is no diary/${id}`);
  return (found.snapshot.context as { seen: (readonly [string, number, number?])[] }).seen;
}

const send = (world: World, event: { type: string; ms?: number }): Promise<unknown> =>
  world.kernel.send('diary/a', event);
const valueOf = async (world: World): Promise<unknown> =>
  (await world.kernel.snapshot('diary/a'))?.snapshot.value;

describe('timers (K5)', () => {
  it('fire at their due time, ties in arming order, and tell when they were due', async () => {
    const world = await openDiary();
    const start = world.clock.now();
    await send(world, { type: 'three' });
    await world.clock.advance(99);
    expect(await seen(world)).toEqual([]);
    await world.clock.advance(1);
    expect(await seen(world)).toEqual(['c', 'a', 'b'].map((name) => [name, start + 100, start + 100]));
  });

  it('are replaced when their id is armed again, and cancelled by it', async () => {
    const world = await openDiary();
    await send(world, { type: 'arm', ms: 100 });
    await send(world, { type: 'arm', ms: 300 });
    await world.clock.advance(299);
    expect(await seen(world)).toEqual([]);
    await world.clock.advance(1);
    expect((await seen(world)).map(([name]) => name)).toEqual(['bell']);
    await send(world, { type: 'arm', ms: 100 });
    await send(world, { type: 'drop' });
    await world.clock.advance(10_000);
    expect((await seen(world)).map(([name]) => name)).toEqual(['bell']);
  });

  it('are refused when their state was entered again while they were on their way', async () => {
    const world = await openDiary();
    await world.clock.advance(999);
    // Both wait for the actor in the same turn: the step that comes first takes the other's row away.
    world.clock.jump(1);
    const again = send(world, { type: 'again' });
    await world.clock.advance(1);
    await again;
    expect(await valueOf(world)).toBe('one');
    await world.clock.advance(1_000);
    expect(await valueOf(world)).toBe('two');
  });

  it('are refused when their row went while the due index was being read', async () => {
    let held: Promise<unknown> | undefined;
    const world = await openWorld([{ kind: 'diary', machine: diary() }], (store) =>
      reading(store, {
        scan: async (options) => {
          const page = await store.scan(options);
          await held;
          return page;
        },
      }),
    );
    await world.kernel.create('diary', 'a', {});
    const { promise, resolve } = deferred<undefined>();
    held = promise;
    await world.clock.advance(1_000);
    await send(world, { type: 'again' });
    resolve(undefined);
    await settled(world);
    expect(await valueOf(world)).toBe('one');
    expect((await world.kernel.reader.record('diary/a'))?.seq).toBe(2);
  });

  it('count a chain from the late step, so that a long sleep does not make it run at once', async () => {
    const world = await openDiary();
    await send(world, { type: 'chain' });
    await world.crash([]);
    await world.clock.advance(10_000);
    await world.crash([{ kind: 'diary', machine: diary() }]);
    await settled(world);
    expect(await valueOf(world)).toBe('second');
    const woke = world.clock.now();
    await world.clock.advance(100);
    expect(await valueOf(world)).toBe('third');
    expect((await seen(world)).map(([, at]) => at)).toEqual([woke, woke + 100]);
  });

  it('may be years ahead, across a restart', async () => {
    const world = await openDiary();
    await send(world, { type: 'arm', ms: 3 * YEAR_MS });
    await world.crash([{ kind: 'diary', machine: diary() }]);
    world.clock.jump(3 * YEAR_MS - 1_000);
    await world.clock.advance(limits.timerSleepMaxMs);
    expect((await seen(world)).map(([name]) => name)).toEqual(['bell']);
  });

  it('never fire when their delay is endless, and stop their actor when it is no number', async () => {
    const world = await openDiary();
    await send(world, { type: 'arm', ms: 1e300 });
    await world.clock.advance(1_000);
    const timers = (await world.kernel.reader.record('diary/a'))?.timers;
    expect(timers).toMatchObject([{ sendId: 'bell', dueAt: 2 ** 48 - 1 }]);
    await expect(send(world, { type: 'arm' })).rejects.toMatchObject({ code: 'ACTOR_QUARANTINED' });
    expect((await world.kernel.reader.record('diary/a'))?.quarantine?.code).toBe('INVALID_DEFINITION');
    expect(await rowsOf(world.store, 'd')).toEqual([]);
  });

  it('fire at a forward jump of the clock and wait out a backward one, and both are logged', async () => {
    const world = await openDiary();
    await world.clock.advance(1_000);
    await send(world, { type: 'arm', ms: 3_600_000 });
    world.clock.jump(3_600_000);
    await world.clock.advance(limits.timerSleepMaxMs);
    expect((await seen(world)).map(([name]) => name)).toEqual(['bell']);
    await send(world, { type: 'arm', ms: 30_000 });
    world.clock.jump(-3_600_000);
    await world.clock.advance(60_000);
    expect(await seen(world)).toHaveLength(1);
    await world.clock.advance(3_600_000);
    expect(await seen(world)).toHaveLength(2);
    const jumps = world.logged.filter(([message]) => message === 'clock.jump');
    expect(jumps.map(([, { jumpMs }]) => jumpMs)).toEqual([3_600_000, -3_600_000]);
  });

  it('fire by the thousand, more than a page of them, each once', async () => {
    const world = await openWorld([{ kind: 'diary', machine: diary() }]);
    const ids = Array.from({ length: limits.scanPageRows + 100 }, (_unused, index) => `a${index}`);
    await Promise.all(ids.map((id) => world.kernel.create('diary', id, {})));
    await world.crash([{ kind: 'diary', machine: diary() }]);
    await world.clock.advance(1_000);
    const states = world.kernel.counts('diary').map(({ state, count }) => [state, count]);
    expect(states).toEqual([['"two"', ids.length]]);
    expect(await rowsOf(world.store, 'd')).toEqual([]);
  });

  it('look again when a look failed', async () => {
    let failing = false;
    const world = await openWorld([{ kind: 'diary', machine: diary() }], (store) =>
      reading(store, {
        scan: async (options) => {
          if (failing) throw new Error('an unreadable row');
          return await store.scan(options);
        },
      }),
    );
    await world.kernel.create('diary', 'a', {});
    failing = true;
    await world.clock.advance(1_000);
    expect(await valueOf(world)).toBe('one');
    failing = false;
    await world.clock.advance(limits.timerSleepMaxMs);
    expect(await valueOf(world)).toBe('two');
  });
});

describe('timers, as the due index is read (K5)', () => {
  it('are read when one is due, of its kind alone, and from the earliest on', async () => {
    const scans: ScanOptions[] = [];
    const kinds = ['diary', 'other'].map((kind) => ({ kind, machine: diary() }));
    const world = await openWorld(kinds, (store) => watching(store, scans));
    const from = (kind: string): string => rangeOf('d', kind).gte + orderedNumber(world.clock.now());
    await world.kernel.create('diary', 'early', {});
    await world.clock.advance(500);
    await world.kernel.create('diary', 'late', {});
    await world.kernel.create('other', 'last', {});
    scans.length = 0;
    await world.clock.advance(499);
    expect(scans).toEqual([]);
    await world.clock.advance(1);
    expect(scans.map(({ gte }) => gte)).toEqual([from('diary')]);
    await world.clock.advance(500);
    expect(scans.slice(1).map(({ gte }) => gte)).toEqual([from('diary'), from('other')]);
    expect(scans.every(({ limit }) => limit < 100)).toBe(true);
  });

  it('are read once when several are due soon, and one that is armed among them fires in time', async () => {
    const scans: ScanOptions[] = [];
    const diaries = [{ kind: 'diary', machine: diary() }];
    const world = await openWorld(diaries, (store) => watching(store, scans));
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      await world.kernel.create('diary', id, {});
      await world.clock.advance(100);
    }
    await world.clock.advance(500);
    expect(await valueOf(world)).toBe('two');
    scans.length = 0;
    await world.clock.advance(100);
    expect((await world.kernel.snapshot('diary/b'))?.snapshot.value).toBe('two');
    expect(scans).toEqual([]);
    await send(world, { type: 'arm', ms: 150 });
    await world.clock.advance(150);
    expect((await seen(world)).map(([name]) => name)).toEqual(['bell']);
    await world.clock.advance(150);
    const states = world.kernel.counts('diary').map(({ state, count }) => [state, count]);
    expect(states).toEqual([['"two"', 5]]);
  });

  it('wake nobody when they went after they were read', async () => {
    const world = await openWorld([{ kind: 'diary', machine: diary() }]);
    for (const id of ['a', 'b', 'c', 'd']) {
      await world.kernel.create('diary', id, {});
      await world.clock.advance(100);
    }
    await world.clock.advance(600);
    expect(await valueOf(world)).toBe('two');
    const seq = async (): Promise<unknown> => (await world.kernel.reader.record('diary/b'))?.seq;
    await world.kernel.send('diary/b', { type: 'again' });
    const before = world.store.lastCommit;
    expect(await seq()).toBe(2);
    await world.clock.advance(100);
    expect([world.store.lastCommit, await seq()]).toEqual([before, 2]);
    await world.clock.advance(100);
    expect((await world.kernel.snapshot('diary/c'))?.snapshot.value).toBe('two');
  });

  it('fire in time when they are armed behind the place where the index is just read', async () => {
    let held: Promise<unknown> | undefined;
    const world = await openWorld([{ kind: 'diary', machine: diary() }], (store) =>
      reading(store, {
        scan: async (options) => {
          const page = await store.scan(options);
          if (options.gte.startsWith('d')) await held;
          return page;
        },
      }),
    );
    await world.kernel.create('diary', 'b', {});
    await world.clock.advance(900);
    await world.kernel.create('diary', 'a', {});
    const { promise, resolve } = deferred<undefined>();
    held = promise;
    await world.clock.advance(100);
    await send(world, { type: 'arm', ms: 50 });
    held = undefined;
    resolve(undefined);
    await settled(world);
    await world.clock.advance(50);
    expect((await seen(world)).map(([name]) => name)).toEqual(['bell']);
  });

  it('are tried again at the next look when their actor could not be read', async () => {
    let failing = true;
    const diaries = [{ kind: 'diary', machine: diary() }];
    const world = await openWorld(diaries, (store) =>
      reading(store, {
        get: (key) => {
          if (failing && key === keys.record('diary/a')) throw new Error('a disk that fails for a while');
          return store.get(key);
        },
      }),
    );
    failing = false;
    await world.kernel.create('diary', 'a', {});
    await world.clock.advance(500);
    await world.kernel.create('diary', 'b', {});
    await world.crash(diaries);
    failing = true;
    await world.clock.advance(500);
    expect(await rowsOf(world.store, 'd')).toHaveLength(2);
    failing = false;
    await world.clock.advance(500);
    expect(await valueOf(world)).toBe('two');
    expect(await rowsOf(world.store, 'd')).toEqual([]);
  });

  it('do not start again in a kernel that was closed while a kind recovered', async () => {
    const world = await openDiary();
    world.kernel.define({ kind: 'other', machine: diary() });
    await world.kernel.close();
    const timers = world.clock.timersSet();
    await settled(world);
    expect(world.clock.timersSet()).toBe(timers);
  });
});
