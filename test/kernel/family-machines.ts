/** Machines that tests of families are made of. Callers: children.test.ts, spawned.test.ts. */
import { assign, setup } from 'xstate';
import type { AnyEventObject } from 'xstate';

export interface Log {
  readonly seen: readonly unknown[];
}

/** Keeps what it hears; what a test's root machine is made with. */
export const base = {
  types: { context: {} as Log, input: {} as { n: number } | null },
  actions: {
    keep: assign<Log, AnyEventObject, undefined, AnyEventObject, never>(({ context, event }) => ({
      seen: [...context.seen, event.type, event['output'] ?? event['n'] ?? null],
    })),
  },
};

/** Counts to what it was given, one a second, and tells the number. */
export const counter = setup({
  types: {
    context: {} as { to: number; n: number },
    input: {} as { to: number },
    output: {} as { n: number },
  },
  actions: { more: assign(({ context }) => ({ n: context.n + 1 })) },
  guards: { enough: ({ context }) => context.n >= context.to },
}).createMachine({
  id: 'counter',
  context: ({ input }) => ({ to: input.to, n: 0 }),
  initial: 'counting',
  states: {
    counting: {
      always: { guard: 'enough', target: 'over' },
      after: { 1_000: { target: 'counting', reenter: true, actions: 'more' } },
      on: { more: { actions: 'more' } },
    },
    over: { type: 'final' },
  },
  output: ({ context }) => ({ n: context.n }),
});
