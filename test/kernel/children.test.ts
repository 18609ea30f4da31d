import { describe, expect, it } from 'vitest';
import { assign, fromPromise, sendParent, sendTo, setup, spawnChild, stopChild } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { limits } from '../../src/limits.js';
import { base, counter } from './family-machines.js';
import { openWorld, rowsOf, settled } from './fixtures.js';
import {
  actorsOf,
  collected,
  deadLettersOf,
  end,
  lifeIn,
  livedDurably,
  recordsOf,
  ROOT,
  sameLife,
} from './family.js';
import { RETENTION_MS } from './family.js';

describe('an invoked machine', () => {
  const invoking = (to: number): AnyStateMachine =>
    setup({ ...base, actors: { counter } }).createMachine({
      id: 'root',
      version: '1',
      context: { seen: [] },
      initial: 'busy',
      states: {
        busy: {
          invoke: {
            id: 'kid',
            src: 'counter',
            input: { to },
            onDone: { target: 'over', actions: 'keep' },
          },
          on: { leave: 'left', tell: { actions: sendTo('kid', { type: 'more' }) } },
        },
        left: { on: { back: 'busy', finish: 'over' } },
        over: { type: 'final' },
      },
      output: ({ context }) => context.seen,
    });

  it('K8: gives its output to onDone, as live, whatever crashes', async () => {
    const life = await sameLife(invoking(2), [1_000, 1_000]);
    expect(life.output).toEqual(['xstate.done.actor.kid', { n: 2 }]);
  });

  it('K8: may end in the step that creates it', async () => {
    const life = await sameLife(invoking(0), []);
    expect(life.output).toEqual(['xstate.done.actor.kid', { n: 0 }]);
  });

  it('K8: stops with the state that invoked it, and comes back as another', async () => {
    const life = await sameLife(invoking(3), [1_000, { type: 'leave' }, 5_000, { type: 'back' }, 2_000]);
    expect(life.value).toBe('busy');
    expect(life.events).toEqual([{ type: 'leave' }, { type: 'back' }]);
    const { world } = await livedDurably(invoking(3), null, [1_000, { type: 'leave' }], { crashes: true });
    expect(await rowsOf(world.store, 'o', 'i')).toEqual([]);
    expect((await rowsOf(world.store, 'd')).map(([key]) => key.includes('root'))).toEqual([false]);
    expect(await actorsOf(world, 'family.counter')).toEqual([['family.counter/a/kid@1:0', 'stopped']]);
    await world.kernel.send(ROOT, { type: 'back' });
    await settled(world);
    expect(await actorsOf(world, 'family.counter')).toEqual([
      ['family.counter/a/kid@1:0', 'stopped'],
      ['family.counter/a/kid@3:0', 'active'],
    ]);
    await world.kernel.send(ROOT, { type: 'leave' });
    await world.kernel.send(ROOT, { type: 'finish' });
    await settled(world);
    await end(world);
    await collected(world);
  });

  it('K8: hears what it is sent before its parent leaves', async () => {
    const life = await sameLife(invoking(3), [{ type: 'tell' }, { type: 'tell' }, 1_000]);
    expect(life.output).toEqual(['xstate.done.actor.kid', { n: 3 }]);
  });

  it('K8: its end is refused when its parent has left in the meantime', async () => {
    const { world } = await livedDurably(invoking(1), null, [], { crashes: false });
    const kid = 'family.counter/a/kid@1:0';
    // All in one turn: the end of the child is on its way when its parent leaves and comes back.
    await Promise.all([
      world.kernel.send(kid, { type: 'more' }),
      world.kernel.send(ROOT, { type: 'leave' }),
      world.kernel.send(ROOT, { type: 'back' }),
    ]);
    await settled(world);
    expect((await recordsOf(world)).get(kid)?.status).toBe('done');
    expect((await lifeIn(world)).value).toBe('busy');
    await end(world);
    await world.clock.advance(1_000);
    expect((await lifeIn(world)).value).toBe('over');
    await end(world);
  });
});

