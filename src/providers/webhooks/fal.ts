/**
 * fal's signature: Ed25519 over request id, user id, time and the hash of the body, a line each.
 *
 * Callers: the verifier. Invariants: a delivery within the window alone is good; keys that fit nothing are
 * fetched anew once, no more often than KeySets allows.
 */
import { createPublicKey, verify } from 'node:crypto';
import { sha256Hex } from '../../ids.js';
import { limits } from '../../limits.js';
import type { ProviderAdapter } from '../port.js';
import { deliveryIdOf, isFresh, type SchemeFinding, type WebhookDelivery } from './delivery.js';
import type { KeySets, PublicKey } from './key-sets.js';

interface Claim {
  readonly requestId: string;
  readonly message: Buffer;
  readonly signature: Buffer;
}

const HEADER = 'x-fal-webhook-';

export async function falFinding(
  keys: KeySets,
  adapter: ProviderAdapter,
  jwksUrl: string,
  delivery: WebhookDelivery,
  nowMs: number,
): Promise<SchemeFinding> {
  const claim = claimIn(delivery, nowMs);
  if ('type' in claim) return claim;
  const good: SchemeFinding = { type: 'signed', id: deliveryIdOf('fal', claim.requestId) };
  const known = await keys.known(adapter, jwksUrl);
  if (known === undefined) return { type: 'unchecked', reason: 'its keys cannot be fetched' };
  if (known.some((key) => isSignedBy(key, claim))) return good;
  const renewed = await keys.renewed(adapter, jwksUrl);
  if (renewed?.some((key) => isSignedBy(key, claim)) === true) return good;
  return { type: 'bad', reason: 'no key fits its signature' };
}

function claimIn({ headers, raw }: WebhookDelivery, nowMs: number): Claim | SchemeFinding {
  const parts = ['request-id', 'user-id', 'timestamp', 'signature'].map((name) => headers[HEADER + name]);
  if (parts.every((part) => part === undefined)) return { type: 'absent' };
  const [requestId, userId, seconds, signature] = parts;
  if (!requestId || !userId || !seconds || !signature || !/^[0-9a-f]{128}$/i.test(signature)) {
    return { type: 'bad', reason: 'a header of its signature is missing, or none' };
  }
  if (!isFresh(seconds, nowMs, limits.hookWindowMs)) {
    return { type: 'bad', reason: 'it is too old, or of the future' };
  }
  const message = Buffer.from([requestId, userId, seconds, sha256Hex(raw)].join('\n'));
  return { requestId, message, signature: Buffer.from(signature, 'hex') };
}

function isSignedBy({ kty, crv = 'Ed25519', x }: PublicKey, { message, signature }: Claim): boolean {
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string') return false;
  try {
    const key = createPublicKey({ key: { kty, crv, x }, format: 'jwk' });
    return verify(null, message, key, signature);
  } catch {
    return false;
  }
}
