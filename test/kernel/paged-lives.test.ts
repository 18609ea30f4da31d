/** What else happens to an actor with a paged context: bugs, new versions, other definitions, capsules. */
import { assign, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { Capsules } from '../../src/actors/capsule/capsules.js';
import { checkReplay, defineMachine, Kernel, type DefinitionOptions } from '../../src/actors/kernel/index.js';
import { silentLogger } from '../../src/log.js';
import { createMemoryDisk, openMemoryStore } from '../../src/store/index.js';
import { keys } from '../../src/store/keys.js';
import { createSimulatedClock } from '../../src/testing/simulated-clock.js';
import { expectReplay } from '../../src/testing/index.js';
import { openWorld, reading, type World } from './fixtures.js';
import {
  ADDRESS,
  expectedAfter,
  pagesStored,
  queueDefinition,
  queueMachine,
  storedRecord,
  type QueueContext,
  type QueueEvent,
} from './paged-queue.js';

const definition = queueDefinition(4);
const pad = 'x'.repeat(8_000);

/** Pushes twice for each shift. */
function events(count: number): readonly QueueEvent[] {
  return Array.from({ length: count }, (_unused, index) => ({
    type: index % 3 === 2 ? 'shift' : 'push',
    pad,
  }));
}

async function openQueue(steps: number, defined: DefinitionOptions = definition): Promise<World> {
  const world = await openWorld([defined]);
  await world.kernel.create('queue', 'a', { size: 30 });
  await sendAll(world, steps);
  return world;
}

async function sendAll({ kernel }: World, steps: number): Promise<void> {
  for (const event of events(steps)) await kernel.send(ADDRESS, event);
}

async function contextOf(world: World): Promise<QueueContext> {
  return (await world.kernel.snapshot(ADDRESS))?.snapshot.context as QueueContext;
}

async function expectTidy(world: World): Promise<void> {
  const { rows, referred } = await pagesStored(world.store);
  expect(rows).toEqual(referred);
}

async function deleteRow(world: World, key: string): Promise<void> {
  const number = world.store.lastCommit + 1;
  await world.store.commit({ number, rows: [{ key, value: undefined }], expect: [] });
}

describe('a paged context', () => {
  it.each([
    ['goes with a machine of snapshot: "amortized" alone', { paged: 'pages' }],
    ['goes with a machine of snapshot: "amortized" alone', { paged: 'pages', snapshot: 'each' }],
    ['is no key of a context', { paged: '', snapshot: 'amortized' }],
  ] as const)('is refused at define where it %s', (why, options) => {
    const define = (): unknown => defineMachine({ kind: 'queue', machine: queueMachine(4), ...options });
    expect(define).toThrow(expect.objectContaining({ code: 'INVALID_DEFINITION' }));
    expect(define).toThrow(`queue: paged: ${why}`);
  });

  it.each([
    ['spoil', 'not JSON at $.pages[8].at'],
    ['tear', 'no array "pages"'],
  ] as const)('sets its actor aside that makes what is no page of it: %s', async (type, why) => {
    const world = await openQueue(0);
    await expect(world.kernel.send(ADDRESS, { type })).rejects.toThrow(why);
    expect((await storedRecord(world.store)).quarantine).toMatchObject({ code: 'INVALID_DEFINITION' });
  });

  it('is looked into where it is new alone, and written once', async () => {
    let looks = 0;
    const page = {
      get item(): string {
        looks += 1;
        return 'seen';
      },
    };
    const machine = setup({
      types: { context: {} as { pages: readonly object[] }, events: {} as { type: 'push'; pad: string } },
      actions: { push: assign(({ context: { pages } }) => ({ pages: [{ item: 'new' }, ...pages] })) },
    }).createMachine({
      id: 'shelf',
      version: '1',
      context: { pages: [page] },
      on: { push: { actions: 'push' } },
    });
    const world = await openWorld([{ kind: 'shelf', machine, snapshot: 'amortized', paged: 'pages' }]);
    await world.kernel.create('shelf', 'a', undefined);
    const checked = looks;
    for (let step = 0; step < 50; step += 1) await world.kernel.send('shelf/a', { type: 'push', pad });
    expect(await world.store.get(keys.page('shelf/a', 1))).toBeDefined();
    expect([checked, looks]).toEqual([1, 2]);
  });

  it('goes on where it stood still, after a restart too, and leaves no page behind', async () => {
    const world = await openQueue(40);
    const before = await contextOf(world);
    await expect(world.kernel.send(ADDRESS, { type: 'boom' })).rejects.toThrow('a bug in an assign');
    expect(await storedRecord(world.store)).toMatchObject({ snapshot: { context: before } });
    await world.crash([definition]);
    await world.kernel.operate('skip', ADDRESS, 'test');
    for (let round = 0; round < 5; round += 1) {
      await sendAll(world, 60);
      await expectTidy(world);
      await world.crash([definition]);
    }
    const all = [40, 60, 60, 60, 60, 60].flatMap(events);
    expect(await contextOf(world)).toEqual(expectedAfter(30, 4, all));
    expect(world.failures).toEqual([]);
  });

  it('sets its actor aside of which a page is missing (STORE_CORRUPTED)', async () => {
    const world = await openQueue(40);
    const { rows } = await pagesStored(world.store);
    await deleteRow(world, keys.page(ADDRESS, rows.at(-1) ?? 0));
    await world.crash([definition]);
    await expect(world.kernel.send(ADDRESS, { type: 'shift', pad })).rejects.toMatchObject({
      code: 'ACTOR_QUARANTINED',
    });
    expect((await storedRecord(world.store)).quarantine).toMatchObject({ code: 'STORE_CORRUPTED' });
  });

  it('is whole for the migration of its version, and new pages after it (K12)', async () => {
    const world = await openQueue(40);
    const before = await contextOf(world);
    const seen: unknown[] = [];
    const next: DefinitionOptions = {
      ...definition,
      machine: queueMachine(4, '2'),
      migrate: {
        from: {
          1: (state) => {
            seen.push(structuredClone(state.context));
            return { ...state, context: { ...state.context, next: 1_000 } };
          },
        },
        machines: { 1: queueMachine(4) },
      },
    };
    await world.crash([next]);
    await sendAll(world, 200);
    expect(seen).toEqual([before]);
    expect((await storedRecord(world.store)).version).toBe('2');
    expect((await contextOf(world)).pages.length).toBeGreaterThan(before.pages.length);
    await expectTidy(world);
    await world.crash([next]);
    await sendAll(world, 200);
    await expectTidy(world);
    expect(world.failures).toEqual([]);
  });

  it.each(['amortized', 'each'] as const)(
    'may be no longer paged (%s), and paged again: its pages go with the checkpoints that knew them',
    async (snapshot) => {
      const world = await openQueue(40);
      const whole: DefinitionOptions = { kind: 'queue', machine: queueMachine(4), snapshot };
      for (let round = 0; round < 4; round += 1) {
        await world.crash([whole]);
        await sendAll(world, 100);
        await expectTidy(world);
      }
      expect((await pagesStored(world.store)).rows).toEqual([]);
      await world.crash([definition]);
      await sendAll(world, 40);
      expect((await pagesStored(world.store)).rows.length).toBeGreaterThan(8);
      await expectTidy(world);
      const all = [40, 100, 100, 100, 100, 40].flatMap(events);
      expect(await contextOf(world)).toEqual(expectedAfter(30, 4, all));
    },
  );

  it('replays from its oldest checkpoint, here and in a capsule, and comes in from one', async () => {
    const world = await openQueue(140);
    const record = await world.kernel.reader.record(ADDRESS);
    const from = record?.marks[0]?.[0] ?? 0;
    expect(from).toBeGreaterThan(0);
    const checkpoint = await world.kernel.reader.checkpoint(ADDRESS, from);
    expect(checkpoint).not.toHaveProperty('paging');
    const entries = await world.kernel.reader.journal(ADDRESS);
    const defined = defineMachine(definition);
    if (record === undefined || checkpoint === undefined) throw new Error('it is gone');
    const input = { definition: defined, address: ADDRESS, checkpoint, entries };
    expect(() => checkReplay(input, record.snapshot)).not.toThrow();
    const capsule = await new Capsules(world.kernel, world.clock).export(ADDRESS);
    expectReplay(queueMachine(4), capsule);
    const other = await openWorld([definition]);
    await new Capsules(other.kernel, other.clock).import(JSON.parse(JSON.stringify(capsule)));
    await other.kernel.operate('resume', ADDRESS, 'test');
    expect(await contextOf(other)).toEqual(await contextOf(world));
    await sendAll(other, 100);
    await expectTidy(other);
    await deleteRow(world, keys.page(ADDRESS, (await pagesStored(world.store)).rows[0] ?? 0));
    const { gaps } = await new Capsules(world.kernel, world.clock).export(ADDRESS);
    expect(gaps).toEqual([{ what: 'checkpoint', which: String(from) }]);
  });

  it.each([
    [100_000, 'leaves memory for the bytes of its pages'],
    [1_000_000, 'stays in memory where there is room for them'],
  ] as const)('with bounds of %i bytes %s', async (bytesMax, what) => {
    let reads = 0;
    const inner = await openMemoryStore({ disk: createMemoryDisk() });
    const store = reading(inner, {
      get: (key) => {
        if (key === keys.record(ADDRESS)) reads += 1;
        return inner.get(key);
      },
    });
    const clock = createSimulatedClock();
    const memory = { bytesMax };
    const kernel = await Kernel.open({ store, clock, log: silentLogger, memory });
    kernel.define(queueDefinition(256));
    await kernel.start();
    await kernel.create('queue', 'a', { size: 3_000 });
    for (const event of events(20)) await kernel.send(ADDRESS, event);
    reads = 0;
    for (const event of events(10)) await kernel.send(ADDRESS, event);
    expect(reads).toBe(what.startsWith('leaves') ? 10 : 0);
  });
});
