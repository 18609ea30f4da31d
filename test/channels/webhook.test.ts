/** The webhook channel against a real receiver on loopback. */
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { ChannelObject, DeliveryFault, WebhookChannelOptions } from '../../src/channels/index.js';
import { faultOf, webhookChannel } from '../../src/channels/index.js';
import type { Clock } from '../../src/clock.js';
import { systemClock } from '../../src/clock.js';
import { limits } from '../../src/limits.js';
import { exampleContext, exampleMessage } from './example.js';

interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

/** A receiver that answers with `answer`, and what it received. */
async function receiver(answer: (response: ServerResponse) => void): Promise<{
  readonly origin: string;
  readonly received: readonly Received[];
}> {
  const received: Received[] = [];
  const listener = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = (await request.toArray()).join('');
    received.push({
      method: request.method,
      url: request.url,
      headers: request.headers,
      body: JSON.parse(text),
    });
    answer(response);
  };
  return { origin: await listen((request, response) => void listener(request, response)), received };
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function faultFrom(
  channel: ChannelObject,
  signal = new AbortController().signal,
): Promise<DeliveryFault> {
  return channel.send(exampleMessage, exampleContext({ signal })).then(
    () => expect.unreachable('the send succeeded'),
    (error: unknown) => faultOf(error),
  );
}

const answering =
  (status: number, headers: Readonly<Record<string, string>> = {}) =>
  (response: ServerResponse): void =>
    void response.writeHead(status, headers).end('body');

test('posts the message as snake_case JSON under its delivery id, and 2xx is the receipt', async () => {
  const { origin, received } = await receiver(answering(202));
  const channel = webhookChannel({ url: `${origin}/hook?x=1`, headers: { Authorization: 'Bearer k' } });
  const message = {
    ...exampleMessage,
    isGroup: true,
    replyTo: '7',
    jobId: 'job_1',
    account: 'main',
    meta: { a: 1 },
  };
  await expect(channel.send(message, exampleContext({ attempt: 3 }))).resolves.toEqual({ status: 202 });
  expect(received).toHaveLength(1);
  expect(received[0]).toMatchObject({ method: 'POST', url: '/hook?x=1' });
  expect(received[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    'idempotency-key': 'dlv_1',
    'x-holdfast-delivery': 'dlv_1',
    'x-holdfast-attempt': '3',
    authorization: 'Bearer k',
  });
  expect(received[0]?.body).toEqual({
    delivery_id: 'dlv_1',
    attempt: 3,
    channel: 'chat',
    account: 'main',
    target: '42',
    is_group: true,
    reply_to: '7',
    text: '[video] a cat',
    files: [{ name: 'cat.mp4', mime: 'video/mp4', path: '/artifacts/cat.mp4' }],
    images: [],
    job_id: 'job_1',
    meta: { a: 1 },
  });
});

test('takes the URL from the message when given a function', async () => {
  const { origin, received } = await receiver(answering(200));
  await webhookChannel({ url: ({ target }) => `${origin}/chat/${target}` }).send(
    exampleMessage,
    exampleContext(),
  );
  expect(received[0]?.url).toBe('/chat/42');
});

test.each([408, 425, 429, 500, 502, 503, 529])('answer %i is retryable', async (status) => {
  const { origin } = await receiver(answering(status));
  expect(await faultFrom(webhookChannel({ url: origin }))).toMatchObject({
    code: `http_${status}`,
    permanent: false,
  });
});

test.each([301, 302, 400, 401, 403, 404, 409, 410, 413, 422])('answer %i is permanent', async (status) => {
  const { origin, received } = await receiver(answering(status, { location: '/elsewhere' }));
  expect(await faultFrom(webhookChannel({ url: origin }))).toMatchObject({
    code: `http_${status}`,
    permanent: true,
  });
  expect(received).toHaveLength(1);
});

test.each([
  ['20', 20_000],
  ['0', limits.retryAfterMinMs],
  ['86400', limits.retryAfterMaxMs],
  ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
  ['soon', undefined],
])('Retry-After %j asks to wait %s ms', async (value, expected) => {
  const { origin } = await receiver(answering(429, { 'retry-after': value }));
  const clock: Clock = { ...systemClock, now: () => Date.UTC(2026, 10, 22, 12) };
  expect((await faultFrom(webhookChannel({ url: origin, clock }))).retryAfterMs).toBe(expected);
});

test('a refused connection and a reset are retryable, and say so without path or query', async () => {
  const reset = await listen((request) => void request.socket.destroy());
  const fault = await faultFrom(webhookChannel({ url: `${reset}/secret-path?token=abc` }));
  expect(fault.permanent).toBe(false);
  expect(fault.message).not.toMatch(/secret-path|abc/);
  expect(await faultFrom(webhookChannel({ url: 'http://127.0.0.1:1' }))).toMatchObject({
    code: 'ECONNREFUSED',
    permanent: false,
  });
});

test('an answer that does not come in time is a retryable timeout, on the given clock', async () => {
  const origin = await listen(() => undefined);
  const asked: number[] = [];
  const clock: Clock = {
    ...systemClock,
    schedule: (delayMs, run) => {
      asked.push(delayMs);
      return systemClock.schedule(0, run);
    },
  };
  expect(await faultFrom(webhookChannel({ url: origin, timeoutMs: 45_000, clock }))).toMatchObject({
    code: 'timeout',
    permanent: false,
  });
  expect(asked).toEqual([45_000]);
});

test('an abort ends the request and is retryable', async () => {
  const abort = new AbortController();
  const origin = await listen(() => abort.abort());
  expect(await faultFrom(webhookChannel({ url: origin }), abort.signal)).toMatchObject({
    code: 'aborted',
    permanent: false,
  });
});

test('a message larger than the limit is permanent and is not sent', async () => {
  const { origin, received } = await receiver(answering(200));
  const text = 'x'.repeat(limits.webhookBodyBytesMax);
  const error: unknown = await Promise.resolve(
    webhookChannel({ url: origin }).send({ ...exampleMessage, text }, exampleContext()),
  ).catch((thrown: unknown) => thrown);
  expect(faultOf(error)).toMatchObject({ code: 'too_large', permanent: true });
  expect(received).toEqual([]);
});

test('a function that gives no usable URL is permanent', async () => {
  expect(await faultFrom(webhookChannel({ url: () => 'nowhere' }))).toMatchObject({
    code: 'invalid_url',
    permanent: true,
  });
});

test.each<[string, WebhookChannelOptions]>([
  ['a relative URL', { url: '/hook' }],
  ['an empty URL', { url: '' }],
  ['another scheme', { url: 'ftp://127.0.0.1/' }],
  ['a password in the URL', { url: 'http://me:secret@127.0.0.1/' }],
  ['a zero timeout', { url: 'http://127.0.0.1', timeoutMs: 0 }],
  ['a negative timeout', { url: 'http://127.0.0.1', timeoutMs: -5 }],
  ['a header with a line break', { url: 'http://127.0.0.1', headers: { a: 'b\r\nc: d' } }],
  ['a header of its own', { url: 'http://127.0.0.1', headers: { 'Idempotency-Key': 'mine' } }],
])('%s is refused at registration with INVALID_OPTIONS', (_what, options) => {
  expect(() => webhookChannel(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
});
