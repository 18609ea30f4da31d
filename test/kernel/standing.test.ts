/** Failing actors and the commits around them: killed at every one, and what else may happen meanwhile. */
import { describe, expect, it } from 'vitest';
import { assign, fromCallback, setup } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { faultyStore, type CommitPhase } from '../../src/testing/index.js';
import { openWorld, reading, rowsOf, settled, type World } from './fixtures.js';
import { codeOf, family, fragileKind, KID, nothingLeft, replays, teller } from './poisons.js';
import type { DefinitionOptions } from '../../src/actors/kernel/index.js';

type Act = (world: World) => Promise<unknown>;

const PHASES: readonly CommitPhase[] = ['before', 'after'];

/**
 * Acts in turn; a process that dies at commit `n` is opened again, and its act repeated. Returns its
 * commits.
 */
async function lived(
  kinds: readonly DefinitionOptions[],
  acts: readonly Act[],
  death: { readonly n: number; readonly phase: CommitPhase } | undefined,
  check: (world: World) => Promise<void>,
): Promise<number> {
  let commits = 0;
  let killing: Promise<void> | undefined;
  const world = await openWorld(kinds, (inner) => {
    const store = faultyStore(inner, {
      onCommit: (_number, phase) => {
        if (phase === 'before') commits += 1;
        if (killing !== undefined || commits !== death?.n || phase !== death.phase) return;
        killing = store.kill();
      },
    });
    return store;
  });
  let died = false;
  for (const act of acts) {
    await acted(world, act, () => killing !== undefined && !died);
    if (killing === undefined || died) continue;
    died = true;
    const { store } = world;
    // A dead process closes nothing.
    world.store = { ...reading(store, {}), close: () => killing ?? Promise.resolve() };
    await world.crash(kinds);
    await settled(world);
    await acted(world, act, () => false);
  }
  expect(died).toBe(death !== undefined);
  const ofTheActs = commits;
  await check(world);
  return ofTheActs;
}

/** Acts until all is quiet, or the process is dead: its calls are never answered. */
async function acted(world: World, act: Act, isDead: () => boolean): Promise<void> {
  let isOver = false;
  void act(world)
    .catch(() => undefined)
    .finally(() => (isOver = true));
  // Not by `advance`: the act may be one, and the clock has one driver.
  for (let turn = 0; turn < 10_000 && !isOver && !isDead(); turn += 1)
    await new Promise<void>((resolve) => world.clock.soon(resolve));
  await settled(world);
}

async function atEveryCommit(
  kinds: readonly DefinitionOptions[],
  acts: readonly Act[],
  check: (world: World) => Promise<void>,
): Promise<void> {
  const commits = await lived(kinds, acts, undefined, check);
  for (let n = 1; n <= commits; n += 1)
    for (const phase of PHASES) await lived(kinds, acts, { n, phase }, check);
}

const tells =
  (what: string, id: string): Act =>
  (world) =>
    world.kernel.send('parent/a', { type: 'tell', what }, { id });
const contextOf = async (world: World, address: string): Promise<unknown> =>
  (await world.kernel.snapshot(address))?.snapshot.context;

describe('killed at each of its commits', () => {
  const create: Act = (world) => world.kernel.create('parent', 'a', undefined);

  it('a child restarts as often as it fails, and its parent hears of its end once', async () => {
    const kinds = [family({ onFailure: 'restart', budget: { failuresMax: 2, periodMs: 60_000 } })];
    const acts = [create, tells('ok', '1'), tells('boom', '2'), tells('boom', '3'), tells('ok', '4')];
    await atEveryCommit(kinds, [...acts, tells('finish', '5')], async (world) => {
      expect(await contextOf(world, 'parent/a')).toEqual({ errors: [], done: [{ n: 8 }] });
      expect((await world.kernel.reader.record(KID))?.restarts).toHaveLength(2);
      for (const address of ['parent/a', KID]) await replays(world, address);
      expect(await rowsOf(world.store, 'o', 'y', 'i', 'q')).toEqual([]);
    });
  });

  it('a child escalates once, beyond its budget', async () => {
    const kinds = [family({ onFailure: 'restart', budget: { failuresMax: 1, periodMs: 60_000 } })];
    const acts = [create, tells('boom', '1'), tells('boom', '2')];
    await atEveryCommit(kinds, acts, async (world) => {
      expect(await contextOf(world, 'parent/a')).toMatchObject({ errors: [{ message: 'poison' }], done: [] });
      for (const address of ['parent/a', KID]) await replays(world, address);
      expect(await rowsOf(world.store, 'o', 'y', 'i', 'q')).toEqual([]);
    });
  });

  it('an actor stands still, is sent to, is skipped, and goes on', async () => {
    const address = 'fragile/a';
    const tell = (id: string): Act => {
      return (world) =>
        world.kernel.send('teller/t', { type: 'tell', what: { type: 'ok' }, count: 2 }, { id });
    };
    const acts: readonly Act[] = [
      (world) => world.kernel.create('fragile', 'a', { n: 0 }),
      (world) => world.kernel.create('teller', 't', undefined),
      tell('1'),
      (world) => codeOf(world.kernel.send(address, { type: 'poison', how: 'entry' }, { id: 'p' })),
      tell('2'),
      (world) => world.kernel.operate('skip', address, 'ann'),
      tell('3'),
      (world) => world.clock.advance(60_000),
    ];
    await atEveryCommit([fragileKind(), teller()], acts, async (world) => {
      expect(await contextOf(world, address)).toMatchObject({ n: 7 });
      for (const one of [address, 'teller/t']) await replays(world, one);
      await world.kernel.send(address, { type: 'end' });
      await world.clock.advance(10_000);
      await settled(world);
      expect((await rowsOf(world.store, 's', 'd', 'i', 'q')).map(([key]) => key)).toEqual([
        expect.stringContaining('teller/t'),
      ]);
    });
  });

  it('a child that stands still is dismissed, and its parent hears of it once', async () => {
    const acts: readonly Act[] = [
      create,
      tells('boom', '1'),
      (world) => world.kernel.operate('dismiss', KID, 'ann'),
      (world) => world.clock.advance(1_000),
    ];
    await atEveryCommit([family(undefined)], acts, async (world) => {
      expect(await contextOf(world, 'parent/a')).toMatchObject({ errors: [{ code: 'ACTOR_QUARANTINED' }] });
      expect(await world.kernel.reader.record(KID)).toBeUndefined();
      await replays(world, 'parent/a');
      expect(await rowsOf(world.store, 'o', 'y', 'i', 'q', 'd')).toEqual([]);
    });
  });
});

