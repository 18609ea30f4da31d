/** Poison of every sort: who throws, or cannot be read, stands still visibly, and nobody else does (K14). */
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/limits.js';
import { deferred, openWorld, rowsOf, settled, type World } from './fixtures.js';
import { codeOf, fragileKind, noisy, nothingLeft, poisons, replays, teller, worker } from './poisons.js';

const A = 'fragile/a';
const contextOf = async (world: World, address: string): Promise<unknown> =>
  (await world.kernel.snapshot(address))?.snapshot.context;
const standing = async (world: World, kind = 'fragile'): Promise<readonly string[]> =>
  (await world.kernel.reader.byIndex('quarantine', [kind])).items;

describe('an actor whose step throws', () => {
  it.each(poisons)('stands still on its last snapshot, on a throw of its %s, crash or not', async (how) => {
    const cured = { is: false };
    const kinds = [fragileKind(cured)];
    const world = await openWorld(kinds);
    for (const id of ['a', 'b']) await world.kernel.create('fragile', id, { n: 5 });
    const before = await world.kernel.reader.record(A);
    const poison = { type: 'poison', how };
    for (const crashes of [false, true]) {
      if (crashes) await world.crash(kinds);
      const code = await codeOf(
        crashes ? world.kernel.operate('resume', A, 'ann') : world.kernel.send(A, poison, { source: 'x' }),
      );
      expect(code).toBe('ACTOR_QUARANTINED');
      const { quarantine, ...rest } = (await world.kernel.reader.record(A)) ?? {};
      expect(rest).toEqual(before);
      expect(quarantine).toMatchObject({ at: 1_000_000, event: poison, source: 'x' });
      expect(await standing(world)).toEqual([A]);
      expect((await rowsOf(world.store, 'd')).map(([key]) => key.includes(A))).toEqual([false]);
      expect(await codeOf(world.kernel.send(A, { type: 'ok' }))).toBe('ACTOR_QUARANTINED');
      expect(await codeOf(world.kernel.send('fragile/b', { type: 'ok' }))).toBe('ok');
      expect(world.failures).toEqual([]);
    }
    cured.is = true;
    await world.kernel.operate('resume', A, 'ann');
    expect(await standing(world)).toEqual([]);
    expect((await world.kernel.reader.journal(A))[1]).toMatchObject({ seq: 2, event: poison, source: 'x' });
    await replays(world, A);
    await world.crash(kinds);
    for (const id of ['a', 'b']) await codeOf(world.kernel.send(`fragile/${id}`, { type: 'end' }));
    await nothingLeft(world);
  });

  it('keeps an event with an id at its head: resumed, it is applied once and its id is taken', async () => {
    const cured = { is: false };
    const kinds = [fragileKind(cured)];
    const world = await openWorld(kinds);
    await world.kernel.create('fragile', 'a', { n: 0 });
    const send = (): Promise<unknown> =>
      codeOf(world.kernel.send(A, { type: 'poison', how: 'assign' }, { id: 'once' }));
    expect([await send(), await send()]).toEqual(['ACTOR_QUARANTINED', 'ACTOR_QUARANTINED']);
    cured.is = true;
    await world.crash(kinds);
    await world.kernel.operate('resume', A, 'ann');
    expect(await world.kernel.send(A, { type: 'poison', how: 'assign' }, { id: 'once' })).toEqual({
      seq: 2,
      accepted: true,
      deduplicated: true,
    });
    const [, entry] = await world.kernel.reader.journal(A);
    expect(entry).toMatchObject({ event: { type: 'poison' }, source: 'user', by: 'operator:ann' });
  });

  it('goes on without the event when it is skipped, and with its timers', async () => {
    const kinds = [fragileKind()];
    const world = await openWorld(kinds);
    await world.kernel.create('fragile', 'a', { n: 0 });
    await codeOf(world.kernel.send(A, { type: 'poison', how: 'guard' }));
    await world.clock.advance(120_000);
    expect(await contextOf(world, A)).toMatchObject({ n: 0 });
    await world.crash(kinds);
    await world.kernel.operate('skip', A, 'ann');
    expect((await world.kernel.reader.journal(A)).at(-1)).toMatchObject({
      source: 'operator:ann',
      event: { type: 'holdfast.skipped', event: { type: 'poison' } },
    });
    await world.clock.advance(0);
    expect(await contextOf(world, A)).toMatchObject({ n: 1 });
    await replays(world, A);
    expect(await codeOf(world.kernel.operate('skip', A, 'ann'))).toBe('ACTOR_NOT_QUARANTINED');
    expect(await codeOf(world.kernel.operate('resume', 'fragile/x', 'ann'))).toBe('ACTOR_NOT_FOUND');
    await world.kernel.send(A, { type: 'end' });
    await nothingLeft(world);
  });

  it.each(['skip', 'resume', 'dismiss'] as const)('stands still on its own timer: %s', async (what) => {
    const cured = { is: false };
    const kinds = [fragileKind(cured)];
    const world = await openWorld(kinds);
    await world.kernel.create('fragile', 'a', { n: 0 });
    await world.kernel.send(A, { type: 'later' });
    await world.clock.advance(1_000);
    expect(await standing(world)).toEqual([A]);
    expect(await rowsOf(world.store, 'd')).toEqual([]);
    await world.crash(kinds);
    await world.clock.advance(3_600_000);
    expect(await world.kernel.reader.record(A)).toMatchObject({ seq: 2 });
    cured.is = true;
    await world.kernel.operate(what, A, 'ann');
    await settled(world);
    if (what === 'dismiss') {
      expect(await world.kernel.reader.record(A)).toBeUndefined();
    } else {
      const value = what === 'resume' ? 'well' : 'waiting';
      expect((await world.kernel.snapshot(A))?.snapshot).toMatchObject({ value });
      await replays(world, A);
      await world.kernel.send(A, { type: 'end' });
    }
    await nothingLeft(world);
  });

  it('lets waiters, listeners and actions that throw disturb nobody', async () => {
    const world = await openWorld([{ kind: 'noisy', machine: noisy }]);
    const fail = (): never => {
      throw new Error('a listener of the user');
    };
    const heard: number[] = [];
    world.kernel.onStep(fail);
    world.kernel.subscribe('noisy/a', fail);
    world.kernel.onStep(({ record }) => heard.push(record.seq));
    await world.kernel.create('noisy', 'a', undefined);
    const waiter = codeOf(world.kernel.waitFor('noisy/a', fail));
    await world.kernel.send('noisy/a', { type: 'ok' });
    await settled(world);
    expect([await contextOf(world, 'noisy/a'), heard]).toEqual([{ n: 1 }, [1, 2]]);
    expect(await waiter).toBe('Error: a listener of the user');
    expect(world.logged.map(([message]) => message)).toEqual([
      'listener.failed',
      'listener.failed',
      'action.failed',
      'listener.failed',
      'listener.failed',
    ]);
  });

  it('is one of many: of a thousand every tenth is poison, and the rest go on', async () => {
    const kinds = [fragileKind()];
    const world = await openWorld(kinds);
    const ids = Array.from({ length: 1_000 }, (_unused, n) => `${n}`);
    const isBad = (id: string): boolean => Number(id) % 10 === 0;
    const how = (id: string): string => poisons[(Number(id) / 10) % poisons.length] ?? '';
    await world.kernel.createMany(
      'fragile',
      ids.map((id) => ({ id, input: { n: 0 } })),
    );
    const events = (id: string): Promise<unknown>[] => [
      world.kernel.send(`fragile/${id}`, { type: 'ok' }),
      world.kernel.send(`fragile/${id}`, isBad(id) ? { type: 'poison', how: how(id) } : { type: 'ok' }),
      world.kernel.send(`fragile/${id}`, { type: 'ok' }),
    ];
    const codes = await Promise.all(ids.flatMap((id) => events(id).map(codeOf)));
    expect(codes.filter((code) => code === 'ok')).toHaveLength(2_800);
    await world.crash(kinds);
    await world.clock.advance(60_000);
    for (const id of ['0', '1', '10', '555', '990', '999'])
      expect(await contextOf(world, `fragile/${id}`)).toMatchObject({ n: isBad(id) ? 1 : 4 });
    const page = await world.kernel.reader.byIndex('quarantine', ['fragile'], { limit: 1_000 });
    expect(new Set(page.items)).toEqual(new Set(ids.filter(isBad).map((id) => `fragile/${id}`)));
  });
});

