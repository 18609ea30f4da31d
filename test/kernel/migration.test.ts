/** Migrations (K12), in memory: what of an actor goes on under a new version of its machine. */
import { describe, expect, it } from 'vitest';
import { defineMachine } from '../../src/actors/kernel/index.js';
import { migrateRecord, type Migrated, type Migrations } from '../../src/actors/kernel/migration.js';
import type { Json, JsonObject } from '../../src/json.js';
import { after, defined, kind, machineOf, migrated, recordOf, refusal, type Work } from './versioned.js';

const waiting = {
  initial: 'waiting',
  states: {
    waiting: {
      entry: 'remind',
      after: { 10_000: 'late', patience: 'late' },
      invoke: { id: 'render', src: 'render', input: ({ context }: { context: { n: number } }) => context.n },
      on: { spawn: { actions: 'spawnRender' } },
    },
    late: {},
  },
};

function childrenOf(result: Migrated | undefined): readonly string[] {
  const children = result?.snapshot.children as Readonly<Record<string, unknown>> | undefined;
  return Object.keys(children ?? {}).toSorted();
}

describe('a migration (K12)', () => {
  it('K12: keeps what the states of the next version still have, under its ids', async () => {
    const options = defined(machineOf('2', waiting), { from: { 1: 'compatible' } });
    const { record, result } = await migrated(machineOf('1', waiting), ['spawn'], options);
    expect(record).toMatchObject({ timers: { length: 3 }, effects: { length: 2 } });
    expect(result).toMatchObject({
      dropped: [],
      actions: [],
      snapshot: { value: 'waiting', status: 'active' },
    });
    expect([...(result?.keptTimers ?? [])]).toEqual(record.timers.map(({ id }) => id));
    expect([...(result?.keptEffects ?? [])]).toEqual(record.effects.map(({ id }) => id));
    expect(childrenOf(result)).toEqual(['render', 'spawned']);
  });

  it('K12: drops what they have no more and says so, and asks for what they have besides', async () => {
    const next = machineOf('2', {
      initial: 'waiting',
      states: {
        waiting: {
          after: { patience: 'late', 30_000: 'late' },
          invoke: {
            id: 'submit',
            src: 'submit',
            input: ({ context, event }: { context: object; event: object }) => ({ context, event }),
          },
        },
        late: {},
      },
    });
    const from = {
      1: ({ value, context }: { value: Json; context: JsonObject }) => ({
        value,
        context: { ...context, more: 'of version 2' },
      }),
    };
    const { record, result } = await migrated(machineOf('1', waiting), [], defined(next, { from }));
    const [, ten] = record.timers;
    expect(result?.dropped).toEqual([
      { what: 'timer', id: ten?.id, name: 'xstate.after.10000.order.waiting' },
      { what: 'effect', id: record.effects[0]?.id, name: 'render' },
    ]);
    expect([...(result?.keptTimers ?? [])]).toHaveLength(2);
    const sendId = 'xstate.after.30000.order.waiting';
    const context = { n: 7, more: 'of version 2' };
    expect(result?.actions).toEqual([
      { type: '@xstate.raise', sendId, delayMs: 30_000, event: { type: sendId } },
      {
        type: '@xstate.spawn',
        child: 'submit',
        src: 'submit',
        input: { context, event: { type: 'holdfast.migrated' } },
        systemId: undefined,
        sync: false,
      },
    ]);
    expect(childrenOf(result)).toEqual(['submit']);
  });

  it('K12: starts nothing again that had ended in a state that stays active', async () => {
    const config = {
      initial: 'busy',
      states: {
        busy: {
          invoke: { id: 'submit', src: 'submit', onDone: { actions: 'count' } },
          after: { 10_000: { actions: 'count' } },
        },
      },
    };
    const paid: Work = { asked: [], work: () => Promise.resolve('paid') };
    const world = await after(machineOf('1', config, paid));
    await world.clock.advance(10_000);
    const record = await recordOf(world);
    expect(record).toMatchObject({ timers: [], effects: [], snapshot: { context: { n: 9 } } });
    const second = { busy: { ...config.states.busy, after: { ...config.states.busy.after, 20_000: {} } } };
    const next = defineMachine(
      defined(machineOf('2', { ...config, states: second }), { from: { 1: 'compatible' } }),
    );
    const { version, hash } = record;
    const shape = world.kernel.shape(kind, version, hash);
    expect(migrateRecord(next, record, { shape })?.actions).toMatchObject([
      { sendId: 'xstate.after.20000.order.busy' },
    ]);
    // Without the old version's shape nobody can tell, and what is not under way counts as missing.
    expect(migrateRecord(next, record)?.actions).toHaveLength(3);
  });

  it('K12: arms what a state asks for that a function leads into, though it is not new', async () => {
    const config = {
      initial: 'one',
      states: {
        one: { on: { go: 'two' } },
        two: { after: { 5_000: 'one' }, invoke: { id: 'w', src: 'render' } },
      },
    };
    const from = { 1: () => ({ value: 'two', context: { n: 0 } }) };
    const { result } = await migrated(machineOf('1', config), [], defined(machineOf('2', config), { from }));
    expect(result?.actions.map(({ type }) => type)).toEqual(['@xstate.raise', '@xstate.spawn']);
  });

  it('K12: a source of another name or sort under the same id is started anew', async () => {
    const other = structuredClone({ ...waiting, states: { late: {} } });
    const next = machineOf('2', {
      ...other,
      states: { waiting: { invoke: { id: 'render', src: 'submit', input: 1 } }, late: {} },
    });
    const { result } = await migrated(
      machineOf('1', waiting),
      [],
      defined(next, { from: { 1: 'compatible' } }),
    );
    expect(result?.dropped.map(({ name }) => name)).toContain('render');
    expect(result?.actions).toMatchObject([{ type: '@xstate.spawn', child: 'render', src: 'submit' }]);
  });

  it('K12: a renamed state that keeps its id keeps its timers and its unnamed invokes', async () => {
    const body = { after: { 10_000: 'late' }, invoke: { src: 'render' } };
    const old = machineOf('1', { initial: 'waiting', states: { waiting: body, late: {} } });
    const renamed = { initial: 'pending', states: { pending: { id: 'order.waiting', ...body }, late: {} } };
    const from = { 1: ({ context }: { context: JsonObject }) => ({ value: 'pending', context }) };
    const { record, result } = await migrated(old, [], defined(machineOf('2', renamed), { from }));
    expect(result).toMatchObject({ dropped: [], actions: [], snapshot: { value: 'pending' } });
    expect([...(result?.keptTimers ?? []), ...(result?.keptEffects ?? [])]).toEqual([
      record.timers[0]?.id,
      record.effects[0]?.id,
    ]);
  });

  it('K12: into a final state ends the actor, with the output that was returned', async () => {
    const next = machineOf('2', { initial: 'gone', states: { gone: { type: 'final' } } });
    const from = { 1: () => ({ value: 'gone', context: { n: 0 }, output: 'given up' }) };
    const { result } = await migrated(machineOf('1', waiting), [], defined(next, { from }));
    expect(result).toMatchObject({ snapshot: { status: 'done', output: 'given up' }, actions: [] });
    expect(result?.dropped).toHaveLength(4);
  });

  it('K12: chains from the stored version on, in the listed order', async () => {
    const step =
      (name: string) =>
      ({ value, context }: { value: Json; context: JsonObject }) => ({
        value,
        context: { ...context, path: [...((context['path'] as string[] | undefined) ?? []), name] },
      });
    const from = [
      ['beta', step('b')],
      ['1', step('1')],
      ['2', step('2')],
    ] as const;
    const options = defined(machineOf('3', waiting), { from });
    const path = async (version: string): Promise<unknown> =>
      (await migrated(machineOf(version, waiting), [], options)).result?.snapshot.context as unknown;
    expect(await path('beta')).toMatchObject({ path: ['b', '1', '2'] });
    expect(await path('1')).toMatchObject({ path: ['1', '2'] });
    expect(await path('2')).toMatchObject({ path: ['2'] });
    expect((await migrated(machineOf('0', waiting), [], options)).result).toBeUndefined();
  });

  it('K12: that cannot be done names the version, the state and the cause: MIGRATION_FAILED', async () => {
    const record = await recordOf(await after(machineOf('1', waiting)));
    const tried = (migration: unknown, config: object = waiting): string =>
      refusal(() =>
        migrateRecord(
          defineMachine(defined(machineOf('2', config), { from: { 1: migration as 'compatible' } })),
          record,
          { address: 'order/a' },
        ),
      );
    const stateless = { initial: 'other', states: { other: {} } };
    const where =
      'MIGRATION_FAILED: order/a of version 1 in state "waiting" did not become one of version 2: ';
    expect(tried('compatible', stateless)).toContain(`${where}State 'waiting' does not exist on 'order'`);
    expect(tried(() => undefined)).toContain(`${where}the migration returned no {value, context}`);
    expect(tried(async () => ({ value: 'waiting', context: {} }))).toContain('and no promise');
    expect(tried(() => ({ value: 'waiting', context: { on: new Date(0) } }))).toContain(
      'not JSON at $.context.on',
    );
    expect(
      tried(() => {
        throw new Error('a bug');
      }),
    ).toContain(`${where}a bug`);
    const timeless = { initial: 'waiting', states: { waiting: { after: { later: 'waiting' } } } };
    const endless = machineOf('2', timeless).provide({ delays: { later: () => Number.NaN } });
    const definition = defineMachine(defined(endless, { from: { 1: 'compatible' } }));
    const late = refusal(() => migrateRecord(definition, record, { address: 'order/a' }));
    expect(late).toContain('the delay "later" is not a number');
    expect(record.snapshot).toMatchObject({ value: 'waiting', context: { n: 7 } });
  });

  it('K12: is refused at define when it can never be meant', () => {
    const refused = (from: unknown): string =>
      refusal(() => defineMachine(defined(machineOf('2', waiting), { from } as Migrations)));
    expect(refused({ 1: 'compatible' })).toBe('accepted');
    expect(refused({ 2: 'compatible' })).toContain('names "2", the present version');
    expect(refused({ 1: 'compatibel' })).toContain('"1" is neither "compatible" nor a function');
    expect(refused({ 1: 'compatible', beta: 'compatible' })).toContain('mixes whole numbers with other keys');
    expect(
      refused([
        ['1', 'compatible'],
        ['1', 'compatible'],
      ]),
    ).toContain('names a version twice');
    expect(refused('1')).toContain('neither an object nor a list');
  });
});
