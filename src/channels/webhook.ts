/**
 * The webhook channel: one HTTP POST of JSON a message.
 *
 * Callers: users and the demo. The body has snake_case names and the delivery id; files are named by path,
 * not sent.
 *
 * Invariants:
 *  1  `idempotency-key` is the delivery id on every attempt: the receiver can drop what it has seen.
 *  2  2xx is delivered. 408, 425, 429, 5xx and every network fault are retryable; anything else is permanent.
 *  3  One request a call: no redirect is followed, nothing is repeated here.
 *  4  Signed or not is decided when the channel is made: a signed one sends nothing unsigned.
 *  5  An error names the origin of the receiver at most: paths of chat webhooks are secrets.
 */
import type { Dispatcher } from 'undici';
import { request } from 'undici';
import type { Clock } from '../clock.js';
import { parseHttpDate, systemClock } from '../clock.js';
import { HoldfastError } from '../errors.js';
import { limits } from '../limits.js';
import type { ChannelObject, Message, RetryPolicy, SendContext } from './port.js';
import { DeliveryError } from './port.js';
import { SIGNATURE_HEADERS, signerOf, type Sign, type WebhookSigning } from './webhook-signing.js';

export interface WebhookChannelOptions {
  /** An absolute http or https URL, or how to get one from the message. */
  readonly url: string | ((message: Message) => string);
  /** Sent with every request, such as `authorization`. May not name the headers the channel sets itself. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Signs as Standard Webhooks has it, with the delivery id as `webhook-id`. Default: not signed. */
  readonly signing?: WebhookSigning;
  /** From the call to the end of the answer. Default 30 s; 1 or more. */
  readonly timeoutMs?: number;
  readonly policy?: RetryPolicy;
  /** An undici dispatcher, for proxies and tests. */
  readonly dispatcher?: Dispatcher;
  readonly clock?: Clock;
}

const OWN_HEADERS: readonly string[] = [
  'content-type',
  'idempotency-key',
  'x-holdfast-delivery',
  'x-holdfast-attempt',
];

/**
 * Makes the channel. Throws `INVALID_OPTIONS` for a malformed URL, a timeout below 1 ms, an unusable header
 * or a secret that is none.
 */
export function webhookChannel(options: WebhookChannelOptions): ChannelObject {
  const { url, timeoutMs = limits.webhookTimeoutMs, clock = systemClock } = options;
  if (typeof url === 'string') checkUrl(url, (message) => new HoldfastError('INVALID_OPTIONS', message));
  if (!(timeoutMs >= 1)) throw new HoldfastError('INVALID_OPTIONS', 'webhook timeoutMs is not 1 or more');
  const { signing } = options;
  const sign: Sign = signing === undefined ? () => ({}) : signerOf(signing, clock);
  checkHeaders(options.headers ?? {}, [...OWN_HEADERS, ...(signing === undefined ? [] : SIGNATURE_HEADERS)]);
  return {
    ...(options.policy === undefined ? {} : { policy: options.policy }),
    send: async (message, context) => {
      const target = typeof url === 'string' ? url : url(message);
      const parsed = checkUrl(target, (reason) => refused('invalid_url', reason));
      const body = bodyOf(message, context);
      const deadline = deadlineOf(context.signal, clock, timeoutMs);
      try {
        return await post(parsed, body, context, deadline.signal, { ...options, clock, sign });
      } finally {
        deadline.cancel();
      }
    },
  };
}

