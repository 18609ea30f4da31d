/** Whose a webhook is: each scheme against signatures that other libraries made, and everything near them. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { exportJWK, SignJWT, type JWTPayload } from 'jose';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/ids.js';
import { limits } from '../../src/limits.js';
import { webhookBody, WebhookVerifier } from '../../src/providers/index.js';
import type {
  HttpRequest,
  ProviderAdapter,
  Transport,
  WebhookScheme,
  WebhookVerdict,
} from '../../src/providers/index.js';
import { createSimulatedClock } from '../../src/testing/index.js';

const NOW_MS = 1_781_080_794_000;
const BODY = '{"id":"task_1","status":"succeeded"}';
const whsec = (text: string): string => `whsec_${Buffer.from(text).toString('base64')}`;
const KEY = whsec('the key that signs it');

interface Scene {
  readonly verify: (headers: Readonly<Record<string, string>>, body?: string) => Promise<WebhookVerdict>;
  /** URLs and paths that were asked, in order. */
  readonly asked: string[];
  readonly advance: (ms: number) => Promise<void>;
  /** What the provider answers from now on; undefined: nothing. */
  tell: (reply: unknown) => void;
}

function sceneOf(schemes: readonly WebhookScheme[], reply?: unknown): Scene {
  const clock = createSimulatedClock(NOW_MS);
  const asked: string[] = [];
  let told = reply;
  const transport: Transport = {
    send: (_adapter, _alias, { signedUrl, path }: HttpRequest) => {
      asked.push(signedUrl ?? path);
      if (told === undefined) return Promise.resolve({ type: 'noCredential' });
      const response = { status: 200, headers: {}, text: JSON.stringify(told) };
      return Promise.resolve({ type: 'response', response, secrets: [] });
    },
    close: () => Promise.resolve(),
  };
  const verifier = new WebhookVerifier(clock, transport);
  const adapter = { id: 'paper', webhook: { schemes, parse: () => undefined } };
  return {
    asked,
    advance: (ms) => clock.advance(ms),
    tell: (next) => {
      told = next;
    },
    verify: (headers, text = BODY) => {
      const raw = Buffer.from(text);
      const body = webhookBody(raw) ?? {};
      return verifier.verify(adapter as unknown as ProviderAdapter, 'default', { headers, raw, body });
    },
  };
}

const standard = (...secrets: readonly string[]): WebhookScheme => ({
  type: 'standard',
  secrets: () => secrets,
});

function signedHeaders(key = KEY, { id = 'msg_1', atMs = NOW_MS, body = BODY } = {}) {
  const at = new Date(atMs);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(atMs / 1_000)),
    'webhook-signature': new Webhook(key).sign(id, at, body),
  };
}

