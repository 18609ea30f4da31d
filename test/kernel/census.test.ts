/** The census (K12): what a machine would make of stored actors, before it is defined. */
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { takeCensus, type Census, type CensusOptions } from '../../src/actors/census.js';
import type { JsonObject } from '../../src/json.js';
import { openWorld, rowsOf, settled, type World } from './fixtures.js';
import { defined, kind, machineOf } from './versioned.js';

const first = {
  initial: 'idle',
  states: { idle: { on: { go: 'busy' } }, busy: { on: { end: 'done' } }, done: { type: 'final' } },
};
const renamed = {
  initial: 'idle',
  states: { idle: { on: { go: 'working' } }, working: { on: { end: 'done' } }, done: { type: 'final' } },
};

/** Three idle, two busy, one done, of version 1. */
async function six(): Promise<World> {
  const world = await openWorld([defined(machineOf('1', first))]);
  await world.kernel.createMany(
    kind,
    ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => ({ id })),
  );
  for (const id of ['d', 'e', 'f']) await world.kernel.send(`order/${id}`, { type: 'go' });
  await world.kernel.send('order/f', { type: 'end' });
  return world;
}

async function rowsBy(
  { kernel }: World,
  machine: AnyStateMachine,
  options?: CensusOptions,
): Promise<unknown> {
  const { rows } = await takeCensus(kernel, machine, options);
  return rows.map(({ state, count, verdict }) => [state, count, verdict]);
}

function sums({ safe, migrates, blocked }: Census): readonly number[] {
  return [safe, migrates, blocked];
}

const busyToWorking = ({ value, context }: { value: unknown; context: JsonObject }) => ({
  value: value === 'busy' ? 'working' : String(value),
  context,
});

