/** A machine that writes down what its child sends, and the smallest observable, for the tests of streams. */
import { assign, sendTo, setup } from 'xstate';
import type { AnyActorLogic, AnyEventObject, AnyStateMachine } from 'xstate';
import type { DefinitionOptions, EffectPolicy } from '../../src/actors/kernel/index.js';
import { openWorld, settled, type World } from './fixtures.js';

/** What a machine heard, in short: types, and what they carried. */
function short(event: AnyEventObject): string {
  const { type, $: _envelope, ...rest } = event;
  if ('snapshot' in rest) {
    const { status, context } = rest['snapshot'] as { readonly status: string; readonly context?: unknown };
    return `${type} ${status} ${JSON.stringify(context ?? null)}`;
  }
  if ('error' in rest) return `${type} ${String((rest['error'] as { readonly message: string }).message)}`;
  return Object.keys(rest).length === 0 ? type : `${type} ${JSON.stringify(rest)}`;
}

/** on (child `kid` of the source `source`) ⇄ off; writes down whatever it hears; `poke` is passed on. */
export function listener(source: AnyActorLogic, wantsSnapshots = false): AnyStateMachine {
  return setup({
    types: { context: {} as { heard: string[] } },
    actors: { source },
    actions: {
      hear: assign({ heard: ({ context, event }) => [...context.heard, short(event)] }),
      poke: sendTo('kid', ({ event }) => ({ type: 'poked', n: Number(Reflect.get(event, 'n')) })),
      fall: assign(() => {
        throw new Error('a bug');
      }),
    },
  }).createMachine({
    id: 'listener',
    version: '1',
    context: { heard: [] },
    initial: 'on',
    on: { '*': { actions: 'hear' }, boom: { actions: 'fall' } },
    states: {
      on: {
        invoke: {
          id: 'kid',
          src: 'source',
          input: { from: 'parent' },
          onDone: { actions: 'hear' },
          onError: { actions: 'hear' },
          ...(wantsSnapshots ? { onSnapshot: { actions: 'hear' } } : {}),
        },
        on: {
          leave: { target: 'off', actions: 'hear' },
          bid: 'leaving',
          poke: { actions: 'poke' },
          again: { target: 'on', reenter: true },
        },
      },
      leaving: {
        invoke: { id: 'kid', src: 'source', input: { from: 'parent' } },
        exit: sendTo('kid', { type: 'poked', n: -1 }),
        on: { leave: { target: 'off', actions: 'hear' } },
      },
      off: { on: { enter: 'on' } },
    },
  });
}

export function defined(
  source: AnyActorLogic,
  policy: EffectPolicy = {},
  wantsSnapshots = false,
): DefinitionOptions {
  return { kind: 'listener', machine: listener(source, wantsSnapshots), effects: { source: policy } };
}

export async function opened(source: AnyActorLogic, policy?: EffectPolicy): Promise<World> {
  const world = await openWorld([defined(source, policy)]);
  await world.kernel.create('listener', 'l', undefined);
  await settled(world);
  return world;
}

export async function heardIn(world: World): Promise<readonly string[]> {
  const context: unknown = (await world.kernel.snapshot('listener/l'))?.snapshot.context;
  return Reflect.get(Object(context) as object, 'heard') as readonly string[];
}

export async function send(world: World, event: AnyEventObject): Promise<void> {
  await world.kernel.send('listener/l', event as never);
  await settled(world);
}

type Observer = {
  readonly next?: (value: never) => void;
  readonly error?: (error: unknown) => void;
  readonly complete?: () => void;
};

/** The smallest observable. */
export function observable<T>(
  run: (to: { next(v: T): void; error(e: unknown): void; complete(): void }) => () => void,
) {
  return {
    subscribe: (observer: Observer) => {
      const unsubscribe = run({
        next: (value) => observer.next?.(value as never),
        error: (error) => observer.error?.(error),
        complete: () => observer.complete?.(),
      });
      return { unsubscribe };
    },
  } as never;
}
