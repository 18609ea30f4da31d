import { describe, expect, it } from 'vitest';
import { assign, cancel, fromCallback, sendParent, sendTo, setup, spawnChild, stopChild } from 'xstate';
import type { AnyActorRef, AnyEventObject, AnyStateMachine } from 'xstate';
import { openWorld, rowsOf, settled } from './fixtures.js';
import { collected, deadLettersOf, end, lifeIn, livedDurably, recordsOf, ROOT, sameLife } from './family.js';
import { RETENTION_MS } from './family.js';

interface Heard {
  readonly heard: readonly unknown[];
}

const hear = assign<Heard, AnyEventObject, undefined, AnyEventObject, never>(({ context, event }) => {
  const { $: _envelope, ...own } = event;
  return { heard: [...context.heard, own] };
});

/** Hears everything, echoes what asks for it, ends on `end`. */
const listener = setup({
  types: { context: {} as Heard, events: {} as AnyEventObject },
  actions: { hear, echo: sendParent(({ event }) => ({ type: 'echo', n: event['n'] as number })) },
}).createMachine({
  id: 'listener',
  context: { heard: [] },
  initial: 'on',
  states: {
    on: { on: { end: 'over', ask: { actions: ['hear', 'echo'] }, '*': { actions: 'hear' } } },
    over: { type: 'final' },
  },
});

const heardBy = (snapshot: unknown): unknown =>
  Reflect.get(Reflect.get(Object(snapshot), 'context') as object, 'heard');

const ask = (n: number): AnyEventObject => ({ type: 'ask', n });

const echo = (n: number): AnyEventObject => ({ type: 'echo', n });

const later = (n: number): AnyEventObject => ({ type: 'later', n });

const asks = [0, 1, 2, 3, 4].map((n) => sendTo('kid', ask(n)));

const root = (config: object): AnyStateMachine =>
  setup({ types: { context: {} as Heard }, actors: { listener }, actions: { hear } }).createMachine({
    id: 'root',
    version: '1',
    context: { heard: [] },
    ...config,
  });

describe('sendTo', () => {
  it('K8: reaches a child that the same state invokes, from its entry', async () => {
    const machine = root({
      initial: 'busy',
      states: {
        busy: {
          entry: [sendTo('kid', ask(1)), sendTo('kid', ask(2))],
          invoke: { id: 'kid', src: 'listener' },
          on: { again: { target: 'busy', reenter: true } },
        },
      },
      on: { echo: { actions: 'hear' } },
    });
    const life = await sameLife(machine, [{ type: 'again' }]);
    expect(heardBy(life)).toEqual([1, 2, 1, 2].map((n) => ({ type: 'echo', n })));
  });

  it('K8: keeps the order from parent to child, and from child to parent', async () => {
    const machine = root({
      invoke: { id: 'kid', src: 'listener' },
      on: { go: { actions: asks }, echo: { actions: 'hear' } },
    });
    const life = await sameLife(machine, [{ type: 'go' }, { type: 'go' }]);
    expect(heardBy(life)).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4].map((n) => ({ type: 'echo', n })));
  });

  it('K8: to oneself is a step of its own, after this one', async () => {
    const machine = root({
      on: {
        go: { actions: [sendTo(({ self }) => self, later(1)), 'hear'] },
        wait: { actions: sendTo(({ self }) => self, later(2), { delay: 500 }) },
        later: { actions: 'hear' },
      },
    });
    const life = await sameLife(machine, [{ type: 'wait' }, { type: 'go' }, 500]);
    expect(heardBy(life)).toEqual([{ type: 'go' }, { type: 'later', n: 1 }, { type: 'later', n: 2 }]);
  });

  it('K10: forwards an event without its envelope', async () => {
    const machine = root({
      invoke: { id: 'kid', src: 'listener' },
      on: { ask: { actions: sendTo('kid', ({ event }: { event: AnyEventObject }) => event) } },
    });
    await sameLife(machine, [{ type: 'ask', n: 1 }]);
    const { world } = await livedDurably(machine, null, [{ type: 'ask', n: 1 }], { crashes: false });
    const journals = await rowsOf(world.store, 'j');
    expect(journals.length).toBe(5);
    for (const [, text] of journals) expect(text).not.toContain('"$"');
  });

  it('K13: refuses what is not JSON, actor references for one, and names the fix', async () => {
    const machine = root({
      on: {
        send: {
          actions: sendTo(
            ({ self }) => self,
            ({ self }: { self: AnyActorRef }) => ({ type: 'x', from: self }),
          ),
        },
        spawn: {
          actions: spawnChild('listener', {
            id: 'kid',
            input: (({ self }: { self: AnyActorRef }) => ({ parent: self })) as never,
          }),
        },
        keep: { actions: assign({ heard: ({ self }) => [self] }) },
      },
    });
    const refused = async (type: string): Promise<string> => {
      const world = await openWorld([{ kind: 'family', machine }]);
      await world.kernel.create('family', 'a', null);
      const sent = world.kernel.send(ROOT, { type });
      const message = await sent.catch((error: unknown) => (error as Error).message);
      expect((await recordsOf(world)).size).toBe(1);
      return message as string;
    };
    expect(await refused('send')).toContain('the event x is not JSON at $.from.system; send plain data');
    expect(await refused('spawn')).toContain(
      'the input of listener is not JSON at $.parent.system; pass plain data',
    );
    expect(await refused('keep')).toContain('references to own children are fine');
  });

  it('K8: to a child that has ended lies in the dead letters for 30 days', async () => {
    const machine = setup({
      types: { context: {} as { ref: AnyActorRef | null } },
      actors: { listener },
    }).createMachine({
      id: 'root',
      version: '1',
      context: { ref: null },
      entry: assign({ ref: ({ spawn }) => spawn('listener', { id: 'kid' }) as AnyActorRef }),
      on: {
        tell: {
          actions: sendTo(
            ({ context }) => context.ref as AnyActorRef,
            ({ event }) => event,
          ),
        },
        end: { actions: sendTo(({ context }) => context.ref as AnyActorRef, { type: 'end' }) },
      },
    });
    const acts = [{ type: 'tell', n: 1 }, { type: 'end' }, { type: 'tell', n: 2 }];
    await sameLife(machine, acts);
    for (const crashes of [false, true]) {
      const { world } = await livedDurably(machine, null, acts, { crashes });
      await world.kernel.send(ROOT, { type: 'tell', n: 3 });
      expect(await deadLettersOf(world)).toEqual([
        [ROOT, { type: 'tell', n: 2 }],
        [ROOT, { type: 'tell', n: 3 }],
      ]);
      await end(world);
      world.clock.jump(31 * 24 * 3_600_000);
      await world.crash([{ kind: 'family', machine }]);
      await settled(world);
      expect(await deadLettersOf(world)).toEqual([]);
    }
  });
});