describe('a family', () => {
  it('K8: may be three deep, and ends from below', async () => {
    const middle = setup({ actors: { counter } }).createMachine({
      id: 'middle',
      initial: 'a',
      states: {
        a: { invoke: { id: 'low', src: 'counter', input: { to: 1 }, onDone: 'b' } },
        b: { invoke: { id: 'low', src: 'counter', input: { to: 1 }, onDone: 'c' } },
        c: { type: 'final' },
      },
      output: 'middle',
    });
    const root = setup({ ...base, actors: { middle } }).createMachine({
      id: 'root',
      version: '1',
      context: { seen: [] },
      initial: 'busy',
      states: {
        busy: {
          invoke: { id: 'mid', src: 'middle', onDone: { target: 'over', actions: 'keep' } },
          on: { leave: 'over' },
        },
        over: { type: 'final' },
      },
      output: ({ context }) => context.seen,
    });
    const life = await sameLife(root, [1_000, 1_000]);
    expect(life.output).toEqual(['xstate.done.actor.mid', 'middle']);
    // From above, all of it stops.
    const { world } = await livedDurably(root, null, [1_000, { type: 'leave' }], { crashes: true });
    expect(await actorsOf(world, 'family.middle')).toEqual([['family.middle/a/mid@1:0', 'stopped']]);
    expect((await actorsOf(world, 'family.middle.counter')).map(([, status]) => status)).toEqual([
      'done',
      'stopped',
    ]);
    await end(world);
    await collected(world);
  });

  it('K8: may be in parallel states, each with its own', async () => {
    const root = setup({ ...base, actors: { counter } }).createMachine({
      id: 'root',
      version: '1',
      context: { seen: [] },
      type: 'parallel',
      states: {
        slow: {
          initial: 'busy',
          states: {
            busy: {
              invoke: {
                id: 'two',
                src: 'counter',
                input: { to: 2 },
                onDone: { target: 'over', actions: 'keep' },
              },
            },
            over: { type: 'final' },
          },
        },
        fast: {
          initial: 'busy',
          states: {
            busy: {
              invoke: {
                id: 'one',
                src: 'counter',
                input: { to: 1 },
                onDone: { target: 'over', actions: 'keep' },
              },
            },
            over: { type: 'final' },
          },
        },
      },
      output: ({ context }) => context.seen,
    });
    const life = await sameLife(root, [1_000, 1_000]);
    expect(life.output).toEqual(['xstate.done.actor.one', { n: 1 }, 'xstate.done.actor.two', { n: 2 }]);
  });

  it('K8: a child that is stopped in the step that asked for it never was', async () => {
    const root = setup({ ...base, actors: { counter } }).createMachine({
      id: 'root',
      version: '1',
      context: { seen: [] },
      initial: 'idle',
      states: {
        idle: {
          on: {
            pass: 'passing',
            brief: {
              actions: [
                spawnChild('counter', { id: 'brief', input: { to: 1 } }),
                sendTo('brief', { type: 'more' }),
                stopChild('brief'),
              ],
            },
          },
        },
        passing: { invoke: { id: 'kid', src: 'counter', input: { to: 1 } }, always: 'idle' },
      },
    });
    await sameLife(root, [{ type: 'pass' }, { type: 'brief' }, 2_000]);
    const { world } = await livedDurably(root, null, [{ type: 'pass' }, { type: 'brief' }], {
      crashes: false,
    });
    expect(await actorsOf(world, 'family.counter')).toEqual([]);
    expect((await world.kernel.reader.journal(ROOT)).some(({ sends }) => sends !== undefined)).toBe(false);
  });

  it('K8: a child that was there hears what it is sent in the step that stops it, and stops', async () => {
    const root = setup({ ...base, actors: { counter } }).createMachine({
      id: 'root',
      version: '1',
      context: { seen: [] },
      entry: spawnChild('counter', { id: 'kid', input: { to: 9 } }),
      on: { bye: { actions: [sendTo('kid', { type: 'more' }), stopChild('kid')] } },
    });
    await sameLife(root, [{ type: 'bye' }, 2_000]);
    const { world } = await livedDurably(root, null, [{ type: 'bye' }], { crashes: false });
    const [[, kid] = []] = [...(await recordsOf(world))].filter(([address]) => address !== ROOT);
    expect(kid).toMatchObject({ status: 'stopped', snapshot: { context: { n: 1 } } });
  });
});

