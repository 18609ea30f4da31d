/** Machines that throw where the test wants it, and what is asked of a store at the end of such a test. */
import { expect } from 'vitest';
import { assign, emit, enqueueActions, fromPromise, sendTo, setup } from 'xstate';
import type { AnyEventObject, AnyStateMachine } from 'xstate';
import { checkReplay, type DefinitionOptions } from '../../src/actors/kernel/index.js';
import { rowsOf, settled, type World } from './fixtures.js';

export type Supervision = NonNullable<DefinitionOptions['supervision']>;

const fail = (): never => {
  throw new Error('poison');
};

/** What kind of step throws: the event `poison` carries one of them. */
export const poisons = [
  'guard',
  'assign',
  'entry',
  'input',
  'delay',
  'output',
  'indexes',
  'nonJson',
  'selfSend',
  'pool',
] as const;
export type Poison = (typeof poisons)[number];

interface Fragile {
  readonly n: number;
  readonly from: number;
  readonly bad: unknown;
}

/** `ok` counts; `poison` throws as it says, unless it is cured. */
function fragile(cured: { is: boolean } = { is: false }): AnyStateMachine {
  const unlessCured = (): void => {
    if (!cured.is) fail();
  };
  return setup({
    types: {
      context: {} as Fragile,
      input: {} as { readonly n: number } | undefined,
      events: {} as { type: 'ok' } | { type: 'later' } | { type: 'end' } | { type: 'poison'; how: Poison },
    },
    actors: { work: fromPromise<unknown, unknown>(async () => 'worked') },
    guards: {
      throws: () => {
        unlessCured();
        return true;
      },
      is: ({ event }: { readonly event: AnyEventObject }, how: Poison) => event['how'] === how,
    },
    actions: {
      count: assign({ n: ({ context }) => context.n + 1 }),
      fall: assign(() => {
        unlessCured();
        return {};
      }),
      spoil: assign({ bad: () => (cured.is ? null : new Map()) }),
      mark: assign({ bad: () => (cured.is ? null : 'index') }),
      outlast: assign({ bad: 'output' }),
      pool: assign({ bad: () => (cured.is ? null : 'pool') }),
    },
    delays: {
      broken: () => {
        unlessCured();
        return 10;
      },
    },
  }).createMachine({
    id: 'fragile',
    version: '1',
    context: ({ input }) => ({ n: input?.n ?? 0, from: input?.n ?? 0, bad: null }),
    initial: 'well',
    on: {
      ok: { actions: 'count' },
      end: '.ended',
      poison: [
        { guard: { type: 'is', params: 'guard' }, target: '.guarded' },
        { guard: { type: 'is', params: 'assign' }, actions: 'fall' },
        { guard: { type: 'is', params: 'entry' }, target: '.entering' },
        { guard: { type: 'is', params: 'input' }, target: '.inputting' },
        { guard: { type: 'is', params: 'delay' }, target: '.delaying' },
        { guard: { type: 'is', params: 'output' }, target: '.outputting', actions: 'outlast' },
        { guard: { type: 'is', params: 'indexes' }, actions: 'mark' },
        { guard: { type: 'is', params: 'nonJson' }, actions: 'spoil' },
        {
          guard: { type: 'is', params: 'selfSend' },
          actions: sendTo(
            ({ self }) => self,
            () => ({ type: 'ok', what: cured.is ? 1 : new Map() }) as never,
          ),
        },
        { guard: { type: 'is', params: 'pool' }, target: '.pooling', actions: 'pool' },
      ],
    },
    states: {
      well: { after: { 60_000: { actions: 'count' } }, on: { later: 'waiting' } },
      waiting: { after: { 1_000: { target: 'well', actions: ['fall', 'count'] } } },
      guarded: { always: { guard: 'throws', target: 'well' } },
      entering: { entry: 'fall' },
      inputting: { invoke: { src: 'work', input: () => unlessCured() } },
      delaying: { after: { broken: 'well' } },
      pooling: {
        invoke: { src: 'work', input: ({ context }: { context: Fragile }) => ({ bad: context.bad }) },
      },
      outputting: { type: 'final' },
      ended: { type: 'final' },
    },
    output: ({ context }) => {
      if (context.bad === 'output') unlessCured();
      return null;
    },
  });
}

/** The same as a definition. */
export function fragileKind(
  cured?: { is: boolean },
  more: Partial<DefinitionOptions> = {},
): DefinitionOptions {
  return {
    kind: 'fragile',
    machine: fragile(cured),
    indexes: (snapshot) => {
      if ((snapshot.context as Fragile).bad === 'index') fail();
      return [{ index: 'n', parts: [String((snapshot.context as Fragile).n)] }];
    },
    effects: {
      work: {
        pool: (input) => (Reflect.get(Object(input) as object, 'bad') === 'pool' ? '' : 'work'),
      },
    },
    retentionMs: 1_000,
    ...more,
  };
}

/** `emit` whose listeners throw; a custom action that throws. */
export const noisy: AnyStateMachine = setup({
  types: { context: {} as { n: number } },
  actions: {
    count: assign({ n: ({ context }: { readonly context: { readonly n: number } }) => context.n + 1 }),
    shout: fail,
    say: emit({ type: 'said' }),
  },
}).createMachine({
  id: 'noisy',
  version: '1',
  context: { n: 0 },
  on: { ok: { actions: ['count', 'shout', 'say'] } },
});

