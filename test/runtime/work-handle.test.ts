/** The worker inside the process: what its handlers are given, and what becomes of what they say. */
import { describe, expect, test } from 'vitest';
import type { ClaimedWork, HandleOptions, WorkHandlerContext } from '../../src/index.js';
import { placeOpened, type WorkPlace } from './work-place.js';

/** A handler's call that stands where the test wants it. */
interface Call {
  readonly item: ClaimedWork;
  readonly context: WorkHandlerContext;
  readonly finish: (result?: unknown) => void;
  readonly fail: (error: unknown) => void;
}

interface Played {
  readonly calls: Call[];
  /** Most that were under way at once. */
  readonly most: () => number;
  readonly handler: (item: ClaimedWork, context: WorkHandlerContext) => Promise<unknown>;
}

function played(): Played {
  const calls: Call[] = [];
  let running = 0;
  let most = 0;
  return {
    calls,
    most: () => most,
    handler: (item, context) =>
      new Promise((resolve, reject) => {
        running += 1;
        most = Math.max(most, running);
        const over = (end: () => void) => () => {
          running -= 1;
          end();
        };
        calls.push({
          ...{ item, context },
          finish: (result) => over(() => resolve(result))(),
          fail: (error) => over(() => reject(error as Error))(),
        });
      }),
  };
}

interface Handled extends Played {
  readonly at: WorkPlace;
  /** The newest call. */
  readonly last: () => Call;
  readonly settle: () => Promise<void>;
}

/** A runtime with a handler of kind `embed`. */
async function handled(options: HandleOptions = {}, items = 1): Promise<Handled> {
  const at = await placeOpened();
  const stage = played();
  at.work.handle('embed', stage.handler, options);
  for (let n = 0; n < items; n += 1) await at.work.enqueue('embed', { n });
  await at.test.settle();
  const last = (): Call => {
    const call = stage.calls.at(-1);
    if (call === undefined) throw new Error('it was not called');
    return call;
  };
  return { ...stage, at, last, settle: () => at.test.settle() };
}

const viewsOf = async ({ work }: WorkPlace) => (await work.list()).items.toReversed();
const only = async (at: WorkPlace) => {
  const [{ id } = { id: '' }] = (await at.work.list()).items;
  return at.work.get(id);
};

describe('a handler', () => {
  test('is called for items that wait, and for those that come; what it returns is kept', async () => {
    const at = await placeOpened();
    const { id: early } = await at.work.enqueue('embed', { n: 1 });
    const handling = at.work.handle('embed', ({ payload }) => ({ got: payload }));
    await at.test.settle();
    const { id: late } = await at.work.enqueue('embed', { n: 2 });
    await at.test.settle();
    for (const [id, n] of [[early, 1] as const, [late, 2] as const])
      expect(await at.work.get(id)).toMatchObject({ status: 'done', attempts: 0, result: { got: { n } } });
    await handling.close();
  });

  test('works on as many at once as it was allowed, and on no more', async () => {
    const { at, calls, most, settle } = await handled({ concurrency: 3 }, 8);
    expect(calls).toHaveLength(3);
    for (let done = 0; done < 8; done += 1) {
      calls[done]?.finish();
      await settle();
    }
    expect(most()).toBe(3);
    expect(calls.map(({ item }) => item.payload)).toEqual(Array.from({ length: 8 }, (_, n) => ({ n })));
    expect((await at.work.counts()).all).toMatchObject({ done: 8, running: 0, ready: 0 });
  });

  test('that returns nothing leaves no result; one that throws at once has failed', async () => {
    const at = await placeOpened();
    at.work.handle('quiet', () => undefined);
    at.work.handle('loud', () => {
      throw new TypeError('no such page');
    });
    const quiet = await at.work.enqueue('quiet');
    const loud = await at.work.enqueue('loud', null, { attemptsMax: 1 });
    await at.test.settle();
    expect(await at.work.get(quiet.id)).toMatchObject({ status: 'done' });
    expect(await at.work.get(quiet.id)).not.toHaveProperty('result');
    expect(await at.work.get(loud.id)).toMatchObject({
      ...{ status: 'failed', attempts: 1 },
      lastError: { code: 'TypeError', message: 'no such page' },
    });
  });

  test('of a kind shares its items with another of that kind', async () => {
    const at = await placeOpened();
    const [one, other] = [played(), played()];
    at.work.handle('embed', one.handler);
    at.work.handle('embed', other.handler, { workerId: 'other' });
    for (let n = 0; n < 4; n += 1) await at.work.enqueue('embed', { n });
    await at.test.settle();
    expect([one.calls.length, other.calls.length]).toEqual([1, 1]);
    expect(other.calls[0]?.item.workerId).toBe('other');
    one.calls[0]?.finish();
    await at.test.settle();
    other.calls[0]?.finish();
    await at.test.settle();
    const all = [...one.calls, ...other.calls].map(({ item }) => item.id);
    expect([all.length, new Set(all).size]).toEqual([4, 4]);
  });

  test('is asked for what can be, and for nothing once the runtime is closed', async () => {
    const at = await placeOpened();
    const { work } = at;
    const refused = (field: string): unknown =>
      expect.objectContaining({ code: 'INVALID_INPUT', details: { field } });
    const handler = () => undefined;
    expect(() => work.handle('', handler)).toThrow(refused('kind'));
    expect(() => work.handle('embed', undefined as never)).toThrow(refused('handler'));
    expect(() => work.handle('embed', handler, { concurrency: 0 })).toThrow(refused('concurrency'));
    expect(() => work.handle('embed', handler, { ttlMs: 999 })).toThrow(refused('ttlMs'));
    expect(() => work.handle('embed', handler, { workerId: '' })).toThrow(refused('workerId'));
    expect((await work.counts()).unhandled).toEqual([]);
    await at.test.close();
    expect(() => work.handle('embed', handler)).toThrow(expect.objectContaining({ code: 'RUNTIME_CLOSED' }));
  });
});