describe('Standard Webhooks', () => {
  test('Kling’s published signature verifies', async () => {
    const body =
      '{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,"update_time":1781080794151}';
    const { verify } = sceneOf([standard('whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=')]);
    const headers = {
      'webhook-id': '9876543210',
      'webhook-timestamp': '1781080794',
      'webhook-signature': 'v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=',
    };
    expect(await verify(headers, body)).toEqual({ type: 'signed', id: 'webhook:9876543210' });
    expect(await verify(headers, `${body} `)).toMatchObject({ type: 'refused' });
  });

  test('any of several signatures, made with any of several secrets, is enough', async () => {
    const { verify } = sceneOf([standard(whsec('newest of all'), KEY)]);
    const good = signedHeaders();
    const others = `v1,${'A'.repeat(44)} v1a,zzz v2,x`;
    for (const signature of [
      `${others} ${good['webhook-signature']}`,
      `${good['webhook-signature']} ${others}`,
    ])
      expect(await verify({ ...good, 'webhook-signature': signature })).toMatchObject({ type: 'signed' });
  });

  test.each([
    ['another key', signedHeaders(whsec('somebody else'))],
    ['another body', signedHeaders(KEY, { body: '{}' })],
    ['another id', { ...signedHeaders(), 'webhook-id': 'msg_2' }],
    ['another time', { ...signedHeaders(), 'webhook-timestamp': String(NOW_MS / 1_000 + 1) }],
    ['a time 301 s ago', signedHeaders(KEY, { atMs: NOW_MS - 301_000 })],
    ['a time in 301 s', signedHeaders(KEY, { atMs: NOW_MS + 301_000 })],
    ['a time that is none', { ...signedHeaders(), 'webhook-timestamp': '1e9' }],
    ['no id', { ...signedHeaders(), 'webhook-id': '' }],
    ['no signature of ours', { ...signedHeaders(), 'webhook-signature': 'v2,abc' }],
    ['no header at all', {}],
  ])('one with %s is refused', async (_what, headers) => {
    expect(await sceneOf([standard(KEY)]).verify(headers)).toMatchObject({ type: 'refused' });
  });

  test('the window is 300 s wide on either side, by our clock', async () => {
    for (const atMs of [NOW_MS - 300_000, NOW_MS + 300_000])
      expect(await sceneOf([standard(KEY)]).verify(signedHeaders(KEY, { atMs }))).toMatchObject({
        type: 'signed',
      });
  });

  test('without a secret it is a hint; with one that is none, it is refused', async () => {
    expect(await sceneOf([standard()]).verify(signedHeaders())).toMatchObject({
      type: 'hint',
      authentic: false,
    });
    expect(await sceneOf([standard('whsec_***')]).verify(signedHeaders())).toMatchObject({ type: 'refused' });
  });

  test('a secret that throws refuses, and shows nothing of it', async () => {
    const scheme: WebhookScheme = {
      type: 'standard',
      secrets: () => {
        throw new Error('Bearer sk-verysecretkey');
      },
    };
    const verdict = await sceneOf([scheme]).verify(signedHeaders());
    expect(verdict.type).toBe('refused');
    expect(JSON.stringify(verdict)).not.toContain('verysecret');
  });
});

describe('a secret that the provider tells', () => {
  const told: WebhookScheme = {
    type: 'standard',
    secrets: () => [],
    told: {
      build: () => ({ method: 'GET', path: '/secret' }),
      parse: ({ text }) => (JSON.parse(text) as { readonly key?: string }).key,
    },
  };

  test('is asked for once, and again when it was replaced', async () => {
    const { verify, asked, tell, advance } = sceneOf([told], { key: KEY });
    for (let n = 0; n < 3; n += 1) expect(await verify(signedHeaders())).toMatchObject({ type: 'signed' });
    expect(asked).toEqual(['/secret']);
    const next = whsec('the one after it');
    tell({ key: next });
    await advance(limits.hookKeysGapMs);
    const at = { atMs: NOW_MS + limits.hookKeysGapMs };
    expect(await verify(signedHeaders(next, at))).toMatchObject({ type: 'signed' });
    expect(asked).toHaveLength(2);
  });

  test('is asked for no more often than every ten seconds, however many forged ones come', async () => {
    const { verify, asked } = sceneOf([told], { key: KEY });
    const forged = signedHeaders(whsec('somebody else'));
    for (let n = 0; n < 50; n += 1) expect(await verify(forged)).toMatchObject({ type: 'refused' });
    expect(asked).toHaveLength(1);
  });

  test('that cannot be had now leaves it unchecked, not refused', async () => {
    const { verify, tell, advance } = sceneOf([told]);
    expect(await verify(signedHeaders())).toMatchObject({ type: 'unchecked' });
    tell({ key: KEY });
    await advance(limits.hookKeysGapMs);
    const at = { atMs: NOW_MS + limits.hookKeysGapMs };
    expect(await verify(signedHeaders(KEY, at))).toMatchObject({ type: 'signed' });
  });

  test('is not asked for what is too old, or not signed at all', async () => {
    const { verify, asked } = sceneOf([told], { key: KEY });
    expect(await verify(signedHeaders(KEY, { atMs: 0 }))).toMatchObject({ type: 'refused' });
    expect(await verify({})).toMatchObject({ type: 'refused' });
    expect(asked).toEqual([]);
  });
});

