/** A box: counts, keeps rows beside itself, and notes which it was shown. */
import { assign, sendTo, setup, type AnyActorRef, type AnyStateMachine } from 'xstate';
import type { DefinitionOptions } from '../../src/actors/kernel/index.js';
import { envelopeOf, reservedActions } from '../../src/machines/index.js';
import type { Store } from '../../src/store/store.js';
import { reading, type World } from './fixtures.js';

export interface BoxContext {
  readonly n: number;
  /** What each `look` was shown. */
  readonly seen: readonly unknown[];
}

interface BoxEvent {
  readonly type: string;
  readonly names?: readonly string[];
  readonly name?: string;
  readonly value?: unknown;
  readonly expires?: boolean;
  readonly to?: string;
  readonly inMs?: number;
}

const FIRST = { name: '', value: null };

export function boxMachine({ broken = false }: { readonly broken?: boolean } = {}): AnyStateMachine {
  return setup({
    types: { context: {} as BoxContext, events: {} as BoxEvent },
    actions: {
      ...reservedActions,
      count: assign({ n: ({ context }) => context.n + 1 }),
      see: assign({
        seen: ({ context, event }): readonly unknown[] => {
          if (broken) throw new Error('it cannot look');
          return [...context.seen, envelopeOf(event).rows ?? 'nothing'];
        },
      }),
      call: sendTo(({ system }) => system.get('desk') as AnyActorRef, { type: 'note' }),
      fall: assign(() => {
        throw new Error('a bug');
      }),
    },
    delays: { soon: ({ event }) => event.inMs ?? 0 },
  }).createMachine({
    id: 'box',
    version: '1',
    context: { n: 0, seen: [] },
    on: {
      add: { actions: 'count' },
      fall: { actions: 'fall' },
      call: { actions: ['call', 'count'] },
      look: { actions: 'see' },
      put: {
        actions: { type: 'payload.put', params: ({ event }) => ({ ...FIRST, ...event, type: undefined }) },
      },
      drop: { actions: { type: 'payload.delete', params: ({ event }) => ({ name: event.name ?? '' }) } },
      tell: {
        actions: {
          type: 'actor.send',
          params: ({ event }) => ({ to: event.to ?? '', event: { type: 'look', names: event.names } }),
        },
      },
      end: '.over',
    },
    initial: 'open',
    states: { open: {}, over: { type: 'final' } },
  });
}

export const A = 'box/a';

export function box(options: Partial<DefinitionOptions> = {}): DefinitionOptions {
  return { kind: 'box', machine: boxMachine(), ...options };
}

/** Shows each event the rows it names. */
export const reads: NonNullable<DefinitionOptions['reads']> = (event) =>
  Array.isArray(event['names']) ? (event['names'] as readonly string[]) : [];

/** Reads every row as a disk does: later. */
export function slow(store: Store): Store {
  return reading(store, {
    get: async (key) => {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      return store.get(key);
    },
  });
}

export async function contextOf({ kernel }: World, address = A): Promise<BoxContext> {
  return (await kernel.snapshot(address))?.snapshot.context as BoxContext;
}

/** Every row there is but those that each commit adds of its own. */
export async function everything({ store }: Pick<World, 'store'>): Promise<readonly (readonly string[])[]> {
  const rows = await store.scan({ gte: 'a', lt: '~', limit: 10_000 });
  return rows.filter(([key]) => !key.startsWith('k\0') && !key.startsWith('m'));
}
