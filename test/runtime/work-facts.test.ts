/** The field's own facts of work items, each by its name. */
import { describe, expect, test } from 'vitest';
import { movableOpened, placeOpened, type WorkPlace } from './work-place.js';

const TTL_MS = 60_000;

describe('enqueue and claim', () => {
  test('enqueue twice by key returns the first id and one ready row', async () => {
    const { work } = await placeOpened();
    const first = await work.enqueue('embed', { doc: 1 }, { dedupeKey: 'doc-1' });
    const second = await work.enqueue('embed', { doc: 1 }, { dedupeKey: 'doc-1' });
    expect(first.deduplicated).toBe(false);
    expect(second).toEqual({ id: first.id, deduplicated: true });
    expect((await work.list({ status: 'ready' })).items.map(({ id }) => id)).toEqual([first.id]);
    expect((await work.counts()).all.ready).toBe(1);
  });

  test('claim on empty is undefined', async () => {
    const { work } = await placeOpened();
    expect(await work.claimNext('embed')).toBeUndefined();
    expect(await work.claimNext()).toBeUndefined();
    expect(await work.claimMany(['embed', 'index'], 10)).toEqual([]);
  });

  test('a lower priority number is claimed first even when enqueued later', async () => {
    const place = await placeOpened();
    const { work } = place;
    const late = await work.enqueue('embed', 'late', { priority: 200 });
    const usual = await work.enqueue('embed', 'usual');
    const first = await work.enqueue('embed', 'first', { priority: 0 });
    const order = [await place.claim('embed'), await place.claim('embed'), await place.claim('embed')];
    expect(order.map(({ id }) => id)).toEqual([first.id, usual.id, late.id]);
  });

  test('items come first in, first out within one priority', async () => {
    const { work } = await placeOpened();
    const ids: string[] = [];
    for (let n = 0; n < 20; n += 1) ids.push((await work.enqueue('embed', n)).id);
    const many = await work.enqueueMany(
      Array.from({ length: 20 }, (_, n) => ({ kind: 'embed', payload: n })),
    );
    ids.push(...many.map(({ id }) => id));
    const claimed = await work.claimMany('embed', 100);
    expect(claimed.map(({ id }) => id)).toEqual(ids);
  });

  test('an item is not claimed before its time', async () => {
    const { test, work } = await placeOpened();
    const { id } = await work.enqueue('embed', 1, { runAt: test.clock.now() + 10_000 });
    expect(await work.claimNext('embed')).toBeUndefined();
    await test.advance(9_999);
    expect(await work.claimNext('embed')).toBeUndefined();
    await test.advance(1);
    expect((await work.claimNext('embed'))?.id).toBe(id);
  });
});

