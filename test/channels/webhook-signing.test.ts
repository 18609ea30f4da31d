/** The signed webhook channel, judged by receivers that are not ours. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { validateWebhook } from 'replicate';
import { Webhook } from 'standardwebhooks';
import { expect, onTestFinished, test } from 'vitest';
import { webhookChannel, type WebhookSigning } from '../../src/channels/index.js';
import { systemClock } from '../../src/clock.js';
import { exampleContext, exampleMessage } from './example.js';

const whsec = (text: string): string => `whsec_${Buffer.from(text).toString('base64')}`;
const NEW = whsec('the secret of this year');
const OLD = whsec('the secret of last year');

interface Received {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

async function receiver(): Promise<{ readonly url: string; readonly received: readonly Received[] }> {
  const received: Received[] = [];
  const take = async (request: IncomingMessage): Promise<void> => {
    const body = (await request.toArray()).join('');
    received.push({ headers: { ...(request.headers as Record<string, string>) }, body });
  };
  const server = createServer((request, response) => void take(request).then(() => response.end()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

async function sent(
  signing: WebhookSigning,
  attempts = [1],
  clock = systemClock,
): Promise<readonly Received[]> {
  const { url, received } = await receiver();
  const channel = webhookChannel({ url, signing, clock });
  for (const attempt of attempts) await channel.send(exampleMessage, exampleContext({ attempt }));
  return received;
}

test('what is sent is accepted by standardwebhooks, by OpenAI’s client and by Replicate’s', async () => {
  const [message] = await sent({ secret: NEW });
  const { headers = {}, body = '' } = message ?? {};
  expect(new Webhook(NEW).verify(body, headers)).toMatchObject({ text: exampleMessage.text });
  const client = new OpenAI({ apiKey: 'sk-test' });
  await expect(client.webhooks.unwrap(body, headers, NEW)).resolves.toBeDefined();
  const parts = {
    id: headers['webhook-id'] ?? '',
    timestamp: headers['webhook-timestamp'] ?? '',
    signature: headers['webhook-signature'] ?? '',
  };
  await expect(validateWebhook({ ...parts, body, secret: NEW })).resolves.toBe(true);
  expect(() => new Webhook(OLD).verify(body, headers)).toThrow(/signature/);
  expect(() => new Webhook(NEW).verify(`${body} `, headers)).toThrow(/signature/);
});

test('every secret signs, so that a receiver may know either', async () => {
  const [message] = await sent({ secret: [NEW, OLD] });
  const { headers = {}, body = '' } = message ?? {};
  for (const secret of [NEW, OLD]) expect(() => new Webhook(secret).verify(body, headers)).not.toThrow();
  expect(headers['webhook-signature']?.split(' ')).toHaveLength(2);
});

test('an attempt has its delivery’s id and a time of its own, by the clock of the channel', async () => {
  let now = 1_700_000_000_999;
  const clock = { ...systemClock, now: () => (now += 60_000) };
  const [first, second] = await sent({ secret: NEW }, [1, 2], clock);
  const { deliveryId } = exampleContext({});
  expect([first, second].map((one) => one?.headers['webhook-id'])).toEqual([deliveryId, deliveryId]);
  expect([first, second].map((one) => one?.headers['webhook-timestamp'])).toEqual([
    '1700000060',
    '1700000120',
  ]);
});

test('a secret that is none, and a header that signing sets, are refused without showing the secret', () => {
  const url = 'http://127.0.0.1:9/';
  for (const secret of ['', 'plain text secret', 'whsec_', 'whsec_***', [], Array(9).fill(NEW)] as const) {
    const make = (): unknown => webhookChannel({ url, signing: { secret } as WebhookSigning });
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(make).toThrow(/^(?!.*(plain text secret|\*\*\*))/);
  }
  const headers = { 'Webhook-Id': 'mine' };
  expect(() => webhookChannel({ url, headers, signing: { secret: NEW } })).toThrow(/set by the channel/);
  expect(() => webhookChannel({ url, headers })).not.toThrow();
});
