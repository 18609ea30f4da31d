import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { isHoldfastError } from '../../src/errors.js';
import { createTransport, kling, openai } from '../../src/providers/index.js';
import { pollOutcome, submitOutcome } from '../../src/providers/outcome.js';
import type {
  HttpRequest,
  ProviderAdapter,
  ProviderRequest,
  TaskRef,
  Transport,
} from '../../src/providers/index.js';
import { answerJson, listen } from './local-server.js';
import type { Handler, LocalServer } from './local-server.js';

const key = 'sk-secret-0001';
const wanted: ProviderRequest = { kind: 'video', prompt: 'a cat', durationSeconds: 4 };
const ref: TaskRef = { taskId: 'video_1', endpoint: 'videos', generation: 'v1', credential: 'default' };
const never = new AbortController().signal;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(handler: Handler): Promise<LocalServer> {
  const server = await listen(handler);
  closers.push(server.close);
  return server;
}

function transport(): Transport {
  const made = createTransport({ clock: systemClock });
  closers.push(made.close);
  return made;
}

const adapterFor = (server: LocalServer, encoding: 'json' | 'multipart' = 'json'): ProviderAdapter =>
  openai({ baseUrl: `${server.url}/v1`, apiKey: key, encoding });

const post = (adapter: ProviderAdapter): HttpRequest => adapter.buildSubmit(wanted, { key: 'job_1' });

