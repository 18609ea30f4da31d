/** An order as it was deployed: a discount in percent that a caller may forget to give. */
import { assign, fromPromise, setup } from 'xstate';

interface Order {
  readonly cents: number;
  readonly receipt?: string;
}

export const orderMachine = setup({
  types: {
    context: {} as Order,
    input: {} as { readonly cents: number },
    events: {} as
      | { readonly type: 'discount'; readonly rule: { readonly percent: number } }
      | { readonly type: 'pay' },
  },
  actors: {
    charge: fromPromise<string, { readonly cents: number }>(({ input }) =>
      Promise.resolve(`receipt for ${input.cents}`),
    ),
  },
  actions: {
    reduce: assign({
      cents: ({ context, event }) => {
        if (event.type !== 'discount') return context.cents;
        return Math.round(context.cents * (1 - event.rule.percent / 100));
      },
    }),
  },
}).createMachine({
  id: 'order',
  version: '1',
  context: ({ input }) => ({ cents: input.cents }),
  initial: 'open',
  states: {
    open: {
      on: { discount: { actions: 'reduce' }, pay: 'charging' },
    },
    charging: {
      invoke: { src: 'charge', input: ({ context }) => ({ cents: context.cents }), onDone: 'paid' },
    },
    paid: {},
  },
});
