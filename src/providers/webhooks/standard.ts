/**
 * Standard Webhooks, as a receiver reads it: HMAC-SHA256 over id, time and body.
 *
 * The library makes the signature; the window is ours, since it knows no clock but the system's.
 * Pure. Callers: the verifier. Invariants:
 *  1  A signature is compared in constant time, each that came with each secret that is good.
 *  2  At most 16 signatures are looked at: a rotation has two.
 */
import { timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { dateOf } from '../../clock.js';
import { limits } from '../../limits.js';
import { isFresh, type WebhookDelivery } from './delivery.js';

export interface StandardParts {
  readonly id: string;
  readonly sentAtMs: number;
  readonly signatures: readonly string[];
}

const SIGNATURES_MAX = 16;

/** The three headers; `absent` when none is there, or why they cannot be good. */
export function standardParts(
  { headers }: WebhookDelivery,
  nowMs: number,
): StandardParts | 'absent' | { readonly reason: string } {
  const id = headers['webhook-id'];
  const seconds = headers['webhook-timestamp'];
  const signature = headers['webhook-signature'];
  if (id === undefined && seconds === undefined && signature === undefined) return 'absent';
  if (!id || !seconds || !signature) return { reason: 'a header of its signature is missing' };
  if (!isFresh(seconds, nowMs, limits.hookWindowMs)) return { reason: 'it is too old, or of the future' };
  const signatures = signature
    .split(' ')
    .slice(0, SIGNATURES_MAX)
    .flatMap((part) => (part.startsWith('v1,') ? [part.slice('v1,'.length)] : []));
  return { id, sentAtMs: Number(seconds) * 1_000, signatures };
}

/** True when one of the signatures is made with the secret. A secret that is none fits nothing. */
export function isSignedWith(secret: string, parts: StandardParts, raw: Uint8Array): boolean {
  const right = signatureWith(secret, parts, raw);
  if (right === undefined) return false;
  return parts.signatures.filter((signature) => sameText(signature, right)).length > 0;
}

function signatureWith(secret: string, { id, sentAtMs }: StandardParts, raw: Uint8Array): string | undefined {
  try {
    const text = Buffer.from(raw).toString('utf8');
    return new Webhook(secret).sign(id, dateOf(sentAtMs), text).slice('v1,'.length);
  } catch {
    return undefined;
  }
}

function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
