/**
 * An order, as plain XState: a minute to pay, one charge, then a parcel that is an actor of its own. It knows
 * nothing of Holdfast.
 */
import { assign, emit, fromPromise, setup } from 'xstate';
import { charge, type Receipt } from './bank.js';

const parcelMachine = setup({
  types: { input: {} as { readonly to: string }, context: {} as { readonly to: string } },
  delays: { packing: 1_000, onTheRoad: 1_000 },
}).createMachine({
  id: 'parcel',
  context: ({ input }) => ({ to: input.to }),
  initial: 'packed',
  states: {
    packed: { after: { packing: 'travelling' } },
    travelling: { after: { onTheRoad: 'delivered' } },
    delivered: { type: 'final' },
  },
});

export const orderMachine = setup({
  types: {
    input: {} as { readonly amount: number; readonly to: string },
    context: {} as { readonly amount: number; readonly to: string; readonly receipt?: Receipt },
    events: {} as { readonly type: 'pay' } | { readonly type: 'effect.interrupted' },
    emitted: {} as { readonly type: 'paid'; readonly receipt: Receipt },
  },
  actors: {
    // `self.id` is the same for every attempt at one charge: what banks call an idempotency key.
    charge: fromPromise<Receipt, { readonly amount: number }>(({ input, self, signal }) =>
      charge(self.id, input.amount, signal),
    ),
    parcel: parcelMachine,
  },
  delays: { timeToPay: 60_000 },
}).createMachine({
  id: 'order',
  version: '1',
  context: ({ input }) => ({ amount: input.amount, to: input.to }),
  initial: 'unpaid',
  states: {
    unpaid: { on: { pay: 'charging' }, after: { timeToPay: 'expired' } },
    charging: {
      invoke: {
        src: 'charge',
        input: ({ context }) => ({ amount: context.amount }),
        onDone: {
          target: 'shipping',
          actions: [
            assign({ receipt: ({ event }) => event.output }),
            emit(({ event }) => ({ type: 'paid', receipt: event.output })),
          ],
        },
        onError: 'unpaid',
      },
      on: { 'effect.interrupted': 'inDoubt' },
    },
    shipping: {
      invoke: { src: 'parcel', input: ({ context }) => ({ to: context.to }), onDone: 'delivered' },
    },
    inDoubt: { description: 'The bank could not say whether it took the money: a person looks.' },
    delivered: { type: 'final' },
    expired: { type: 'final' },
  },
});
