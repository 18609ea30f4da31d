/** The next version: `open` has a clearer name, and what nobody ships within a week is looked at. */
import { assign, setup } from 'xstate';
import { charge } from './charge.js';

export const orderMachine = setup({
  types: {
    context: {} as { amount: number; currency: string; receipt?: string },
    input: {} as { amount: number; currency: string },
    events: {} as { type: 'paid' } | { type: 'shipped' },
  },
  actors: { charge },
  actions: {
    keepReceipt: assign({ receipt: (_, { receipt }: { receipt: string }) => receipt }),
  },
  delays: { patience: 3 * 86_400_000, shippingTime: 7 * 86_400_000 },
}).createMachine({
  id: 'order',
  version: '2',
  context: ({ input }) => ({ amount: input.amount, currency: input.currency }),
  initial: 'awaitingPayment',
  states: {
    awaitingPayment: {
      // Its timers are named after the id: with the old one, those that run go on.
      id: 'order.open',
      on: { paid: 'charging' },
      after: { patience: 'cancelled' },
    },
    charging: {
      invoke: {
        id: 'charge',
        src: 'charge',
        input: ({ context }) => ({ amount: context.amount }),
        onDone: {
          target: 'packing',
          actions: { type: 'keepReceipt', params: ({ event }) => event.output },
        },
        onError: 'awaitingPayment',
      },
    },
    packing: { on: { shipped: 'done' }, after: { shippingTime: 'late' } },
    late: { on: { shipped: 'done' } },
    done: { type: 'final' },
    cancelled: { type: 'final' },
  },
});
