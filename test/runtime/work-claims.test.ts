/** Claims: who gets which item, whatever is with the others and with the process. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { HoldfastError, type ClaimedWork, type Logger } from '../../src/index.js';
import { limits } from '../../src/limits.js';
import { openOver } from '../../src/runtime.js';
import { createMemoryDisk, openMemoryStore, type MemoryDisk } from '../../src/store/index.js';
import { keys } from '../../src/store/keys.js';
import type { ScanOptions, Store } from '../../src/store/store.js';
import { createSimulatedClock } from '../../src/testing/simulated-clock.js';
import { reading } from '../kernel/fixtures.js';
import { movableOpened, placeOpened } from './work-place.js';

const idsOf = (items: readonly (ClaimedWork | undefined)[]): readonly string[] =>
  items.flatMap((item) => (item === undefined ? [] : [item.id]));

describe('the order of claims', () => {
  test('two claimers never get the same item: a thousand at once', async () => {
    const { runtime } = await movableOpened();
    const { work } = runtime;
    const made = await work.enqueueMany(Array.from({ length: 900 }, (_, n) => ({ kind: `k${n % 3}` })));
    const claims = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => work.claimNext(n % 2 === 0 ? undefined : ['k0', 'k1', 'k2'])),
    );
    const ids = idsOf(claims);
    expect(ids).toHaveLength(900);
    expect(new Set(ids)).toEqual(new Set(made.map(({ id }) => id)));
    expect(new Set(claims.map((item) => item?.token)).size).toBe(901);
  });

  test('of several kinds, and of all, is one order', async () => {
    const { work } = await placeOpened();
    const made: string[] = [];
    for (const [n, kind] of ['a', 'b', 'c', 'a', 'c', 'b'].entries())
      made.push((await work.enqueue(kind, n)).id);
    const urgent = await work.enqueue('b', 'urgent', { priority: 1 });
    expect(idsOf(await work.claimMany(['a', 'b'], 3))).toEqual([urgent.id, made[0], made[1]]);
    expect(idsOf(await work.claimMany(undefined, 10))).toEqual([made[2], made[3], made[4], made[5]]);
  });

  test('an item that is retried, or given back, is in its old place again', async () => {
    const place = await placeOpened();
    const { test, work } = place;
    const first = await work.enqueue('embed', 1, { attemptsMax: 1 });
    const second = await work.enqueue('embed', 2);
    await work.enqueue('embed', 3);
    await work.fail((await place.claim()).token, 'no');
    await work.requeue((await place.claim()).token);
    await work.retry(first.id);
    await test.settle();
    expect(idsOf(await work.claimMany('embed', 2))).toEqual([first.id, second.id]);
  });

  test('holds for more items than are kept at hand, whatever their priorities', async () => {
    const { runtime } = await movableOpened();
    const { work } = runtime;
    const count = limits.workShelfMax + 3 * limits.workShelfPage;
    // Kept at hand from the first on: claimed once when nothing was there.
    expect(await work.claimNext('embed')).toBeUndefined();
    const items = Array.from({ length: count }, (_, n) => ({
      kind: 'embed',
      payload: n,
      priority: (n * 7) % 5,
    }));
    await work.enqueueMany(items.slice(0, 900));
    await work.enqueueMany(items.slice(900));
    const claimed: ClaimedWork[] = [];
    for (let n = 0; claimed.length < count && n < count; n += 1)
      claimed.push(...(await work.claimMany('embed', 100)));
    const expected = items.toSorted((a, b) => a.priority - b.priority).map(({ payload }) => payload);
    expect(claimed.map(({ payload }) => payload)).toEqual(expected);
    expect(await work.claimNext('embed')).toBeUndefined();
  });

  test('what becomes ready while others are claimed is not missed', async () => {
    const { runtime } = await movableOpened();
    const { work } = runtime;
    const done: number[] = [];
    const count = 600;
    const fill = async (): Promise<void> => {
      for (let n = 0; n < count; n += 1) await work.enqueue('embed', n, { priority: n % 3 });
    };
    const drain = async (): Promise<void> => {
      for (let turns = 0; done.length < count && turns < 100_000; turns += 1) {
        const items = await work.claimMany('embed', 7);
        if (items.length === 0) await setImmediate();
        await Promise.all(items.map(({ token }) => work.done(token)));
        done.push(...items.map(({ payload }) => Number(payload)));
      }
    };
    await Promise.all([fill(), drain(), drain()]);
    expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, n) => n));
  });
});

describe('waiting for an item', () => {
  test('ends with the item that comes, one waiter for each', async () => {
    const { test, work } = await placeOpened();
    const { signal } = new AbortController();
    const waiting = Array.from({ length: 3 }, () => work.claimWhenReady('embed', { signal }));
    const other = work.claimWhenReady(undefined, { signal });
    await test.settle();
    const made = await work.enqueueMany([
      { kind: 'embed' },
      { kind: 'embed' },
      { kind: 'index' },
      { kind: 'embed' },
    ]);
    const items = await Promise.all([...waiting, other]);
    expect(new Set(idsOf(items))).toEqual(new Set(made.map(({ id }) => id)));
    expect(items.at(-1)?.kind === 'index' || items.slice(0, 3).every((item) => item?.kind === 'embed')).toBe(
      true,
    );
  });

  test('ends with nothing when it is given up, and hands its wake-up on', async () => {
    const { test, work } = await placeOpened();
    const given = new AbortController();
    const up = work.claimWhenReady('embed', { signal: given.signal });
    const stays = work.claimWhenReady('embed', { signal: new AbortController().signal });
    await test.settle();
    given.abort();
    expect(await up).toBeUndefined();
    const { id } = await work.enqueue('embed');
    expect((await stays)?.id).toBe(id);
    expect(await work.claimWhenReady('embed', { signal: given.signal })).toBeUndefined();
  });

  test('ends with RUNTIME_CLOSED when the runtime closes', async () => {
    const { runtime } = await movableOpened();
    const waiting = runtime.work.claimWhenReady('embed', { signal: new AbortController().signal });
    await Promise.all([
      expect(waiting).rejects.toMatchObject({ code: 'RUNTIME_CLOSED' }),
      runtime.close({ timeoutMs: 0 }),
    ]);
    await expect(runtime.work.claimNext()).rejects.toMatchObject({ code: 'RUNTIME_CLOSED' });
    await expect(runtime.work.enqueue('embed')).rejects.toMatchObject({ code: 'RUNTIME_CLOSED' });
  });
});

describe('an item that is not as it should be', () => {
  test('is reported and removed when an index row leads to nobody, and blocks nobody', async () => {
    const ghosts = Array.from({ length: 3 }, (_, n) =>
      keys.index('work.queue', ['embed', 'ready', '000', `000000000001000${n}`], `work/ghost_${n}`),
    );
    const disk = await diskWith(ghosts.map((key) => [key, JSON.stringify(key)]));
    const logged: (readonly [unknown, string])[] = [];
    const { runtime, rows } = await openedOn(disk, logged);
    const { id } = await runtime.work.enqueue('embed', 'real');
    expect((await runtime.work.claimNext())?.id).toBe(id);
    expect(logged.filter(([, message]) => message === 'work.orphan')).toHaveLength(3);
    expect((await rows()).filter((key) => ghosts.includes(key))).toEqual([]);
    expect(await runtime.work.claimNext('embed')).toBeUndefined();
  });

  test('is passed over while it stands still, and claimed when it goes on', async () => {
    const place = await placeOpened();
    const { test, work } = place;
    const capsuleOf = await work.enqueue('embed', 'sick');
    const capsule = await test.fixture(`work/${capsuleOf.id}`);
    await work.cancel(capsuleOf.id);
    const other = await placeOpened();
    await other.work.enqueue('embed', 'well');
    await other.test.runtime.import(capsule, { id: 'sick' });
    expect((await other.claim('embed')).payload).toBe('well');
    expect(await other.work.claimNext('embed')).toBeUndefined();
    await other.test.runtime.quarantine.resume('work/sick', { operator: 'op' });
    expect((await other.claim('embed')).id).toBe('sick');
  });

  test('is a dead letter when its payload cannot be read', async () => {
    const disk = createMemoryDisk();
    const first = await openedOn(disk);
    const bad = await first.runtime.work.enqueue('embed', 'bad');
    const good = await first.runtime.work.enqueue('embed', 'good');
    await first.runtime.close({ timeoutMs: 0 });
    const damaged = keys.payload(`work/${bad.id}`, 'payload');
    const { runtime } = await openedOn(disk, [], damaged);
    expect((await runtime.work.claimNext())?.id).toBe(good.id);
    expect(await runtime.work.claimNext()).toBeUndefined();
    const [letter] = (await runtime.work.list({ status: 'failed' })).items;
    expect(letter).toMatchObject({ id: bad.id, lastError: { code: 'STORE_CORRUPTED' }, attempts: 1 });
  });
});

describe('a disk that cannot be read for a moment', () => {
  test('costs its claim, and no item', async () => {
    const disk = createMemoryDisk();
    const first = await openedOn(disk);
    const count = limits.workShelfPage + 10;
    await first.runtime.work.enqueueMany(
      Array.from({ length: count }, (_, n) => ({ kind: 'a', payload: n })),
    );
    await first.runtime.close({ timeoutMs: 0 });
    let pages = 0;
    const { runtime } = await openedOn(disk, [], '', ({ gte }) => {
      if (!gte.includes('work.queue\0a\0ready')) return;
      pages += 1;
      if (pages === 2) throw new Error('the disk is away');
    });
    await expect(runtime.work.claimMany('a', count)).rejects.toThrow('the disk is away');
    const claimed = await runtime.work.claimMany('a', count);
    expect(claimed.map(({ payload }) => payload)).toEqual(Array.from({ length: count }, (_, n) => n));
  });
});

describe('a process that dies', () => {
  test('leaves claims of workers elsewhere as they are, until they expire', async () => {
    const place = await placeOpened();
    const { id } = await place.work.enqueue('embed');
    const { token } = await place.claim('embed', { ttlMs: 60_000 });
    await place.test.crash();
    expect((await place.work.get(id)).status).toBe('running');
    await place.work.heartbeat(token);
    await place.test.advance(60_001);
    expect(await place.work.get(id)).toMatchObject({ status: 'ready', attempts: 1 });
    expect((await place.claim()).id).toBe(id);
  });

  test('has claimed, or has not: never both, and nothing is lost', async () => {
    for (const at of ['before-commit', 'after-commit'] as const) {
      const place = await placeOpened();
      const { id } = await place.work.enqueue('embed', { doc: 1 });
      await place.test.crash({ at, during: () => place.work.claimNext('embed', { ttlMs: 1_000 }) });
      const { status } = await place.work.get(id);
      expect(status).toBe(at === 'before-commit' ? 'ready' : 'running');
      await place.test.advance(1_001);
      expect(await place.claim()).toMatchObject({ id, payload: { doc: 1 } });
    }
  });

  test('may end a claim twice: the second time changes nothing', async () => {
    const place = await placeOpened();
    const ends = [
      { status: 'done', end: (token: string) => place.work.done(token, 'result') },
      { status: 'scheduled', end: (token: string) => place.work.fail(token, 'no') },
      { status: 'ready', end: (token: string) => place.work.requeue(token) },
    ];
    for (const { status, end } of ends) {
      const { id } = await place.work.enqueue(status);
      const { token } = await place.claim(status);
      await place.test.crash({ at: 'after-commit', during: () => end(token) });
      const before = await place.work.get(id);
      expect(before.status).toBe(status);
      await end(token);
      expect(await place.work.get(id)).toEqual(before);
    }
  });

  test('in the middle of everything leaves every item where it was', async () => {
    const place = await placeOpened();
    const items = Array.from({ length: 30 }, (_, n) => ({ kind: `k${n % 2}`, payload: n, priority: n % 3 }));
    await place.work.enqueueMany(items);
    const held = await place.work.claimMany(undefined, 12, { ttlMs: 5_000 });
    await Promise.all(held.slice(0, 4).map(({ token }) => place.work.done(token)));
    await Promise.all(held.slice(4, 8).map(({ token }) => place.work.fail(token, 'no')));
    const before = (await place.work.counts()).all;
    expect(before).toMatchObject({ ready: 18, running: 4, done: 4, scheduled: 4 });
    await place.test.crash();
    expect((await place.work.counts()).all).toEqual(before);
    await place.test.advance(5_001);
    const rest = await place.work.claimMany(undefined, 100);
    expect(rest).toHaveLength(26);
    expect(rest.map(({ payload }) => payload)).toEqual(
      rest
        .toSorted((a, b) => a.priority - b.priority || Number(a.payload) - Number(b.payload))
        .map((one) => one.payload),
    );
  });
});

describe('what is asked', () => {
  test('is checked before anything is claimed', async () => {
    const { work } = await placeOpened();
    const { id } = await work.enqueue('embed');
    const signal = new AbortController().signal;
    const wrong: readonly (() => Promise<unknown>)[] = [
      () => work.claimNext(''),
      () => work.claimNext([]),
      () => work.claimNext('embed', { ttlMs: 999 }),
      () => work.claimNext('embed', { ttlMs: 86_400_001 }),
      () => work.claimNext('embed', { workerId: '' }),
      () => work.claimNext('embed', 'soon' as never),
      () => work.claimMany('embed', 0),
      () => work.claimMany('embed', 1_001),
      () => work.claimWhenReady(['embed', 7 as never], { signal }),
      () => work.reclaimStale(1.5),
    ];
    for (const ask of wrong) await expect(ask()).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(work.reclaimStale(NaN)).rejects.toMatchObject({ details: { field: 'now' } });
    const token = (await work.claimNext())?.token ?? '';
    await expect(work.heartbeat(token, { ttlMs: 5 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(work.fail(token, 'no', { retryInMs: -1 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(work.done(token, () => 1)).rejects.toMatchObject({ details: { field: 'result' } });
    await expect(work.done(token, 'x'.repeat(256 * 1_024))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(await work.get(id)).toMatchObject({ status: 'running', attempts: 0 });
  });

  test('of an error is kept without its secrets, and no longer than an error may be', async () => {
    const place = await placeOpened();
    const cases: readonly (readonly [unknown, object])[] = [
      [new TypeError('bad'), { code: 'TypeError', message: 'bad' }],
      ['plain', { code: 'Error', message: 'plain' }],
      [
        { code: 'E1', message: 'own' },
        { code: 'E1', message: 'own' },
      ],
      [{ odd: 1 }, { code: 'Error', message: '{"odd":1}' }],
      [undefined, { code: 'Error', message: 'no reason given' }],
      [new Error('see https://x.test/a?sig=secret'), { message: 'see https://x.test/a?[redacted]' }],
    ];
    for (const [error, lastError] of cases) {
      const { id } = await place.work.enqueue('embed');
      await place.work.fail((await place.claim()).token, error, { retry: false });
      expect((await place.work.get(id)).lastError).toMatchObject(lastError);
    }
    const { id } = await place.work.enqueue('embed');
    await place.work.fail((await place.claim()).token, new Error('😀'.repeat(9_000)), { retry: false });
    const message = (await place.work.get(id)).lastError?.message ?? '';
    expect(message.length).toBeLessThanOrEqual(limits.providerMessageCharsMax);
    expect(message.isWellFormed()).toBe(true);
  });
});

/** A disk with rows that no step has written. */
async function diskWith(rows: readonly (readonly [string, string])[]): Promise<MemoryDisk> {
  const disk = createMemoryDisk();
  const store = await openMemoryStore({ disk });
  const written = rows.map(([key, value]) => ({ key, value }));
  await store.commit({ number: store.lastCommit + 1, rows: written, expect: [] });
  await store.close();
  return disk;
}

async function openedOn(
  disk: MemoryDisk,
  logged: (readonly [unknown, string])[] = [],
  damaged = '',
  onScan: (options: ScanOptions) => void = () => undefined,
) {
  const keep = (fields: object, message: string): void => void logged.push([fields, message]);
  const log: Logger = { trace: keep, debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  const store = await openMemoryStore({ disk });
  const get = (key: string): ReturnType<Store['get']> => {
    if (key === damaged) throw new HoldfastError('STORE_CORRUPTED', 'the row is damaged');
    return store.get(key);
  };
  const scan: Store['scan'] = async (options) => {
    onScan(options);
    return store.scan(options);
  };
  const clock = createSimulatedClock();
  const runtime = await openOver(reading(store, { get, scan }), {
    directory: '/nowhere',
    control: false,
    log,
    clock,
  });
  const rows = async (): Promise<readonly string[]> =>
    (await store.scan({ gte: 'a', lt: '~', limit: 10_000 })).map(([key]) => key);
  return { runtime, rows };
}