describe('a failed attempt', () => {
  test('is counted and rests, each time longer, until the last', async () => {
    const { at, calls, last, settle } = await handled({}, 0);
    const { id } = await at.work.enqueue('embed', null, { attemptsMax: 3 });
    const rests: number[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await settle();
      const { item } = last();
      expect([calls.length, item.attempts]).toEqual([attempt + 1, attempt]);
      last().fail(new Error(`attempt ${attempt}`));
      await settle();
      const view = await at.work.get(id);
      if (view.status !== 'scheduled') break;
      rests.push(view.runAt - at.test.clock.now());
      await at.test.advance(view.runAt - at.test.clock.now());
    }
    expect(await at.work.get(id)).toMatchObject({
      ...{ status: 'failed', attempts: 3 },
      lastError: { message: 'attempt 2' },
    });
    const [first = 0, second = 0] = rests;
    expect(rests).toHaveLength(2);
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(first);
  });

  test.each([{ permanent: true }, { retry: false }])(
    'is the last when its error says so: %j',
    async (says) => {
      const { at, last, settle } = await handled();
      last().fail(Object.assign(new Error('never again'), says, { code: 'E_GONE' }));
      await settle();
      expect(await only(at)).toMatchObject({
        ...{ status: 'failed', attempts: 1 },
        lastError: { code: 'E_GONE', message: 'never again' },
      });
    },
  );

  test('rests as long as its error says', async () => {
    const { at, last, settle } = await handled();
    last().fail(Object.assign(new Error('slow down'), { retryAfterMs: 12_345.4 }));
    await settle();
    expect((await only(at)).runAt).toBe(at.test.clock.now() + 12_345);
  });

  test.each([undefined, null, 'a text', { message: 'no error' }])(
    'may throw anything: %j',
    async (thrown) => {
      const { at, last, settle } = await handled();
      last().fail(thrown);
      await settle();
      expect(await only(at)).toMatchObject({ status: 'scheduled', attempts: 1 });
    },
  );

  test.each([
    ['no JSON', () => 1n],
    ['too large', () => 'x'.repeat(300_000)],
  ])('is a result that cannot be kept, for it would be none next time: %s', async (_what, result) => {
    const { at, last, settle } = await handled();
    last().finish(result());
    await settle();
    expect(await only(at)).toMatchObject({ status: 'failed', lastError: { code: 'INVALID_INPUT' } });
  });
});

describe('a claim', () => {
  test('is renewed for as long as its handler takes', async () => {
    const { at, last, settle } = await handled({ ttlMs: 3_000 });
    await at.test.advance('1 min');
    const { signal } = last().context;
    expect([signal.aborted, (await only(at)).claim?.expiresAt]).toEqual([false, at.test.clock.now() + 3_000]);
    last().finish('late');
    await settle();
    expect(await only(at)).toMatchObject({ status: 'done', attempts: 0, result: 'late' });
    expect(signal.aborted).toBe(false);
    // Nothing renews it any more.
    await at.test.expectQuiet();
  });

  test('is extended when its handler asks for it', async () => {
    const { at, last } = await handled({ ttlMs: 60_000 });
    await at.test.advance(5_000);
    const renewed = last().context.heartbeat();
    await at.test.settle();
    await renewed;
    expect((await only(at)).claim?.expiresAt).toBe(at.test.clock.now() + 60_000);
  });

  test('of an item that is cancelled is lost: the signal fires, and what comes then is dropped', async () => {
    const { at, last, settle } = await handled();
    const { context, item, finish } = last();
    await at.work.cancel(item.id);
    await settle();
    expect(context.signal.aborted).toBe(true);
    expect(context.signal.reason).toMatchObject({ code: 'STALE_CLAIM' });
    await expect(context.heartbeat()).rejects.toMatchObject({ code: 'STALE_CLAIM' });
    finish('too late');
    await settle();
    expect(await only(at)).toMatchObject({ status: 'cancelled' });
    // There is room for the next.
    await at.work.enqueue('embed', { n: 2 });
    await settle();
    expect(last().item.payload).toEqual({ n: 2 });
  });

  test('that is taken away is lost, and the item goes to whoever claims it then', async () => {
    const { at, calls, settle } = await handled({ concurrency: 2 });
    const taken = at.work.reclaimStale(at.test.clock.now() + 120_000);
    await settle();
    expect(await taken).toHaveLength(1);
    const [first, second] = calls;
    expect([first?.context.signal.aborted, second?.context.signal.aborted]).toEqual([true, false]);
    first?.finish('the first');
    await settle();
    second?.finish('the second');
    await settle();
    expect(await only(at)).toMatchObject({ status: 'done', attempts: 1, result: 'the second' });
  });
});