describe('the end of a claim', () => {
  test('done frees key and claim, so that an equal item gets a new id', async () => {
    const place = await placeOpened();
    const { work } = place;
    const first = await work.enqueue('embed', { doc: 1 }, { dedupeKey: 'doc-1' });
    const claim = await place.claim('embed', { workerId: 'w1' });
    expect(claim).toMatchObject({ id: first.id, kind: 'embed', payload: { doc: 1 }, attempts: 0 });
    expect(claim.workerId).toBe('w1');
    await work.done(claim.token, { chunks: 3 });
    const view = await work.get(first.id);
    expect(view).toMatchObject({ status: 'done', payload: { doc: 1 }, result: { chunks: 3 } });
    expect(view.claim).toBeUndefined();
    const again = await work.enqueue('embed', { doc: 1 }, { dedupeKey: 'doc-1' });
    expect(again.deduplicated).toBe(false);
    expect(again.id).not.toBe(first.id);
  });

  test('fail counts, and keeps the error', async () => {
    const place = await placeOpened();
    const { id } = await place.work.enqueue('embed');
    const { token } = await place.claim();
    await place.work.fail(token, Object.assign(new Error('no memory'), { code: 'ENOMEM' }));
    expect(await place.work.get(id)).toMatchObject({
      ...{ status: 'scheduled', attempts: 1, lastError: { code: 'ENOMEM', message: 'no memory' } },
    });
  });

  test('a delayed retry is not claimed early', async () => {
    const place = await placeOpened();
    const { test, work } = place;
    const { id } = await work.enqueue('embed');
    await work.fail((await place.claim()).token, new Error('busy'), { retryInMs: 30_000 });
    await test.advance(29_999);
    expect(await work.claimNext('embed')).toBeUndefined();
    await test.advance(1);
    expect(await place.claim()).toMatchObject({ id, attempts: 1 });
  });

  test('a wrong token is refused and the right one still works', async () => {
    const place = await placeOpened();
    const { work } = place;
    const { id } = await work.enqueue('embed');
    const { token } = await place.claim();
    for (const wrong of [`${id}.claim_guess`, 'nonsense', `${token}x`, '']) {
      for (const end of endings(place)) {
        await expect(end(wrong)).rejects.toMatchObject({ code: 'STALE_CLAIM', details: { reason: 'wrong' } });
      }
    }
    expect(await work.get(id)).toMatchObject({ status: 'running', attempts: 0 });
    await work.done(token);
    expect((await work.get(id)).status).toBe('done');
  });

  test('done after reclaim is refused', async () => {
    const place = await placeOpened();
    const { test, work } = place;
    const { id } = await work.enqueue('embed');
    const { token } = await place.claim();
    await test.advance(TTL_MS + 1);
    for (const end of endings(place)) {
      await expect(end(token)).rejects.toMatchObject({
        code: 'STALE_CLAIM',
        details: { reason: 'reclaimed' },
      });
    }
    expect(await work.get(id)).toMatchObject({ status: 'ready', attempts: 1 });
  });

  test('an unknown id is no stale claim', async () => {
    const place = await placeOpened();
    for (const end of endings(place)) {
      await expect(end('work_gone.claim_1')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    }
    await expect(place.work.get('work_gone')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    await expect(place.work.cancel('work_gone')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
  });

  test('requeue gives back without counting an attempt', async () => {
    const place = await placeOpened();
    const { id } = await place.work.enqueue('embed');
    await place.work.requeue((await place.claim()).token);
    expect(await place.claim()).toMatchObject({ id, attempts: 0 });
  });
});

describe('a claim that expires', () => {
  test('leaves its item ready again with attempts 1 and claim_token_expired', async () => {
    const place = await placeOpened();
    const { id } = await place.work.enqueue('embed');
    await place.claim('embed', { ttlMs: 1_000 });
    await place.test.advance(1_001);
    const lastError = { code: 'claim_token_expired', message: 'claim_token_expired' };
    expect(await place.work.get(id)).toMatchObject({ status: 'ready', attempts: 1, lastError });
  });

  test('at the maximum fails with claim_token_expired (max attempts exceeded), its key free', async () => {
    const place = await placeOpened();
    const { work } = place;
    const { id } = await work.enqueue('embed', 1, { attemptsMax: 2, dedupeKey: 'one' });
    for (let n = 0; n < 2; n += 1) {
      await place.claim('embed', { ttlMs: 1_000 });
      await place.test.advance(1_001);
    }
    const view = await work.get(id);
    expect(view).toMatchObject({ status: 'failed', attempts: 2 });
    expect(view.lastError?.message).toBe('claim_token_expired (max attempts exceeded)');
    expect((await work.enqueue('embed', 1, { dedupeKey: 'one' })).deduplicated).toBe(false);
  });

  test('is not a fresh one: that is untouched', async () => {
    const place = await placeOpened();
    const { test, work } = place;
    const old = await work.enqueue('embed', 'old');
    await place.claim('embed', { ttlMs: 2_000 });
    await test.advance(1_500);
    const fresh = await work.enqueue('embed', 'fresh');
    await place.claim('embed', { ttlMs: 2_000 });
    expect(await work.reclaimStale()).toEqual([]);
    expect(await work.reclaimStale(test.clock.now() + 500)).toEqual([]);
    expect(await work.reclaimStale(test.clock.now() + 501)).toEqual([old.id]);
    expect((await work.get(fresh.id)).status).toBe('running');
    expect((await work.get(old.id)).attempts).toBe(1);
  });

  test('does not when a heartbeat prevents it', async () => {
    const place = await placeOpened();
    const { test, work } = place;
    const { id } = await work.enqueue('embed');
    const { token } = await place.claim('embed', { ttlMs: 10_000 });
    for (let n = 0; n < 5; n += 1) {
      await test.advance(9_000);
      expect(await work.heartbeat(token)).toBe(test.clock.now() + 10_000);
    }
    expect(await work.get(id)).toMatchObject({ status: 'running', attempts: 0 });
    await test.advance(10_001);
    expect((await work.get(id)).status).toBe('ready');
  });

  test('refuses its stale heartbeat', async () => {
    const place = await placeOpened();
    const { test, work } = place;
    await work.enqueue('embed');
    const { token } = await place.claim('embed', { ttlMs: 1_000 });
    await test.advance(1_001);
    await place.claim('embed');
    await expect(work.heartbeat(token)).rejects.toMatchObject({ code: 'STALE_CLAIM' });
  });
});

describe('a clock that goes backwards', () => {
  test('harms nothing: claims hold longer, order and fences stay', async () => {
    const { clock, runtime } = await movableOpened();
    const { work } = runtime;
    const first = await work.enqueue('embed', 'first');
    const held = await work.claimNext('embed', { ttlMs: TTL_MS });
    clock.jump(-3_600_000);
    expect(await work.heartbeat(held?.token ?? '', { ttlMs: 1_000 })).toBe(held?.expiresAt);
    expect(await work.reclaimStale()).toEqual([]);
    const second = await work.enqueue('embed', 'second');
    const third = await work.enqueue('embed', 'third');
    expect((await work.claimMany('embed', 2)).map(({ id }) => id)).toEqual([second.id, third.id]);
    await clock.advance(TTL_MS + 1);
    expect((await work.get(first.id)).status).toBe('running');
    await work.done(held?.token ?? '');
    expect((await work.get(first.id)).status).toBe('done');
    await clock.advance(3_600_000);
    expect((await work.counts()).all).toMatchObject({ ready: 2, done: 1, running: 0 });
  });
});

/** Everything a worker says of a claim. */
function endings({ test }: WorkPlace): readonly ((token: string) => Promise<unknown>)[] {
  const { work } = test.runtime;
  return [
    (token) => work.done(token, 1),
    (token) => work.fail(token, new Error('it fell')),
    (token) => work.requeue(token),
    (token) => work.heartbeat(token),
  ];
}
