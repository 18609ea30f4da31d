/** `holdfast/client` at a real runtime, over its socket and over HTTP, and when nobody answers. */
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connectWork, type ConnectOptions, type WorkClient, type WorkPlace } from '../../src/client/index.js';
import { openRuntime, silentLogger, type ClaimedWork, type Runtime } from '../../src/index.js';
import { newDirectory } from '../control/world.js';

const TOKEN = 'a token of no less than 32 characters'.replaceAll(' ', '-');

async function opened(directory: string, token?: string): Promise<Runtime> {
  const options = { directory, log: silentLogger, durability: 'process' } as const;
  const runtime = await openRuntime(token === undefined ? options : { ...options, work: { token } });
  onTestFinished(() => runtime.close({ timeoutMs: 1_000 }));
  return runtime;
}

function connected(place: WorkPlace, options?: ConnectOptions): WorkClient {
  const client = connectWork(place, options);
  onTestFinished(() => client.close());
  return client;
}

/** A server in front of `runtime.fetch`, as `holdfast serve` has one. */
async function served(runtime: Runtime): Promise<string> {
  const listener = getRequestListener((request) => runtime.fetch(request), { overrideGlobalObjects: false });
  return listening(createServer((request, response) => void listener(request, response)));
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.each(['over the socket of its directory', 'over HTTP with its token'])('%s', (way) => {
  const isSocket = way.startsWith('over the socket');
  async function scene(): Promise<{ readonly runtime: Runtime; readonly client: WorkClient }> {
    const directory = await newDirectory();
    const runtime = await opened(directory, isSocket ? undefined : TOKEN);
    const place = isSocket ? { directory } : { url: await served(runtime), token: TOKEN };
    return { runtime, client: connected(place) };
  }

  test('items are enqueued, claimed, kept, given back, failed and done', async () => {
    const { runtime, client } = await scene();
    const payload = { aB: { c_d: 1 } };
    const { id } = await client.enqueue('a', payload, { priority: 0, dedupeKey: 'k' });
    expect(await client.enqueue('a', null, { dedupeKey: 'k' })).toEqual({ id, deduplicated: true });
    expect(await client.enqueueMany([{ kind: 'b', payload: 1 }, { kind: 'b' }])).toHaveLength(2);
    expect(await client.claimNext('c')).toBeUndefined();
    const item = await client.claimNext(undefined, { ttlMs: 5_000 });
    expect(item).toMatchObject({ id, kind: 'a', payload, attempts: 0, priority: 0 });
    expect((await runtime.work.get(id)).claim?.workerId).toBe(client.workerId);
    const { token, expiresAt } = item as ClaimedWork;
    expect(await client.heartbeat(token, { ttlMs: 60_000 })).toBeGreaterThan(expiresAt);
    await client.requeue(token);
    const [again] = await client.claim(1, { kinds: ['a'] });
    await client.fail(again?.token ?? '', Object.assign(new TypeError('torn'), { code: 'E_TORN' }), {
      retryInMs: 0,
    });
    expect((await runtime.work.get(id)).lastError).toEqual({ code: 'E_TORN', message: 'torn' });
    const third = await client.claimNext('a', { waitMs: 10_000 });
    await client.done(third?.token ?? '', payload);
    await client.done(third?.token ?? '', payload);
    expect(await runtime.work.get(id)).toMatchObject({ status: 'done', attempts: 1, result: payload });
    expect(await client.claim(10, { kinds: 'b' })).toHaveLength(2);
    await expect(client.requeue(third?.token ?? '')).rejects.toMatchObject({
      code: 'STALE_CLAIM',
      details: { reason: 'wrong' },
    });
    await expect(client.enqueue('a', 1, { priority: 300 })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      details: { field: 'priority' },
    });
  });

  test('a handler gets each item once, as many at once as it takes, until it is closed', async () => {
    const { runtime, client } = await scene();
    await runtime.work.enqueueMany(Array.from({ length: 12 }, (_, payload) => ({ kind: 'a', payload })));
    const seen: unknown[] = [];
    let atOnce = 0;
    let most = 0;
    const handling = client.handle(
      'a',
      async ({ payload }, { heartbeat }) => {
        most = Math.max(most, (atOnce += 1));
        await heartbeat();
        seen.push(payload);
        atOnce -= 1;
        return { twice: Number(payload) * 2 };
      },
      { concurrency: 4 },
    );
    await expect.poll(async () => (await runtime.work.counts()).all.done, { timeout: 20_000 }).toBe(12);
    await handling.close();
    expect(seen.map(Number).toSorted((left, right) => left - right)).toEqual(
      Array.from({ length: 12 }, (_, at) => at),
    );
    expect(most).toBeLessThanOrEqual(4);
    const { items } = await runtime.work.list({ status: 'done', limit: 1 });
    expect((await runtime.work.get(items[0]?.id ?? '')).result).toMatchObject({
      twice: expect.any(Number) as number,
    });
    await runtime.work.enqueue('a');
    expect((await runtime.work.counts()).all).toMatchObject({ done: 12, ready: 1 });
  });
});

