/**
 * How the simulated providers sign their webhooks, and the public keys they publish for it.
 *
 * `standard` is Standard Webhooks (HMAC-SHA256), `fal` an Ed25519 signature over four lines, `jwt` an RS256
 * token in the place of the signature. A `forged` signature has the right form and the wrong key. Owns: key
 * pairs that live as long as the simulator, made when they are first asked for. Callers: courier.ts,
 * server.ts. Invariant: private keys and secrets never leave this file but as signatures.
 */
import { createHmac, generateKeyPair, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { SignJWT } from 'jose';
import { newId, sha256Hex } from '../ids.js';
import type { Json } from '../json.js';
import type { Callback } from './dialect.js';

export type Scheme = Callback['signing'];

/** One delivery of one piece of news. */
export interface Letter {
  readonly id: string;
  /** What the signature says it is: epoch milliseconds. */
  readonly atMs: number;
  readonly url: string;
  readonly body: string;
}

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

type Headers = Readonly<Record<string, string>>;

const MILLISECONDS_PER_SECOND = 1_000;
const TOKEN_LIFE_SECONDS = 300;
const STRANGE_SECRET = `whsec_${Buffer.from('a secret that no provider has').toString('base64')}`;
const makePair = promisify(generateKeyPair);

export class Signer {
  readonly #pairs = new Map<string, Promise<KeyPair>>();

  /** The headers that go with a letter; only its id and time when it is not signed. */
  async headers(
    scheme: Scheme,
    letter: Letter,
    secrets: readonly string[],
    hand: 'own' | 'forged' | 'none',
  ): Promise<Headers> {
    if (scheme === 'none') return {};
    const seconds = Math.floor(letter.atMs / MILLISECONDS_PER_SECOND);
    if (scheme === 'fal') return this.#fal(letter, seconds, hand);
    const named = { 'webhook-id': letter.id, 'webhook-timestamp': String(seconds) };
    if (hand === 'none') return named;
    if (scheme === 'jwt') return { ...named, 'webhook-signature': await this.#token(letter, seconds, hand) };
    const keys = hand === 'own' ? secrets : [STRANGE_SECRET];
    if (keys.length === 0) return named;
    const signatures = keys.map((secret) => standardSignature(secret, letter, seconds));
    return { ...named, 'webhook-signature': signatures.join(' ') };
  }

  /** The key set that `scheme` publishes. */
  async jwks(scheme: 'fal' | 'jwt'): Promise<Json> {
    const { publicKey } = await this.#pair(scheme);
    const { kty = '', crv, x, n, e } = publicKey.export({ format: 'jwk' });
    const more = scheme === 'fal' ? { crv, x } : { n, e, alg: 'RS256', use: 'sig' };
    return { keys: [{ kty, kid: keyId(scheme), ...more }] };
  }

  async #fal(letter: Letter, seconds: number, hand: 'own' | 'forged' | 'none'): Promise<Headers> {
    const user = 'user_simulator';
    const lines = [letter.id, user, String(seconds), sha256Hex(letter.body)].join('\n');
    const named = {
      'x-fal-webhook-request-id': letter.id,
      'x-fal-webhook-user-id': user,
      'x-fal-webhook-timestamp': String(seconds),
    };
    if (hand === 'none') return named;
    const { privateKey } = await this.#pair(hand === 'own' ? 'fal' : 'fal stranger');
    const signature = sign(null, Buffer.from(lines), privateKey).toString('hex');
    return { ...named, 'x-fal-webhook-signature': signature };
  }

  async #token(letter: Letter, seconds: number, hand: 'own' | 'forged'): Promise<string> {
    const { privateKey } = await this.#pair(hand === 'own' ? 'jwt' : 'jwt stranger');
    return new SignJWT({ jti: letter.id })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: keyId('jwt') })
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + TOKEN_LIFE_SECONDS)
      .sign(privateKey);
  }

  #pair(name: 'fal' | 'fal stranger' | 'jwt' | 'jwt stranger'): Promise<KeyPair> {
    const made = this.#pairs.get(name);
    if (made !== undefined) return made;
    const pair = name.startsWith('fal') ? makePair('ed25519') : makePair('rsa', { modulusLength: 2_048 });
    this.#pairs.set(name, pair);
    return pair;
  }
}

/** A name for one piece of news, the same at every attempt to send it. */
export function letterId(): string {
  return newId('msg');
}

function standardSignature(secret: string, { id, body }: Letter, seconds: number): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
}

function keyId(scheme: 'fal' | 'jwt'): string {
  return `simulator-${scheme}`;
}