describe('kinds without a handler', () => {
  test('stay ready, and are shown as such', async () => {
    const { at, settle } = await handled();
    await at.work.enqueue('unknown', 1);
    await at.test.advance('10 min');
    expect(await at.work.counts()).toMatchObject({ unhandled: ['unknown'], all: { ready: 1, running: 1 } });
    const handling = at.work.handle('unknown', () => 'known');
    await settle();
    await handling.close();
    await at.work.enqueue('unknown', 2);
    await settle();
    expect((await at.work.counts()).unhandled).toEqual(['unknown']);
    expect((await viewsOf(at)).map(({ status }) => status)).toEqual(['running', 'done', 'ready']);
  });
});

describe('at its close', () => {
  test('a handling claims nothing more, and waits for its handlers', async () => {
    const at = await placeOpened();
    const { calls, handler } = played();
    const handling = at.work.handle('embed', handler);
    await at.work.enqueue('embed', 1);
    await at.work.enqueue('embed', 2);
    await at.test.settle();
    let closed = false;
    const closing = handling.close().then(() => {
      closed = true;
    });
    await at.test.settle();
    expect([closed, calls[0]?.context.signal.aborted]).toEqual([false, false]);
    calls[0]?.finish();
    await at.test.settle();
    await closing;
    expect([calls.length, (await viewsOf(at)).map(({ status }) => status)]).toEqual([1, ['done', 'ready']]);
  });

  test('a runtime fires the signals; what is not done in time is given back uncounted', async () => {
    const { at, calls, settle } = await handled({ concurrency: 4 }, 5);
    const closing = at.test.runtime.close({ timeoutMs: 60_000 });
    await settle();
    expect(calls.map(({ context }) => context.signal.aborted)).toEqual([true, true, true, true]);
    expect(calls[0]?.context.signal.reason).toMatchObject({ code: 'RUNTIME_CLOSED' });
    calls[0]?.finish('in time');
    calls[1]?.fail(new Error('interrupted'));
    await settle();
    // The other two come to no end.
    await at.test.advance(60_000);
    await closing;
    calls[2]?.finish('too late');
    await at.test.crash();
    const left = await viewsOf(at);
    expect(left.map(({ status }) => status)).toEqual(['done', 'ready', 'ready', 'ready', 'ready']);
    expect(left.map(({ attempts }) => attempts)).toEqual([0, 0, 0, 0, 0]);
  });

  test('a runtime whose handlers wait for work closes at once', async () => {
    const { at } = await handled({}, 0);
    await at.test.runtime.close();
    expect(at.test.runtime.status).toBe('closed');
  });
});

describe('when the process dies', () => {
  test('its items are claimed again at once by the next, as another attempt', async () => {
    const stage = played();
    const at = await placeOpened({ define: ({ work }) => void work.handle('embed', stage.handler) });
    await at.work.enqueue('embed', 'x', { attemptsMax: 3 });
    await at.test.settle();
    const before = at.test.clock.now();
    await at.test.crash();
    expect(stage.calls.map(({ item }) => item.attempts)).toEqual([0, 1]);
    expect(at.test.clock.now()).toBe(before);
    expect(await only(at)).toMatchObject({ status: 'running', lastError: { code: 'claim_interrupted' } });
    // The handler of the process that is no more.
    stage.calls[0]?.finish('a ghost');
    await at.test.settle();
    stage.calls[1]?.finish('alive');
    await at.test.settle();
    expect(await only(at)).toMatchObject({ status: 'done', attempts: 1, result: 'alive' });
  });

  test('a result is on disk or its item is done again, whichever commit it was', async () => {
    for (const moment of ['before-commit', 'after-commit'] as const) {
      const stage = played();
      const at = await placeOpened({ define: ({ work }) => void work.handle('embed', stage.handler) });
      await at.work.enqueue('embed');
      await at.test.settle();
      await at.test.crash({ at: moment, during: () => stage.calls[0]?.finish('first') });
      const isLost = moment === 'before-commit';
      expect(stage.calls).toHaveLength(isLost ? 2 : 1);
      if (isLost) stage.calls[1]?.finish('second');
      await at.test.settle();
      expect(await only(at)).toMatchObject({ status: 'done', result: isLost ? 'second' : 'first' });
    }
  });
});
