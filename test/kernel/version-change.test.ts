/** A kernel over a store whose actors are of an older version of their machine (K12). */
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { checkReplay, defineMachine, type DefinitionOptions } from '../../src/actors/kernel/index.js';
import type { JsonObject } from '../../src/json.js';
import { openWorld, rowsOf, settled } from './fixtures.js';
import { defined, endless, kind, machineOf, recordOf, refusal, type Work } from './versioned.js';

/** One state, and what each version has in it. */
const versions = {
  1: {
    initial: 'waiting',
    states: {
      waiting: {
        after: { 10_000: 'late', 20_000: 'late' },
        invoke: { id: 'render', src: 'render', input: 'v1', onDone: { actions: 'count' } },
      },
      late: {},
    },
  },
  2: {
    initial: 'waiting',
    states: {
      waiting: {
        after: { 10_000: 'late', 15_000: { actions: 'count' } },
        invoke: { id: 'render', src: 'render', input: 'v2', onDone: { actions: 'count' } },
      },
      late: {},
    },
  },
  3: {
    initial: 'resting',
    states: {
      resting: {
        id: 'order.waiting',
        after: { 10_000: 'late' },
        invoke: [
          { id: 'render', src: 'render', input: 'v3', onDone: { actions: 'count' } },
          { id: 'submit', src: 'submit', input: 'v3', onDone: { actions: 'count' } },
        ],
      },
      late: { type: 'final' },
    },
  },
} as const;

const toThird = ({ context }: { context: JsonObject }) => ({ value: 'resting', context });

function third(work: Work): DefinitionOptions {
  return defined(machineOf('3', versions[3], work), { from: { 1: 'compatible', 2: toThird } });
}

