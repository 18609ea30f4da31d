/** A user's machine, of which all can be seen: a guard, a delay, an effect, a nested state. */
import { assign, emit, fromPromise, setup } from 'xstate';

export interface OrderContext {
  readonly title: string;
  readonly paid: number;
  readonly lines: readonly string[];
  /** What was noted last, as it came. */
  readonly noted?: unknown;
}

type OrderEvent =
  | { readonly type: 'pay'; readonly amount: number }
  | { readonly type: 'add'; readonly line: string }
  | { readonly type: 'note'; readonly token?: string; readonly text: string }
  | { readonly type: 'drop' }
  | { readonly type: 'explode' }
  | { readonly type: 'xstate.done.actor.charge'; readonly output: { readonly receipt: string } };

export const orderMachine = setup({
  types: {
    context: {} as OrderContext,
    events: {} as OrderEvent,
    emitted: {} as { readonly type: 'noted' },
    input: {} as { readonly title: string },
  },
  actors: { charge: fromPromise<{ receipt: string }, { amount: number }>(async () => ({ receipt: 'r' })) },
  actions: {
    addLine: assign(({ context, event }) =>
      event.type === 'add' ? { lines: [...context.lines, event.line] } : {},
    ),
    note: assign(({ event }) => ({ noted: event })),
    notePaid: assign(({ event }) => (event.type === 'pay' ? { paid: event.amount } : {})),
  },
  guards: {
    isEnough: ({ event }) => event.type === 'pay' && event.amount >= 10,
    isSound: ({ context }) => {
      throw new Error(`the guard is broken: ${JSON.stringify(context.noted ?? null)}`);
    },
  },
  delays: { patience: 60_000 },
}).createMachine({
  id: 'order',
  version: '1',
  on: { note: { actions: ['note', emit(({ event }) => ({ ...event, type: 'noted' }))] } },
  context: ({ input }) => ({ title: input.title, paid: 0, lines: [] }),
  initial: 'cart',
  states: {
    cart: {
      description: 'Lines are put in.',
      on: {
        add: { actions: 'addLine' },
        pay: { guard: 'isEnough', target: 'paying.charging', actions: 'notePaid' },
        explode: { guard: 'isSound', target: 'gone' },
      },
      after: { patience: 'gone' },
    },
    paying: {
      initial: 'charging',
      states: {
        charging: {
          invoke: {
            src: 'charge',
            id: 'charge',
            input: ({ context }) => ({ amount: context.paid }),
            onDone: 'charged',
            onError: 'failed',
          },
        },
        charged: { on: { drop: '#order.gone' } },
        failed: {},
      },
    },
    gone: { type: 'final' },
  },
});
