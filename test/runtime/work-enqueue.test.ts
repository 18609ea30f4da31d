/** Enqueueing: what is checked, what is one item, and what a crash leaves of many. */
import { describe, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import type { NewWork, Runtime, WorkOptions } from '../../src/index.js';
import { reservedActions } from '../../src/machines/index.js';
import { createTestRuntime } from '../../src/testing/index.js';
import { movableOpened, placeOpened } from './work-place.js';

const KIB = 1_024;

const options: WorkOptions = {
  kinds: {
    chunk_embed: {
      schema: z.strictObject({ docId: z.string(), version: z.coerce.number() }),
      dedupeKey: ({ docId, version }: { docId: string; version: number }) =>
        `chunk_embed:${docId}:${version}`,
      priority: 10,
      attemptsMax: 2,
      retentionMs: 5_000,
    },
    slow: { schema: z.string().refine((text) => Promise.resolve(text !== 'bad'), 'is bad') },
    sour: {
      dedupeKey: () => {
        throw new Error('no key');
      },
    },
  },
};

describe('one item', () => {
  test('has what its kind says, and its payload is what the schema made of it', async () => {
    const place = await placeOpened({ work: options });
    const { test, work } = place;
    const { id } = await work.enqueue('chunk_embed', { docId: 'a', version: '7' });
    expect(await work.get(id)).toEqual({
      ...{ id, kind: 'chunk_embed', status: 'ready', priority: 10, attempts: 0, attemptsMax: 2 },
      ...{ createdAt: test.clock.now(), runAt: test.clock.now(), dedupeKey: 'chunk_embed:a:7' },
      payload: { docId: 'a', version: 7 },
    });
    expect(await work.enqueue('chunk_embed', { docId: 'a', version: 7 })).toEqual({ id, deduplicated: true });
    await work.done((await place.claim()).token);
    await test.advance(5_000);
    await expect(work.get(id)).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
  });

  test('is refused by name of its field, and nothing is written', async () => {
    const { work } = await placeOpened({ work: options });
    const wrong: readonly (readonly [field: string, () => Promise<unknown>])[] = [
      ['kind', () => work.enqueue('')],
      ['kind', () => work.enqueue('a\0b')],
      ['payload', () => work.enqueue('any', () => 1)],
      ['payload', () => work.enqueue('any', 'x'.repeat(256 * KIB))],
      ['payload', () => work.enqueue('any', new Date())],
      ['docId', () => work.enqueue('chunk_embed', { docId: 3, version: 1 })],
      ['', () => work.enqueue('slow', 'bad')],
      ['dedupeKey', () => work.enqueue('sour')],
      ['dedupeKey', () => work.enqueue('any', 1, { dedupeKey: '' })],
      ['dedupeKey', () => work.enqueue('any', 1, { dedupeKey: 'x'.repeat(301) })],
      ['priority', () => work.enqueue('any', 1, { priority: 256 })],
      ['priority', () => work.enqueue('any', 1, { priority: -1 })],
      ['attemptsMax', () => work.enqueue('any', 1, { attemptsMax: 0 })],
      ['runAt', () => work.enqueue('any', 1, { runAt: Number.NaN })],
      ['notify', () => work.enqueue('any', 1, { notify: 'nobody' })],
      ['', () => work.enqueue('any', 1, { color: 'red' } as never)],
      ['items.1.priority', () => work.enqueueMany([{ kind: 'any' }, { kind: 'any', priority: 1.5 }])],
      ['items.0.docId', () => work.enqueueMany([{ kind: 'chunk_embed', payload: {} }])],
      ['items', () => work.enqueueMany('many' as never)],
      ['items', () => work.enqueueMany(Array.from({ length: 10_001 }, () => ({ kind: 'any' })))],
    ];
    for (const [field, ask] of wrong)
      await expect(ask()).rejects.toMatchObject({ code: 'INVALID_INPUT', details: { field } });
    const half = { kind: 'any', payload: 'x'.repeat(255 * KIB) };
    await expect(work.enqueueMany(Array.from({ length: 70 }, () => half))).rejects.toThrow(/together/);
    expect((await work.list()).items).toEqual([]);
  });

  test('takes 256 KiB, null, a Date for its time, and an asynchronous schema', async () => {
    const place = await placeOpened({ work: options });
    const { work, test } = place;
    const large = 'x'.repeat(256 * KIB - 2);
    expect((await work.get((await work.enqueue('any', large)).id)).payload).toBe(large);
    expect((await work.get((await work.enqueue('any')).id)).payload).toBeNull();
    expect((await work.get((await work.enqueue('slow', 'good')).id)).payload).toBe('good');
    const runAt = new Date(test.clock.now() + 1_000);
    const { id } = await work.enqueue('later', 1, { runAt });
    expect(await work.get(id)).toMatchObject({ status: 'scheduled', runAt: runAt.getTime() });
  });

  test('is what it was when it was asked for, whatever its caller changes then', async () => {
    const { work } = await placeOpened();
    const payload = { doc: 1 };
    const asked = work.enqueue('embed', payload);
    payload.doc = 2;
    expect((await work.get((await asked).id)).payload).toEqual({ doc: 1 });
  });
});

describe('a dedupe key', () => {
  test('is of its kind alone, and held while the item is scheduled, ready or running', async () => {
    const place = await placeOpened();
    const { test, work } = place;
    const dedupeKey = 'one';
    const first = await work.enqueue('a', 1, { dedupeKey, runAt: test.clock.now() + 1_000 });
    const isHeld = async () => (await work.enqueue('a', 2, { dedupeKey })).id === first.id;
    expect((await work.enqueue('b', 1, { dedupeKey })).deduplicated).toBe(false);
    expect(await isHeld()).toBe(true);
    await test.advance(1_000);
    expect(await isHeld()).toBe(true);
    const { token } = await place.claim('a');
    expect(await isHeld()).toBe(true);
    await work.fail(token, 'no', { retry: false });
    expect(await isHeld()).toBe(false);
    await expect(work.retry(first.id)).rejects.toMatchObject({ code: 'NOT_UNIQUE' });
    expect((await work.get(first.id)).status).toBe('failed');
  });

  test('is held by one of many who ask at the same time', async () => {
    const { runtime } = await movableOpened();
    const asked = Array.from({ length: 200 }, (_, n) =>
      n % 2 === 0
        ? runtime.work.enqueue('a', n, { dedupeKey: `key-${n % 4}` })
        : runtime.work.enqueueMany([{ kind: 'a', payload: n, dedupeKey: `key-${(n - 1) % 4}` }]),
    );
    const all = (await Promise.all(asked)).flat();
    expect(all.filter(({ deduplicated }) => !deduplicated)).toHaveLength(2);
    expect(new Set(all.map(({ id }) => id)).size).toBe(2);
    expect((await runtime.work.counts()).all.ready).toBe(2);
  });

  test('within one call makes the later items the first', async () => {
    const { work } = await placeOpened();
    const old = await work.enqueue('a', 'old', { dedupeKey: 'old' });
    const made = await work.enqueueMany([
      { kind: 'a', payload: 1, dedupeKey: 'new' },
      { kind: 'a', payload: 2, dedupeKey: 'old' },
      { kind: 'a', payload: 3 },
      { kind: 'a', payload: 4, dedupeKey: 'new' },
    ]);
    expect(made.map(({ deduplicated }) => deduplicated)).toEqual([false, true, false, true]);
    expect(made[1]?.id).toBe(old.id);
    expect(made[3]?.id).toBe(made[0]?.id);
    const payloads = (await work.claimMany('a', 10)).map(({ payload }) => payload);
    expect(payloads).toEqual(['old', 1, 3]);
  });
});

describe('many items', () => {
  test('are there as a whole or not at all when the process dies at their commit', async () => {
    const items: readonly NewWork[] = Array.from({ length: 500 }, (_, n) => ({
      ...{ kind: 'a', payload: n },
      ...(n % 10 === 0 ? { dedupeKey: `key-${n % 100}` } : {}),
    }));
    for (const at of ['before-commit', 'after-commit'] as const) {
      const place = await placeOpened();
      await place.test.crash({ at, during: () => place.work.enqueueMany(items) });
      const { ready } = (await place.work.counts()).all;
      expect(ready).toBe(at === 'before-commit' ? 0 : 450 + 10);
    }
  });

  test('are one commit, which others join, and keep their order', async () => {
    const { runtime } = await movableOpened();
    const two = Array.from({ length: 3 }, (_, n) => ({ kind: 'a', payload: n }));
    const [first, single, second] = await Promise.all([
      runtime.work.enqueueMany(two),
      runtime.work.enqueue('a', 'single'),
      runtime.work.enqueueMany(two),
    ]);
    const claimed = (await runtime.work.claimMany('a', 10)).map(({ id }) => id);
    expect(new Set(claimed)).toEqual(new Set([...first, ...second, single].map(({ id }) => id)));
    expect(claimed.filter((id) => first.some((one) => one.id === id))).toEqual(first.map(({ id }) => id));
    expect(await runtime.work.enqueueMany([])).toEqual([]);
  });

  test('are none when the runtime closes first', async () => {
    const { runtime } = await movableOpened();
    const asked = runtime.work.enqueueMany([{ kind: 'a' }, { kind: 'a' }]);
    await Promise.all([
      expect(asked).rejects.toMatchObject({ code: 'RUNTIME_CLOSED' }),
      runtime.close({ timeoutMs: 0 }),
    ]);
  });
});

describe('another actor', () => {
  test('gets an item in the very step that asks for it, and is told how it ended', async () => {
    const test = await createTestRuntime({ define: (runtime) => defineAsking(runtime) });
    const asker = await test.kinds.create({ id: '1', input: { id: '1' } });
    await asker.send({ type: 'ask' });
    await test.settle();
    const { work } = test.runtime;
    const item = await work.claimNext('embed');
    expect(item).toMatchObject({ id: 'work_of_1', payload: { doc: 1 }, priority: 255 });
    await work.done(item?.token ?? '');
    await test.settle();
    const at = test.clock.now();
    const told = { type: 'work.settled', workId: 'work_of_1', kind: 'embed', status: 'done', at };
    expect(await asker.snapshot()).toMatchObject({ context: { told } });
    await test.close();
  });

  test('asks for it once, whatever dies', async () => {
    const test = await createTestRuntime({ define: (runtime) => defineAsking(runtime) });
    for (const at of ['before-commit', 'after-commit'] as const) {
      const asker = await test.kinds.create({ id: at, input: { id: at } });
      await test.crash({ at, during: () => asker.send({ type: 'ask' }) });
      const again = await test.kinds.create({ id: at, input: { id: at } });
      await again.send({ type: 'ask' });
      await test.settle();
    }
    expect((await test.runtime.work.counts()).all.ready).toBe(2);
    await test.close();
  });
});

describe('the option work', () => {
  test('is checked when the runtime is opened', async () => {
    const wrong: readonly (readonly [path: string, unknown])[] = [
      ['work.token', { token: 'short' }],
      ['work.token', { token: `${'x'.repeat(40)}\n` }],
      ['work.kinds.a.priority', { kinds: { a: { priority: 300 } } }],
      ['work.kinds.a.attemptsMax', { kinds: { a: { attemptsMax: 0 } } }],
      ['work.kinds.a.schema', { kinds: { a: { schema: () => true } } }],
      ['work.kinds.a.dedupeKey', { kinds: { a: { dedupeKey: 'key' } } }],
      ['work', { kind: {} }],
    ];
    for (const [path, work] of wrong) {
      const refused = movableOpened({ work: work as WorkOptions });
      const message = expect.stringContaining(`${path}:`) as unknown;
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_OPTIONS', message });
    }
  });
});

/** Asks for an item of work, with a priority that no door would let in. */
function defineAsking(runtime: Runtime) {
  const machine = setup({
    types: {
      context: {} as { id: string; told: unknown },
      input: {} as { id: string },
      events: {} as { type: 'ask' } | { type: 'work.settled' },
    },
    actions: {
      ...reservedActions,
      keep: assign({
        told: ({ event }) => Object.fromEntries(Object.entries(event).filter(([key]) => key !== '$')),
      }),
    },
  }).createMachine({
    id: 'asker',
    version: '1',
    context: ({ input }) => ({ id: input.id, told: null }),
    on: {
      ask: {
        actions: {
          type: 'actor.create',
          params: ({ context }) => {
            const id = `work_of_${context.id}`;
            const more = { priority: 1_000, notify: `asker/${context.id}` };
            return { kind: 'work', id, input: { workId: id, kind: 'embed', payload: { doc: 1 }, ...more } };
          },
        },
      },
      'work.settled': { actions: 'keep' },
    },
  });
  return runtime.define(machine);
}
