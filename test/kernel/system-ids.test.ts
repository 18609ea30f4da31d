import { describe, expect, it } from 'vitest';
import { assign, fromCallback, sendParent, sendTo, setup, spawnChild, stopChild } from 'xstate';
import type { AnyActorRef, AnyEventObject, AnyStateMachine } from 'xstate';
import type { Store } from '../../src/store/store.js';
import { openWorld, reading, rowsOf, settled } from './fixtures.js';
import { actorsOf, collected, end, lifeIn, livedDurably, ROOT, sameLife } from './family.js';

interface Heard {
  readonly heard: readonly unknown[];
}

const hear = assign<Heard, AnyEventObject, undefined, AnyEventObject, never>(({ context, event }) => ({
  heard: [...context.heard, event['n'] ?? event.type],
}));

const events = {} as AnyEventObject;

/** Reads every row as a disk does: later. */
const slow = (store: Store): Store =>
  reading(store, {
    get: async (key) => {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      return store.get(key);
    },
  });

/** Hears what it is told, and says it to whoever is called `desk`. */
const clerk = setup({
  types: { context: {} as Heard, events },
  actions: {
    hear,
    pass: sendTo(
      ({ system }) => system.get('desk') as AnyActorRef,
      ({ event }) => ({ type: 'note', n: event['n'] as number }),
    ),
  },
}).createMachine({
  id: 'clerk',
  context: { heard: [] },
  initial: 'on',
  states: {
    on: { on: { say: { actions: 'pass' }, note: { actions: 'hear' }, end: 'over' } },
    over: { type: 'final' },
  },
});

const desk = setup({
  types: { context: {} as Heard, events },
  actors: { clerk },
  actions: { hear, report: sendParent(({ event }) => ({ type: 'noted', n: event['n'] as number })) },
}).createMachine({
  id: 'desk',
  context: { heard: [] },
  invoke: { id: 'inner', src: 'clerk', systemId: 'inner' },
  on: {
    note: { actions: ['hear', 'report'] },
    within: { actions: sendTo('inner', ({ event }) => ({ type: 'say', n: event['n'] as number })) },
  },
});

const office = (config: object): AnyStateMachine =>
  setup({
    types: { context: {} as Heard, events },
    actors: { clerk, desk },
    actions: { hear },
  }).createMachine({ id: 'office', version: '1', context: { heard: [] }, ...config });

const owners = async (world: { store: Store }): Promise<string[]> =>
  (await rowsOf(world.store, 'y')).map(([key]) => key.split('\0').slice(1).join(' '));

describe('a system id', () => {
  const whole = office({
    invoke: [
      { id: 'a', src: 'desk', systemId: 'desk' },
      { id: 'b', src: 'clerk', systemId: 'clerk' },
    ],
    on: {
      // Sideways, down two levels, and from two levels below to the top's child.
      sideways: { actions: sendTo('b', { type: 'say', n: 1 }) },
      down: { actions: sendTo(({ system }) => system.get('inner') as AnyActorRef, { type: 'say', n: 2 }) },
      within: { actions: sendTo('a', { type: 'within', n: 3 }) },
      own: { actions: sendTo(({ system }) => system.get('desk') as AnyActorRef, { type: 'note', n: 4 }) },
      late: {
        actions: sendTo(
          ({ system }) => system.get('inner') as AnyActorRef,
          { type: 'say', n: 5 },
          { delay: 100 },
        ),
      },
      noted: { actions: 'hear' },
    },
  });
  const acts = [...['sideways', 'down', 'within', 'own', 'late'].map((type) => ({ type })), 100];

  it('K8: is found across the whole tree, as live', async () => {
    const life = await sameLife(whole, acts);
    expect(life.context).toEqual({ heard: [1, 2, 3, 4, 5] });
  });

  it('K8: is found in a store that answers later: the step is taken again', async () => {
    for (const crashes of [false, true]) {
      const { world, life } = await livedDurably(whole, null, acts, { crashes, wrap: slow });
      expect(life.context).toEqual({ heard: [1, 2, 3, 4, 5] });
      expect(await owners(world)).toEqual([`${ROOT} clerk`, `${ROOT} desk`, `${ROOT} inner`]);
      await end(world);
    }
  });

  it('K8: is of one tree: another root has its own', async () => {
    const world = await openWorld([{ kind: 'family', machine: whole }]);
    await world.kernel.create('family', 'a', null);
    await world.kernel.create('family', 'b', null);
    await settled(world);
    expect((await owners(world)).length).toBe(6);
    await world.kernel.send('family/b', { type: 'sideways' });
    await settled(world);
    expect(await lifeIn(world)).toMatchObject({ context: { heard: [] } });
    await end(world);
  });

  it('K8: that nobody has is nobody, and one may ask for it as often as one likes', async () => {
    const asking = setup({ types: { context: {} as { found: unknown[] } } }).createMachine({
      id: 'asking',
      version: '1',
      context: { found: [] },
      on: {
        ask: {
          actions: assign({
            found: ({ context, system }) => [
              ...context.found,
              ...['nobody', 'constructor', '__proto__', 'nobody'].map((id) => system.get(id) === undefined),
            ],
          }),
        },
      },
    });
    const life = await sameLife(asking, [{ type: 'ask' }]);
    expect(life.context).toEqual({ found: [true, true, true, true] });
    const { world } = await livedDurably(asking, null, [{ type: 'ask' }], { crashes: false, wrap: slow });
    expect(await lifeIn(world)).toMatchObject({ context: { found: [true, true, true, true] } });
    await end(world);
  });
});

