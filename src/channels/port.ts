/**
 * The channel port: how a finished job's message leaves the process.
 *
 * A channel is one function, or an object when it can say more. Callers: the deliveries façade, which
 * normalises what users register with `channelOf`; users, who write channels.
 *
 * Invariants:
 *  C1  `send` may be called again with the same `deliveryId` after a crash: a channel that can deduplicate,
 *      should.
 *  C2  What `send` resolves with is a receipt: kept when it is small JSON, dropped otherwise, never an error.
 *  C3  Whatever `send` throws becomes a `DeliveryFault`; it is retryable unless it says `permanent: true`.
 */
import { HoldfastError } from '../errors.js';
import type { Json, JsonObject } from '../json.js';
import { firstNonJson } from '../json.js';
import { limits } from '../limits.js';

export interface MessageFile {
  /** What the receiver should call it. */
  readonly name: string;
  readonly mime: string;
  /** Absolute path on this machine. */
  readonly path: string;
}

export interface Message {
  readonly channel: string;
  readonly account?: string;
  /** The chat, in the channel's own words. */
  readonly target: string;
  readonly isGroup: boolean;
  readonly replyTo?: string;
  readonly text: string;
  readonly files: readonly MessageFile[];
  /** Absolute paths of images to show in line. */
  readonly images: readonly string[];
  readonly jobId?: string;
  /** Passed through from the request's `delivery.meta`. */
  readonly meta?: JsonObject;
}

export interface SendContext {
  /** The same for every attempt of one delivery. */
  readonly deliveryId: string;
  /** 1, 2, 3, ... */
  readonly attempt: number;
  /** Fires at close, at the deadline of the attempt and when the delivery is dismissed. */
  readonly signal: AbortSignal;
}

export type ChannelSend = (message: Message, context: SendContext) => Promise<unknown>;

/** What a channel knows of a delivery whose answer was lost. */
export type ReconcileVerdict = 'sent' | 'notSent' | 'unknown';

/** When to try again: always after `delayMs`, or after `delayMs * factor^n`, at most `maxMs`. */
export interface RetryPolicy {
  readonly kind: 'fixed' | 'exponential';
  /** 1 or more. */
  readonly delayMs: number;
  /** For `exponential`; 1 or more, default 2. */
  readonly factor?: number;
  /** For `exponential`; default: no ceiling but the attempts. */
  readonly maxMs?: number;
  /** Attempts before the delivery becomes a dead letter; 1 or more. */
  readonly attemptsMax: number;
}

export interface ChannelObject {
  readonly send: ChannelSend;
  /** Asked when the process died while sending; without it the message is sent again. */
  readonly reconcile?: (
    deliveryId: string,
    context: { readonly signal: AbortSignal },
  ) => Promise<ReconcileVerdict>;
  /** Default: every 30 s, 60 attempts. */
  readonly policy?: RetryPolicy;
}

export type Channel = ChannelSend | ChannelObject;

/** What the deliveries façade knows of a failed attempt. */
export interface DeliveryFault {
  readonly code: string;
  readonly message: string;
  readonly permanent: boolean;
  readonly retryAfterMs?: number;
}

export interface DeliveryErrorOptions {
  readonly code: string;
  /** True: never try again; the delivery becomes a dead letter. Default false. */
  readonly permanent?: boolean;
  /** How long the receiver asked to wait before the next attempt. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** A failed attempt, thrown by a channel. Any other error works too, and is retryable. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  readonly code: string;
  readonly permanent: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: DeliveryErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.permanent = options.permanent ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Marks a failure as permanent: `throw permanent(error)` sends the delivery straight to the dead letters. */
export function permanent(reason: unknown): DeliveryError {
  const { code, message } = faultOf(reason);
  return new DeliveryError(message, { code, permanent: true, cause: reason });
}

/** Reads a thrown value as a fault (C3). */
export function faultOf(thrown: unknown): DeliveryFault {
  const message = thrown instanceof Error ? thrown.message || thrown.name : textOf(thrown);
  const retryAfterMs = fieldOf(thrown, 'retryAfterMs');
  const code = fieldOf(thrown, 'code');
  return {
    code: typeof code === 'string' && code !== '' ? code : 'channel',
    message: message.slice(0, limits.deliveryFaultCharsMax).toWellFormed(),
    permanent: fieldOf(thrown, 'permanent') === true,
    ...(typeof retryAfterMs === 'number' && retryAfterMs > 0 ? { retryAfterMs } : {}),
  };
}

/** The receipt to keep of what `send` resolved with (C2). */
export function receiptOf(value: unknown): Json | undefined {
  if (value === undefined || firstNonJson(value) !== undefined) return undefined;
  const text = JSON.stringify(value);
  if (Buffer.byteLength(text) > limits.receiptBytesMax) return undefined;
  return JSON.parse(text) as Json;
}

/** Checks what a user registered under `name`. Throws `INVALID_OPTIONS`. */
export function channelOf(name: string, channel: Channel): ChannelObject {
  if (typeof channel === 'function') return { send: channel };
  const given: unknown = channel;
  if (typeof given !== 'object' || given === null || typeof fieldOf(given, 'send') !== 'function') {
    throw new HoldfastError('INVALID_OPTIONS', `channel ${JSON.stringify(name)} has no send function`);
  }
  const wrong = channel.policy === undefined ? undefined : wrongInPolicy(channel.policy);
  if (wrong !== undefined) {
    throw new HoldfastError('INVALID_OPTIONS', `channel ${JSON.stringify(name)}: policy.${wrong}`);
  }
  return channel;
}

function wrongInPolicy(policy: RetryPolicy): string | undefined {
  if (policy.kind !== 'fixed' && policy.kind !== 'exponential')
    return 'kind is neither fixed nor exponential';
  if (!(policy.delayMs >= 1)) return 'delayMs is not a number of 1 or more';
  if (policy.factor !== undefined && !(policy.factor >= 1)) return 'factor is not a number of 1 or more';
  if (policy.maxMs !== undefined && !(policy.maxMs >= policy.delayMs)) return 'maxMs is below delayMs';
  if (!Number.isInteger(policy.attemptsMax) || policy.attemptsMax < 1)
    return 'attemptsMax is not a whole number of 1 or more';
  return undefined;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function textOf(thrown: unknown): string {
  return typeof thrown === 'string' ? thrown : (JSON.stringify(thrown) ?? typeof thrown);
}
