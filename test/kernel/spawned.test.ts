import { describe, expect, it } from 'vitest';
import { assign, fromPromise, fromTransition, sendTo, setup, spawnChild } from 'xstate';
import { enqueueActions, stopChild } from 'xstate';
import type { AnyActorRef, AnyEventObject, AnyStateMachine } from 'xstate';
import { counter } from './family-machines.js';
import { actorsOf, collected, end, livedDurably, recordsOf, sameLife } from './family.js';

describe('a spawned child', () => {
  it('K8: is found by its name, and stops by name, by reference and with its parent', async () => {
    const root = setup({
      types: { context: {} as { ref: unknown; seen: unknown[] } },
      actors: { counter },
    }).createMachine({
      id: 'root',
      version: '1',
      context: { ref: null, seen: [] },
      initial: 'live',
      states: {
        live: {
          on: {
            one: { actions: spawnChild('counter', { id: 'one', input: { to: 9 } }) },
            stopOne: { actions: stopChild('one') },
            two: {
              actions: assign({ ref: ({ spawn }) => spawn('counter', { id: 'two', input: { to: 9 } }) }),
            },
            stopTwo: { actions: stopChild(({ context }) => context.ref as never) },
            both: {
              actions: enqueueActions(({ enqueue }) => {
                enqueue.spawnChild('counter', { id: 'three', input: { to: 1 } });
                enqueue.sendTo('three', { type: 'more' });
                enqueue.spawnChild('counter', { id: 'four', input: { to: 2 } });
                enqueue.sendTo('four', { type: 'more' });
                enqueue.stopChild('four');
              }),
            },
            end: 'over',
          },
        },
        over: { type: 'final' },
      },
    });
    const acts = ['one', 'two', 'stopTwo', 'stopOne', 'both', 'two'].map((type) => ({ type }));
    const life = await sameLife(root, acts);
    expect(life.children).toEqual(['two']);
    expect((life.events as { type: string }[]).map(({ type }) => type)).toContain('xstate.done.actor.three');
    await sameLife(root, [...acts, { type: 'end' }]);
    const { world } = await livedDurably(root, null, [...acts, { type: 'end' }], { crashes: true });
    expect((await actorsOf(world, 'family.counter')).map(([, status]) => status).toSorted()).toEqual([
      'done',
      'stopped',
      'stopped',
      'stopped',
    ]);
    await end(world);
    await collected(world);
  });

  it('K8: that an assign makes where its namesake has just been stopped is the new one', async () => {
    const root = setup({
      types: { context: {} as { ref: unknown } },
      actors: { counter },
    }).createMachine({
      id: 'root',
      version: '1',
      context: { ref: null },
      on: {
        swap: {
          actions: [
            stopChild('kid'),
            assign({ ref: ({ spawn }) => spawn('counter', { id: 'kid', input: { to: 2 } }) }),
            sendTo('kid', { type: 'more' }),
          ],
        },
      },
      entry: spawnChild('counter', { id: 'kid', input: { to: 5 } }),
    });
    const life = await sameLife(root, [{ type: 'swap' }, 1_000]);
    expect(life.events).toEqual([
      { type: 'swap' },
      { type: 'xstate.done.actor.kid', output: { n: 2 }, actorId: 'kid' },
    ]);
  });

  it('K8: stops when another one gets its name: nobody could stop it later', async () => {
    const root = setup({ actors: { counter } }).createMachine({
      id: 'root',
      version: '1',
      on: {
        spawn: { actions: spawnChild('counter', { id: 'kid', input: { to: 9 } }) },
        more: { actions: sendTo('kid', { type: 'more' }) },
        stop: { actions: stopChild('kid') },
      },
    });
    const acts = ['spawn', 'spawn', 'more'].map((type) => ({ type }));
    const { world } = await livedDurably(root, null, acts, { crashes: true });
    const kids = [...(await recordsOf(world)).values()].filter(({ machine }) => machine === 'counter');
    expect(kids).toMatchObject([
      { status: 'stopped', snapshot: { context: { n: 0 } } },
      { status: 'active', snapshot: { context: { n: 1 } } },
    ]);
    await end(world);
  });

  it('K8: may be made by the context factory, and kept as a reference', async () => {
    const root = setup({
      types: { context: {} as { ref: unknown; n: number } },
      actors: { counter },
    }).createMachine({
      id: 'root',
      version: '1',
      context: ({ spawn }) => ({ ref: spawn('counter', { id: 'kid', input: { to: 2 } }), n: 0 }),
      on: {
        tell: { actions: sendTo(({ context }) => context.ref as AnyActorRef, { type: 'more' }) },
        'xstate.done.actor.kid': { actions: assign({ n: 1 }) },
      },
    });
    const life = await sameLife(root, [{ type: 'tell' }, { type: 'tell' }, { type: 'tell' }]);
    expect(life.context).toMatchObject({ n: 1 });
    expect(life.context).toHaveProperty('ref');
  });

  it('K8: without an id has one that a replay gives it again', async () => {
    const root = setup({
      types: { context: {} as { refs: unknown[] } },
      actors: { counter },
    }).createMachine({
      id: 'root',
      version: '1',
      context: ({ spawn }) => ({ refs: [spawn('counter', { input: { to: 1 } })] }),
      on: {
        more: {
          actions: assign({
            refs: ({ context, spawn }) => [
              ...context.refs,
              spawn('counter', { input: { to: 2 } }),
              spawn('counter', { input: { to: 2 } }),
            ],
          }),
        },
        tell: { actions: sendTo(({ context }) => context.refs[2] as AnyActorRef, { type: 'more' }) },
      },
    });
    const acts = [{ type: 'more' }, { type: 'tell' }, 1_000];
    const { world } = await livedDurably(root, null, acts, { crashes: true });
    const records = await recordsOf(world);
    const found = [...records].map(([address, { snapshot }]) => [
      address,
      Reflect.get(Object(snapshot), 'context') as unknown,
    ]);
    expect(Object.fromEntries(found)).toMatchObject({
      'family.counter/a/x.1.1@1:0': { to: 1, n: 1 },
      'family.counter/a/x.2.1@2:0': { to: 2, n: 1 },
      'family.counter/a/x.2.2@2:1': { to: 2, n: 2 },
    });
    await end(world);
  });
});

