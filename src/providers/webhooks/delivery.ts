/**
 * What arrived at a hook, and what is known of it once its signature was looked at.
 *
 * Pure. Callers: the verifier and its schemes, the ingress. Invariants:
 *  D1  A body is read as bytes first: a signature is over these, whatever JSON makes of them.
 *  D2  Nothing here throws for what somebody sent.
 */
import { sha256Hex } from '../../ids.js';
import { firstNonJson, isPlainObject } from '../../json.js';
import type { WebhookBody } from '../port.js';

export interface WebhookDelivery {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** At most 1 MiB. */
  readonly raw: Uint8Array;
  readonly body: WebhookBody;
}

export type WebhookVerdict =
  /** The provider says every word of it. `id` is the same whenever it is sent again. */
  | { readonly type: 'signed'; readonly id: string }
  /** Nobody signed what it says; `authentic` when the provider sent it all the same. */
  | { readonly type: 'hint'; readonly id: string; readonly authentic: boolean }
  /** It is forged, stale, or signed by somebody else. */
  | { readonly type: 'refused'; readonly reason: string }
  /** The keys to look at it with cannot be had now: it may come again. */
  | { readonly type: 'unchecked'; readonly reason: string };

/** What one scheme makes of a delivery. */
export type SchemeFinding =
  | { readonly type: 'signed'; readonly id: string }
  /** Signed, but not for what the body says. */
  | { readonly type: 'sender'; readonly id: string }
  /** It carries no signature of this scheme. */
  | { readonly type: 'absent' }
  /** There is nothing to check it with, on purpose. */
  | { readonly type: 'open' }
  | { readonly type: 'bad'; readonly reason: string }
  | { readonly type: 'unchecked'; readonly reason: string };

/** The JSON object in a body; undefined when it is none, or too deep to be kept. */
export function webhookBody(raw: Uint8Array): WebhookBody | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(raw).toString('utf8'));
    return isPlainObject(value) && firstNonJson(value) === undefined ? value : undefined;
  } catch {
    return undefined;
  }
}

const PLAIN_ID = /^[\x21-\x7e]{1,256}$/;

/** The provider's own id of a delivery, fit to be an event's. */
export function deliveryIdOf(scheme: string, id: string): string {
  return `${scheme}:${PLAIN_ID.test(id) ? id : sha256Hex(id)}`;
}

/** The id of a delivery that brings none: what is in it. */
export function contentId({ raw }: WebhookDelivery): string {
  return deliveryIdOf('sha256', sha256Hex(raw));
}

/** True when `seconds`, as a header writes them, are within `windowMs` of now, on either side. */
export function isFresh(seconds: string, nowMs: number, windowMs: number): boolean {
  return /^\d{1,12}$/.test(seconds) && Math.abs(Number(seconds) * 1_000 - nowMs) <= windowMs;
}
