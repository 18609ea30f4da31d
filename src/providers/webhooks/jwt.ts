/**
 * A hook that is signed by a JWT: RS256 alone, at our clock.
 *
 * Callers: the verifier. Invariants:
 *  1  No other algorithm is ever taken, whatever the token says of itself.
 *  2  What has an end is good until then; what has none is good for the window after it was issued.
 *  3  A token says who sent it. It speaks for the body only where it names the body's hash: else the body
 *     is news of the provider's that a poll has to confirm.
 */
import { createLocalJWKSet, errors, jwtVerify, type JWTPayload } from 'jose';
import { dateOf } from '../../clock.js';
import { sha256Hex } from '../../ids.js';
import { limits } from '../../limits.js';
import type { ProviderAdapter, WebhookScheme } from '../port.js';
import { contentId, deliveryIdOf, type SchemeFinding, type WebhookDelivery } from './delivery.js';
import type { KeySets, PublicKey } from './key-sets.js';

type JwtScheme = Extract<WebhookScheme, { readonly type: 'jwt' }>;

const TOKEN_CHARS_MAX = 16_384;
const SECOND_MS = 1_000;

export async function jwtFinding(
  keys: KeySets,
  adapter: ProviderAdapter,
  scheme: JwtScheme,
  delivery: WebhookDelivery,
  nowMs: number,
): Promise<SchemeFinding> {
  const token = scheme.token(delivery.headers, delivery.body);
  if (token === undefined || token.split('.').length !== 3) return { type: 'absent' };
  if (token.length > TOKEN_CHARS_MAX) return { type: 'bad', reason: 'its token is too long' };
  const known = await keys.known(adapter, scheme.jwksUrl);
  if (known === undefined) return { type: 'unchecked', reason: 'its keys cannot be fetched' };
  const first = await claimsOf(token, known, scheme, nowMs);
  const renewed = first === 'unknownKey' ? await keys.renewed(adapter, scheme.jwksUrl) : undefined;
  const claims = renewed === undefined ? first : await claimsOf(token, renewed, scheme, nowMs);
  if (typeof claims === 'string') return { type: 'bad', reason: `its token is refused (${claims})` };
  const id = typeof claims.jti === 'string' ? deliveryIdOf('jwt', claims.jti) : contentId(delivery);
  return { type: speaksFor(claims, delivery.raw) ? 'signed' : 'sender', id };
}

async function claimsOf(
  token: string,
  keys: readonly PublicKey[],
  { audience, issuer }: JwtScheme,
  nowMs: number,
): Promise<JWTPayload | string> {
  const windowSeconds = limits.hookWindowMs / SECOND_MS;
  try {
    // What is in a key is looked at by the library when it is used.
    const set = createLocalJWKSet({ keys: keys.map((key) => ({ ...key, kty: String(key['kty']) })) });
    const { payload } = await jwtVerify(token, set, {
      algorithms: ['RS256'],
      currentDate: dateOf(nowMs),
      clockTolerance: windowSeconds,
      requiredClaims: ['iat'],
      ...(audience === undefined ? {} : { audience }),
      ...(issuer === undefined ? {} : { issuer }),
    });
    const issuedAgoMs = nowMs - (payload.iat ?? 0) * SECOND_MS;
    if (issuedAgoMs < -limits.hookWindowMs) return 'it is of the future';
    if (payload.exp === undefined && issuedAgoMs > limits.hookWindowMs) return 'it is too old';
    return payload;
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return 'unknownKey';
    return error instanceof errors.JOSEError ? error.code : 'it cannot be read';
  }
}

function speaksFor(claims: JWTPayload, raw: Uint8Array): boolean {
  const hash = Buffer.from(sha256Hex(raw), 'hex');
  const forms = [hash.toString('hex'), hash.toString('base64'), hash.toString('base64url')];
  return Object.values(claims).some((claim) => typeof claim === 'string' && forms.includes(claim));
}
