/** An order as it was first deployed: open for three days, then charged, then packed. */
import { assign, setup } from 'xstate';
import { charge } from './charge.js';

export const orderMachine = setup({
  types: {
    context: {} as { amount: number; receipt?: string },
    input: {} as { amount: number },
    events: {} as { type: 'paid' } | { type: 'shipped' },
  },
  actors: { charge },
  actions: {
    keepReceipt: assign({ receipt: (_, { receipt }: { receipt: string }) => receipt }),
  },
  delays: { patience: 3 * 86_400_000 },
}).createMachine({
  id: 'order',
  version: '1',
  context: ({ input }) => ({ amount: input.amount }),
  initial: 'open',
  states: {
    open: { on: { paid: 'charging' }, after: { patience: 'cancelled' } },
    charging: {
      invoke: {
        id: 'charge',
        src: 'charge',
        input: ({ context }) => ({ amount: context.amount }),
        onDone: {
          target: 'packing',
          actions: { type: 'keepReceipt', params: ({ event }) => event.output },
        },
        onError: 'open',
      },
    },
    packing: { on: { shipped: 'done' } },
    done: { type: 'final' },
    cancelled: { type: 'final' },
  },
});