describe('the end of a child', () => {
  it('K8: an error in its context factory goes to onError', async () => {
    const broken = setup({}).createMachine({
      id: 'broken',
      context: () => {
        throw new Error('no such thing');
      },
    });
    const root = setup({ ...base, actors: { broken } }).createMachine({
      id: 'root',
      version: '1',
      context: { seen: [] },
      initial: 'busy',
      states: {
        busy: { invoke: { id: 'kid', src: 'broken', onError: { target: 'failed', actions: 'keep' } } },
        failed: {},
      },
    });
    const life = await sameLife(root, []);
    expect(life.value).toBe('failed');
    expect(life.events).toEqual([{ type: 'xstate.error.actor.kid', error: 'no such thing', actorId: 'kid' }]);
  });

  it('K8: an error of its own that it does not handle goes to onError', async () => {
    const failing = setup({
      actors: { fail: fromPromise(() => Promise.reject(new Error('out of paper'))) },
    }).createMachine({ id: 'failing', invoke: { id: 'fail', src: 'fail' } });
    const root = setup({ ...base, actors: { failing } }).createMachine({
      id: 'root',
      version: '1',
      context: { seen: [] },
      initial: 'busy',
      states: {
        busy: { invoke: { id: 'kid', src: 'failing', onError: { target: 'failed', actions: 'keep' } } },
        failed: {},
      },
    });
    const life = await sameLife(root, []);
    expect(life.value).toBe('failed');
    expect(life.events).toEqual([{ type: 'xstate.error.actor.kid', error: 'out of paper', actorId: 'kid' }]);
  });

  it('K14: waits on disk while its parent stands still, and is taken when that goes on', async () => {
    let broken = true;
    const root = setup({
      ...base,
      actors: { counter },
      actions: {
        ...base.actions,
        fall: () => undefined,
      },
      guards: {
        sound: () => {
          if (broken) throw new Error('a bug in a guard');
          return true;
        },
      },
    }).createMachine({
      id: 'root',
      version: '1',
      context: { seen: [] },
      initial: 'busy',
      states: {
        busy: {
          invoke: {
            id: 'kid',
            src: 'counter',
            input: { to: 1 },
            onDone: { target: 'over', actions: 'keep' },
          },
          on: { check: { guard: 'sound', actions: 'fall' } },
        },
        over: { type: 'final' },
      },
    });
    const definitions = [{ kind: 'family', machine: root, retentionMs: RETENTION_MS }];
    const world = await openWorld(definitions);
    await world.kernel.create('family', 'a', null);
    await expect(world.kernel.send(ROOT, { type: 'check' })).rejects.toMatchObject({
      code: 'ACTOR_QUARANTINED',
    });
    await world.clock.advance(1_000);
    expect((await rowsOf(world.store, 'i')).length).toBe(1);
    await world.crash(definitions);
    await settled(world);
    expect((await rowsOf(world.store, 'i')).length).toBe(1);
    broken = false;
    await world.kernel.operate('resume', ROOT, 'op');
    await settled(world);
    expect(await lifeIn(world)).toMatchObject({
      value: 'over',
      context: { seen: ['xstate.done.actor.kid', { n: 1 }] },
    });
    await end(world);
    await collected(world);
  });

  it('K14: is kept for a parent that stands still, however much else waits for it', async () => {
    const chatty = setup({}).createMachine({
      id: 'chatty',
      entry: Array.from({ length: limits.standingStillMax + 5 }, (_unused, n) =>
        sendParent({ type: 'chat', n }),
      ),
      initial: 'talking',
      states: { talking: { after: { 1: 'over' } }, over: { type: 'final' } },
    });
    const root = setup({
      actors: { chatty },
      actions: {
        fall: assign(() => {
          throw new Error('a bug in an assign');
        }),
      },
    }).createMachine({
      id: 'root',
      version: '1',
      context: {},
      invoke: { id: 'kid', src: 'chatty' },
      on: { chat: { actions: 'fall' } },
    });
    const { world } = await livedDurably(root, null, [1], { crashes: false });
    expect((await deadLettersOf(world)).length).toBe(5);
    const waiting = await rowsOf(world.store, 'i');
    expect(waiting.at(-1)?.[1]).toContain('xstate.done.actor.kid');
  });

  it('K14: a child that stands still stops when its parent leaves, with what it has under way', async () => {
    const fragile = setup({
      actors: { counter, never: fromPromise(() => new Promise(() => undefined)) },
      actions: {
        fall: assign(() => {
          throw new Error('a bug in an assign');
        }),
      },
    }).createMachine({
      id: 'fragile',
      context: {},
      invoke: [
        { id: 'low', src: 'counter', input: { to: 5 } },
        { id: 'never', src: 'never', systemId: 'never' },
      ],
      after: { 9_000: {} },
      on: { fall: { actions: 'fall' } },
    });
    const root = setup({ ...base, actors: { fragile } }).createMachine({
      id: 'root',
      version: '1',
      context: { seen: [] },
      initial: 'busy',
      states: {
        busy: {
          invoke: { id: 'kid', src: 'fragile', systemId: 'kid' },
          on: { leave: 'over', fall: { actions: sendTo('kid', { type: 'fall' }) } },
        },
        over: { type: 'final' },
      },
    });
    const { world } = await livedDurably(root, null, [{ type: 'fall' }, { type: 'leave' }], {
      crashes: true,
    });
    expect(await actorsOf(world, 'family.fragile')).toEqual([['family.fragile/a/kid@1:0', 'stopped']]);
    expect((await actorsOf(world, 'family.fragile.counter')).map(([, status]) => status)).toEqual([
      'stopped',
    ]);
    await end(world);
    await collected(world);
  });
});