describe('fal', () => {
  const JWKS_URL = 'https://keys.example/jwks.json';
  const scheme: WebhookScheme = { type: 'fal', jwksUrl: JWKS_URL };
  const pair = generateKeyPairSync('ed25519');
  const other = generateKeyPairSync('ed25519');
  const jwks = (...keys: readonly KeyObject[]) => ({
    keys: keys.map((key) => key.export({ format: 'jwk' })),
  });

  function falHeaders({ key = pair.privateKey, atMs = NOW_MS, body = BODY, requestId = 'req_1' } = {}) {
    const seconds = String(Math.floor(atMs / 1_000));
    const message = [requestId, 'user_1', seconds, sha256Hex(body)].join('\n');
    return {
      'x-fal-webhook-request-id': requestId,
      'x-fal-webhook-user-id': 'user_1',
      'x-fal-webhook-timestamp': seconds,
      'x-fal-webhook-signature': sign(null, Buffer.from(message), key).toString('hex'),
    };
  }

  test('is signed with any key of its set, which is fetched once a day', async () => {
    const { verify, asked, advance } = sceneOf([scheme], jwks(other.publicKey, pair.publicKey));
    for (let n = 0; n < 3; n += 1)
      expect(await verify(falHeaders())).toEqual({ type: 'signed', id: 'fal:req_1' });
    expect(asked).toEqual([JWKS_URL]);
    await advance(limits.hookKeysMaxAgeMs + 1);
    const atMs = NOW_MS + limits.hookKeysMaxAgeMs;
    expect(await verify(falHeaders({ atMs }))).toMatchObject({ type: 'signed' });
    expect(asked).toHaveLength(2);
  });

  test('may change its keys: they are fetched anew for one that is not known', async () => {
    const { verify, asked, tell, advance } = sceneOf([scheme], jwks(other.publicKey));
    expect(await verify(falHeaders())).toMatchObject({ type: 'refused' });
    tell(jwks(pair.publicKey));
    await advance(limits.hookKeysGapMs);
    const atMs = NOW_MS + limits.hookKeysGapMs;
    expect(await verify(falHeaders({ atMs }))).toMatchObject({ type: 'signed' });
    expect(asked).toHaveLength(2);
  });

  test.each([
    ['another key', falHeaders({ key: other.privateKey })],
    ['another body', falHeaders({ body: '{}' })],
    ['another request id', { ...falHeaders(), 'x-fal-webhook-request-id': 'req_2' }],
    ['a time 301 s ago', falHeaders({ atMs: NOW_MS - 301_000 })],
    ['a signature that is no hex', { ...falHeaders(), 'x-fal-webhook-signature': 'zz' }],
    ['half of its headers', { 'x-fal-webhook-request-id': 'req_1' }],
    ['none of its headers', {}],
  ])('with %s is refused', async (_what, headers) => {
    const { verify } = sceneOf([scheme], jwks(pair.publicKey));
    expect(await verify(headers)).toMatchObject({ type: 'refused' });
  });

  test.each([[undefined], [{}], [{ keys: 'none' }], [[]], ['text']])(
    'is unchecked while its keys are %j',
    async (reply) => {
      expect(await sceneOf([scheme], reply).verify(falHeaders())).toMatchObject({ type: 'unchecked' });
    },
  );

  test('is refused by keys of another kind, without a throw', async () => {
    const reply = { keys: [{ kty: 'RSA' }, { kty: 'OKP', x: 7 }, { kty: 'OKP', x: '!' }, 'key', null] };
    expect(await sceneOf([scheme], reply).verify(falHeaders())).toMatchObject({ type: 'refused' });
  });
});

