/**
 * Rows that cannot be read: what is theirs stands still, or is lost visibly, and everybody else recovers
 * (K14).
 */
import { describe, expect, it } from 'vitest';
import { keys } from '../../src/store/keys.js';
import { openWorld, rowsOf, settled, type World } from './fixtures.js';
import { codeOf, fragileKind, nothingLeft, replays, teller, worker } from './poisons.js';

const A = 'fragile/a';
const contextOf = async (world: World, address: string): Promise<unknown> =>
  (await world.kernel.snapshot(address))?.snapshot.context;
const standing = async (world: World): Promise<readonly string[]> =>
  (await world.kernel.reader.byIndex('quarantine', ['fragile'])).items;

describe('a damaged row', () => {
  const damages: readonly (readonly [name: string, change: (stored: string) => string])[] = [
    ['of a wrong checksum', (stored) => `${stored.slice(0, -3)}x"}`],
    ['that is not there in full', (stored) => stored.slice(0, stored.length / 2)],
  ];

  it.each(damages)('%s: a record stops its own actor, and it is listed', async (_name, change) => {
    const kinds = [fragileKind(), teller()];
    const world = await openWorld(kinds);
    for (const id of ['a', 'b']) await world.kernel.create('fragile', id, { n: 0 });
    await world.kernel.create('teller', 't', undefined);
    await world.disk.corrupt(keys.record(A), change);
    for (let open = 0; open < 2; open += 1) {
      await world.crash(kinds);
      await world.kernel.send('teller/t', { type: 'tell', what: { type: 'ok' }, count: 1 });
      await world.clock.advance(60_000);
      expect(await codeOf(world.kernel.send(A, { type: 'ok' }))).toBe('ACTOR_QUARANTINED');
      expect(await codeOf(world.kernel.send('fragile/b', { type: 'ok' }))).toBe('ok');
      expect(await standing(world)).toEqual([A]);
      expect(world.failures).toEqual([]);
    }
    expect(await contextOf(world, 'fragile/b')).toMatchObject({ n: 3 });
    expect((await rowsOf(world.store, 'i')).length).toBe(2);
  });

  it.each(damages)('%s: an inbox row stops its own actor, and the others recover', async (_name, change) => {
    const kinds = [fragileKind(), teller()];
    const world = await openWorld(kinds);
    for (const id of ['a', 'b']) await world.kernel.create('fragile', id, { n: 0 });
    for (const id of ['t', 'u'])
      await world.kernel.create('teller', id, id === 'u' ? { to: 'fragile/b' } : {});
    // Parked: their rows wait on disk.
    await world.crash([teller()]);
    for (const id of ['t', 'u'])
      await world.kernel.send(`teller/${id}`, { type: 'tell', what: { type: 'ok' }, count: 3 });
    const [first, second] = (await rowsOf(world.store, 'i')).filter(([key]) => key.includes(A));
    await world.disk.corrupt(second?.[0] ?? '', change);
    await world.crash(kinds);
    await settled(world);
    expect(first).toBeDefined();
    expect([await contextOf(world, A), await contextOf(world, 'fragile/b')]).toMatchObject([
      { n: 1 },
      { n: 3 },
    ]);
    expect((await world.kernel.reader.record(A))?.quarantine).toMatchObject({ code: 'STORE_CORRUPTED' });
    await world.crash(kinds);
    await settled(world);
    expect(await codeOf(world.kernel.operate('resume', A, 'ann'))).toBe('ACTOR_QUARANTINED');
    await world.kernel.operate('skip', A, 'ann');
    await settled(world);
    expect([await contextOf(world, A), await standing(world)]).toMatchObject([{ n: 2 }, []]);
    expect((await world.store.scan({ gte: 'i\0', lt: 'i\x01', limit: 10 })).length).toBe(0);
    await replays(world, A);
  });

  it.each(damages)('%s: a timer fires all the same, and so do the others', async (_name, change) => {
    const kinds = [fragileKind({ is: true })];
    const world = await openWorld(kinds);
    for (const id of ['a', 'b', 'c']) await world.kernel.create('fragile', id, { n: 0 });
    const [first] = await rowsOf(world.store, 'd');
    await world.disk.corrupt(first?.[0] ?? '', change);
    await world.crash(kinds);
    await world.clock.advance(60_000);
    for (const id of ['a', 'b', 'c']) {
      expect(await contextOf(world, `fragile/${id}`)).toMatchObject({ n: 1 });
      await world.kernel.send(`fragile/${id}`, { type: 'end' });
    }
    const [retention] = await rowsOf(world.store, 'd');
    await world.disk.corrupt(retention?.[0] ?? '', change);
    await world.crash(kinds);
    await nothingLeft(world);
    expect(world.logged.filter(([message]) => message === 'timer.damaged')).toHaveLength(2);
  });

  it.each(damages)('%s: an effect is lost and logged, and its pool goes on', async (_name, change) => {
    const ran: string[] = [];
    const hangs = [worker(() => new Promise(() => undefined))];
    const world = await openWorld(hangs);
    const ids = Array.from({ length: 40 }, (_unused, n) => `w${String(n).padStart(2, '0')}`);
    for (const id of ids) await world.kernel.create('worker', id, undefined);
    const rows = await rowsOf(world.store, 'o');
    for (const [key] of rows.slice(0, 20)) await world.disk.corrupt(key, change);
    await world.crash([worker(async (id) => ran.push(id))]);
    for (let turn = 0; turn < 20; turn += 1) await settled(world);
    expect(ran).toHaveLength(20);
    expect(world.logged.filter(([message]) => message === 'effect.damaged').length).toBeGreaterThanOrEqual(
      20,
    );
    expect(await codeOf(world.kernel.send('worker/w00', { type: 'boom' }))).toBe('ACTOR_QUARANTINED');
  });
});
