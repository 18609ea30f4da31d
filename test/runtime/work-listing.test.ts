/** Looking at work items and changing many: counts, pages, selections. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openOffline, openRuntime, silentLogger, type ListWork } from '../../src/index.js';
import type { Work } from '../../src/actors/work.js';
import { movableOpened, placeOpened } from './work-place.js';

/** Ids of every page of a listing. */
async function paged(work: Pick<Work, 'list'>, options: ListWork): Promise<readonly string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 1_000; pages += 1) {
    const page = await work.list({ ...options, cursor });
    ids.push(...page.items.map(({ id }) => id));
    ({ cursor } = page);
    if (cursor === undefined) return ids;
  }
  throw new Error('a listing without an end');
}

/** 24 items of three kinds and four priorities, two of each status. */
async function filled() {
  const { runtime } = await movableOpened();
  const { work } = runtime;
  const kinds = ['a', 'b', 'c'];
  const made = await work.enqueueMany(
    Array.from({ length: 24 }, (_, n) => ({ kind: kinds[n % 3] ?? '', payload: n, priority: (n * 5) % 4 })),
  );
  return { work, made: made.map(({ id }) => id) };
}

describe('a listing', () => {
  test('of all is newest first, in pages of any size', async () => {
    const { work, made } = await filled();
    for (const limit of [1, 5, 24, 100]) expect(await paged(work, { limit })).toEqual(made.toReversed());
    const ofB = made.filter((_id, n) => n % 3 === 1).toReversed();
    expect(await paged(work, { kind: 'b', limit: 3 })).toEqual(ofB);
    expect(await paged(work, { kind: 'nobody' })).toEqual([]);
  });

  test('of a status is in claim order, over several kinds as over one', async () => {
    const { work, made } = await filled();
    const order = made.toSorted(
      (a, b) =>
        ((made.indexOf(a) * 5) % 4) - ((made.indexOf(b) * 5) % 4) || made.indexOf(a) - made.indexOf(b),
    );
    for (const limit of [1, 5, 24, 100]) {
      expect(await paged(work, { status: 'ready', limit })).toEqual(order);
      const ofC = order.filter((id) => made.indexOf(id) % 3 === 2);
      expect(await paged(work, { status: 'ready', kind: 'c', limit })).toEqual(ofC);
    }
    expect((await work.claimMany(undefined, 24)).map(({ id }) => id)).toEqual(order);
    expect(await paged(work, { status: 'running', limit: 7 })).toEqual(order);
  });

  test('shows no token, and refuses what it never returned', async () => {
    const { work } = await filled();
    const claimed = await work.claimNext('a', { workerId: 'w' });
    const [running] = (await work.list({ status: 'running' })).items;
    expect(running?.claim).toMatchObject({ workerId: 'w', ttlMs: 60_000 });
    expect(JSON.stringify(running)).not.toContain(claimed?.token);
    const wrong: readonly object[] = [
      { status: 'ready', cursor: 'nonsense' },
      { cursor: 'nonsense' },
      { status: 'odd' },
      { limit: 0 },
      { limit: 1_001 },
      { kind: '' },
      { newestFirst: true },
    ];
    for (const options of wrong)
      await expect(work.list(options as ListWork)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('counts by kind and by status, and names kinds that nobody works on', async () => {
    const { work } = await filled();
    const held = await work.claimMany('a', 4);
    await work.done(held[0]?.token ?? '');
    await work.fail(held[1]?.token ?? '', 'no', { retry: false });
    await work.fail(held[2]?.token ?? '', 'no');
    const none = { scheduled: 0, ready: 0, running: 0, done: 0, failed: 0, cancelled: 0 };
    expect(await work.counts()).toEqual({
      all: { ...none, ready: 20, running: 1, done: 1, failed: 1, scheduled: 1 },
      kinds: [
        { ...none, kind: 'a', more: false, ready: 4, running: 1, done: 1, failed: 1, scheduled: 1 },
        { ...none, kind: 'b', more: false, ready: 8 },
        { ...none, kind: 'c', more: false, ready: 8 },
      ],
      unhandled: ['a', 'b', 'c'],
    });
  });
});

describe('one item', () => {
  test('is cancelled unless it has ended, and its worker loses its claim', async () => {
    const place = await placeOpened();
    const { work } = place;
    const { id } = await work.enqueue('a');
    const { token } = await place.claim();
    await work.cancel(id);
    const reclaimed = { code: 'STALE_CLAIM', details: { reason: 'reclaimed' } };
    await expect(work.done(token)).rejects.toMatchObject(reclaimed);
    const refused = { code: 'WORK_NOT_CANCELLABLE', details: { status: 'cancelled' } };
    await expect(work.cancel(id)).rejects.toMatchObject(refused);
    await expect(work.retry(id)).rejects.toMatchObject({ code: 'WORK_NOT_RETRYABLE' });
    await expect(work.cancel('')).rejects.toMatchObject({ code: 'INVALID_ID' });
  });

  test('that is a dead letter, or rests, is ready when it is retried', async () => {
    const place = await placeOpened();
    const { work, test } = place;
    const { id } = await work.enqueue('a', 1, { attemptsMax: 2 });
    await work.fail((await place.claim()).token, 'no');
    await work.retry(id);
    await work.fail((await place.claim()).token, 'no');
    expect(await work.get(id)).toMatchObject({ status: 'failed', attempts: 2, endedAt: test.clock.now() });
    await work.retry(id);
    expect(await place.claim()).toMatchObject({ id, attempts: 0 });
    expect(await work.get(id)).toMatchObject({ lastError: { message: 'no' } });
  });
});

describe('many', () => {
  test('named by their ids say which were changed, and why others were not', async () => {
    const place = await placeOpened();
    const { work } = place;
    const ready = await work.enqueue('a');
    const done = await work.enqueue('b');
    await work.done((await place.claim('b')).token);
    const { ids, refused } = await work.cancelMany({ ids: [ready.id, done.id, 'work_gone', ''] });
    expect(ids).toEqual([ready.id]);
    expect(refused.toSorted((a, b) => (a.code < b.code ? -1 : 1))).toEqual([
      { id: 'work_gone', code: 'ACTOR_NOT_FOUND' },
      { id: '', code: 'INVALID_ID' },
      { id: done.id, code: 'WORK_NOT_CANCELLABLE' },
    ]);
  });

  test('named by kind and status are found, and no others are touched', async () => {
    const { work } = await filled();
    for (const { token } of await work.claimMany(['a', 'b'], 16))
      await work.fail(token, 'no', { retry: false });
    expect((await work.retryMany({ kind: 'a' })).ids).toHaveLength(8);
    expect((await work.counts()).all).toMatchObject({ ready: 16, failed: 8 });
    expect((await work.cancelMany({ kind: 'c' })).ids).toHaveLength(8);
    expect((await work.cancelMany({ status: 'failed' })).ids).toHaveLength(8);
    expect((await work.cancelMany({})).ids).toHaveLength(8);
    expect((await work.counts()).all).toMatchObject({ ready: 0, failed: 0, cancelled: 24 });
    expect(await work.retryMany({})).toEqual({ ids: [], refused: [] });
  });

  test('are refused as a whole when the selection is none', async () => {
    const { work } = await filled();
    for (const [selection, field] of [
      [{ ids: 'all' }, 'ids'],
      [{ ids: ['a', 7] }, 'ids.1'],
      [{ ids: [], kind: 'a' }, ''],
      [{ status: 'done' }, 'status'],
      [7, ''],
    ] as const) {
      const asked = work.cancelMany(selection as never);
      await expect(asked).rejects.toMatchObject({ code: 'INVALID_INPUT', details: { field } });
    }
    expect((await work.counts()).all.ready).toBe(24);
  });
});

describe('a directory that nobody runs', () => {
  test('shows its items and lets them be changed', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-work-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const options = { directory, control: false, durability: 'process', log: silentLogger } as const;
    const runtime = await openRuntime(options);
    const [first, second] = await runtime.work.enqueueMany([{ kind: 'a' }, { kind: 'a', payload: 2 }]);
    await runtime.close({ timeoutMs: 0 });
    const offline = await openOffline({ directory, log: silentLogger });
    expect((await offline.work.list({ status: 'ready' })).items).toHaveLength(2);
    await offline.work.cancel(first?.id ?? '');
    const third = await offline.work.enqueue('b', 'added');
    expect((await offline.work.counts()).all).toMatchObject({ ready: 2, cancelled: 1 });
    await offline.close();
    const again = await openRuntime(options);
    onTestFinished(() => again.close({ timeoutMs: 0 }));
    const claimed = await again.work.claimMany(undefined, 10);
    expect(claimed.map(({ id, payload }) => [id, payload])).toEqual([
      [second?.id, 2],
      [third.id, 'added'],
    ]);
  });
});
