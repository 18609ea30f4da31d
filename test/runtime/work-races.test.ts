/** Work items and schedules where two things meet, or one comes late: found by reading, not by chance. */
import { describe, expect, test } from 'vitest';
import type { Kernel } from '../../src/actors/kernel/index.js';
import { Shelves } from '../../src/actors/work/shelves.js';
import type { ScheduleOptions } from '../../src/index.js';
import { placeOpened } from './work-place.js';

const HOUR_MS = 3_600_000;

describe('an item that stood still over an event', () => {
  test('is claimed again once the event is skipped', async () => {
    const place = await placeOpened();
    const { id } = await place.work.enqueue('embed');
    const kernel = place.test.runtime.inspect as Kernel;
    // As a machine of somebody's might send it.
    const bad = { type: 'work.claim', token: 't', workerId: 'w', ttlMs: 'x' };
    await expect(kernel.send(`work/${id}`, bad)).rejects.toMatchObject({ code: 'ACTOR_QUARANTINED' });
    expect(await place.work.claimNext('embed')).toBeUndefined();
    await place.test.runtime.quarantine.skip(`work/${id}`);
    expect((await place.claim('embed')).id).toBe(id);
  });
});

describe('an item that comes in a capsule', () => {
  test('stands still while its key is another’s, and is free when its claim is over', async () => {
    const there = await placeOpened();
    const { id } = await there.work.enqueue('embed', 'moved', { dedupeKey: 'k' });
    await there.claim('embed', { ttlMs: 5_000 });
    const capsule = await there.test.fixture(`work/${id}`);
    const here = await placeOpened();
    const holder = await here.work.enqueue('embed', 'own', { dedupeKey: 'k' });
    const address = await here.test.runtime.import(capsule, { id: 'moved' });
    const { quarantine } = here.test.runtime;
    await expect(quarantine.resume(address)).rejects.toMatchObject({ code: 'NOT_UNIQUE' });
    expect(await here.work.enqueue('embed', 'again', { dedupeKey: 'k' })).toMatchObject({ id: holder.id });
    await here.work.cancel(holder.id);
    await quarantine.resume(address);
    expect(await here.work.enqueue('embed', 'again', { dedupeKey: 'k' })).toMatchObject({ id: 'moved' });
    expect((await here.work.get('moved')).status).toBe('running');
    await here.test.advance(5_001);
    expect(await here.claim()).toMatchObject({ id: 'moved', payload: 'moved', attempts: 1 });
  });
});

describe('kinds that could not be looked for', () => {
  test('are looked for again', async () => {
    let asked = 0;
    const nextPart = (_index: string, _parts: readonly string[], part?: string) => {
      asked += 1;
      if (asked === 1) return Promise.reject(new Error('the disk is away'));
      return Promise.resolve(part === undefined ? 'embed' : undefined);
    };
    const after = () => Promise.resolve([['embed', 'ready', '128', '0000000000010000', 'work/1']]);
    const shelves = new Shelves({ indexRows: { nextPart, after } } as never);
    await expect(shelves.take(undefined)).rejects.toThrow('the disk is away');
    expect(await shelves.take(undefined)).toMatchObject({ address: 'work/1' });
  });
});

describe('a schedule that is changed while its run is on the way', () => {
  test('enqueues an item of what it is by then: kind and payload of one and the same', async () => {
    const at = await placeOpened();
    const old: ScheduleOptions = { every: HOUR_MS, kind: 'old', payload: 'old' };
    await at.work.schedule('tidy', old);
    await Promise.all([
      at.work.triggerSchedule('tidy'),
      at.work.schedule('tidy', { ...old, kind: 'new', payload: 'new', priority: 7 }),
    ]);
    await at.test.settle();
    const { items } = await at.work.list();
    expect(items).toHaveLength(1);
    expect(await at.claim()).toMatchObject({ kind: 'new', payload: 'new', priority: 7 });
  });
});