describe('a delayed send', () => {
  const delaying = root({
    invoke: { id: 'kid', src: 'listener' },
    initial: 'live',
    states: {
      live: {
        on: {
          go: {
            actions: [
              sendTo('kid', ask(1), { delay: 1_000, id: 'one' }),
              sendTo('kid', ask(2), { delay: 2_000 }),
            ],
          },
          never: { actions: cancel('one') },
          over: 'over',
        },
      },
      over: { type: 'final' },
    },
    on: { echo: { actions: 'hear' } },
  });

  it('K5: survives every crash, and goes when it is due', async () => {
    const life = await sameLife(delaying, [{ type: 'go' }, 999, 1, 1_000]);
    expect(heardBy(life)).toEqual([1, 2].map((n) => ({ type: 'echo', n })));
  });

  it('K5: is a step of the kernel, that the machine does not see', async () => {
    const { world } = await livedDurably(delaying, null, [{ type: 'go' }, 1_000], { crashes: true });
    const journal = await world.kernel.reader.journal(ROOT);
    expect(journal.map(({ event }) => event.type)).toEqual(['xstate.init', 'go', 'holdfast.send', 'echo']);
    await end(world);
  });

  it('K5: is cancelled by its id', async () => {
    const life = await sameLife(delaying, [{ type: 'go' }, { type: 'never' }, 2_000]);
    expect(heardBy(life)).toEqual([{ type: 'echo', n: 2 }]);
  });

  it('K5: dies with its sender', async () => {
    const { world } = await livedDurably(delaying, null, [{ type: 'go' }, { type: 'over' }], {
      crashes: true,
    });
    await end(world);
    expect(await deadLettersOf(world)).toEqual([]);
    await collected(world);
  });

  it('K5: comes from a child, and dies with that too', async () => {
    const late = setup({}).createMachine({
      id: 'late',
      entry: [sendParent(echo(1), { delay: 1_000 }), sendParent(echo(2), { delay: 3_000 })],
    });
    const machine = setup({
      types: { context: {} as Heard },
      actors: { late },
      actions: { hear },
    }).createMachine({
      id: 'root',
      version: '1',
      context: { heard: [] },
      entry: spawnChild('late', { id: 'kid' }),
      on: { echo: { actions: 'hear' }, stop: { actions: stopChild('kid') } },
    });
    const life = await sameLife(machine, [1_000, { type: 'stop' }, 5_000]);
    expect(heardBy(life)).toEqual([{ type: 'echo', n: 1 }]);
  });

  it('K8: to a child that ends before it is due harms nobody', async () => {
    const machine = root({
      entry: spawnChild('listener', { id: 'kid' }),
      on: {
        go: { actions: [sendTo('kid', ask(1), { delay: 1_000 }), sendTo('kid', { type: 'end' })] },
        echo: { actions: 'hear' },
      },
    });
    const life = await sameLife(machine, [{ type: 'go' }, 1_000]);
    expect(heardBy(life)).toEqual([]);
  });
});