describe('what comes for an actor that stands still', () => {
  it('from other actors waits for its turn, in order, through crashes', async () => {
    const kinds = [fragileKind(), teller()];
    const world = await openWorld(kinds);
    await world.kernel.create('fragile', 'a', { n: 0 });
    await world.kernel.create('teller', 't', undefined);
    await codeOf(world.kernel.send(A, { type: 'poison', how: 'assign' }));
    for (let n = 0; n < 3; n += 1) {
      await world.kernel.send('teller/t', { type: 'tell', what: { type: 'ok' }, count: 2 });
      if (n === 1) await world.crash(kinds);
    }
    await settled(world);
    expect(await rowsOf(world.store, 'i')).toHaveLength(6);
    await world.kernel.operate('skip', A, 'ann');
    await settled(world);
    expect([await contextOf(world, A), await rowsOf(world.store, 'i')]).toMatchObject([{ n: 6 }, []]);
    const sources = (await world.kernel.reader.journal(A)).slice(2).map(({ eventId }) => eventId);
    expect(sources).toEqual([2, 3, 4].flatMap((seq) => [0, 1].map((index) => `teller/t/${seq}:${index}`)));
    await replays(world, A);
  });

  it('and is poison itself stands still again, with the next at its head', async () => {
    const kinds = [fragileKind(), teller()];
    const world = await openWorld(kinds);
    await world.kernel.create('fragile', 'a', { n: 0 });
    await world.kernel.create('teller', 't', undefined);
    const tell = async (what: object): Promise<void> => {
      await world.kernel.send('teller/t', { type: 'tell', what: what as never, count: 1 });
    };
    await tell({ type: 'poison', how: 'guard' });
    await tell({ type: 'ok' });
    await tell({ type: 'poison', how: 'entry' });
    await tell({ type: 'ok' });
    await settled(world);
    const counts: unknown[] = [];
    for (let turn = 0; turn < 2; turn += 1) {
      await world.crash(kinds);
      await settled(world);
      counts.push(await contextOf(world, A));
      await world.kernel.operate('skip', A, 'ann');
      await settled(world);
    }
    counts.push(await contextOf(world, A));
    expect(counts).toMatchObject([{ n: 0 }, { n: 1 }, { n: 2 }]);
    expect([await standing(world), await rowsOf(world.store, 'i')]).toEqual([[], []]);
    await replays(world, A);
  });

  it('beyond the bound becomes a dead letter, however often the process dies', async () => {
    const kinds = [fragileKind(), teller()];
    const world = await openWorld(kinds);
    await world.kernel.create('fragile', 'a', { n: 0 });
    await world.kernel.create('teller', 't', undefined);
    await codeOf(world.kernel.send(A, { type: 'poison', how: 'assign' }));
    const { standingStillMax } = limits;
    const tell = (count: number): Promise<unknown> =>
      world.kernel.send('teller/t', { type: 'tell', what: { type: 'ok' }, count });
    await tell(standingStillMax - 10);
    await settled(world);
    await world.crash(kinds);
    await settled(world);
    await tell(15);
    await settled(world);
    const deadLetters = async (): Promise<number> =>
      (await rowsOf(world.store, 'q')).filter(([key]) => key.includes('dead-letter')).length;
    expect([(await rowsOf(world.store, 'i')).length, await deadLetters()]).toEqual([standingStillMax, 5]);
    await world.kernel.operate('skip', A, 'ann');
    for (let turn = 0; turn < 40; turn += 1) await settled(world);
    expect(await contextOf(world, A)).toMatchObject({ n: standingStillMax });
    // The next time it starts from nothing.
    await codeOf(world.kernel.send(A, { type: 'poison', how: 'assign' }));
    await tell(3);
    await settled(world);
    expect([(await rowsOf(world.store, 'i')).length, await deadLetters()]).toEqual([3, 5]);
    await world.clock.advance(limits.deadLetterMs + 3_600_000);
    await world.kernel.create('teller', 'u', undefined);
    await world.clock.advance(limits.sweepEveryMs * 2);
    await world.kernel.create('teller', 'v', undefined);
    await settled(world);
    expect(await deadLetters()).toBe(0);
  });

  it.each([false, true])(
    'the end of an effect is kept, and the effect not repeated (crash: %s)',
    async (dies) => {
      const gate = deferred<string>();
      let runs = 0;
      const kinds = [worker(() => (runs++, gate.promise))];
      const world = await openWorld(kinds);
      await world.kernel.create('worker', 'a', undefined);
      await settled(world);
      await codeOf(world.kernel.send('worker/a', { type: 'boom' }));
      gate.resolve('paid');
      await settled(world);
      if (dies) await world.crash(kinds);
      await settled(world);
      expect([
        runs,
        (await rowsOf(world.store, 'o')).length,
        (await rowsOf(world.store, 'i')).length,
      ]).toEqual([1, 1, 1]);
      await world.kernel.operate('skip', 'worker/a', 'ann');
      await settled(world);
      expect([runs, await contextOf(world, 'worker/a')]).toEqual([1, { got: 'paid' }]);
      expect(await rowsOf(world.store, 'o', 'i', 'q')).toEqual([]);
      await replays(world, 'worker/a');
    },
  );

  it('an effect that a crash cut off runs again once the actor goes on', async () => {
    let runs = 0;
    const kinds = [worker(async () => (++runs === 1 ? new Promise(() => undefined) : 'again'))];
    const world = await openWorld(kinds);
    await world.kernel.create('worker', 'a', undefined);
    await settled(world);
    await codeOf(world.kernel.send('worker/a', { type: 'boom' }));
    await world.crash(kinds);
    await settled(world);
    expect(runs).toBe(1);
    await world.kernel.operate('skip', 'worker/a', 'ann');
    await settled(world);
    expect([runs, await contextOf(world, 'worker/a')]).toEqual([2, { got: 'again' }]);
    await replays(world, 'worker/a');
  });

  it('a result that is the poison stays at its head: skipped, its effect is over', async () => {
    const kinds = [worker(async () => 'poison')];
    const world = await openWorld(kinds);
    await world.kernel.create('worker', 'a', undefined);
    await settled(world);
    expect(await standing(world, 'worker')).toEqual(['worker/a']);
    await world.crash(kinds);
    await settled(world);
    await world.kernel.operate('skip', 'worker/a', 'ann');
    await settled(world);
    expect(await contextOf(world, 'worker/a')).toEqual({ got: null });
    expect(await rowsOf(world.store, 'o', 'i', 'q')).toEqual([]);
    await replays(world, 'worker/a');
  });
});
