import { describe, expect, it } from 'vitest';
import { checkReplay } from '../../src/actors/kernel/index.js';
import { faultyStore } from '../../src/testing/index.js';
import { deferred, openWorld, reading, workflow, type World } from './fixtures.js';

async function isReplayable(world: World, address: string): Promise<void> {
  const record = await world.kernel.reader.record(address);
  const entries = await world.kernel.reader.journal(address);
  const definition = world.kernel.definitionOf(address.split('/')[0] ?? '');
  if (record === undefined || definition === undefined) throw new Error(`no ${address}`);
  expect(entries.map(({ seq }) => seq)).toEqual(
    Array.from({ length: record.seq }, (_unused, index) => index + 1),
  );
  checkReplay({ definition, address, entries }, record.snapshot);
}

describe('the kernel', () => {
  it('takes an actor from creation to its end, one commit a step, and can replay it', async () => {
    const world = await openWorld([{ kind: 'flow', machine: workflow(async ({ n }) => n * 2) }]);
    await world.kernel.create('flow', 'a', { n: 21 });
    const before = world.store.lastCommit;
    await world.kernel.send('flow/a', { type: 'go' });
    expect(world.store.lastCommit - before).toBe(1);
    const waiting = await world.kernel.waitFor('flow/a', (snapshot) => snapshot.value === 'waiting');
    expect(waiting.context).toMatchObject({ results: [42] });
    await world.clock.advance(10_000);
    const done = await world.kernel.waitFor('flow/a', (snapshot) => snapshot.status === 'done');
    expect(done.value).toBe('done');
    await isReplayable(world, 'flow/a');
  });

  it('settles a duplicate with the original commit and applies it once', async () => {
    const world = await openWorld([{ kind: 'flow', machine: workflow(async () => 1) }]);
    await world.kernel.create('flow', 'a', { n: 0 });
    const [first, second] = await Promise.all([
      world.kernel.send('flow/a', { type: 'add', by: 5 }, { id: 'evt_1' }),
      world.kernel.send('flow/a', { type: 'add', by: 5 }, { id: 'evt_1' }),
    ]);
    const third = await world.kernel.send('flow/a', { type: 'add', by: 5 }, { id: 'evt_1' });
    expect([first.deduplicated, second.deduplicated, third.deduplicated]).toEqual([false, true, true]);
    expect([second.seq, third.seq]).toEqual([first.seq, first.seq]);
    const found = await world.kernel.snapshot('flow/a');
    expect(found?.snapshot.context).toMatchObject({ n: 5 });
  });

  it('creates an actor once per id', async () => {
    const world = await openWorld([{ kind: 'flow', machine: workflow(async () => 1) }]);
    const outcomes = await Promise.all([
      world.kernel.create('flow', 'a', { n: 1 }),
      world.kernel.create('flow', 'a', { n: 2 }),
    ]);
    expect(outcomes.map((outcome) => outcome.deduplicated)).toEqual([false, true]);
    expect((await world.kernel.snapshot('flow/a'))?.snapshot.context).toMatchObject({ n: 1 });
  });

  it('runs an effect again after a crash, and a timer that came due while nothing ran', async () => {
    let runs = 0;
    const hanging = { kind: 'flow', machine: workflow(() => (runs++, new Promise(() => undefined))) };
    const world = await openWorld([hanging]);
    await world.kernel.create('flow', 'a', { n: 1 });
    await world.kernel.send('flow/a', { type: 'go' });
    await world.clock.advance(1);
    expect(runs).toBe(1);
    await world.crash([{ kind: 'flow', machine: workflow(async () => (runs++, 'again')) }]);
    await world.kernel.waitFor('flow/a', (snapshot) => snapshot.value === 'waiting');
    expect(runs).toBe(2);
    await world.crash([]);
    await world.clock.advance(60_000);
    await world.crash([hanging]);
    const done = await world.kernel.waitFor('flow/a', (snapshot) => snapshot.value === 'done');
    expect(done.context).toMatchObject({ results: ['again'] });
    await isReplayable(world, 'flow/a');
  });

  it('never repeats a manual effect that had started: its actor hears of the interruption', async () => {
    let runs = 0;
    const hang = {
      kind: 'flow',
      machine: workflow(() => (runs++, new Promise(() => undefined))),
      effects: { work: { recovery: 'manual' as const } },
    };
    const world = await openWorld([hang]);
    await world.kernel.create('flow', 'a', { n: 1 });
    await world.kernel.send('flow/a', { type: 'go' });
    await world.clock.advance(1);
    expect(runs).toBe(1);
    await world.crash([hang]);
    await world.kernel.waitFor('flow/a', (snapshot) => snapshot.value === 'failed');
    expect(runs).toBe(1);
  });

  it('quarantines an actor whose assign throws and leaves the others alone', async () => {
    const definition = { kind: 'flow', machine: workflow(async () => 1) };
    const world = await openWorld([definition]);
    await world.kernel.create('flow', 'bad', { n: 1 });
    await world.kernel.create('flow', 'good', { n: 1 });
    await expect(world.kernel.send('flow/bad', { type: 'boom' })).rejects.toMatchObject({
      code: 'ACTOR_QUARANTINED',
    });
    await expect(world.kernel.send('flow/bad', { type: 'add', by: 1 })).rejects.toMatchObject({
      code: 'ACTOR_QUARANTINED',
    });
    await world.kernel.send('flow/good', { type: 'add', by: 1 });
    await world.crash([definition]);
    const record = await world.kernel.reader.record('flow/bad');
    expect(record?.quarantine).toMatchObject({ message: 'a bug in an assign', event: { type: 'boom' } });
    expect(record?.seq).toBe(1);
    expect((await world.kernel.snapshot('flow/good'))?.snapshot.context).toMatchObject({ n: 2 });
  });

  it('takes an event as it was when it was sent, whatever becomes of the object', async () => {
    const world = await openWorld([{ kind: 'flow', machine: workflow(async () => 1) }], (store) =>
      reading(store, { get: async (key) => await store.get(key) }),
    );
    await world.kernel.create('flow', 'a', { n: 0 });
    const event = { type: 'add', by: 1 };
    const sent = world.kernel.send('flow/a', event, { id: 'evt_1' });
    event.by = 100;
    await sent;
    expect((await world.kernel.snapshot('flow/a'))?.snapshot.context).toMatchObject({ n: 1 });
  });

  it('K4: closes after the commit of what it had taken', async () => {
    const world = await openWorld([{ kind: 'flow', machine: workflow(async () => 1) }]);
    await world.kernel.create('flow', 'a', { n: 0 });
    const sent = world.kernel.send('flow/a', { type: 'add', by: 1 });
    await Promise.all([world.kernel.close(), expect(sent).resolves.toMatchObject({ seq: 2 })]);
  });

  it('refuses events it could not store, and actors it does not have', async () => {
    const world = await openWorld([{ kind: 'flow', machine: workflow(async () => 1) }]);
    await world.kernel.create('flow', 'a', { n: 1 });
    const send = (event: unknown): Promise<unknown> => world.kernel.send('flow/a', event as never);
    for (const event of [
      { type: 'a', $: 1 },
      { type: '' },
      'go',
      { type: 'x', at: new Date() },
      { type: 'xstate.init' },
    ]) {
      await expect(send(event)).rejects.toMatchObject({ code: 'INVALID_EVENT' });
    }
    await expect(world.kernel.send('flow/b', { type: 'go' })).rejects.toMatchObject({
      code: 'ACTOR_NOT_FOUND',
    });
    await expect(world.kernel.send('other/b', { type: 'go' })).rejects.toMatchObject({
      code: 'KIND_UNKNOWN',
    });
    await expect(world.kernel.create('flow', 'a\0b', { n: 1 })).rejects.toMatchObject({ code: 'INVALID_ID' });
  });

  it('refuses the result of an effect that was left, and aborts it', async () => {
    const gate = deferred<number>();
    const world = await openWorld([{ kind: 'flow', machine: workflow(() => gate.promise) }]);
    await world.kernel.create('flow', 'a', { n: 1 });
    await world.kernel.send('flow/a', { type: 'go' });
    await world.clock.advance(1);
    await world.kernel.send('flow/a', { type: 'effect.interrupted' });
    gate.resolve(1);
    await world.clock.advance(1);
    const found = await world.kernel.snapshot('flow/a');
    expect(found?.snapshot.value).toBe('failed');
    expect(found?.snapshot.context).toMatchObject({ results: [] });
  });

  it('ends with the store: everybody waiting is told, nothing more is accepted', async () => {
    let failing = false;
    const world = await openWorld([{ kind: 'flow', machine: workflow(async () => 1) }], (store) =>
      faultyStore(store, {
        onCommit: (_number, phase) => {
          if (failing && phase === 'before') throw new Error('disk on fire');
        },
      }),
    );
    await world.kernel.create('flow', 'a', { n: 1 });
    const waiting = world.kernel.waitFor('flow/a', (snapshot) => snapshot.value === 'done');
    waiting.catch(() => undefined);
    failing = true;
    await expect(world.kernel.send('flow/a', { type: 'add', by: 1 })).rejects.toMatchObject({
      code: 'STORE_FAILED',
    });
    await expect(waiting).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await expect(world.kernel.send('flow/a', { type: 'add', by: 1 })).rejects.toMatchObject({
      code: 'STORE_FAILED',
    });
    expect(world.failures).toHaveLength(1);
    failing = false;
    await world.crash([{ kind: 'flow', machine: workflow(async () => 1) }]);
    expect((await world.kernel.snapshot('flow/a'))?.snapshot.context).toMatchObject({ n: 1 });
  });

  it('writes nothing and sets no timer while idle, until the next due time', async () => {
    const world = await openWorld([{ kind: 'flow', machine: workflow(async () => 1) }]);
    await world.kernel.create('flow', 'a', { n: 1 });
    await world.kernel.send('flow/a', { type: 'go' });
    await world.kernel.waitFor('flow/a', (snapshot) => snapshot.value === 'waiting');
    const commits = world.store.lastCommit;
    const timers = world.clock.timersSet();
    await world.clock.advance(9_999);
    expect(world.store.lastCommit).toBe(commits);
    expect(world.clock.timersSet()).toBe(timers);
    await world.clock.advance(1);
    expect(world.store.lastCommit).toBe(commits + 1);
  });

  it('removes a finished actor after its retention, with all its rows but dedupe', async () => {
    const world = await openWorld([{ kind: 'flow', machine: workflow(async () => 1), retentionMs: 5_000 }]);
    await world.kernel.create('flow', 'a', { n: 1 }, { payloads: { request: { prompt: 'a cat' } } });
    await world.kernel.send('flow/a', { type: 'go' });
    await world.clock.advance(10_000);
    expect((await world.kernel.reader.record('flow/a'))?.status).toBe('done');
    await world.clock.advance(5_000);
    expect(await world.kernel.reader.record('flow/a')).toBeUndefined();
    expect(await world.kernel.reader.journal('flow/a')).toEqual([]);
    expect(await world.kernel.reader.payload('flow/a', 'request')).toBeUndefined();
    expect(world.kernel.counts('flow')).toEqual([]);
    await expect(world.kernel.waitFor('flow/a', () => true)).rejects.toMatchObject({
      code: 'ACTOR_NOT_FOUND',
    });
  });
});