describe('a census (K12)', () => {
  it('K12: calls those safe whose machine is the stored one', async () => {
    const census = await takeCensus((await six()).kernel, machineOf('1', first));
    expect(sums(census)).toEqual([6, 0, 0]);
    expect(census).toMatchObject({ kind, version: '1' });
  });

  it('K12: calls a structure that changed under its version blocked, and says what to do', async () => {
    const { rows, ...census } = await takeCensus((await six()).kernel, machineOf('1', renamed));
    expect([census.safe, census.blocked]).toEqual([0, 6]);
    expect(rows[0]?.reason).toContain('the machine changed under version "1"; give it a new version');
  });

  it('K12: finds a version without a way; what has ended is safe all the same', async () => {
    const world = await six();
    expect(await rowsBy(world, machineOf('2', renamed))).toEqual([
      ['busy', 2, 'blocked'],
      ['done', 1, 'safe'],
      ['idle', 3, 'blocked'],
    ]);
    const { rows } = await takeCensus(world.kernel, machineOf('2', renamed));
    expect(rows[0]?.reason).toContain('nothing leads from "1" to "2"; add it to migrate.from');
  });

  it('K12: finds a removed state that "compatible" leads to, before anything runs', async () => {
    const world = await six();
    const before = await rowsOf(world.store, 's', 'n', 'd', 'o', 'v');
    expect(await rowsBy(world, machineOf('2', renamed), { migrate: { from: { 1: 'compatible' } } })).toEqual([
      ['busy', 2, 'blocked'],
      ['done', 1, 'safe'],
      ['idle', 3, 'safe'],
    ]);
    expect(await rowsBy(world, machineOf('2', renamed), { migrate: { from: { 1: busyToWorking } } })).toEqual(
      [
        ['busy', 2, 'migrates'],
        ['done', 1, 'safe'],
        ['idle', 3, 'migrates'],
      ],
    );
    expect(await rowsOf(world.store, 's', 'n', 'd', 'o', 'v')).toEqual(before);
    expect(world.kernel.definitionOf(kind)?.version).toBe('1');
  });

  it('K12: tries every migration in memory when asked to, and names those that fail', async () => {
    const world = await six();
    const from = {
      1: ({ value, context }: { value: unknown; context: JsonObject }) => {
        if (value === 'idle') throw new Error('no idea what to do with idle ones');
        return { value: 'working', context };
      },
    };
    const census = await takeCensus(world.kernel, machineOf('2', renamed), { migrate: { from }, deep: true });
    expect(sums(census)).toEqual([1, 5, 0]);
    expect(census.trial).toMatchObject({ tried: 5, failed: 3 });
    expect(census.trial?.failures.map(({ address }) => address)).toEqual(['order/a', 'order/b', 'order/c']);
    expect(census.trial?.failures[0]).toMatchObject({ version: '1', state: 'idle' });
    expect(census.trial?.failures[0]?.message).toContain('no idea what to do');
    const told: number[] = [];
    const onProgress = (tried: number): void => void told.push(tried);
    const good = { migrate: { from: { 1: busyToWorking } }, deep: true, onProgress };
    const { trial } = await takeCensus(world.kernel, machineOf('2', renamed), good);
    expect(told).toEqual([1, 2, 3, 4, 5]);
    expect(trial).toEqual({ tried: 5, failed: 0, failures: [] });
  });

  it('K12: looks at children too: those of a changed structure, and those whose source is gone', async () => {
    const parent = (version: string, children: Readonly<Record<string, AnyStateMachine>>): AnyStateMachine =>
      setup({ actors: children }).createMachine({
        id: kind,
        version,
        initial: 'on',
        states: { on: { invoke: Object.keys(children).map((src) => ({ id: src, src })) } },
      });
    const child = (config: object): AnyStateMachine => machineOf('any', config);
    const old = parent('1', { ship: child(first), pack: child(first), bill: child(first) });
    const world = await openWorld([defined(old), { kind: 'order.other', machine: machineOf('1', first) }]);
    await world.kernel.create(kind, 'a', {});
    await world.kernel.create('order.other', 'x', {});
    await settled(world);
    const next = parent('2', { ship: child(first), pack: child(renamed) });
    const { rows } = await takeCensus(world.kernel, next, { migrate: { from: { 1: 'compatible' } } });
    expect(rows.map((row) => [row.kind, row.verdict])).toEqual([
      ['order', 'safe'],
      ['order.bill', 'blocked'],
      ['order.pack', 'blocked'],
      ['order.ship', 'safe'],
    ]);
    expect(rows[1]?.reason).toContain('no machine or transition is named "bill" any more');
    const children = { pack: { migrate: { from: { 1: 'compatible' } } } } as const;
    const mended = await takeCensus(world.kernel, next, { migrate: { from: { 1: 'compatible' } }, children });
    expect(mended.rows.find((row) => row.kind === 'order.pack')).toMatchObject({ verdict: 'safe' });
  });

  it('K12: finds steps that are in the journal alone, and tries them with their machine', async () => {
    const old = machineOf('1', first);
    const world = await openWorld([{ ...defined(old), snapshot: 'amortized' }]);
    await world.kernel.create(kind, 'a', {});
    await world.kernel.send('order/a', { type: 'go' });
    await world.crash([]);
    const migrate = { from: { 1: busyToWorking } };
    const { rows } = await takeCensus(world.kernel, machineOf('2', renamed), { migrate });
    expect(rows).toMatchObject([{ state: 'busy', verdict: 'blocked' }]);
    expect(rows[0]?.reason).toContain('give migrate.machines its machine');
    const whole = { migrate: { ...migrate, machines: { 1: old } }, deep: true };
    const census = await takeCensus(world.kernel, machineOf('2', renamed), whole);
    expect(sums(census)).toEqual([0, 1, 0]);
    expect(census.trial).toEqual({ tried: 1, failed: 0, failures: [] });
    await world.crash([{ ...defined(machineOf('2', renamed)), ...whole }]);
    await settled(world);
    expect(await world.kernel.reader.record('order/a')).toMatchObject({
      version: '2',
      snapshot: { value: 'working' },
    });
  });

  it('K12: of a kind that nobody is of, or of a machine that cannot be durable', async () => {
    const world = await openWorld([]);
    expect(await takeCensus(world.kernel, machineOf('1', first))).toMatchObject({ rows: [], blocked: 0 });
    const versionless = setup({}).createMachine({ id: kind });
    await expect(takeCensus(world.kernel, versionless)).rejects.toMatchObject({ code: 'INVALID_DEFINITION' });
  });
});
