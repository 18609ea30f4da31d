/**
 * Machines in several versions, and what a migration in memory makes of their actors. Callers:
 * test/kernel.
 */
import { assign, fromPromise, fromTransition, raise, setup, spawnChild } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { defineMachine, type ActorRecord, type DefinitionOptions } from '../../src/actors/kernel/index.js';
import { migrateRecord, type Migrations } from '../../src/actors/kernel/migration.js';
import { shapeOf } from '../../src/actors/kernel/shape.js';
import { isHoldfastError } from '../../src/errors.js';
import type { Json } from '../../src/json.js';
import { deferred, openWorld, settled, type World } from './fixtures.js';

export interface Work {
  readonly asked: Json[];
  readonly work: (input: Json) => Promise<Json>;
}

/** Effects that never end by themselves. */
export function endless(): Work {
  const asked: Json[] = [];
  const work = (input: Json): Promise<Json> => {
    asked.push(input);
    return deferred<Json>().promise;
  };
  return { asked, work };
}

/** A machine of any states, with two effects, a spawn and a transition by name. */
export function machineOf(version: string, config: object, { work }: Work = endless()): AnyStateMachine {
  return setup({
    types: { context: {} as { n: number; more?: string } },
    actors: {
      render: fromPromise<Json, Json>(({ input }) => work({ render: input })),
      submit: fromPromise<Json, Json>(({ input }) => work({ submit: input })),
      tally: fromTransition((state: { n: number }) => ({ n: state.n + 1 }), { n: 0 }),
    },
    actions: {
      remind: raise({ type: 'remind' }, { id: 'reminder', delay: 60_000 }),
      spawnRender: spawnChild('render', { id: 'spawned', input: 'spawned' }),
      count: assign({ n: ({ context }) => context.n + 1 }),
    },
    delays: { patience: ({ context }) => 1_000 * context.n },
  }).createMachine({ id: 'order', version, context: { n: 7 }, ...config });
}

export const kind = 'order';

export function defined(machine: AnyStateMachine, migrate?: Migrations): DefinitionOptions {
  return { kind, machine, ...(migrate === undefined ? {} : { migrate }) };
}

/** An actor `order/a` of a machine, after these events. */
export async function after(machine: AnyStateMachine, ...events: readonly string[]): Promise<World> {
  const world = await openWorld([defined(machine)]);
  await world.kernel.create(kind, 'a', {});
  for (const type of events) await world.kernel.send('order/a', { type });
  await settled(world);
  return world;
}

export async function recordOf({ kernel }: Pick<World, 'kernel'>, address = 'order/a'): Promise<ActorRecord> {
  const record = await kernel.reader.record(address);
  if (record === undefined) throw new Error(`there is no ${address}`);
  return record;
}

/** The record of an actor of `old`, migrated in memory, with what the store knows of the old version. */
export async function migrated(old: AnyStateMachine, events: readonly string[], options: DefinitionOptions) {
  const record = await recordOf(await after(old, ...events));
  const shape = shapeOf(old.root);
  return { record, result: migrateRecord(defineMachine(options), record, { address: 'order/a', shape }) };
}

export function refusal(run: () => unknown): string {
  try {
    run();
    return 'accepted';
  } catch (error) {
    return isHoldfastError(error) ? `${error.code}: ${error.message}` : String(error);
  }
}