async function post(
  url: URL,
  body: string,
  context: SendContext,
  signal: AbortSignal,
  options: WebhookChannelOptions & { readonly clock: Clock; readonly sign: Sign },
): Promise<{ readonly status: number }> {
  let response: Dispatcher.ResponseData;
  try {
    response = await request(url, {
      method: 'POST',
      headers: { ...options.headers, ...ownHeaders(context), ...options.sign(context.deliveryId, body) },
      body,
      signal,
      highWaterMark: limits.replyPauseBytes,
      ...(options.dispatcher === undefined ? {} : { dispatcher: options.dispatcher }),
    });
    // The answer counts once it is whole; its content says nothing we use, so at most a little of it is read.
    await response.body.dump({ limit: limits.receiptBytesMax, signal });
  } catch (error) {
    const code = signal.aborted ? abortCode(signal) : networkCode(error);
    throw new DeliveryError(`the webhook at ${url.origin} did not answer (${code})`, { code, cause: error });
  }
  const { statusCode: status, headers } = response;
  if (status >= 200 && status < 300) return { status };
  const text = `the webhook at ${url.origin} answered ${status}`;
  if (!isRetryable(status)) throw refused(`http_${status}`, text);
  const retryAfterMs = askedDelayMs(headers['retry-after'], options.clock.now());
  throw new DeliveryError(text, {
    code: `http_${status}`,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function ownHeaders({ deliveryId, attempt }: SendContext): Readonly<Record<string, string>> {
  return {
    'content-type': 'application/json',
    'idempotency-key': deliveryId,
    'x-holdfast-delivery': deliveryId,
    'x-holdfast-attempt': String(attempt),
  };
}

function bodyOf(message: Message, { deliveryId, attempt }: SendContext): string {
  const body = JSON.stringify({
    delivery_id: deliveryId,
    attempt,
    channel: message.channel,
    account: message.account,
    target: message.target,
    is_group: message.isGroup,
    reply_to: message.replyTo,
    text: message.text,
    files: message.files.map(({ name, mime, path }) => ({ name, mime, path })),
    images: message.images,
    job_id: message.jobId,
    meta: message.meta,
  });
  const bytes = Buffer.byteLength(body);
  if (bytes <= limits.webhookBodyBytesMax) return body;
  throw refused('too_large', `the message has ${bytes} bytes, a webhook takes ${limits.webhookBodyBytesMax}`);
}

function refused(code: string, message: string): DeliveryError {
  return new DeliveryError(message, { code, permanent: true });
}

function isRetryable(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** Retry-After in seconds or as a date, within the bounds every Retry-After is kept to. */
function askedDelayMs(header: string | string[] | undefined, now: number): number | undefined {
  const value = (Array.isArray(header) ? header[0] : header)?.trim();
  if (value === undefined || value === '') return undefined;
  const askedMs = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1_000 : (parseHttpDate(value) ?? NaN) - now;
  if (Number.isNaN(askedMs)) return undefined;
  return Math.min(limits.retryAfterMaxMs, Math.max(limits.retryAfterMinMs, Math.ceil(askedMs)));
}

interface Deadline {
  readonly signal: AbortSignal;
  readonly cancel: () => void;
}

/** A signal that fires with the caller's or after `timeoutMs`; `abortCode` tells which. */
function deadlineOf(signal: AbortSignal, clock: Clock, timeoutMs: number): Deadline {
  const controller = new AbortController();
  const cancel = clock.schedule(timeoutMs, () => controller.abort('timeout'));
  return { signal: AbortSignal.any([signal, controller.signal]), cancel };
}

function abortCode(signal: AbortSignal): string {
  return signal.reason === 'timeout' ? 'timeout' : 'aborted';
}

function networkCode(error: unknown): string {
  if (!(error instanceof Error)) return 'network';
  return 'code' in error && typeof error.code === 'string' ? error.code : 'network';
}

function checkUrl(url: string, errorOf: (message: string) => Error): URL {
  if (!URL.canParse(url)) throw errorOf('the webhook url is not an absolute URL');
  const parsed = new URL(url);
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:')
    throw errorOf(`the webhook url is ${parsed.protocol} instead of http: or https:`);
  if (parsed.username !== '' || parsed.password !== '')
    throw errorOf('the webhook url carries a user or password; use headers.authorization');
  return parsed;
}

function checkHeaders(headers: Readonly<Record<string, string>>, own: readonly string[]): void {
  for (const [name, value] of Object.entries(headers)) {
    if (own.includes(name.toLowerCase()))
      throw new HoldfastError(
        'INVALID_OPTIONS',
        `webhook header ${JSON.stringify(name)} is set by the channel`,
      );
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && typeof value === 'string' && !/[\0\r\n]/.test(value)) continue;
    throw new HoldfastError('INVALID_OPTIONS', `webhook header ${JSON.stringify(name)} cannot be sent`);
  }
}
