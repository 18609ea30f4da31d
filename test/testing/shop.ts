/**
 * Machines that do what a runtime can do, for the tests of the test runtime. Not one of them does real
 * work.
 */
import { onTestFinished } from 'vitest';
import { assign, emit, fromCallback, fromObservable, fromPromise, sendTo, setup } from 'xstate';
import type { EffectPolicy, Runtime } from '../../src/index.js';
import { openMemoryStore } from '../../src/store/index.js';
import { createTestRuntime, type TestRuntime, type TestRuntimeOptions } from '../../src/testing/index.js';

interface Order {
  readonly amount: number;
  readonly receipt?: string;
  readonly notes: readonly string[];
}

/** What the machine's own logic does, where a test lets it run. */
export interface Own {
  readonly charge?: (id: string) => Promise<string>;
}

function orderMachine(own: Own = {}) {
  return setup({
    types: { input: {} as { readonly amount: number }, context: {} as Order },
    actors: {
      charge: fromPromise<string, { readonly amount: number }>(({ self }) => {
        if (own.charge === undefined) throw new Error('the machine did it itself');
        return own.charge(self.id);
      }),
      ticker: fromCallback(() => undefined),
      prices: fromObservable<number, undefined>(() => ({
        subscribe: () => ({ unsubscribe: () => undefined }),
      })),
    },
    actions: {
      note: assign({ notes: ({ context, event }) => [...context.notes, String(event.type)] }),
      notePrice: assign({
        notes: ({ context, event }) => {
          const { snapshot } = event as unknown as { readonly snapshot: { readonly context?: number } };
          return [...context.notes, String(snapshot.context)];
        },
      }),
      keep: assign({ receipt: ({ event }) => String((event as unknown as { output: unknown }).output) }),
    },
    delays: { timeToPay: 60_000, aLongTime: 300 * 86_400_000 },
  }).createMachine({
    id: 'order',
    version: '1',
    context: ({ input }) => ({ amount: input.amount, notes: [] }),
    initial: 'unpaid',
    on: { loop: '.looping' },
    states: {
      unpaid: {
        on: { pay: 'charging', listen: 'listening', watch: 'watching', wait: 'waiting' },
        after: { timeToPay: 'expired' },
      },
      charging: {
        invoke: {
          src: 'charge',
          input: ({ context }) => ({ amount: context.amount }),
          onDone: { target: 'paid', actions: ['keep', emit({ type: 'paid' })] },
          onError: { target: 'refused', actions: 'note' },
        },
        on: { 'effect.interrupted': 'inDoubt', cancel: 'cancelled' },
      },
      listening: {
        invoke: { id: 'ticks', src: 'ticker', onDone: 'paid', onError: 'refused' },
        on: { tick: { actions: 'note' }, ask: { actions: sendTo('ticks', { type: 'question' }) } },
      },
      watching: { invoke: { src: 'prices', onSnapshot: { actions: 'notePrice' }, onDone: 'paid' } },
      waiting: { after: { aLongTime: 'expired' } },
      looping: { after: { 0: { target: 'looping', reenter: true } } },
      refused: { on: { pay: 'charging' } },
      inDoubt: {},
      paid: { type: 'final' },
      cancelled: { type: 'final' },
      expired: { type: 'final' },
    },
  });
}

/** A `define` for a test runtime. */
export function defineOrders({ own, effects }: { readonly own?: Own; readonly effects?: Effects } = {}) {
  return (runtime: Runtime) => {
    const machine = orderMachine(own);
    return { orders: runtime.define(machine, effects === undefined ? {} : { effects }) };
  };
}

type Effects = Readonly<Record<string, EffectPolicy>>;

export const input = { amount: 42 };

export async function opened<Kinds>(options: TestRuntimeOptions<Kinds>): Promise<TestRuntime<Kinds>> {
  const shop = await createTestRuntime(options);
  onTestFinished(() => shop.close());
  return shop;
}

export type Shop = TestRuntime<ReturnType<ReturnType<typeof defineOrders>>>;

export const stateOf = async (shop: Shop, id: string): Promise<unknown> =>
  (await shop.kinds.orders.get(id).snapshot())?.value;

export async function charging(options: Parameters<typeof defineOrders>[0] = {}): Promise<Shop> {
  const shop = await opened({ define: defineOrders(options) });
  const order = await shop.kinds.orders.create({ id: '1', input });
  await order.send({ type: 'pay' });
  await shop.settle();
  return shop;
}

/** Every row of a disk that nobody holds. */
export async function rowsOf({
  disk,
}: TestRuntime<unknown>): Promise<readonly (readonly [string, string])[]> {
  const store = await openMemoryStore({ disk, purpose: 'look' });
  const rows = await store.scan({ gte: '', lt: '\u{10ffff}', limit: 100_000 });
  await store.close();
  return rows;
}