describe('a handler', () => {
  test('that throws fails its item, for good where its error says so', async () => {
    const directory = await newDirectory();
    const runtime = await opened(directory);
    const client = connected({ directory });
    const kinds = ['throws', 'permanent', 'unkept', 'no JSON', 'later', 'past'];
    const ids = new Map<string, string>();
    for (const kind of kinds) ids.set(kind, (await runtime.work.enqueue(kind)).id);
    client.handle('throws', () => Promise.reject(new RangeError('too far')));
    client.handle('permanent', () => Promise.reject(Object.assign(new Error('never'), { permanent: true })));
    client.handle('later', () =>
      Promise.reject(Object.assign(new Error('busy'), { retryAfterMs: 3_600_000 })),
    );
    client.handle('past', () => Promise.reject(Object.assign(new Error(), { retryAfterMs: -0.5 })));
    client.handle('unkept', () => ({ text: 'x'.repeat(300_000) }));
    client.handle('no JSON', () => 10n);
    const of = async (kind: string): Promise<unknown> => {
      const { status, attempts, lastError } = await runtime.work.get(ids.get(kind) ?? '');
      return [status, attempts, lastError?.code];
    };
    const soon = { timeout: 20_000 };
    await expect.poll(() => of('throws'), soon).toEqual(['scheduled', 1, 'RangeError']);
    await expect.poll(() => of('permanent'), soon).toEqual(['failed', 1, 'Error']);
    await expect.poll(() => of('unkept'), soon).toEqual(['failed', 1, 'INVALID_INPUT']);
    await expect.poll(() => of('no JSON'), soon).toEqual(['failed', 1, 'INVALID_INPUT']);
    await expect.poll(() => of('later'), soon).toEqual(['scheduled', 1, 'Error']);
    await expect
      .poll(async () => (await runtime.work.get(ids.get('past') ?? '')).attempts, soon)
      .toBeGreaterThanOrEqual(1);
    const { runAt, createdAt } = await runtime.work.get(ids.get('later') ?? '');
    expect(runAt - createdAt).toBeGreaterThanOrEqual(3_600_000);
  });

  test('keeps its claim past its time to live, and hears when it is taken away', async () => {
    const directory = await newDirectory();
    const runtime = await opened(directory);
    const client = connected({ directory });
    const { id } = await runtime.work.enqueue('long');
    const told: unknown[] = [];
    const fired = new Promise<unknown>((resolve) => {
      client.handle(
        'long',
        (_item, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              resolve(signal.reason);
              reject(new Error('stopped'));
            });
          }),
        { ttlMs: 1_000, onError: (error) => told.push(error) },
      );
    });
    let beats = 0;
    const stop = runtime.on('step', ({ entry }) => {
      if ((entry.event as { readonly type: string }).type === 'work.heartbeat') beats += 1;
    });
    await expect.poll(() => beats, { timeout: 20_000 }).toBeGreaterThanOrEqual(4);
    stop();
    expect(await runtime.work.get(id)).toMatchObject({ status: 'running', attempts: 0 });
    await runtime.work.cancel(id);
    expect(await fired).toMatchObject({ code: 'STALE_CLAIM' });
    await expect.poll(() => told, { timeout: 10_000 }).toMatchObject([{ code: 'STALE_CLAIM' }]);
    expect(await runtime.work.get(id)).toMatchObject({ status: 'cancelled' });
  });

  test('that is stopped by its signal gives back what it leaves, no attempt counted', async () => {
    const directory = await newDirectory();
    const runtime = await opened(directory);
    const client = connected({ directory });
    const { id } = await runtime.work.enqueue('long');
    const stop = new AbortController();
    let begun = (): void => undefined;
    const running = new Promise<void>((resolve) => (begun = resolve));
    const handling = client.handle(
      'long',
      (_item, { signal }) => {
        begun();
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('stopped')));
        });
      },
      { signal: stop.signal },
    );
    await running;
    stop.abort();
    await handling.ended;
    expect(await runtime.work.get(id)).toMatchObject({ status: 'ready', attempts: 0 });
  });

  test('goes on at the next runtime of its directory, and what it ends meanwhile is told then', async () => {
    const directory = await newDirectory();
    const first = await opened(directory);
    const client = connected({ directory });
    const { id } = await first.work.enqueue('long');
    let end = (): void => undefined;
    let begun = (): void => undefined;
    const running = new Promise<void>((resolve) => (begun = resolve));
    client.handle('long', async () => {
      begun();
      await new Promise<void>((resolve) => (end = resolve));
      return 'whole';
    });
    await running;
    await first.close();
    end();
    const second = await opened(directory);
    await expect.poll(async () => (await second.work.get(id)).status, { timeout: 20_000 }).toBe('done');
    const next = await second.work.enqueue('long');
    const statusOf = async (): Promise<string> => {
      end();
      return (await second.work.get(next.id)).status;
    };
    await expect.poll(statusOf, { timeout: 20_000 }).toBe('done');
  });

  test('ends for good where its token is not taken', async () => {
    const runtime = await opened(await newDirectory(), TOKEN);
    const client = connected({ url: await served(runtime), token: 'another' });
    const handling = client.handle('a', () => undefined);
    await expect(handling.ended).rejects.toMatchObject({ code: 'CONTROL_REFUSED' });
    await expect(handling.close()).rejects.toMatchObject({ code: 'CONTROL_REFUSED' });
  });
});