describe('a submit', () => {
  it('is one POST with the key, JSON as asked, and no compression', async () => {
    const server = await serve((_request, response) => answerJson(response, 200, { id: 'video_1' }));
    const adapter = adapterFor(server);
    const result = await transport().send(adapter, 'default', post(adapter), { signal: never });
    expect(submitOutcome(adapter, result, wanted, 'default')).toEqual({ type: 'accepted', ref });
    expect(server.received).toHaveLength(1);
    expect(server.received[0]).toMatchObject({
      method: 'POST',
      url: '/v1/videos',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'accept-encoding': 'identity',
      },
    });
    expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({
      model: 'sora-2',
      prompt: 'a cat',
      seconds: '4',
    });
  });

  it('goes out as a multipart form that a parser reads back', async () => {
    const server = await serve((_request, response) => answerJson(response, 200, { id: 'video_1' }));
    const adapter = adapterFor(server, 'multipart');
    await transport().send(adapter, 'default', post(adapter), { signal: never });
    const [received] = server.received;
    const headers = { 'content-type': received?.headers['content-type'] ?? '' };
    const form = await new Response(received?.body ?? '', { headers }).formData();
    expect(Object.fromEntries(form)).toEqual({ model: 'sora-2', prompt: 'a cat', seconds: '4' });
  });

  it('uploads an image that is given as data as a file', async () => {
    const server = await serve((_request, response) => answerJson(response, 200, { id: 'video_1' }));
    const adapter = adapterFor(server, 'multipart');
    const image = `data:image/png;base64,${Buffer.from('pixels').toString('base64')}`;
    const submit = adapter.buildSubmit({ ...wanted, image }, { key: 'job_1' });
    await transport().send(adapter, 'default', submit, { signal: never });
    const [received] = server.received;
    const headers = { 'content-type': received?.headers['content-type'] ?? '' };
    const file = (await new Response(received?.body ?? '', { headers }).formData()).get('input_reference');
    if (!(file instanceof File)) throw new Error('input_reference is no file');
    expect([file.name, file.type, await file.text()]).toEqual(['input_reference.png', 'image/png', 'pixels']);
  });

  it.each<[string, Handler]>([
    ['a reset after the body', (request) => request.socket.resetAndDestroy()],
    ['a close without an answer', (request) => request.socket.destroy()],
    [
      'an answer that breaks off',
      (request, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"id":', () => request.socket.destroy());
      },
    ],
    ['bytes that are not HTTP', (request) => request.socket.end('SMTP ready\r\n\r\n')],
    ['an answer beyond the size limit', (_request, response) => response.end('x'.repeat(1_100_000))],
  ])('that meets %s is ambiguous, and never repeated', async (_name, handler) => {
    const server = await serve(handler);
    const adapter = adapterFor(server);
    const sender = transport();
    const result = await sender.send(adapter, 'default', post(adapter), { signal: never });
    expect(result.type).toBe('unknown');
    expect(submitOutcome(adapter, result, wanted, 'default')).toMatchObject({
      type: 'ambiguous',
      error: { class: 'network' },
    });
    // A later call on the same transport proves that nothing was queued to go out again.
    await sender.send(adapter, 'default', adapter.buildPoll(ref), { signal: never });
    expect(server.received.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  it('whose answer does not come in time is ambiguous', async () => {
    const server = await serve(() => undefined);
    const adapter = adapterFor(server);
    const options = { signal: never, timeoutMs: 100 };
    const result = await transport().send(adapter, 'default', post(adapter), options);
    expect(result).toMatchObject({ type: 'unknown', error: { code: 'timeout' } });
    expect(server.received).toHaveLength(1);
  });

  it('that is aborted while it waits is ambiguous', async () => {
    const controller = new AbortController();
    const server = await serve(() => controller.abort());
    const adapter = adapterFor(server);
    const result = await transport().send(adapter, 'default', post(adapter), { signal: controller.signal });
    expect(result.type).toBe('unknown');
  });

  it('does not follow a redirect', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    const adapter = adapterFor(server);
    const result = await transport().send(adapter, 'default', post(adapter), { signal: never });
    expect(submitOutcome(adapter, result, wanted, 'default').type).toBe('ambiguous');
    expect(server.received).toHaveLength(1);
  });

  it('never rides on a connection that an earlier call left open', async () => {
    const server = await serve((_request, response) => answerJson(response, 200, { id: 'video_1' }));
    const adapter = adapterFor(server);
    const sender = transport();
    await sender.send(adapter, 'default', adapter.buildPoll(ref), { signal: never });
    await sender.send(adapter, 'default', adapter.buildPoll(ref), { signal: never });
    const before = server.connections();
    await sender.send(adapter, 'default', post(adapter), { signal: never });
    expect(server.connections()).toBe(before + 1);
  });
});

describe('a submit that was certainly not sent', () => {
  it('is one whose connection was refused', async () => {
    const closed = await listen(() => undefined);
    await closed.close();
    const adapter = adapterFor(closed);
    const result = await transport().send(adapter, 'default', post(adapter), { signal: never });
    expect(result).toMatchObject({ type: 'notSent', error: { class: 'network', code: 'ECONNREFUSED' } });
    expect(submitOutcome(adapter, result, wanted, 'default')).toMatchObject({
      type: 'rejected',
      error: { retryable: true },
    });
  });

  it('is one whose TLS handshake failed', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).resume();
      socket.end('this is no TLS\n');
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    closers.push(() => new Promise((resolve) => server.close(() => resolve())));
    const { port } = server.address() as AddressInfo;
    const adapter = openai({ baseUrl: `https://127.0.0.1:${port}/v1`, apiKey: key });
    const result = await transport().send(adapter, 'default', post(adapter), { signal: never });
    expect(result.type).toBe('notSent');
  });

  it('is one that was aborted before it began', async () => {
    const server = await serve(() => undefined);
    const adapter = adapterFor(server);
    const signal = AbortSignal.abort();
    expect((await transport().send(adapter, 'default', post(adapter), { signal })).type).toBe('notSent');
    expect(server.received).toHaveLength(0);
  });

  it('is one whose key could not be read', async () => {
    const adapter = openai({
      apiKey: () => {
        throw new Error('vault sealed');
      },
    });
    const result = await transport().send(adapter, 'default', post(adapter), { signal: never });
    expect(result).toMatchObject({ type: 'notSent', error: { class: 'auth' } });
  });

  it('is one whose key fits in no header: the key is at fault, and not the way to the provider', async () => {
    const server = await serve(() => undefined);
    for (const apiKey of ['sk-a\nsk-b', 'sk-\u2026', 'sk-\u0000']) {
      const adapter = openai({ baseUrl: server.url, apiKey });
      const result = await transport().send(adapter, 'default', post(adapter), { signal: never });
      expect(result).toMatchObject({ type: 'notSent', error: { class: 'auth', code: 'unusableKey' } });
      expect(JSON.stringify(result)).not.toContain('sk-');
    }
    expect(server.connections()).toBe(0);
  });

  it('is one without a key: blocked, with nothing on the wire', async () => {
    const server = await serve(() => undefined);
    const adapter = openai({ baseUrl: server.url, env: () => ({}) });
    const result = await transport().send(adapter, 'default', post(adapter), { signal: never });
    expect(result).toEqual({ type: 'noCredential' });
    expect(submitOutcome(adapter, result, wanted, 'default')).toMatchObject({ type: 'blocked' });
    expect(pollOutcome(adapter, result, ref)).toMatchObject({ type: 'blocked' });
    expect(server.connections()).toBe(0);
  });
});

