/**
 * Kling's two kinds of keys: an API key, sent as it is, and a pair of access key and secret key, with which a
 * token is made for each call.
 *
 * Callers: `kling.ts`. Invariants:
 *  J1  A token is minted for the call that carries it and kept nowhere. It is good from 5 s ago, for clocks
 *      that differ a little, and for half an hour.
 *  J2  The secret key signs and is never sent.
 */
import { SignJWT } from 'jose';
import type { Clock } from '../../clock.js';
import { environment } from '../../options.js';
import type { Environment } from '../../options.js';
import { bearer, defaultCredential } from '../account.js';
import type { Credential } from '../port.js';

/** A pair of keys, which older accounts have. */
export interface KlingKeyPair {
  readonly accessKey: string;
  readonly secretKey: string;
}

export type KlingKey = string | KlingKeyPair;

/**
 * One key, or pair, for the alias `default`; or one per alias; or a function, asked at each call. Whatever
 * this does not answer for the alias `default` comes from the environment.
 */
export type KlingApiKey =
  | KlingKey
  | Readonly<Record<string, KlingKey>>
  | ((credentialAlias: string) => KlingKey | undefined);

export interface KlingKeyOptions {
  readonly apiKey?: KlingApiKey;
  /** Default: the environment of the process. */
  readonly env?: () => Environment;
}

const PLAIN = ['KLING_API_KEY', 'KLINGAI_API_KEY'];
const PAIRS = [
  ['KLING_ACCESS_KEY', 'KLING_SECRET_KEY'],
  ['KLINGAI_ACCESS_KEY', 'KLINGAI_SECRET_KEY'],
] as const;
export const TOKEN_LIFE_SECONDS = 1_800;
export const TOKEN_EARLY_SECONDS = 5;

/** `prefer`: which kind the environment is asked for first. */
export async function klingCredential(
  options: KlingKeyOptions,
  alias: string,
  prefer: 'key' | 'pair',
  clock: Clock,
): Promise<Credential | undefined> {
  const given = filled(givenKey(options.apiKey, alias));
  const isDefault = alias === defaultCredential;
  const key = given ?? (isDefault ? fromEnvironment((options.env ?? environment)(), prefer) : undefined);
  if (key === undefined) return undefined;
  return bearer(typeof key === 'string' ? key : await minted(key, clock.now()));
}

async function minted({ accessKey, secretKey }: KlingKeyPair, now: number): Promise<string> {
  const seconds = Math.floor(now / 1_000);
  return await new SignJWT()
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(accessKey)
    .setExpirationTime(seconds + TOKEN_LIFE_SECONDS)
    .setNotBefore(seconds - TOKEN_EARLY_SECONDS)
    .sign(Buffer.from(secretKey, 'utf8'));
}

function givenKey(apiKey: KlingApiKey | undefined, alias: string): KlingKey | undefined {
  if (typeof apiKey === 'function') return apiKey(alias);
  if (apiKey === undefined) return undefined;
  if (typeof apiKey === 'string' || isPair(apiKey)) return alias === defaultCredential ? apiKey : undefined;
  return Object.hasOwn(apiKey, alias) ? apiKey[alias] : undefined;
}

function isPair(apiKey: KlingKeyPair | Readonly<Record<string, KlingKey>>): apiKey is KlingKeyPair {
  return typeof apiKey.accessKey === 'string' && typeof apiKey.secretKey === 'string';
}

function fromEnvironment(env: Environment, prefer: 'key' | 'pair'): KlingKey | undefined {
  const plain = PLAIN.map((name) => filled(env[name])).find((key) => key !== undefined);
  const pair = PAIRS.map(([access, secret]) =>
    filled({ accessKey: env[access] ?? '', secretKey: env[secret] ?? '' }),
  ).find((key) => key !== undefined);
  return prefer === 'key' ? (plain ?? pair) : (pair ?? plain);
}

/** Without the spaces around it; undefined when it is empty, or half of a pair is. */
function filled(key: KlingKey | undefined): KlingKey | undefined {
  if (key === undefined) return undefined;
  if (typeof key === 'string') return key.trim() === '' ? undefined : key.trim();
  const accessKey = key.accessKey.trim();
  const secretKey = key.secretKey.trim();
  return accessKey === '' || secretKey === '' ? undefined : { accessKey, secretKey };
}
