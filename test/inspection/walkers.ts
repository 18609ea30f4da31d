/** A machine with most of what a chart may have, for random lives. Callers: tests of the inspection. */
import { assign, setup } from 'xstate';
import { envelopeOf } from '../../src/machines/envelope.js';

interface Walked {
  readonly n: number;
  readonly seen: readonly unknown[];
  readonly deep: Readonly<Record<string, unknown>>;
}

type WalkEvent =
  | { readonly type: 'left' | 'right' | 'pause' | 'back' | 'again' | 'many' | 'drop' | 'boom' }
  | { readonly type: 'put'; readonly name: string; readonly value: unknown };

/** Counts its seconds, and is over after three. */
const counter = setup({
  types: { context: {} as { readonly n: number } },
  actions: { more: assign(({ context }) => ({ n: context.n + 1 })) },
  guards: { isEnough: ({ context }) => context.n >= 3 },
  delays: { second: 1_000 },
}).createMachine({
  id: 'counter',
  context: { n: 0 },
  initial: 'counting',
  states: {
    counting: {
      always: { guard: 'isEnough', target: 'over' },
      after: { second: { target: 'counting', reenter: true, actions: 'more' } },
    },
    over: { type: 'final' },
  },
});

export const walkMachine = setup({
  types: { context: {} as Walked, events: {} as WalkEvent },
  actors: { counter },
  actions: {
    see: assign(({ context, event }) => ({
      n: context.n + 1,
      seen: [...context.seen.slice(-5), [event.type, envelopeOf(event).at, envelopeOf(event).random]],
    })),
    put: assign(({ context, event }) =>
      event.type === 'put' ? { deep: { ...context.deep, [event.name]: event.value } } : {},
    ),
    drop: assign(({ context }) => ({ seen: context.seen.slice(1), deep: {} })),
    fall: assign(({ context }) => {
      if (context.n % 2 === 1) throw new Error('an odd number');
      return { n: context.n + 1 };
    }),
  },
  delays: { soon: 700 },
}).createMachine({
  id: 'walk',
  version: '1',
  context: { n: 0, seen: [], deep: {} },
  initial: 'on',
  on: { put: { actions: 'put' }, drop: { actions: 'drop' }, boom: { actions: 'fall' } },
  states: {
    on: {
      type: 'parallel',
      on: { pause: { target: 'paused', actions: 'see' } },
      states: {
        a: {
          initial: 'one',
          states: {
            one: { on: { left: { target: 'two', actions: 'see' } } },
            two: { after: { soon: { target: 'one', actions: 'see' } } },
          },
        },
        b: {
          initial: 'one',
          states: {
            one: { on: { right: { target: 'two', actions: 'see' } } },
            two: {
              invoke: { src: 'counter', id: 'counter', onDone: { target: 'one', actions: 'see' } },
              on: { right: 'one' },
            },
          },
        },
        past: { type: 'history', history: 'deep' },
      },
    },
    paused: { on: { back: { target: 'on.past', actions: 'see' }, again: { target: 'on', actions: 'see' } } },
  },
});