describe('onSnapshot', () => {
  const syncing = (actors: Record<string, unknown>, input?: unknown): AnyStateMachine =>
    setup({
      types: { context: {} as { n: unknown[] } },
      actors: actors as { kid: typeof counter },
    }).createMachine({
      id: 'root',
      version: '1',
      context: { n: [] },
      initial: 'busy',
      states: {
        busy: {
          invoke: {
            id: 'kid',
            src: 'kid',
            input: input as { to: number },
            onSnapshot: {
              actions: assign({
                n: ({ context, event }) => [...context.n, event.snapshot.context ?? event.snapshot.status],
              }),
            },
            onDone: 'over',
          },
          on: { tell: { actions: sendTo('kid', { type: 'more' }) } },
        },
        over: { type: 'final' },
      },
    });
  const numbers = (context: unknown): unknown => (context as { n: unknown }).n;

  it('K8: tells of every snapshot of a machine, the first one included', async () => {
    const life = await sameLife(syncing({ kid: counter }, { to: 3 }), [{ type: 'tell' }, 1_000, 1_000]);
    expect(numbers(life.context)).toEqual([
      { to: 3, n: 0 },
      { to: 3, n: 1 },
      { to: 3, n: 2 },
    ]);
    expect(life.status).toBe('done');
  });

  it('K8: tells of every snapshot of a transition', async () => {
    const adder = fromTransition(
      (n: number, event: AnyEventObject) => (event.type === 'more' ? n + 1 : n),
      5,
    );
    const life = await sameLife(syncing({ kid: adder }), [{ type: 'tell' }, { type: 'tell' }]);
    expect(numbers(life.context)).toEqual([5, 6, 7]);
  });

  it('K8: tells that a promise is under way', async () => {
    const life = await sameLife(syncing({ kid: fromPromise(() => Promise.resolve(1)) }), []);
    expect(life.status).toBe('done');
  });
});

describe('a transition as a child', () => {
  it('K8: is stepped durably, knows its parent, and emits into its own journal', async () => {
    const echo = fromTransition(
      (state: { n: number }, event: AnyEventObject, { emit: say }) => {
        if (event.type !== 'add') return state;
        (say as (event: AnyEventObject) => void)({ type: 'said', n: state.n });
        return { n: state.n + (event['by'] as number) };
      },
      ({ input }: { input: { from: number } }) => ({ n: input.from }),
    );
    const root = setup({ actors: { echo } }).createMachine({
      id: 'root',
      version: '1',
      initial: 'busy',
      states: {
        busy: {
          invoke: { id: 'echo', src: 'echo', input: { from: 3 } },
          on: { add: { actions: sendTo('echo', ({ event }) => event) }, leave: 'left' },
        },
        left: { type: 'final' },
      },
    });
    const acts = [{ type: 'add', by: 2 }, { type: 'add', by: 4 }, { type: 'leave' }];
    const { world } = await livedDurably(root, null, acts, { crashes: true });
    const address = 'family.echo/a/echo@1:0';
    const records = await recordsOf(world);
    expect(records.get(address)).toMatchObject({ status: 'stopped', snapshot: { context: { n: 9 } } });
    const journal = await world.kernel.reader.journal(address);
    expect(journal.flatMap(({ emitted }) => emitted ?? [])).toEqual([
      { type: 'said', n: 3 },
      { type: 'said', n: 5 },
    ]);
    expect(journal.map(({ event }) => Object.keys(event))).toEqual([
      ['type', 'input'],
      ['type', 'by'],
      ['type', 'by'],
      ['type'],
    ]);
    await end(world);
    await collected(world);
  });
});
