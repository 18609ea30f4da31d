/**
 * A machine of a user's own, and a kernel in memory with the façade on it.
 *
 * Callers: the define tests of this folder, which name every option that matters to them.
 */
import { assign, emit, fromPromise, setup } from 'xstate';
import { Actors } from '../../src/actors/actors.js';
import { openWorld, type World } from '../kernel/fixtures.js';

export interface Charge {
  readonly amount: number;
}

/** open → charging (promise `charge`) → paid → done; open for an hour, then expired. */
export function orderMachine(charge: (input: Charge) => Promise<string> = async () => 'receipt') {
  return setup({
    types: {
      context: {} as { amount: number; notes: readonly string[]; receipt?: string },
      input: {} as { amount: number },
      events: {} as
        | { readonly type: 'note'; readonly text: string }
        | { readonly type: 'pay' }
        | { readonly type: 'ship' }
        | { readonly type: 'break' },
      emitted: {} as
        | { readonly type: 'noted'; readonly text: string }
        | { readonly type: 'charged'; readonly receipt: string },
    },
    actors: { charge: fromPromise<string, Charge>(({ input }) => charge(input)) },
    actions: {
      note: assign({
        notes: ({ context, event }) => [...context.notes, ...(event.type === 'note' ? [event.text] : [])],
      }),
      tell: emit(({ event }) => ({ type: 'noted', text: event.type === 'note' ? event.text : '' })),
    },
    guards: {
      isWorthIt: ({ context }) => context.amount > 0,
      isBroken: () => {
        throw new Error('a bug in a guard');
      },
    },
    delays: { openFor: 3_600_000 },
  }).createMachine({
    id: 'order',
    version: '1',
    context: ({ input }) => ({ amount: input.amount, notes: [] }),
    initial: 'open',
    on: { note: { actions: ['note', 'tell'] }, break: { guard: 'isBroken', target: '.expired' } },
    states: {
      open: {
        initial: 'waiting',
        states: {
          waiting: { on: { pay: { guard: 'isWorthIt', target: 'charging' } } },
          charging: {
            invoke: {
              src: 'charge',
              input: ({ context }) => ({ amount: context.amount }),
              onDone: {
                target: '#order.paid',
                actions: [
                  assign({ receipt: ({ event }) => event.output }),
                  emit(({ event }) => ({ type: 'charged', receipt: event.output })),
                ],
              },
            },
          },
        },
        after: { openFor: 'expired' },
      },
      paid: { on: { ship: 'shipped' } },
      shipped: { type: 'final' },
      expired: { type: 'final' },
    },
  });
}

/** The façade on a kernel in memory, under a simulated clock. */
export async function openActors(): Promise<{ readonly world: World; readonly actors: Actors }> {
  const world = await openWorld([]);
  return { world, actors: actorsOf(world) };
}

/** The façade of a new process on the same disk. */
export async function reopenActors(world: World): Promise<Actors> {
  await world.crash([]);
  return actorsOf(world);
}

function actorsOf(world: World): Actors {
  const keep = (fields: object, message: string): void => void world.logged.push([message, { ...fields }]);
  const log = { trace: keep, debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  return new Actors(world.kernel, log);
}