describe('a reference in the context', () => {
  const keeping = setup({
    types: { context: {} as { ref: AnyActorRef | null; heard: readonly unknown[] } },
    actors: { listener },
    actions: { hear: hear as never },
  }).createMachine({
    id: 'root',
    version: '1',
    context: { ref: null, heard: [] },
    on: {
      make: { actions: assign({ ref: ({ spawn }) => spawn('listener', { id: 'kid' }) as AnyActorRef }) },
      ask: {
        actions: sendTo(
          ({ context }) => context.ref as AnyActorRef,
          ({ event }) => event,
        ),
      },
      end: {
        actions: sendTo(
          ({ context }) => context.ref as AnyActorRef,
          ({ event }) => event,
        ),
      },
      stop: { actions: stopChild(({ context }) => context.ref as AnyActorRef) },
      echo: { actions: 'hear' },
    },
  });

  it('K8: reaches its child after any crash, also one that took the place of another', async () => {
    const acts = ['make', 'ask', 'end', 'ask', 'make', 'ask', 'stop', 'ask', 'make', 'ask'];
    const life = await sameLife(
      keeping,
      acts.map((type, n) => ({ type, n })),
    );
    expect(heardBy(life)).toEqual([1, 5, 9].map((n) => ({ type: 'echo', n })));
  });
});

describe('what a machine sees of itself', () => {
  it('K13: a custom action may send to its own actor, once, and not again after a crash', async () => {
    const machine = setup({
      types: { context: {} as Heard },
      actions: { hear, poke: ({ self }) => self.send({ type: 'poked' }) },
    }).createMachine({
      id: 'root',
      version: '1',
      context: { heard: [] },
      on: { go: { actions: 'poke' }, poked: { actions: 'hear' } },
    });
    const life = await sameLife(machine, [{ type: 'go' }, { type: 'go' }]);
    expect(heardBy(life)).toEqual([{ type: 'poked' }, { type: 'poked' }]);
  });

  it('K2: its snapshot in an assign is the one before the step, as live', async () => {
    const machine = setup({ types: { context: {} as { saw: unknown[] } } }).createMachine({
      id: 'root',
      version: '1',
      context: { saw: [] },
      initial: 'one',
      states: {
        one: {
          on: {
            go: {
              target: 'two',
              actions: assign({ saw: ({ context, self }) => [...context.saw, self.getSnapshot().value] }),
            },
          },
        },
        two: { entry: assign({ saw: ({ context, self }) => [...context.saw, self.getSnapshot().value] }) },
      },
    });
    const life = await sameLife(machine, [{ type: 'go' }]);
    expect(life.context).toEqual({ saw: ['one', 'one'] });
  });

  it('K10: a child finds the envelope in its events and beside its input', async () => {
    const kid = setup({
      types: { context: {} as { given: unknown; at: number; ats: number[] }, input: {} as { n: number } },
    }).createMachine({
      id: 'kid',
      context: ({ input }) => ({
        given: input,
        at: (input as unknown as { $: { at: number } }).$.at,
        ats: [],
      }),
      on: {
        ask: {
          actions: assign({
            ats: ({ context, event }) => [...context.ats, (event['$'] as { at: number }).at],
          }),
        },
      },
    });
    const machine = setup({ actors: { kid } }).createMachine({
      id: 'root',
      version: '1',
      invoke: { id: 'kid', src: 'kid', input: { n: 7 } },
      on: { ask: { actions: sendTo('kid', ({ event }) => event as { type: 'ask' }) } },
    });
    const { world } = await livedDurably(machine, null, [1_000, { type: 'ask' }], { crashes: true });
    const kids = (await recordsOf(world)).get('family.kid/a/kid@1:0');
    expect(kids).toMatchObject({
      snapshot: { context: { given: { n: 7 }, at: 1_000_000, ats: [1_001_000] } },
    });
    await end(world);
  });

  it('K6: a callback child hears what it is sent, and nothing of it after a crash', async () => {
    const heard: string[] = [];
    const tap = fromCallback(({ receive, sendBack }) => {
      receive((event) => {
        heard.push(event.type);
        sendBack({ type: 'heard', of: event.type });
      });
    });
    const machine = setup({
      types: { context: {} as Heard },
      actors: { tap },
      actions: { hear },
    }).createMachine({
      id: 'root',
      version: '1',
      context: { heard: [] },
      invoke: { id: 'tap', src: 'tap' },
      on: { say: { actions: sendTo('tap', { type: 'said' }) }, heard: { actions: 'hear' } },
    });
    const definitions = [{ kind: 'family', machine, retentionMs: RETENTION_MS }];
    const world = await openWorld(definitions);
    await world.kernel.create('family', 'a', null);
    await world.kernel.send(ROOT, { type: 'say' });
    await settled(world);
    await world.crash(definitions);
    await settled(world);
    expect(heard).toEqual(['said']);
    expect(heardBy(await lifeIn(world))).toEqual([{ type: 'heard', of: 'said' }]);
    await world.kernel.send(ROOT, { type: 'say' });
    await settled(world);
    expect(heard).toEqual(['said', 'said']);
    await end(world);
  });
});
