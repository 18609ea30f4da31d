/**
 * Those who check webhooks for a living judge the simulator's: the clients of OpenAI and Replicate, `jose`,
 * Node itself, and the vector that Kling publishes.
 */
import { verify, createPublicKey } from 'node:crypto';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { validateWebhook } from 'replicate';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/ids.js';
import type { Simulator, SimulatorScript } from '../../src/simulator/index.js';
import { Signer } from '../../src/simulator/signing.js';
import { AT_ONCE, field, get, json, KEY, opened, post } from '../simulator/opened.js';
import { receiver, type Received, type Receiver } from '../simulator/receiver.js';
import { openaiClient, replicateClient } from './clients.js';

type Fault = NonNullable<NonNullable<SimulatorScript['webhooks']>['faults']>[number]['fault'];

const SECRET = `whsec_${Buffer.from('what the referees know').toString('base64')}`;

/** A simulator whose tasks are done at once, and the fault of all its webhooks. */
function telling(fault?: Fault, projectUrls: Readonly<Record<string, string>> = {}): Promise<Simulator> {
  const faults = fault === undefined ? [] : [{ fault }];
  return opened({
    script: { life: AT_ONCE, webhooks: { secrets: [SECRET], projectUrls, faults, attemptsMax: 1 } },
  });
}

function headersOf({ headers }: Received): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

describe('openai.webhooks.unwrap', () => {
  async function unwrapped(fault?: Fault): Promise<unknown> {
    const to = await receiver();
    const simulator = await telling(fault, { openai: to.url });
    await openaiClient(simulator).videos.create({ prompt: 'a cat' });
    const news = await to.nth(1);
    return openaiClient(simulator).webhooks.unwrap(news.body, headersOf(news), SECRET);
  }

  test('accepts an event', async () => {
    expect(await unwrapped()).toMatchObject({ object: 'event', type: 'video.completed' });
  });

  test.each([{ type: 'forge' }, { type: 'stale' }, { type: 'unsigned' }] as const)(
    'refuses one with the fault %j',
    async (fault) => {
      await expect(unwrapped(fault)).rejects.toThrow(/signature|timestamp|header/i);
    },
  );
});

describe('replicate.validateWebhook', () => {
  async function isValid(fault?: Fault): Promise<boolean> {
    const to = await receiver();
    const simulator = await telling(fault);
    const client = replicateClient(simulator);
    const model = 'wan-video/wan-2.2-t2v-fast';
    await client.predictions.create({ model, input: { prompt: 'a cat' }, webhook: to.url });
    const news = await to.nth(1);
    const { key } = await client.webhooks.default.secret.get();
    const request = new Request(to.url, { method: 'POST', headers: headersOf(news), body: news.body });
    return validateWebhook(request, key);
  }

  test('accepts a prediction, with the secret that the API tells', async () => {
    expect(await isValid()).toBe(true);
  });

  test('refuses a forged one', async () => {
    expect(await isValid({ type: 'forge' })).toBe(false);
  });

  // Measured with replicate 1.4.0: why the ingress has a replay window of its own.
  test('accepts one that is a year old', async () => {
    expect(await isValid({ type: 'stale', ageMs: 2_147_483_647 })).toBe(true);
  });
});

describe('the vector that Kling publishes', () => {
  const secret = 'whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=';
  const body =
    '{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,"update_time":1781080794151}';
  const signature = 'v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=';

  test('is what the simulator signs', async () => {
    const letter = { id: '9876543210', atMs: 1_781_080_794_999, url: 'http://127.0.0.1', body };
    expect(await new Signer().headers('standard', letter, [secret], 'own')).toEqual({
      'webhook-id': '9876543210',
      'webhook-timestamp': '1781080794',
      'webhook-signature': signature,
    });
    expect(new Webhook(secret).sign('9876543210', new Date(1_781_080_794_000), body)).toBe(signature);
  });
});

describe('fal’s signature', () => {
  async function isGood(fault?: Fault): Promise<boolean> {
    const to = await receiver();
    const simulator = await telling(fault);
    const url = `${simulator.url}/fal/fal-ai/veo3?fal_webhook=${encodeURIComponent(to.url)}`;
    await post(url, { prompt: 'a cat' }, { authorization: 'Key id:secret' });
    return falVerdict(simulator, to);
  }

  test('is good by the key set it publishes, and not when forged', async () => {
    expect(await isGood()).toBe(true);
    expect(await isGood({ type: 'forge' })).toBe(false);
  });
});

async function falVerdict(simulator: Simulator, to: Receiver): Promise<boolean> {
  const { headers, body } = await to.nth(1);
  const name = (end: string): string => String(headers[`x-fal-webhook-${end}`]);
  const lines = [name('request-id'), name('user-id'), name('timestamp'), sha256Hex(body)].join('\n');
  const keys = await json(await get(`${simulator.url}/_simulator/fal/jwks.json`, {}));
  const x = String(field(keys, 'keys.0.x'));
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(null, Buffer.from(lines), key, Buffer.from(name('signature'), 'hex'));
}

describe('Veo’s token', () => {
  async function payload(fault?: Fault): Promise<unknown> {
    const to = await receiver();
    const simulator = await telling(fault);
    const url = `${simulator.url}/veo/v1beta/models/veo-3.1-generate-preview:predictLongRunning`;
    const body = { instances: [{ prompt: 'a cat' }], webhookConfig: { uris: [to.url] } };
    await post(url, body, { ...KEY, 'x-goog-api-key': 'AIza-test' });
    const news = await to.nth(1);
    const response = await get(`${simulator.url}/_simulator/veo/jwks.json`, {});
    const keys: JSONWebKeySet = JSON.parse(await response.text());
    const token = String(news.headers['webhook-signature']);
    const verified = await jwtVerify(token, createLocalJWKSet(keys), { algorithms: ['RS256'] });
    return verified.payload.jti === news.headers['webhook-id'];
  }

  test('is good by the key set it publishes, and neither when forged nor when stale', async () => {
    expect(await payload()).toBe(true);
    await expect(payload({ type: 'forge' })).rejects.toThrow('signature verification failed');
    await expect(payload({ type: 'stale' })).rejects.toThrow('"exp" claim timestamp check failed');
  });
});
