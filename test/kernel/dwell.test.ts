/** How long actors stay in their states: counted by the step that leaves, once, whatever crashes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMachine, setup } from 'xstate';
import { chartConfigOf, structureHash } from '../../src/actors/kernel/index.js';
import { Dwell, staysAfter, type Standing } from '../../src/actors/kernel/dwell.js';
import { leavesOf } from '../../src/actors/kernel/leaves.js';
import { valueOf } from '../../src/actors/kernel/record.js';
import type { Json } from '../../src/json.js';
import { limits } from '../../src/limits.js';
import { keys } from '../../src/store/keys.js';
import { createMemoryDisk, openMemoryStore } from '../../src/store/index.js';
import { deferred, openWorld, rowsOf, settled, workflow } from './fixtures.js';

const regions = setup({ types: { events: {} as { type: 'left' } | { type: 'right' } } }).createMachine({
  id: 'regions',
  version: '1',
  type: 'parallel',
  states: {
    a: { initial: 'one', states: { one: { on: { left: 'two' } }, two: {} } },
    b: { initial: 'one', states: { one: { on: { right: 'two' } }, two: {} } },
  },
});

describe('since when', () => {
  it('tells the moment each region came where it is, and no other event moves it', async () => {
    const world = await openWorld([{ kind: 'regions', machine: regions }]);
    const { clock, kernel } = world;
    const from = clock.now();
    await kernel.create('regions', 'r', undefined);
    await clock.advance(1_000);
    await kernel.send('regions/r', { type: 'left' });
    await clock.advance(500);
    await kernel.send('regions/r', { type: 'nobody.hears.it' });
    const record = await kernel.reader.record('regions/r');
    expect(record?.since).toEqual([from + 1_000, from]);
    expect(record && leavesOf(valueOf(record))).toEqual(['a.two', 'b.one']);
    expect(kernel.dwell('regions')).toMatchObject([{ state: 'a.one', count: 1 }]);
  });

  it('holds for any walk: what stays keeps its moment, what goes is counted with its time', () => {
    const value = fc.record({ a: fc.constantFrom('x', 'y', 'z'), b: fc.constantFrom('x', 'y') });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, fc.nat(10_000)), { minLength: 1, maxLength: 20 }), (walk) => {
        const entered = new Map<string, number>();
        let before: Standing | undefined;
        let at = 0;
        for (const [next, forMs] of walk) {
          at += forMs;
          const { since, ended } = staysAfter(before, { value: next, at, isAnew: false });
          const leaves = leavesOf(next);
          expect(ended).toEqual(
            [...entered]
              .filter(([state]) => !leaves.includes(state))
              .map(([state, from]) => ({ state, ms: at - from })),
          );
          for (const { state } of ended) entered.delete(state);
          for (const leaf of leaves) if (!entered.has(leaf)) entered.set(leaf, at);
          const ordered = leaves.map((leaf) => [leaf, entered.get(leaf) ?? -1] as const);
          entered.clear();
          for (const [leaf, from] of ordered) entered.set(leaf, from);
          expect(since).toEqual(ordered.map(([, from]) => from));
          before = { value: next, since, at };
        }
      }),
    );
  });

  it('goes back to the last step where an older holdfast did not say, and counts no unknown length', () => {
    const before = { value: 'a', since: undefined, at: 3 };
    expect(staysAfter(before, { value: 'b', at: 7, isAnew: false })).toEqual({ since: [7], ended: [] });
    expect(staysAfter(before, { value: 'a', at: 7, isAnew: false })).toEqual({ since: [3], ended: [] });
    expect(staysAfter(before, { value: 'a', at: 7, isAnew: true })).toEqual({ since: [7], ended: [] });
  });

  it('enters every state again where the actor begins anew', () => {
    const before = { value: 'a', since: [3], at: 5 };
    const again = staysAfter(before, { value: 'a', at: 10, isAnew: true });
    expect(again).toEqual({ since: [10], ended: [{ state: 'a', ms: 7 }] });
  });
});

describe('the histogram of a state', () => {
  it('is there after a crash, and counts each stay once', async () => {
    const answer = deferred<unknown>();
    const definition = { kind: 'flow', machine: workflow(() => answer.promise) };
    const world = await openWorld([definition]);
    await world.kernel.create('flow', 'f', { n: 1 });
    await world.clock.advance(2_000);
    await world.kernel.send('flow/f', { type: 'go' }, { id: 'once' });
    await world.kernel.send('flow/f', { type: 'go' }, { id: 'once' });
    await world.crash([definition]);
    await world.clock.advance(30_000);
    answer.resolve(1);
    await settled(world);
    await world.crash([definition]);
    const byState = Object.fromEntries(world.kernel.dwell('flow').map((each) => [each.state, each]));
    expect(Object.keys(byState)).toEqual(['idle', 'working']);
    expect(byState['idle']).toMatchObject({ count: 1, slowest: [{ address: 'flow/f', ms: 2_000 }] });
    expect(byState['working']).toMatchObject({ count: 1, slowest: [{ address: 'flow/f', ms: 30_000 }] });
    expect(world.kernel.dwell('nobody')).toEqual([]);
  });

  it('gives quantiles within five per cent, and the longest stays with their actors, each once', () => {
    const stays = Array.from({ length: 1_000 }, (_unused, index) => (index + 1) * 10);
    const dwell = new Dwell();
    for (const ms of stays) dwell.add({ kind: 'k', address: `k/${ms % 70}`, stays: [{ state: 's', ms }] });
    dwell.written();
    const [found] = dwell.of('k');
    expect(found?.count).toBe(1_000);
    expect(Math.abs((found?.p50Ms ?? 0) / 5_000 - 1)).toBeLessThan(0.05);
    expect(Math.abs((found?.p95Ms ?? 0) / 9_500 - 1)).toBeLessThan(0.05);
    expect(found?.slowest.map(({ ms }) => ms)).toEqual([10_000, 9_990, 9_980]);
    expect(new Set(found?.slowest.map(({ address }) => address)).size).toBe(limits.dwellSlowestMax);
  });

  it('gives an actor that comes back one place, that of its longest stay', () => {
    const dwell = new Dwell();
    for (const ms of [5, 9, 7]) dwell.add({ kind: 'k', address: 'k/1', stays: [{ state: 's', ms }] });
    dwell.written();
    expect(dwell.of()[0]?.slowest).toEqual([{ address: 'k/1', ms: 9 }]);
  });

  it('takes the shortest and the longest life there may be', () => {
    const dwell = new Dwell();
    for (const ms of [0, 0.4, 1, 366 * 86_400_000 * 100])
      dwell.add({ kind: 'k', address: 'k/1', stays: [{ state: 's', ms }] });
    dwell.written();
    expect(dwell.of()[0]).toMatchObject({ count: 4, p50Ms: 0 });
  });

  it('keeps no more states than it may, and goes on with those it has', () => {
    const dwell = new Dwell();
    const add = (state: string): void => dwell.add({ kind: 'k', address: 'k/1', stays: [{ state, ms: 5 }] });
    for (let index = 0; index <= limits.dwellStatesMax; index += 1) add(`s${index}`);
    add('s0');
    dwell.written();
    const all = dwell.of('k');
    expect(all).toHaveLength(limits.dwellStatesMax);
    expect(all[0]).toMatchObject({ state: 's0', count: 2 });
  });

  it('begins anew where its row cannot be read', async () => {
    const disk = createMemoryDisk();
    const store = await openMemoryStore({ disk });
    const bad = ['7', '{"buckets":{"1":"x"},"slowest":[]}', '{"buckets":{},"slowest":[[1]]}', 'null'];
    const rows = bad.map((value, index) => ({ key: keys.dwell('k', `s${index}`), value }));
    await store.commit({ number: store.lastCommit + 1, rows, expect: [] });
    expect((await Dwell.load(store)).of()).toEqual([]);
    await store.close();
  });
});

describe('what a chart is drawn from', () => {
  it('is stored with the first actor of a version, and makes a machine of the same states', async () => {
    const machine = workflow(async () => 1);
    const world = await openWorld([{ kind: 'flow', machine }]);
    await world.kernel.create('flow', 'f', { n: 1 });
    const { hash } = (await world.kernel.reader.record('flow/f')) ?? { hash: '' };
    await world.crash([]);
    const chart = world.kernel.shape('flow', '1', hash)?.chart;
    expect(chart).toEqual(chartConfigOf(machine));
    const again = createMachine(chart as never);
    expect(Object.keys(again.root.states)).toEqual(Object.keys(machine.root.states));
    expect(chartConfigOf(again)).toEqual(chart);
  });

  it('is written beside a shape of an older holdfast with the next step of anybody', async () => {
    const machine = workflow(async () => 1);
    const world = await openWorld([{ kind: 'flow', machine }]);
    await world.kernel.create('flow', 'f', { n: 1 });
    const [row] = await rowsOf(world.store, 'v');
    const { chart: _chart, ...older } = JSON.parse(row?.[1] ?? '{}') as Record<string, Json>;
    const old = { key: row?.[0] ?? '', value: JSON.stringify(older) };
    await world.store.commit({ number: world.store.lastCommit + 1, rows: [old], expect: [] });
    await world.crash([{ kind: 'flow', machine }]);
    await world.kernel.send('flow/f', { type: 'changes nothing' });
    const [after] = await rowsOf(world.store, 'v');
    expect(JSON.parse(after?.[1] ?? '{}')).toEqual({ ...older, chart: chartConfigOf(machine) });
  });

  it('names functions, and has no structure of its own', () => {
    const named = setup({ guards: { mayGo: () => true }, actions: { note: () => undefined } });
    const machine = named.createMachine({
      id: 'm',
      version: '1',
      initial: 'a',
      states: {
        a: {
          entry: [() => undefined, 'note'],
          on: { go: { guard: 'mayGo', target: 'b' }, no: { guard: () => false, target: 'b' } },
        },
        b: { type: 'final', output: () => 1 },
      },
    });
    const config = chartConfigOf(machine);
    expect(config).toMatchObject({
      id: 'm',
      states: {
        a: {
          entry: ['ƒ', 'note'],
          on: { go: { guard: 'mayGo', target: 'b' }, no: { guard: 'ƒ', target: 'b' } },
        },
        b: { type: 'final' },
      },
    });
    expect(JSON.stringify(config)).not.toContain('output');
    const plainly = named.createMachine({
      id: 'p',
      initial: 'a',
      states: { a: { on: { go: { guard: 'mayGo', target: 'a' } } } },
    });
    expect(structureHash(createMachine(chartConfigOf(plainly) as never))).toBe(structureHash(plainly));
  });
});