describe('a JWT', () => {
  const JWKS_URL = 'https://keys.example/rs.json';
  const audience = 'our-project';
  const scheme: WebhookScheme = {
    type: 'jwt',
    jwksUrl: JWKS_URL,
    audience,
    issuer: 'https://issuer.example',
    token: (headers) => headers['webhook-signature'],
  };
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const jwks = async (kid = 'k1') => ({ keys: [{ ...(await exportJWK(rsa.publicKey)), kid }] });
  const seconds = NOW_MS / 1_000;

  const CLAIMS = { iat: seconds, exp: seconds + 600, aud: audience, iss: 'https://issuer.example' };

  function token(claims: object = {}, kid = 'k1', key: KeyObject = rsa.privateKey): Promise<string> {
    // A claim that is undefined is left out.
    const all = JSON.parse(JSON.stringify({ ...CLAIMS, ...claims })) as JWTPayload;
    return new SignJWT(all).setProtectedHeader({ alg: 'RS256', kid }).sign(key);
  }

  const verdictOn = async (jwt: string): Promise<WebhookVerdict> =>
    sceneOf([scheme], await jwks()).verify({ 'webhook-signature': jwt });

  test('that names the hash of the body speaks for it; one that does not is an authentic hint', async () => {
    const digest = sha256Hex(BODY);
    expect(await verdictOn(await token({ jti: 'j1', body_sha256: digest }))).toEqual({
      type: 'signed',
      id: 'jwt:j1',
    });
    expect(await verdictOn(await token({ jti: 'j1' }))).toEqual({
      type: 'hint',
      id: 'jwt:j1',
      authentic: true,
    });
    expect(await verdictOn(await token({ digest: sha256Hex('{}') }))).toMatchObject({ type: 'hint' });
  });

  test('is fetched keys for, and again for a key id that nobody knows', async () => {
    const { verify, asked, tell, advance } = sceneOf([scheme], await jwks('k0'));
    expect(await verify({ 'webhook-signature': await token() })).toMatchObject({ type: 'refused' });
    tell(await jwks('k1'));
    await advance(limits.hookKeysGapMs);
    expect(await verify({ 'webhook-signature': await token() })).toMatchObject({ type: 'hint' });
    expect(asked).toEqual([JWKS_URL, JWKS_URL]);
  });

  test.each([
    ['another audience', { aud: 'somebody-else' }],
    ['another issuer', { iss: 'https://elsewhere.example' }],
    ['an end that is past', { exp: seconds - 301 }],
    ['no time of issue', { iat: undefined }],
    ['a time of issue to come', { iat: seconds + 301 }],
    ['no end, and issued long ago', { exp: undefined, iat: seconds - 301 }],
  ] as const)('with %s is refused', async (_what, claims) => {
    expect(await verdictOn(await token(claims))).toMatchObject({ type: 'refused' });
  });

  test('of another algorithm is refused, and so is one without any', async () => {
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const none = `${part({ alg: 'none' })}.${part(CLAIMS)}.`;
    // The old trick: the public key, known to all, taken for the secret of an HMAC.
    const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
    const hmac = await new SignJWT(CLAIMS)
      .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
      .sign(new TextEncoder().encode(String(pem)));
    const pss = await new SignJWT(CLAIMS)
      .setProtectedHeader({ alg: 'PS256', kid: 'k1' })
      .sign(rsa.privateKey);
    const ours = await token();
    for (const jwt of [none, hmac, pss, `${ours.slice(0, -8)}AAAAAAAA`, 'a.b.c'])
      expect(await verdictOn(jwt), jwt.slice(0, 30)).toMatchObject({ type: 'refused' });
  });

  test('beside a static secret has its own scheme, and a forged one is not taken for a hint', async () => {
    const scene = sceneOf([standard(), scheme], await jwks());
    expect(await scene.verify({ 'webhook-signature': await token() })).toMatchObject({ authentic: true });
    const forged = await token({}, 'k1', generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey);
    expect(await scene.verify({ 'webhook-signature': forged })).toMatchObject({ type: 'refused' });
    expect(await scene.verify({})).toMatchObject({ type: 'hint', authentic: false });
  });
});

test('unsigned, it is a hint whose id is what is in it', async () => {
  const { verify } = sceneOf([{ type: 'unsigned' }]);
  const id = `sha256:${sha256Hex(BODY)}`;
  expect(await verify({})).toEqual({ type: 'hint', id, authentic: false });
});

test.each([
  ['{"a":1}', true],
  ['[]', false],
  ['null', false],
  ['', false],
  ['{"a":', false],
  [`{"a":${'['.repeat(499)}${']'.repeat(499)}}`, true],
  [`{"a":${'['.repeat(501)}${']'.repeat(501)}}`, false],
])('a body such as %.20s is a JSON object: %s', (text, is) => {
  expect(webhookBody(Buffer.from(text)) !== undefined).toBe(is);
});