describe('429 over the wire', () => {
  it.each([
    [{ 'retry-after': '3' }, 3_000, 3_000],
    [{ 'retry-after-ms': '1500' }, 1_500, 1_500],
    [{ 'retry-after': new Date(Date.now() + 60_000).toUTCString() }, 40_000, 60_000],
  ])('with %j waits as asked', async (headers, least, most) => {
    const server = await serve((_request, response) => answerJson(response, 429, { error: {} }, headers));
    const adapter = adapterFor(server);
    const result = await transport().send(adapter, 'default', post(adapter), { signal: never });
    const outcome = submitOutcome(adapter, result, wanted, 'default');
    if (outcome.type !== 'rejected') throw new Error(`a 429 is rejected, not ${outcome.type}`);
    expect(outcome.error.retryAfterMs).toBeGreaterThanOrEqual(least);
    expect(outcome.error.retryAfterMs).toBeLessThanOrEqual(most);
    expect(server.received).toHaveLength(1);
  });
});

describe('a poll', () => {
  it('that meets a broken connection is transient', async () => {
    const server = await serve((request) => request.socket.destroy());
    const adapter = adapterFor(server);
    const result = await transport().send(adapter, 'default', adapter.buildPoll(ref), { signal: never });
    expect(pollOutcome(adapter, result, ref)).toMatchObject({
      type: 'transient',
      error: { class: 'network' },
    });
  });

  it('brings back what the adapter reads', async () => {
    const server = await serve((_request, response) =>
      answerJson(response, 200, { id: 'video_1', status: 'in_progress', progress: 50 }),
    );
    const adapter = adapterFor(server);
    const result = await transport().send(adapter, 'default', adapter.buildPoll(ref), { signal: never });
    expect(pollOutcome(adapter, result, ref)).toEqual({ type: 'pending', progress: 0.5 });
  });
});

describe('the length of a reply', () => {
  it.each([
    ['1 MiB unless the request says otherwise', undefined, 1_100_000, 'unknown'],
    ['what the request says, when that is more', 2_000_000, 1_100_000, 'response'],
    ['and no more than that', 2_000_000, 2_000_001, 'unknown'],
  ])('is %s', async (_name, replyBytesMax, bytes, type) => {
    const server = await serve((_request, response) => response.end('x'.repeat(bytes)));
    const adapter = adapterFor(server);
    const poll = { ...adapter.buildPoll(ref), ...(replyBytesMax === undefined ? {} : { replyBytesMax }) };
    const result = await transport().send(adapter, 'default', poll, { signal: never });
    expect(result.type).toBe(type);
  });
});

describe('what the transport refuses and hides', () => {
  it('a path that leaves the base URL is a bug of the adapter', async () => {
    const adapter = openai({ baseUrl: 'http://127.0.0.1:9/v1', apiKey: key });
    for (const path of ['/../admin', 'videos', '/../v1evil/videos']) {
      await expect(
        transport().send(adapter, 'default', { method: 'GET', path }, { signal: never }),
      ).rejects.toSatisfy((error) => isHoldfastError(error, 'INVALID_OPTIONS'));
    }
  });

  it('a key that the provider echoes does not reach the error', async () => {
    const server = await serve((_request, response) =>
      answerJson(response, 401, { code: 1002, message: 'bad token kk-very-private' }),
    );
    const adapter = kling({ baseUrl: server.url, apiKey: 'kk-very-private' });
    const request = adapter.buildSubmit(wanted, { key: 'job_1' });
    const result = await transport().send(adapter, 'default', request, { signal: never });
    const outcome = submitOutcome(adapter, result, wanted, 'default');
    expect(outcome).toMatchObject({ type: 'rejected', error: { class: 'auth' } });
    expect(JSON.stringify(outcome)).not.toContain('kk-very-private');
  });

  it('an adapter that throws while reading makes a submit ambiguous and a poll transient', () => {
    const broken: ProviderAdapter = {
      ...openai({ apiKey: key }),
      parseSubmit: () => {
        throw new TypeError('x is undefined');
      },
      parsePoll: () => {
        throw new TypeError('x is undefined');
      },
    };
    const result = {
      type: 'response',
      secrets: [],
      response: { status: 200, headers: {}, text: '{}' },
    } as const;
    const error = { code: 'adapterThrew' };
    expect(submitOutcome(broken, result, wanted, 'default')).toMatchObject({ type: 'ambiguous', error });
    expect(pollOutcome(broken, result, ref)).toMatchObject({ type: 'transient', error });
  });

  it('a closed transport ends what is under way as unknown', async () => {
    const sender = createTransport({ clock: systemClock });
    const server = await serve(() => void sender.close());
    const adapter = adapterFor(server);
    const result = await sender.send(adapter, 'default', post(adapter), { signal: never });
    expect(result.type).toBe('unknown');
  });
});
