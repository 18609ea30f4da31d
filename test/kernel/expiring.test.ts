/** Payloads that expire: gone after the hour of their `until`, and not before the newest of them. */
import { describe, expect, it } from 'vitest';
import { replay } from '../../src/testing/index.js';
import { openPlace, reread } from '../capsule/places.js';
import { Household } from '../examination/household.js';
import { A, box, boxMachine, reads, slow } from './box.js';
import { openWorld, reading, rowsOf, settled, type World } from './fixtures.js';
import { codeOf } from './poisons.js';

const HOUR_MS = 3_600_000;
const put = (name: string, until: unknown) => ({
  type: 'put',
  name,
  expires: true,
  value: { until: until as number },
});

/** Lets time pass, and something be committed, which is when a runtime sweeps. */
async function pass(world: World, ms: number, address = 'box/other'): Promise<void> {
  await world.clock.advance(ms);
  await world.kernel.send(address, { type: 'add' });
  await settled(world);
}

const namesIn = async ({ store }: World): Promise<readonly (string | undefined)[]> =>
  (await rowsOf(store, 'p')).map(([key]) => key.split('\0').at(-1));

async function openBoxes(wrap?: Parameters<typeof openWorld>[1]): Promise<World> {
  const world = await openWorld([box()], wrap);
  for (const id of ['a', 'other']) await world.kernel.create('box', id, undefined);
  return world;
}

describe('a payload that expires', () => {
  it.each(['at once', 'later'])('is removed after its hour, and others are not, read %s', async (when) => {
    const world = await openBoxes((store) => (when === 'later' ? slow(store) : store));
    const now = world.clock.now();
    await world.kernel.send(A, put('soon', now + HOUR_MS));
    await world.kernel.send(A, put('late', now + 5 * HOUR_MS));
    await world.kernel.send(A, { type: 'put', name: 'ever', value: { until: now } });
    await pass(world, HOUR_MS / 2);
    expect(await namesIn(world)).toEqual(['ever', 'late', 'soon']);
    await pass(world, 2 * HOUR_MS);
    expect(await namesIn(world)).toEqual(['ever', 'late']);
    await world.crash([box()]);
    await pass(world, 4 * HOUR_MS);
    expect(await namesIn(world)).toEqual(['ever']);
    expect(await rowsOf(world.store, 'e')).toEqual([]);
  });

  it('stays until the later time that it was put again with', async () => {
    const world = await openBoxes();
    const now = world.clock.now();
    await world.kernel.send(A, put('p', now + HOUR_MS));
    await world.kernel.send(A, put('p', now + 10 * HOUR_MS));
    await pass(world, 3 * HOUR_MS);
    expect(await world.kernel.reader.payload(A, 'p')).toEqual({ until: now + 10 * HOUR_MS });
    await pass(world, 9 * HOUR_MS);
    expect(await namesIn(world)).toEqual([]);
  });

  it.each(['staged', 'on disk'])('stays when it is put again while it is looked at: %s', async (until) => {
    let putAgain: (() => Promise<unknown>) | undefined;
    let again: Promise<unknown> | undefined;
    const world = await openBoxes((store) =>
      reading(store, {
        get: async (key) => {
          const found = await store.get(key);
          if (!key.startsWith('p\0')) return found;
          again ??= putAgain?.();
          if (until === 'on disk') await again;
          return found;
        },
      }),
    );
    const now = world.clock.now();
    await world.kernel.send(A, put('p', now + HOUR_MS));
    putAgain = () => world.kernel.send(A, put('p', now + 20 * HOUR_MS));
    await pass(world, 3 * HOUR_MS);
    await again;
    await pass(world, 3 * HOUR_MS);
    expect(again).toBeDefined();
    expect(await world.kernel.reader.payload(A, 'p')).toEqual({ until: now + 20 * HOUR_MS });
    await pass(world, 20 * HOUR_MS);
    await pass(world, HOUR_MS);
    expect(await namesIn(world)).toEqual([]);
  });

  it('is no loss where its actor is gone before it, nor a harm to who comes after', async () => {
    const short = box({ retentionMs: 1_000 });
    const world = await openWorld([short]);
    for (const id of ['a', 'other']) await world.kernel.create('box', id, undefined);
    await world.kernel.send(A, put('p', world.clock.now() + HOUR_MS));
    await world.kernel.send(A, { type: 'end' });
    await pass(world, 2_000);
    expect(await world.kernel.reader.record(A)).toBeUndefined();
    await world.kernel.create('box', 'a', undefined, { payloads: { p: 'another' } });
    await pass(world, 3 * HOUR_MS);
    expect(await world.kernel.reader.payload(A, 'p')).toBe('another');
    expect(world.failures).toEqual([]);
  });

  it('is refused where its value does not say until when', async () => {
    for (const value of [{}, { until: 'noon' }, { until: null }, 7, [1]]) {
      const world = await openBoxes();
      const sent = world.kernel.send(A, { type: 'put', name: 'p', expires: true, value } as never);
      expect(await codeOf(sent)).toBe('ACTOR_QUARANTINED');
      expect((await world.kernel.reader.record(A))?.quarantine).toMatchObject({ code: 'INVALID_DEFINITION' });
    }
    const world = await openBoxes();
    expect(await codeOf(world.kernel.send(A, { ...put('p', 1), expires: 'yes' } as never))).toBe(
      'ACTOR_QUARANTINED',
    );
  });

  it('may be of any time at all: long ago, or for ever', async () => {
    const world = await openBoxes();
    await world.kernel.send(A, put('old', -1e300));
    await world.kernel.send(A, put('new', 1e300));
    await pass(world, HOUR_MS);
    expect(await namesIn(world)).toEqual(['new']);
    expect(world.failures).toEqual([]);
  });

  it('is no finding of an examination, there, gone, or gone with its actor', async () => {
    const kinds = [box({ retentionMs: 1_000, reads })];
    const world = await openWorld(kinds);
    for (const id of ['a', 'b', 'other']) await world.kernel.create('box', id, undefined);
    const hour = world.clock.now() + HOUR_MS;
    for (const address of [A, 'box/b']) await world.kernel.send(address, put('p', hour), { id: 'e1' });
    await world.kernel.send(A, { type: 'look', names: ['p'] });
    await world.kernel.send('box/b', { type: 'end' });
    await pass(world, 2_000);
    const house = new Household(world, '');
    for (let open = 0; open < 2; open += 1) {
      await world.store.close();
      expect(await house.codes(kinds)).toEqual([]);
      await world.crash(kinds);
      await pass(world, 2 * HOUR_MS);
    }
    expect(await namesIn(world)).toEqual([]);
  });

  it('is not missed by a replay of its capsule', async () => {
    const place = await openPlace([box()]);
    for (const id of ['a', 'other']) await place.kernel.create('box', id, undefined);
    await place.kernel.send(A, put('p', place.clock.now() + HOUR_MS));
    await pass(place, 3 * HOUR_MS);
    expect(await namesIn(place)).toEqual([]);
    const capsule = reread(await place.capsules().export(A));
    expect(replay(boxMachine(), capsule).divergence).toBeUndefined();
  });
});
