/** Kernels with capsules, in memory: one store to export from, others to import into. */
import type { AnyStateMachine } from 'xstate';
import { assign, emit, fromPromise, sendTo, setup } from 'xstate';
import { Capsules } from '../../src/actors/capsule/capsules.js';
import type { Capsule } from '../../src/actors/capsule/capsule.js';
import type { DefinitionOptions } from '../../src/actors/kernel/index.js';
import type { Store } from '../../src/store/store.js';
import { openWorld, type World } from '../kernel/fixtures.js';

export interface Place extends World {
  readonly capsules: () => Capsules;
}

export async function openPlace(
  definitions: readonly DefinitionOptions[],
  wrap?: (store: Store) => Store,
): Promise<Place> {
  const world = await openWorld(definitions, wrap);
  // The kernel is another one after a crash.
  return Object.assign(world, { capsules: () => new Capsules(world.kernel, world.clock) });
}

/** As it comes back from a file. */
export function reread(capsule: Capsule): Capsule {
  return JSON.parse(JSON.stringify(capsule)) as Capsule;
}

interface Charge {
  readonly cents: number;
}

/**
 * An order: waits for its payment with a deadline, charges, tells a peer, ships. `bug`: its assign throws on
 * a `note` without a text.
 */
export function orderMachine(
  charge: (input: Charge, effectId: string) => Promise<unknown> = () => Promise.resolve({ receipt: 'r1' }),
  { bug = true, version = '1' }: { readonly bug?: boolean; readonly version?: string } = {},
): AnyStateMachine {
  return setup({
    types: {
      context: {} as { cents: number; notes: string[]; card?: string; receipt?: unknown },
      input: {} as Charge,
    },
    actors: {
      charge: fromPromise<unknown, Charge>(({ input, self }) => charge(input, self.id)),
      audit: fromPromise<unknown, unknown>(() => new Promise(() => undefined)),
    },
    actions: {
      note: assign(({ context, event }) => {
        const { text } = event as unknown as { text?: string };
        if (text === undefined && bug) throw new TypeError('text is undefined');
        return { notes: [...context.notes, text ?? ''] };
      }),
      card: assign(({ event }) => ({ card: String((event as unknown as { token: unknown }).token) })),
      keep: assign(({ event }) => ({ receipt: (event as unknown as { output: unknown }).output })),
      paid: emit({ type: 'paid' }),
      tell: sendTo(({ self }) => self, { type: 'later' }, { delay: 60_000, id: 'later' }),
    },
    guards: {
      sameCard: ({ context, event }) => (event as unknown as { token: string }).token === context.card,
    },
    delays: { patience: 86_400_000 },
  }).createMachine({
    id: 'order',
    version,
    context: ({ input }) => ({ cents: input.cents, notes: [] }),
    initial: 'open',
    on: { note: { actions: 'note' } },
    states: {
      open: {
        on: { card: { actions: 'card' }, pay: { guard: 'sameCard', target: 'charging' }, go: 'charging' },
        after: { patience: 'cancelled' },
      },
      charging: {
        invoke: {
          id: 'charge',
          src: 'charge',
          input: ({ context }) => ({ cents: context.cents }),
          onDone: { target: 'packing', actions: ['keep', 'paid', 'tell'] },
          onError: 'failed',
        },
        on: { 'effect.interrupted': 'doubtful' },
      },
      packing: { on: { ship: 'shipped', later: {} } },
      doubtful: {},
      failed: {},
      cancelled: { type: 'final' },
      shipped: { type: 'final' },
    },
  });
}
