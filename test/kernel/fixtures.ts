/** Machines and kernels for the kernel's tests: every option a test sets matters to it. */
import { assign, emit, fromPromise, setup } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { Kernel, type DefinitionOptions } from '../../src/actors/kernel/index.js';
import type { LogFields, Logger } from '../../src/log.js';
import { createMemoryDisk, openMemoryStore, type MemoryDisk } from '../../src/store/index.js';
import { rangeOf, type RowLetter } from '../../src/store/keys.js';
import type { Entry, Store } from '../../src/store/store.js';
import { createSimulatedClock, type SimulatedClock } from '../../src/testing/simulated-clock.js';

export interface World {
  readonly clock: SimulatedClock;
  readonly disk: MemoryDisk;
  store: Store;
  kernel: Kernel;
  readonly failures: unknown[];
  /** What the kernels logged, as [message, fields]. */
  readonly logged: (readonly [message: string, fields: LogFields])[];
  /** Ends the kernel without a word, as a crash does, and opens another on the same disk. */
  readonly crash: (definitions: readonly DefinitionOptions[]) => Promise<void>;
}

export async function openWorld(
  definitions: readonly DefinitionOptions[],
  wrap: (store: Store) => Store = (store) => store,
): Promise<World> {
  const clock = createSimulatedClock();
  const disk = createMemoryDisk();
  const failures: unknown[] = [];
  const logged: World['logged'] = [];
  const log = keeping(logged);
  const open = async (defined: readonly DefinitionOptions[]): Promise<{ store: Store; kernel: Kernel }> => {
    const store = wrap(await openMemoryStore({ disk }));
    const kernel = await Kernel.open({ store, clock, log });
    kernel.onFailure((error) => failures.push(error));
    for (const definition of defined) kernel.define(definition);
    await kernel.start();
    return { store, kernel };
  };
  const world: World = {
    ...(await open(definitions)),
    clock,
    disk,
    failures,
    logged,
    crash: async (again) => {
      await world.store.close();
      Object.assign(world, await open(again));
    },
  };
  return world;
}

function keeping(logged: World['logged']): Logger {
  const keep = (fields: LogFields, message: string): void => void logged.push([message, fields]);
  const log: Logger = { trace: keep, debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  return log;
}

/** A store that reads as the test wants and does everything else as `store` does. */
export function reading(store: Store, reads: Partial<Pick<Store, 'get' | 'scan'>>): Store {
  return {
    generation: store.generation,
    get lastCommit() {
      return store.lastCommit;
    },
    get: reads.get ?? ((key) => store.get(key)),
    getMany: (wanted) => store.getMany(wanted),
    scan: reads.scan ?? ((options) => store.scan(options)),
    commit: (commit) => store.commit(commit),
    view: () => store.view(),
    close: () => store.close(),
  };
}

/** Every row of a store whose letter is one of these. */
export async function rowsOf(store: Store, ...letters: readonly RowLetter[]): Promise<Entry[]> {
  const pages = await Promise.all(
    letters.map((letter) => store.scan({ ...rangeOf(letter), limit: 100_000 })),
  );
  return pages.flat();
}

/** Lets everything that is ready run: commits of the memory store, effects that settled. */
export async function settled(world: Pick<World, 'clock'>): Promise<void> {
  await world.clock.advance(0);
}

/** idle → working (effect `work`) → waiting (10 s) → done. */
export function workflow(work: (input: { n: number }) => Promise<unknown>): AnyStateMachine {
  return setup({
    types: {
      context: {} as { n: number; results: unknown[]; at: number },
      input: {} as { n: number },
      events: {} as
        | { type: 'go' }
        | { type: 'add'; by: number }
        | { type: 'boom' }
        | { type: 'effect.interrupted' },
    },
    actors: { work: fromPromise<unknown, { n: number }>(({ input }) => work(input)) },
    actions: {
      add: assign(({ context, event }) => ({ n: context.n + (event.type === 'add' ? event.by : 0) })),
      keep: assign(({ context, event }) => ({
        results: [...context.results, (event as unknown as { output: unknown }).output],
      })),
      fall: assign(() => {
        throw new Error('a bug in an assign');
      }),
      say: emit({ type: 'said' }),
    },
    delays: { pause: 10_000 },
  }).createMachine({
    id: 'workflow',
    version: '1',
    context: ({ input }) => ({ n: input.n, results: [], at: 0 }),
    initial: 'idle',
    on: { add: { actions: 'add' }, boom: { actions: 'fall' } },
    states: {
      idle: { on: { go: 'working' } },
      working: {
        invoke: {
          id: 'work',
          src: 'work',
          input: ({ context }) => ({ n: context.n }),
          onDone: { target: 'waiting', actions: ['keep', 'say'] },
          onError: 'failed',
        },
        on: { 'effect.interrupted': 'failed' },
      },
      waiting: { after: { pause: 'done' } },
      done: { type: 'final' },
      failed: { type: 'final' },
    },
  });
}

/** A promise and the function that settles it. */
export function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
