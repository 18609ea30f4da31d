/** Amortized snapshots: what is written seldom comes back whole. */
import { assign, fromPromise, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { checkReplay, type ActorRecord, type DefinitionOptions } from '../../src/actors/kernel/index.js';
import { keys } from '../../src/store/keys.js';
import { openWorld, rowsOf, settled, type World } from './fixtures.js';

const text = 'x'.repeat(20_000);

/** A notebook: a large context that every note changes a little; pages turn by timer, by event, by effect. */
function notebook(version: string, step = 1) {
  return setup({
    types: {
      context: {} as { notes: number; big: string; pages: number },
      events: {} as { type: 'note' } | { type: 'turn' } | { type: 'close' } | { type: 'boom' },
    },
    actors: { copy: fromPromise(async () => 'copied') },
    actions: {
      note: assign(({ context }) => ({ notes: context.notes + step })),
      turn: assign(({ context }) => ({ pages: context.pages + 1 })),
      fall: assign(() => {
        throw new Error('a bug in an assign');
      }),
    },
  }).createMachine({
    id: 'notebook',
    version,
    context: { notes: 0, big: text, pages: 0 },
    initial: 'open',
    on: { note: { actions: 'note' }, boom: { actions: 'fall' } },
    states: {
      open: { after: { 1_000: { target: 'copying' } }, on: { turn: 'copying', close: 'closed' } },
      copying: { invoke: { id: 'copy', src: 'copy', onDone: { target: 'open', actions: 'turn' } } },
      closed: { type: 'final' },
    },
  });
}

function definitionOf(snapshot: 'each' | 'amortized'): DefinitionOptions {
  return { kind: 'notebook', machine: notebook('1'), snapshot };
}

async function write(world: World, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await world.kernel.send('notebook/a', { type: index % 50 === 49 ? 'turn' : 'note' });
    await settled(world);
  }
}

async function storedRecord(world: World): Promise<ActorRecord> {
  return JSON.parse((await world.store.get(keys.record('notebook/a'))) ?? 'null') as ActorRecord;
}

const withoutTimes = ({ snapshot, status, seq, effects, timers }: ActorRecord): unknown => ({
  snapshot,
  status,
  seq,
  effects: effects.map(({ id, child }) => ({ id, child })),
  timers: timers.map(({ id, sendId }) => ({ id, sendId })),
});

describe('amortized snapshots', () => {
  it('come back as those written with each step, after any number of steps and a crash', async () => {
    const each = await openWorld([definitionOf('each')]);
    const amortized = await openWorld([definitionOf('amortized')]);
    for (const world of [each, amortized]) await world.kernel.create('notebook', 'a', undefined);
    for (const steps of [1, 2, 60, 200, 250]) {
      const records: unknown[] = [];
      for (const [world, snapshot] of [
        [each, 'each'],
        [amortized, 'amortized'],
      ] as const) {
        await write(world, steps);
        await world.crash([definitionOf(snapshot)]);
        const record = await world.kernel.reader.record('notebook/a');
        if (record === undefined) throw new Error('it is gone');
        records.push(withoutTimes(record));
        const found = await world.kernel.waitFor('notebook/a', () => true);
        expect(found.context).toEqual((record.snapshot as { context: unknown }).context);
      }
      expect(records[1]).toEqual(records[0]);
    }
    expect((await amortized.kernel.reader.record('notebook/a'))?.seq).toBeGreaterThan(513);
  });

  it('write the context once in 64 KiB of journal, not with each step', async () => {
    const world = await openWorld([definitionOf('amortized')]);
    await world.kernel.create('notebook', 'a', undefined);
    await write(world, 100);
    expect(await storedRecord(world)).not.toHaveProperty('snapshot');
    const checkpoints = await rowsOf(world.store, 'c');
    expect(checkpoints.length).toBeLessThan(3);
    const record = JSON.stringify(await storedRecord(world));
    expect(record.length).toBeLessThan(1_000);
  });

  it('are whole once the actor has ended, and while it stands still', async () => {
    const world = await openWorld([definitionOf('amortized')]);
    await world.kernel.create('notebook', 'a', undefined);
    await write(world, 3);
    await expect(world.kernel.send('notebook/a', { type: 'boom' })).rejects.toThrow('a bug in an assign');
    expect(await storedRecord(world)).toMatchObject({ snapshot: { context: { notes: 3 } } });
    await world.crash([definitionOf('amortized')]);
    await world.kernel.operate('skip', 'notebook/a', 'test');
    await write(world, 2);
    expect(await storedRecord(world)).not.toHaveProperty('snapshot');
    await world.crash([definitionOf('amortized')]);
    await world.kernel.send('notebook/a', { type: 'close' });
    const record = await storedRecord(world);
    expect(record).toMatchObject({ status: 'done', snapshot: { value: 'closed', context: { notes: 5 } } });
    const entries = await world.kernel.reader.journal('notebook/a');
    const definition = world.kernel.definitionOf('notebook');
    if (definition === undefined) throw new Error('it is not defined');
    expect(() => checkReplay({ definition, address: 'notebook/a', entries }, record.snapshot)).not.toThrow();
  });

  it('set an actor aside whose machine says something else now than it did (REPLAY_DIVERGED)', async () => {
    const world = await openWorld([definitionOf('amortized')]);
    await world.kernel.create('notebook', 'a', undefined);
    await world.kernel.send('notebook/a', { type: 'turn' });
    await settled(world);
    const machine = notebook('1').provide({
      actions: {
        turn: assign(() => {
          throw new Error('it was deterministic once');
        }),
      },
    });
    await world.crash([{ kind: 'notebook', machine, snapshot: 'amortized' }]);
    await expect(world.kernel.send('notebook/a', { type: 'note' })).rejects.toMatchObject({
      code: 'ACTOR_QUARANTINED',
    });
    await world.crash([definitionOf('amortized')]);
    await world.kernel.operate('resume', 'notebook/a', 'test');
    await world.kernel.send('notebook/a', { type: 'note' });
    const { snapshot } = (await world.kernel.snapshot('notebook/a')) ?? {};
    expect(snapshot?.context).toMatchObject({ notes: 1, pages: 1 });
  });

  it('need the machine of an older version to be taken along (K12)', async () => {
    const world = await openWorld([definitionOf('amortized')]);
    await world.kernel.create('notebook', 'a', undefined);
    await write(world, 3);
    const second = { kind: 'notebook', machine: notebook('2', 10), snapshot: 'amortized' } as const;
    await world.crash([{ ...second, migrate: { from: { 1: 'compatible' } } }]);
    await settled(world);
    const reason = (await storedRecord(world)).quarantine;
    expect(reason).toMatchObject({ code: 'VERSION_UNKNOWN' });
    expect(reason?.message).toContain('migrate.machines');
    const machines = { 1: notebook('1') };
    await world.crash([{ ...second, migrate: { from: { 1: 'compatible' }, machines } }]);
    await settled(world);
    await world.kernel.send('notebook/a', { type: 'note' });
    const { snapshot, record } = (await world.kernel.snapshot('notebook/a')) ?? {};
    expect(record?.version).toBe('2');
    expect(snapshot?.context).toMatchObject({ notes: 13 });
    expect(world.failures).toEqual([]);
  });
});
