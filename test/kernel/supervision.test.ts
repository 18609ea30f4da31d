/** Who is restarted, stopped or escalated when it throws, and what of it a crash may not undo. */
import { describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { openWorld, rowsOf, settled, type World } from './fixtures.js';
import { codeOf, family, fragileKind, KID, nothingLeft, poisons, replays } from './poisons.js';
import type { Supervision } from './poisons.js';

const restart = (failuresMax: number, periodMs = 60_000): Supervision => ({
  onFailure: 'restart',
  budget: { failuresMax, periodMs },
});

const contextOf = async (world: World, address: string): Promise<unknown> =>
  (await world.kernel.snapshot(address))?.snapshot.context;

const statusOf = async (world: World, address: string): Promise<unknown> => {
  const found = await world.kernel.reader.record(address);
  return found?.quarantine === undefined ? found?.status : 'quarantined';
};

describe('an actor that restarts when it fails', () => {
  it('begins anew from its input, with the reason in its journal, and its sender is told', async () => {
    const world = await openWorld([fragileKind(undefined, { supervision: restart(2) })]);
    await world.kernel.create('fragile', 'a', { n: 5 });
    await world.kernel.send('fragile/a', { type: 'ok' });
    const code = await codeOf(world.kernel.send('fragile/a', { type: 'poison', how: 'assign' }));
    expect(code).toBe('ACTOR_FAILED');
    expect(await contextOf(world, 'fragile/a')).toMatchObject({ n: 5, from: 5 });
    expect((await world.kernel.reader.journal('fragile/a')).at(-1)).toMatchObject({
      seq: 3,
      source: 'supervisor',
      event: { type: 'xstate.init', input: { n: 5 } },
      failure: { event: { type: 'poison', how: 'assign' }, error: { message: 'poison' } },
    });
    await world.kernel.send('fragile/a', { type: 'ok' });
    expect(await contextOf(world, 'fragile/a')).toMatchObject({ n: 6 });
    await replays(world, 'fragile/a');
    await world.kernel.send('fragile/a', { type: 'end' });
    await nothingLeft(world);
  });

  it.each(poisons)('restarts on a throw of its %s', async (how) => {
    const world = await openWorld([fragileKind(undefined, { supervision: restart(1) })]);
    await world.kernel.create('fragile', 'a', { n: 5 });
    expect(await codeOf(world.kernel.send('fragile/a', { type: 'poison', how }))).toBe('ACTOR_FAILED');
    expect(await contextOf(world, 'fragile/a')).toMatchObject({ n: 5 });
    expect(await statusOf(world, 'fragile/a')).toBe('active');
    await replays(world, 'fragile/a');
    expect((await world.kernel.reader.byIndex('n', ['5'])).items).toEqual(['fragile/a']);
    await world.kernel.send('fragile/a', { type: 'end' });
    await nothingLeft(world);
  });

  it('keeps nothing under way of its earlier life', async () => {
    const world = await openWorld([fragileKind(undefined, { supervision: restart(3) })]);
    await world.kernel.create('fragile', 'a', { n: 5 });
    await world.kernel.send('fragile/a', { type: 'later' });
    expect(await rowsOf(world.store, 'd')).toHaveLength(1);
    await world.clock.advance(1_000);
    // The timer's own step threw: the actor is in its first state again, with that state's timer.
    const record = await world.kernel.reader.record('fragile/a');
    expect(record).toMatchObject({ seq: 3, restarts: [1_001_000], snapshot: { value: 'well' } });
    expect(record?.timers).toMatchObject([{ dueAt: 1_061_000 }]);
    expect(await rowsOf(world.store, 'd')).toHaveLength(1);
    await world.clock.advance(60_000);
    expect(await contextOf(world, 'fragile/a')).toMatchObject({ n: 6 });
    await replays(world, 'fragile/a');
  });

  it('stands still beyond its budget, and its budget survives crashes', async () => {
    const kinds = [fragileKind(undefined, { supervision: restart(2) })];
    const world = await openWorld(kinds);
    await world.kernel.create('fragile', 'a', { n: 1 });
    const poison = { type: 'poison', how: 'guard' };
    const codes: unknown[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      codes.push(await codeOf(world.kernel.send('fragile/a', poison)));
      await world.clock.advance(1_000);
      await world.crash(kinds);
    }
    expect(codes).toEqual(['ACTOR_FAILED', 'ACTOR_FAILED', 'ACTOR_QUARANTINED', 'ACTOR_QUARANTINED']);
    expect(await world.kernel.reader.record('fragile/a')).toMatchObject({
      seq: 3,
      restarts: [1_000_000, 1_001_000],
      quarantine: { message: 'poison', event: poison },
    });
    await replays(world, 'fragile/a');
  });

  it('forgets restarts that are older than the period', async () => {
    const world = await openWorld([fragileKind(undefined, { supervision: restart(1, 10_000) })]);
    await world.kernel.create('fragile', 'a', { n: 1 });
    const poison = { type: 'poison', how: 'entry' };
    for (let turn = 0; turn < 5; turn += 1) {
      expect(await codeOf(world.kernel.send('fragile/a', poison))).toBe('ACTOR_FAILED');
      await world.clock.advance(10_000);
    }
    expect(await codeOf(world.kernel.send('fragile/a', poison))).toBe('ACTOR_FAILED');
    await world.clock.advance(9_999);
    expect(await codeOf(world.kernel.send('fragile/a', poison))).toBe('ACTOR_QUARANTINED');
  });

  it('stands still when it was created before it was to restart: nobody kept its input', async () => {
    const world = await openWorld([fragileKind()]);
    await world.kernel.create('fragile', 'a', { n: 5 });
    await world.crash([fragileKind(undefined, { supervision: restart(2) })]);
    await world.kernel.create('fragile', 'b', { n: 6 });
    const poison = { type: 'poison', how: 'assign' };
    const codes = ['fragile/a', 'fragile/b'].map((address) => codeOf(world.kernel.send(address, poison)));
    expect(await Promise.all(codes)).toEqual(['ACTOR_QUARANTINED', 'ACTOR_FAILED']);
    expect(await contextOf(world, 'fragile/b')).toMatchObject({ n: 6 });
    // Nor while another policy was in force.
    await world.crash([fragileKind()]);
    await world.kernel.send('fragile/b', { type: 'ok' });
    await world.crash([fragileKind(undefined, { supervision: restart(2) })]);
    expect(await codeOf(world.kernel.send('fragile/b', poison))).toBe('ACTOR_QUARANTINED');
    expect(await contextOf(world, 'fragile/b')).toMatchObject({ n: 7 });
  });

  it('goes on after a resume once its period has passed, by beginning anew', async () => {
    const world = await openWorld([fragileKind(undefined, { supervision: restart(1, 10_000) })]);
    await world.kernel.create('fragile', 'a', { n: 1 });
    const poison = { type: 'poison', how: 'entry' };
    await codeOf(world.kernel.send('fragile/a', poison));
    expect(await codeOf(world.kernel.send('fragile/a', poison))).toBe('ACTOR_QUARANTINED');
    expect(await codeOf(world.kernel.operate('resume', 'fragile/a', 'ann'))).toBe('ACTOR_QUARANTINED');
    await world.clock.advance(10_000);
    expect(await codeOf(world.kernel.operate('resume', 'fragile/a', 'ann'))).toBe('ACTOR_FAILED');
    expect(await statusOf(world, 'fragile/a')).toBe('active');
    expect(await rowsOf(world.store, 'q')).toHaveLength(1);
    await replays(world, 'fragile/a');
    await world.kernel.send('fragile/a', { type: 'end' });
    await nothingLeft(world);
  });

  it('restarts too when its machine ends in an error, an unhandled rejection for one', async () => {
    let runs = 0;
    const world = await openWorld([
      {
        kind: 'fails',
        machine: failing(() => ++runs),
        supervision: restart(2),
        retentionMs: 1_000,
      },
    ]);
    await world.kernel.create('fails', 'a', undefined);
    for (let turn = 0; turn < 10; turn += 1) await settled(world);
    expect([runs, await statusOf(world, 'fails/a')]).toEqual([3, 'quarantined']);
    expect(await rowsOf(world.store, 'o')).toHaveLength(1);
    await replays(world, 'fails/a');
    await world.kernel.operate('dismiss', 'fails/a', 'ann');
    await nothingLeft(world);
  });
});

describe('an actor that stops when it fails', () => {
  it.each(poisons)('ends on a throw of its %s, tells its sender, and leaves nothing', async (how) => {
    const kinds = [fragileKind(undefined, { supervision: { onFailure: 'stop' } })];
    const world = await openWorld(kinds);
    await world.kernel.create('fragile', 'a', { n: 5 });
    expect(await codeOf(world.kernel.send('fragile/a', { type: 'poison', how }))).toBe('ACTOR_FAILED');
    expect(await statusOf(world, 'fragile/a')).toBe('stopped');
    await replays(world, 'fragile/a');
    await world.crash(kinds);
    await nothingLeft(world);
  });
});

describe('the failing child of a parent', () => {
  const tell = (world: World, what: string): Promise<unknown> =>
    world.kernel.send('parent/a', { type: 'tell', what });

  it.each([true, false])('begins anew when it is to restart (crashes: %s)', async (crashes) => {
    const kinds = [family(restart(2))];
    const world = await openWorld(kinds);
    const pause = async (): Promise<void> => {
      await settled(world);
      if (crashes) await world.crash(kinds);
      await settled(world);
    };
    await world.kernel.create('parent', 'a', undefined);
    await pause();
    await tell(world, 'ok');
    await pause();
    expect(await contextOf(world, KID)).toMatchObject({ n: 8 });
    await tell(world, 'boom');
    await pause();
    expect([await contextOf(world, KID), await statusOf(world, KID)]).toEqual([{ n: 7, from: 7 }, 'active']);
    // One effect, one system id, one timer: those of its present life.
    expect(await rowsOf(world.store, 'o', 'y')).toHaveLength(2);
    expect((await rowsOf(world.store, 'd')).filter(([key]) => key.includes(KID))).toHaveLength(1);
    await tell(world, 'ok');
    await pause();
    await tell(world, 'finish');
    await pause();
    expect(await contextOf(world, 'parent/a')).toEqual({ errors: [], done: [{ n: 8 }] });
    expect(await statusOf(world, 'parent/a')).toBe('active');
    await replays(world, 'parent/a');
    await replays(world, KID);
    expect(world.failures).toEqual([]);
  });

  it.each([
    ['escalate', { onFailure: 'escalate' }, 1],
    ['restart, too often', restart(1), 2],
  ] as const)('gives its error to the parent: %s', async (_name, supervision, booms) => {
    const kinds = [family(supervision)];
    const world = await openWorld(kinds);
    await world.kernel.create('parent', 'a', undefined);
    await settled(world);
    for (let boom = 0; boom < booms; boom += 1) {
      await tell(world, 'boom');
      await settled(world);
      await world.crash(kinds);
      await settled(world);
    }
    const { snapshot } = (await world.kernel.snapshot('parent/a')) ?? {};
    expect([snapshot?.value, snapshot?.context]).toMatchObject([
      'mourning',
      { errors: [{ name: 'Error', message: 'poison' }] },
    ]);
    expect(await statusOf(world, KID)).toBe('error');
    await replays(world, 'parent/a');
    await replays(world, KID);
    await world.clock.advance(5_000);
    expect(await world.kernel.reader.record(KID)).toBeUndefined();
    expect(await rowsOf(world.store, 'o', 'y', 'i', 'd', 'q')).toEqual([]);
  });

  it('ends and says nothing when it is to stop', async () => {
    const kinds = [family({ onFailure: 'stop' })];
    const world = await openWorld(kinds);
    await world.kernel.create('parent', 'a', undefined);
    await settled(world);
    await tell(world, 'boom');
    await settled(world);
    expect([await statusOf(world, KID), await contextOf(world, 'parent/a')]).toEqual([
      'stopped',
      { errors: [], done: [] },
    ]);
    await replays(world, KID);
    await world.clock.advance(5_000);
    expect(await rowsOf(world.store, 'o', 'y', 'i', 'd', 'q')).toEqual([]);
  });

  it('stands still without a policy; its parent waits, and hears of its dismissal', async () => {
    const kinds = [family(undefined)];
    const world = await openWorld(kinds);
    for (const id of ['a', 'b']) await world.kernel.create('parent', id, undefined);
    await settled(world);
    for (const id of ['a', 'b']) await world.kernel.send(`parent/${id}`, { type: 'tell', what: 'boom' });
    await settled(world);
    expect([await statusOf(world, KID), await statusOf(world, 'parent/a')]).toEqual([
      'quarantined',
      'active',
    ]);
    await world.crash(kinds);
    await settled(world);
    await world.kernel.operate('dismiss', KID, 'ann');
    await settled(world);
    expect(await contextOf(world, 'parent/a')).toMatchObject({
      errors: [{ code: 'ACTOR_QUARANTINED' }],
    });
    await replays(world, 'parent/a');
    await world.clock.advance(5_000);
    expect(await world.kernel.reader.record(KID)).toBeUndefined();
    expect(await rowsOf(world.store, 'q')).toHaveLength(1);
  });
});

/** Its invoked promise rejects, and nobody handles that: XState ends the machine in an error. */
function failing(run: () => number) {
  return setup({
    types: { context: {} as { n: number } },
    actors: {
      work: fromPromise(async () => {
        throw new Error(`run ${run()}`);
      }),
    },
    actions: { none: assign({}) },
  }).createMachine({ id: 'fails', version: '1', context: { n: 0 }, invoke: { src: 'work' } });
}