describe('the owner of a system id', () => {
  const hiring = office({
    on: {
      hire: { actions: spawnChild('clerk', { id: 'one', systemId: 'desk' }) },
      another: { actions: spawnChild('clerk', { id: 'two', systemId: 'desk' }) },
      fire: { actions: stopChild('one') },
      swap: {
        actions: [stopChild('one'), spawnChild('clerk', { id: 'two', systemId: 'desk' })],
      },
      fireByName: { actions: stopChild(({ system }) => system.get('desk') as AnyActorRef) },
      tell: { actions: sendTo(({ system }) => system.get('desk') as AnyActorRef, { type: 'note', n: 1 }) },
      end: { actions: sendTo(({ system }) => system.get('desk') as AnyActorRef, { type: 'end' }) },
    },
  });
  const acting = async (...types: string[]): ReturnType<typeof livedDurably> =>
    livedDurably(
      hiring,
      null,
      types.map((type) => ({ type })),
      { crashes: true },
    );

  it('K8: keeps it alone: a second one throws, and the actor stands still as it was', async () => {
    const { world } = await acting('hire', 'another');
    const record = await world.kernel.reader.record(ROOT);
    expect(record?.quarantine).toMatchObject({ message: "Actor with system ID 'desk' already exists." });
    expect(await actorsOf(world, 'family.clerk')).toEqual([['family.clerk/a/one@2:0', 'active']]);
    expect(await owners(world)).toEqual([`${ROOT} desk`]);
    await world.kernel.operate('skip', ROOT, 'op');
    await world.kernel.send(ROOT, { type: 'fire' });
    await settled(world);
    expect(await owners(world)).toEqual([]);
  });

  it('K8: gives it back when it is stopped, and another may take it in the same step', async () => {
    for (const types of [
      ['hire', 'swap'],
      ['hire', 'fire', 'another'],
      ['hire', 'fireByName', 'another'],
    ]) {
      const { world } = await acting(...types, 'tell');
      expect((await actorsOf(world, 'family.clerk')).map(([, status]) => status)).toEqual([
        'stopped',
        'active',
      ]);
      const two = (await actorsOf(world, 'family.clerk'))[1]?.[0] ?? '';
      expect(await world.kernel.reader.record(two)).toMatchObject({ snapshot: { context: { heard: [1] } } });
      expect(await owners(world)).toEqual([`${ROOT} desk`]);
      await end(world);
    }
  });

  it('K8: gives it back when it ends', async () => {
    const { world } = await acting('hire', 'tell', 'end', 'another');
    expect((await actorsOf(world, 'family.clerk')).map(([, status]) => status)).toEqual(['done', 'active']);
    expect(await owners(world)).toEqual([`${ROOT} desk`]);
    await end(world);
  });

  it('K8: may enter a state again that invokes it', async () => {
    const again = office({
      initial: 'busy',
      states: {
        busy: {
          invoke: { id: 'a', src: 'desk', systemId: 'desk' },
          on: { again: { target: 'busy', reenter: true }, over: 'over' },
        },
        over: { type: 'final' },
      },
    });
    const life = await sameLife(again, [{ type: 'again' }, { type: 'again' }]);
    expect(life.status).toBe('active');
    const { world } = await livedDurably(again, null, [{ type: 'again' }, { type: 'over' }], {
      crashes: true,
    });
    expect(await owners(world)).toEqual([]);
    await end(world);
    await collected(world);
  });

  it('K8: keeps it in the step that stops its parent: only its own stop gives it back', async () => {
    const taking = office({
      entry: spawnChild('desk', { id: 'a' }),
      on: {
        swap: { actions: [stopChild('a'), spawnChild('clerk', { id: 'b', systemId: 'inner' })] },
        stop: { actions: stopChild('a') },
        take: { actions: spawnChild('clerk', { id: 'b', systemId: 'inner' }) },
      },
    });
    const { world } = await livedDurably(taking, null, [{ type: 'swap' }], { crashes: true });
    expect((await world.kernel.reader.record(ROOT))?.quarantine?.message).toContain("'inner' already exists");
    await world.kernel.operate('skip', ROOT, 'op');
    await world.kernel.send(ROOT, { type: 'stop' });
    await world.kernel.send(ROOT, { type: 'take' });
    await settled(world);
    expect((await actorsOf(world, 'family.clerk')).map(([, status]) => status)).toEqual(['active']);
    expect(await owners(world)).toEqual([`${ROOT} inner`]);
    await end(world);
  });

  it('K8: may be a callback, which hears what is sent to its name, and gives it back', async () => {
    const heard: unknown[] = [];
    const tap = fromCallback(({ receive }) => receive((event) => heard.push(event.type)));
    const machine = setup({ types: { events }, actors: { tap, clerk } }).createMachine({
      id: 'office',
      version: '1',
      initial: 'busy',
      states: {
        busy: {
          invoke: [
            { id: 'tap', src: 'tap', systemId: 'desk' },
            { id: 'b', src: 'clerk' },
          ],
          on: { say: { actions: sendTo('b', { type: 'say', n: 1 }) }, over: 'quiet' },
        },
        quiet: {},
      },
    });
    const world = await openWorld([{ kind: 'family', machine }]);
    await world.kernel.create('family', 'a', null);
    await world.kernel.send(ROOT, { type: 'say' });
    await settled(world);
    expect([heard, await owners(world)]).toEqual([['note'], [`${ROOT} desk`]]);
    await world.kernel.send(ROOT, { type: 'over' });
    await settled(world);
    expect(await owners(world)).toEqual([]);
    await end(world);
  });
});