describe('a kernel with actors of an older version (K12)', () => {
  it('K12: takes them through versions and kills, with their due times and effect ids', async () => {
    const first = endless();
    const world = await openWorld([defined(machineOf('1', versions[1], first))]);
    await world.kernel.create(kind, 'a', {});
    await settled(world);
    const start = await recordOf(world);
    const ten = start.timers.find(({ sendId }) => sendId.includes('.10000.'));

    await world.clock.advance(1_000);
    const second = endless();
    await world.crash([defined(machineOf('2', versions[2], second), { from: { 1: 'compatible' } })]);
    await settled(world);
    const middle = await recordOf(world);
    expect(middle).toMatchObject({ version: '2', seq: start.seq + 1, effects: start.effects });
    expect(middle.timers).toContainEqual(ten);
    expect(middle.timers.map(({ dueAt }) => dueAt - start.at)).toEqual([10_000, 16_000]);
    expect(second.asked).toEqual([{ render: 'v1' }]);
    const entry = (await world.kernel.reader.journal('order/a')).at(-1);
    expect(entry).toMatchObject({ event: { type: 'holdfast.migrated' }, seq: middle.seq });
    expect(JSON.stringify(entry?.migrated)).toContain('xstate.after.20000.order.waiting');

    const last = endless();
    await world.crash([third(last)]);
    await settled(world);
    const end = await recordOf(world);
    expect(end).toMatchObject({ version: '3', snapshot: { value: 'resting' }, timers: [ten] });
    expect(end.effects[0]).toEqual(start.effects[0]);
    expect(last.asked).toHaveLength(2);
    expect(last.asked).toEqual(expect.arrayContaining([{ render: 'v1' }, { submit: 'v3' }]));
    const replayed = {
      definition: defineMachine(third(last)),
      address: 'order/a',
      entries: await world.kernel.reader.journal('order/a'),
    };
    expect(() => checkReplay(replayed, end.snapshot)).not.toThrow();

    await world.clock.advance(9_000);
    expect(await recordOf(world)).toMatchObject({ status: 'done', snapshot: { value: 'late' }, effects: [] });
    expect(await rowsOf(world.store, 'o')).toEqual([]);
    expect(world.failures).toEqual([]);
  });

  it('K12: takes them over several versions at once', async () => {
    const world = await openWorld([defined(machineOf('1', versions[1]))]);
    await world.kernel.create(kind, 'a', {});
    const start = await recordOf(world);
    await world.crash([third(endless())]);
    await world.clock.advance(0);
    const end = await recordOf(world);
    expect(end).toMatchObject({ version: '3', seq: start.seq + 1, snapshot: { value: 'resting' } });
    expect(world.kernel.counts(kind)).toMatchObject([{ version: '3', state: '"resting"', count: 1 }]);
  });

  it('K12: sets those aside that have no way, visibly, and their timers leave the due index', async () => {
    const world = await openWorld([defined(machineOf('1', versions[1]))]);
    await world.kernel.create(kind, 'a', {});
    await world.crash([defined(machineOf('3', versions[3]))]);
    await world.clock.advance(0);
    expect(await recordOf(world)).toMatchObject({ version: '1', quarantine: { code: 'VERSION_UNKNOWN' } });
    expect(await rowsOf(world.store, 'd')).toEqual([]);
    await expect(world.kernel.send('order/a', { type: 'go' })).rejects.toMatchObject({
      code: 'ACTOR_QUARANTINED',
    });
    await world.clock.advance(60_000);
    expect(await recordOf(world)).toMatchObject({ seq: 1, snapshot: { value: 'waiting' } });
  });

  it('K12: sets those aside whose migration fails, and takes them once it is mended', async () => {
    const world = await openWorld([defined(machineOf('1', versions[1]))]);
    await world.kernel.create(kind, 'a', {});
    const broken = { from: { 1: () => ({ value: 'nowhere', context: {} }) } };
    await world.crash([defined(machineOf('3', versions[3]), broken)]);
    await world.clock.advance(0);
    expect(await recordOf(world)).toMatchObject({ version: '1', quarantine: { code: 'MIGRATION_FAILED' } });
    await world.crash([third(endless())]);
    await settled(world);
    const record = await recordOf(world);
    expect(record).toMatchObject({ version: '3', snapshot: { value: 'resting' } });
    expect(record.quarantine).toBeUndefined();
    expect(await rowsOf(world.store, 'd')).toHaveLength(1);
  });

  it('K12: lets what has ended go when its retention is over, whatever its version', async () => {
    const world = await openWorld([defined(machineOf('3', versions[3]))]);
    await world.kernel.create(kind, 'a', {});
    await world.clock.advance(10_000);
    expect(await recordOf(world)).toMatchObject({ status: 'done' });
    await world.crash([defined(machineOf('4', versions[1]))]);
    await world.clock.advance(25 * 3_600_000);
    expect(await world.kernel.reader.record('order/a')).toBeUndefined();
    expect(world.kernel.counts(kind)).toEqual([]);
  });

  it('K12: refuses a machine, or a child of one, that changed under its version', async () => {
    const parent = (child: AnyStateMachine): AnyStateMachine =>
      setup({ actors: { child } }).createMachine({
        id: kind,
        version: '1',
        invoke: { id: 'child', src: 'child' },
      });
    const world = await openWorld([defined(parent(machineOf('any', versions[1])))]);
    await world.kernel.create(kind, 'a', {});
    await settled(world);
    const redefine = (machine: AnyStateMachine): string =>
      refusal(() => world.kernel.define(defined(machine)));
    expect(redefine(parent(machineOf('any', versions[1])))).toBe('accepted');
    expect(redefine(parent(machineOf('any', versions[2])))).toContain(
      'order.child: the machine changed under version 1',
    );
    expect(redefine(machineOf('1', versions[1]))).toContain('order: the machine changed under version 1');
  });

  it('K12: takes a child of equal structure along when its parent gets a new version', async () => {
    const work = endless();
    const parent = (version: string): AnyStateMachine =>
      setup({ actors: { child: machineOf('any', versions[1], work) } }).createMachine({
        id: kind,
        version,
        initial: 'on',
        states: {
          on: { invoke: { id: 'child', src: 'child' }, ...(version === '2' ? { after: { 9: {} } } : {}) },
        },
      });
    const world = await openWorld([defined(parent('1'))]);
    await world.kernel.create(kind, 'a', {});
    await settled(world);
    const [child] = (await recordOf(world)).children ?? [];
    const address = child?.address ?? '';
    const before = await recordOf(world, address);
    await world.crash([defined(parent('2'), { from: { 1: 'compatible' } })]);
    await settled(world);
    expect(await recordOf(world)).toMatchObject({ version: '2', children: [child] });
    expect(await recordOf(world, address)).toMatchObject({
      version: '2',
      timers: before.timers,
      effects: before.effects,
    });
  });

  it('the states of a version are kept from its first actor on, until nobody is of it', async () => {
    const world = await openWorld([defined(machineOf('3', versions[3]))]);
    expect(await rowsOf(world.store, 'v')).toEqual([]);
    await world.kernel.create(kind, 'a', {});
    await world.kernel.create(kind, 'b', {});
    expect(await rowsOf(world.store, 'v')).toHaveLength(1);
    await world.clock.advance(10_000);
    await world.clock.advance(25 * 3_600_000);
    expect(world.kernel.counts()).toEqual([]);
    await world.crash([defined(machineOf('4', versions[1]))]);
    await world.kernel.create(kind, 'c', {});
    const kept = (await rowsOf(world.store, 'v')).map(([key]) => key.split('\0')[2]);
    expect(kept).toEqual(['4']);
  });

  it('K12: reaches those whom nothing touches, and goes on after a kill in the middle', async () => {
    const sleeping = (after: object): object => ({ initial: 'on', states: { on: { after }, late: {} } });
    const month = 30 * 86_400_000;
    const world = await openWorld([defined(machineOf('1', sleeping({ [month]: 'late' })))]);
    const ids = Array.from({ length: 300 }, (_, index) => ({ id: `a${index}` }));
    await world.kernel.createMany(kind, ids);
    const next = defined(machineOf('2', sleeping({ [month]: 'late', 60_000: 'late' })), {
      from: { 1: 'compatible' },
    });
    await world.crash([next]);
    await world.kernel.waitFor('order/a0', () => true);
    await world.crash([next]);
    await settled(world);
    expect(world.kernel.counts(kind)).toMatchObject([{ version: '2', state: '"on"', count: 300 }]);
    await world.clock.advance(60_000);
    expect(world.kernel.counts(kind)).toMatchObject([{ version: '2', state: '"late"', count: 300 }]);
    const steps = (await recordOf(world, 'order/a0')).seq;
    await world.crash([next]);
    await settled(world);
    expect((await recordOf(world, 'order/a0')).seq).toBe(steps);
  });
});