describe('what the wire would make something else of is refused before it is sent', () => {
  const circle: Record<string, unknown> = {};
  circle['of'] = circle;
  test.each([[() => 1], [10n], [{ at: new Date(0) }], [Number.NaN], [circle]])('%s', async (value) => {
    const client = connected({ url: 'http://127.0.0.1:1', token: TOKEN });
    const payload = { code: 'INVALID_INPUT', details: { field: 'payload' } };
    await expect(client.enqueue('a', value)).rejects.toMatchObject(payload);
    await expect(client.enqueueMany([{ kind: 'a', payload: value }])).rejects.toMatchObject(payload);
    const result = { code: 'INVALID_INPUT', details: { field: 'result' } };
    await expect(client.done('work_x.y', value)).rejects.toMatchObject(result);
  });

  test('and so are items that are no list, and a handler that is no function', async () => {
    const client = connected({ url: 'http://127.0.0.1:1', token: TOKEN });
    await expect(client.enqueueMany('a' as never)).rejects.toMatchObject({ details: { field: 'items' } });
    expect(() => client.handle('a', undefined as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', details: { field: 'handler' } }),
    );
  });
});

describe('when nobody answers', () => {
  test('a call is tried again until its patience ends: a runtime may come', async () => {
    const directory = await newDirectory();
    const hasty = connected({ directory }, { patienceMs: 0 });
    await expect(hasty.enqueue('a')).rejects.toMatchObject({
      code: 'CONTROL_FAILED',
      details: { isSent: false },
    });
    const client = connected({ directory });
    const claim = client.claimNext('a', { waitMs: 30_000 });
    const enqueued = client.enqueue('b');
    const runtime = await opened(directory);
    const { id } = await runtime.work.enqueue('a');
    expect((await claim)?.id).toBe(id);
    expect((await runtime.work.get((await enqueued).id)).status).toBe('ready');
  });

  test('a runtime that comes again behind another door of its directory is found', async () => {
    const directory = await newDirectory();
    await mkdir(directory, { recursive: true });
    const seen: string[] = [];
    const open = async (name: string): Promise<Server> => {
      const server = createServer((request, response) => {
        seen.push(`${name} ${request.url ?? ''}`);
        request.resume();
        response.end('{}');
      });
      const url = await listening(server);
      await writeFile(join(directory, 'control.json'), JSON.stringify({ url, token: TOKEN }));
      return server;
    };
    const first = await open('first');
    const client = connected({ directory });
    await client.done('work_x.y');
    first.closeAllConnections();
    first.close();
    await open('second');
    await client.requeue('work_x.z');
    expect(seen).toEqual(['first /v1/work/done', 'second /v1/work/requeue']);
  });

  test('a lost answer is asked for again where that changes nothing, and an enqueue is not', async () => {
    const seen: string[] = [];
    // Takes each call and cuts the line; from the second time on it answers.
    const server = createServer((request, response) => {
      const { url = '' } = request;
      seen.push(url);
      request.resume();
      if (seen.filter((each) => each === url).length === 1) request.destroy();
      else response.end('{}');
    });
    const client = connected({ url: await listening(server), token: TOKEN });
    await client.done('work_x.y');
    await client.fail('work_x.y', 'why');
    await client.requeue('work_x.y');
    await expect(client.enqueue('a')).rejects.toMatchObject({
      code: 'CONTROL_FAILED',
      details: { isSent: true },
    });
    const twice = ['done', 'fail', 'requeue'].flatMap((what) => [`/v1/work/${what}`, `/v1/work/${what}`]);
    expect(seen).toEqual([...twice, '/v1/work']);
  });

  test('a server without such a door is asked about: which URL, and whether with a token', async () => {
    const server = createServer((_request, response) => response.writeHead(404).end());
    const client = connected({ url: await listening(server), token: TOKEN }, { patienceMs: 0 });
    await expect(client.claimNext('a')).rejects.toMatchObject({
      code: 'CONTROL_FAILED',
      message: expect.stringContaining('with status 404: is it the URL that runtime.fetch') as string,
    });
  });

  test.each([
    {},
    { directory: '' },
    { directory: '.', url: 'http://127.0.0.1', token: 't' },
    { url: 'ftp://127.0.0.1', token: 't' },
    { url: 'http://127.0.0.1' },
  ])('%j is no place of a runtime', (place) => {
    expect(() => connectWork(place as WorkPlace)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTIONS' }),
    );
  });
});