describe('while an actor stands still', () => {
  it.each([false, true])(
    'what it listens to is silent, and heard again afterwards (crash: %s)',
    async (dies) => {
      let running = 0;
      let started = 0;
      const kinds = [
        { kind: 'ear', machine: ear(() => (started++, running++, () => running--)), retentionMs: 1 },
      ];
      const world = await openWorld(kinds);
      await world.kernel.create('ear', 'a', undefined);
      await settled(world);
      expect([started, running]).toEqual([1, 1]);
      expect(await codeOf(world.kernel.send('ear/a', { type: 'boom' }))).toBe('ACTOR_QUARANTINED');
      await settled(world);
      expect([started, running]).toEqual([1, 0]);
      if (dies) await world.crash(kinds);
      await settled(world);
      expect([started, running]).toEqual([1, 0]);
      await world.kernel.operate('skip', 'ear/a', 'ann');
      await settled(world);
      expect([started, running]).toEqual([2, 1]);
      expect(await contextOf(world, 'ear/a')).toEqual({ heard: 2 });
      await replays(world, 'ear/a');
      await world.kernel.send('ear/a', { type: 'end' });
      await nothingLeft(world);
      expect(running).toBe(0);
    },
  );

  it('its parent may end it all the same', async () => {
    const kinds = [family(undefined)];
    const world = await openWorld(kinds);
    await world.kernel.create('parent', 'a', undefined);
    await settled(world);
    await world.kernel.send('parent/a', { type: 'tell', what: 'boom' });
    await settled(world);
    expect((await world.kernel.reader.record(KID))?.quarantine).toBeDefined();
    await world.kernel.send('parent/a', { type: 'leave' });
    await world.crash(kinds);
    await settled(world);
    expect(await world.kernel.reader.record(KID)).toMatchObject({ status: 'stopped' });
    await replays(world, KID);
    await world.clock.advance(60_000);
    expect(await rowsOf(world.store, 'o', 'y', 'i', 'q', 'd')).toEqual([]);
  });

  it('a second operator comes too late', async () => {
    const world = await openWorld([fragileKind()]);
    await world.kernel.create('fragile', 'a', { n: 0 });
    await codeOf(world.kernel.send('fragile/a', { type: 'poison', how: 'assign' }));
    const both = ['skip', 'dismiss'] as const;
    const codes = await Promise.all(
      both.map((what) => codeOf(world.kernel.operate(what, 'fragile/a', what))),
    );
    expect(codes).toEqual(['ok', 'ACTOR_NOT_QUARANTINED']);
  });
});

/** Listens to a callback that says `hear` as it starts; `boom` throws. */
function ear(listen: () => () => void): AnyStateMachine {
  return setup({
    types: { context: {} as { heard: number } },
    actors: {
      sound: fromCallback(({ sendBack }) => {
        const stop = listen();
        sendBack({ type: 'hear' });
        return stop;
      }),
    },
    actions: {
      hear: assign({ heard: ({ context }) => context.heard + 1 }),
      fall: assign(() => {
        throw new Error('poison');
      }),
    },
  }).createMachine({
    id: 'ear',
    version: '1',
    context: { heard: 0 },
    initial: 'open',
    states: {
      open: {
        invoke: { src: 'sound' },
        on: { hear: { actions: 'hear' }, boom: { actions: 'fall' }, end: 'closed' },
      },
      closed: { type: 'final' },
    },
  });
}
