/**
 * Standard Webhooks, as a sender writes it: what proves to a receiver that a message is ours, and fresh.
 *
 * Callers: webhook.ts. Invariants:
 *  1  The id is the delivery's on every attempt, the time that of the attempt.
 *  2  Every secret signs, so that a receiver may go from one to the next whenever it likes.
 *  3  No error holds a secret.
 */
import { Webhook } from 'standardwebhooks';
import { dateOf, type Clock } from '../clock.js';
import { HoldfastError } from '../errors.js';

export interface WebhookSigning {
  /** `whsec_` and base64, 1 to 8 of them: while the receiver goes over to a new one, the new and the old. */
  readonly secret: string | readonly string[];
}

/** The headers of one attempt. */
export type Sign = (deliveryId: string, body: string) => Readonly<Record<string, string>>;

export const SIGNATURE_HEADERS: readonly string[] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];

const SECRETS_MAX = 8;
const SECOND_MS = 1_000;

/** Throws INVALID_OPTIONS for a secret that is none. */
export function signerOf({ secret }: WebhookSigning, clock: Clock): Sign {
  const secrets = typeof secret === 'string' ? [secret] : secret;
  if (!Array.isArray(secrets) || secrets.length === 0 || secrets.length > SECRETS_MAX)
    throw new HoldfastError('INVALID_OPTIONS', `webhook signing.secret: 1 to ${SECRETS_MAX} secrets`);
  const keys = secrets.map((one) => keyOf(one));
  return (deliveryId, body) => {
    const at = dateOf(Math.floor(clock.now() / SECOND_MS) * SECOND_MS);
    return {
      'webhook-id': deliveryId,
      'webhook-timestamp': String(at.getTime() / SECOND_MS),
      'webhook-signature': keys.map((key) => key.sign(deliveryId, at, body)).join(' '),
    };
  };
}

function keyOf(secret: unknown): Webhook {
  try {
    if (typeof secret === 'string' && secret.startsWith('whsec_')) return new Webhook(secret);
  } catch {
    // Told below, without what the library says of the secret.
  }
  throw new HoldfastError('INVALID_OPTIONS', 'webhook signing.secret: not "whsec_" and base64');
}