/** Sends `what` to its actor, `count` times in one step. */
export function teller(): DefinitionOptions {
  const machine = setup({
    types: {
      context: {} as { to: string },
      input: {} as { to?: string } | undefined,
      events: {} as { type: 'tell'; what: { type: string }; count: number },
    },
    actions: { 'actor.send': (_unused, _params: { to: string; event: { type: string } }) => undefined },
  }).createMachine({
    id: 'teller',
    version: '1',
    context: ({ input }) => ({ to: input?.to ?? 'fragile/a' }),
    on: {
      tell: {
        actions: enqueueActions(({ enqueue, context: { to }, event }) => {
          for (let n = 0; n < event.count; n += 1)
            enqueue({ type: 'actor.send', params: { to, event: event.what } });
        }),
      },
    },
  });
  return { kind: 'teller', machine };
}

/** busy (effect `work`) → done with its output; `poison` as the output throws, and so does `boom`. */
export function worker(work: (id: string) => Promise<unknown>): DefinitionOptions {
  const machine: AnyStateMachine = setup({
    types: { context: {} as { got: unknown } },
    actors: { work: fromPromise(({ self }) => work(self.id)) },
    actions: {
      keep: assign({
        got: ({ event }): unknown => {
          const output: unknown = Reflect.get(event, 'output');
          if (output === 'poison') throw new Error('poison');
          return output;
        },
      }),
      fall: assign(() => {
        throw new Error('poison');
      }),
    },
  }).createMachine({
    id: 'worker',
    version: '1',
    context: { got: null },
    initial: 'busy',
    on: { boom: { actions: 'fall' } },
    states: {
      busy: { invoke: { id: 'work', src: 'work', onDone: { target: 'idle', actions: 'keep' } } },
      idle: {},
    },
  });
  return { kind: 'worker', machine };
}

/** `kid` counts; on `boom` its assign throws; on `finish` it is done. Its parent counts its errors. */
export function family(supervision: Supervision | undefined): DefinitionOptions {
  const kid = setup({
    types: { context: {} as { n: number; from: number }, input: {} as { n: number } },
    actors: { work: fromPromise<unknown>(() => new Promise(() => undefined)) },
    actions: { count: assign({ n: ({ context }) => context.n + 1 }), fall: assign(fail) },
  }).createMachine({
    id: 'kid',
    context: ({ input }) => ({ n: input.n, from: input.n }),
    initial: 'live',
    on: { ok: { actions: 'count' }, boom: { actions: 'fall' }, finish: '.over' },
    states: {
      live: { invoke: { src: 'work', systemId: 'tool' }, after: { 5_000: { actions: 'count' } } },
      over: { type: 'final' },
    },
    output: ({ context }) => ({ n: context.n }),
  });
  const machine = setup({
    types: { context: {} as { errors: unknown[]; done: unknown[] } },
    actors: { kid },
    actions: {
      keepError: assign({
        errors: ({ context, event }) => [...context.errors, Reflect.get(event, 'error') as unknown],
      }),
      keepDone: assign({
        done: ({ context, event }) => [...context.done, Reflect.get(event, 'output') as unknown],
      }),
    },
  }).createMachine({
    id: 'parent',
    version: '1',
    context: { errors: [], done: [] },
    initial: 'raising',
    on: {
      tell: { actions: sendTo('kid', ({ event }) => ({ type: String(event['what']) }) as never) },
    },
    states: {
      raising: {
        invoke: {
          id: 'kid',
          src: 'kid',
          input: { n: 7 },
          onDone: { target: 'alone', actions: 'keepDone' },
          onError: { target: 'mourning', actions: 'keepError' },
        },
        on: { leave: 'alone' },
      },
      alone: {},
      mourning: {},
    },
  });
  const children = supervision === undefined ? {} : { children: { kid: { supervision } } };
  return { kind: 'parent', machine, retentionMs: 1_000, ...children };
}

export const KID = 'parent.kid/a/kid@1:0';

export async function replays(world: World, address: string): Promise<void> {
  const kind = address.slice(0, address.indexOf('/'));
  const definition = world.kernel.definitionOf(kind);
  const record = await world.kernel.reader.record(address);
  if (definition === undefined || record === undefined) throw new Error(`there is no ${address}`);
  const entries = await world.kernel.reader.journal(address);
  checkReplay({ definition, address, entries }, record.snapshot);
}

/** What a sending came to: `ok`, or the code of its error. */
export async function codeOf(sent: Promise<unknown>): Promise<unknown> {
  return sent.then(
    () => 'ok',
    (error: unknown): unknown => Reflect.get(Object(error) as object, 'code') ?? String(error),
  );
}

/** Once all have ended and their retention has passed, no row of any actor is left. */
export async function nothingLeft(world: World): Promise<void> {
  await world.clock.advance(60_000);
  await settled(world);
  const left = await rowsOf(world.store, 's', 'j', 'c', 'p', 'd', 'o', 'i', 'q', 'a', 'y');
  expect(left.map(([key]) => key)).toEqual([]);
}
