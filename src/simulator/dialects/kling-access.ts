/**
 * How Kling lets a call in: an API key as it is, or a token signed with the secret of a pair of keys.
 *
 * Callers: `kling.ts`. Invariants: pure; a token counts at the provider's time alone. In the script's
 * `keys`, a pair is `accessKey:secretKey`; an entry without a colon is an API key, or a secret whose access
 * key may be any.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isPlainObject } from '../../json.js';
import { judged } from '../access.js';
import type { Access, Lock } from '../dialect.js';

const BEARER = /^Bearer\s+(\S+)$/i;
const TOKEN = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;
const MILLISECONDS_PER_SECOND = 1_000;

export function klingAccess(header: (name: string) => string | undefined, lock: Lock): Access {
  const key = BEARER.exec(header('authorization') ?? '')?.[1];
  const token = TOKEN.exec(key ?? '');
  if (token === null) return judged(key, lock);
  const [, head = '', payload = '', signature = ''] = token;
  const claims = decoded(payload);
  if (decoded(head)?.alg !== 'HS256' || typeof claims?.iss !== 'string') return 'invalid';
  if (!isSigned(`${head}.${payload}`, signature, claims.iss, lock.keys)) return 'invalid';
  const now = lock.nowMs / MILLISECONDS_PER_SECOND;
  if (typeof claims.exp !== 'number' || claims.exp <= now) return 'expired';
  return typeof claims.nbf === 'number' && claims.nbf > now ? 'early' : 'good';
}

/** Whether any of the keys made the signature; without keys nobody can tell, and it is believed. */
function isSigned(text: string, signature: string, issuer: string, keys: Lock['keys']): boolean {
  if (keys === undefined) return true;
  const given = Buffer.from(signature, 'base64url');
  return keys.some((key) => {
    const colon = key.indexOf(':');
    if (colon >= 0 && key.slice(0, colon) !== issuer) return false;
    const right = createHmac('sha256', key.slice(colon + 1))
      .update(text)
      .digest();
    return given.length === right.length && timingSafeEqual(given, right);
  });
}

function decoded(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return isPlainObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
