/**
 * The way of one download to the reply that has its bytes: redirects, credentials, statuses.
 *
 * Callers: the download. Invariants: D1 and D2 of download.ts; and
 *  H1  A reply that is no body to keep has been read to its end, or its connection ended, before this
 *      returns.
 *  H2  An encoded body is refused unread: what it unpacks to has no bound.
 */
import { request as httpRequest } from 'undici';
import type { Dispatcher } from 'undici';
import type { Clock } from '../clock.js';
import { limits } from '../limits.js';
import { failure, permanent, transient } from './download-outcome.js';
import type { Step } from './download-outcome.js';
import { refuseUrl } from './guard.js';
import type { Credential, ProviderAdapter, UrlSource } from './port.js';
import { redactUrl } from './redact.js';
import { retryAfterMs } from './retry-after.js';
import { plainHeaders } from './wire.js';

export type Reply = Dispatcher.ResponseData;

/** What all requests of a download have in common. */
export interface Hopping {
  readonly source: UrlSource;
  readonly adapter: ProviderAdapter;
  /** What `adapter.credential` gave; used only when the source asks for it. */
  readonly credential: Credential | undefined;
  readonly clock: Clock;
  /** Longest silence, for the headers and within the body. Default 30 s. */
  readonly idleMs?: number;
}

/** What one request of a download carries, beside its URL. */
export interface Asking {
  readonly dispatcher: Dispatcher;
  /** `Range` and `If-Range`, or nothing. */
  readonly range: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * The first reply that is no redirect, if it is a success: 200, or, where a range was asked for, 206 or 416.
 */
export async function follow(options: Hopping, asking: Asking): Promise<Step<Reply>> {
  const { adapter, source } = options;
  let url = new URL(source.url);
  let mayAuthenticate = source.authenticated;
  for (let hop = 0; hop <= limits.redirectsMax; hop += 1) {
    const reason = refuseUrl(url, adapter.trustedOrigins);
    if (reason !== undefined) return permanent('refusedUrl', `${redactUrl(url.href)} is refused: ${reason}`);
    mayAuthenticate &&= isHome(url, adapter);
    const reply = await httpRequest(url, {
      dispatcher: asking.dispatcher,
      method: 'GET',
      headers: {
        accept: '*/*',
        'accept-encoding': 'identity',
        ...asking.range,
        ...(mayAuthenticate ? options.credential?.headers : {}),
      },
      headersTimeout: options.idleMs ?? limits.providerHeadersTimeoutMs,
      bodyTimeout: options.idleMs ?? limits.downloadIdleMs,
      highWaterMark: limits.replyPauseBytes,
      signal: asking.signal,
    });
    const next = redirectOf(reply, url);
    if (next === undefined) return successOf(reply, options, 'range' in asking.range);
    await reply.body.dump({ limit: 0, signal: asking.signal });
    if (url.protocol === 'https:' && next.protocol === 'http:') {
      return permanent('downgrade', `${redactUrl(url.href)} redirects from https to http`);
    }
    url = next;
  }
  return permanent('redirects', `more than ${limits.redirectsMax} redirects from ${redactUrl(source.url)}`);
}

/** Where the credential may go: the adapter's own origin, and the servers it says are the provider's. */
function isHome(url: URL, adapter: ProviderAdapter): boolean {
  return url.origin === new URL(adapter.baseUrl).origin || adapter.fleet?.(url) === true;
}

function redirectOf(reply: Reply, url: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(reply.statusCode)) return undefined;
  const { location } = plainHeaders(reply.headers);
  return location !== undefined && URL.canParse(location, url.href) ? new URL(location, url) : undefined;
}

async function successOf(reply: Reply, options: Hopping, isRange: boolean): Promise<Step<Reply>> {
  const status = reply.statusCode;
  const headers = plainHeaders(reply.headers);
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  const isBody = status === 200 || (isRange && status === 206);
  if (isBody && (encoding === 'identity' || encoding === '')) return { type: 'next', value: reply };
  await reply.body.dump({ limit: 0 });
  if (isRange && status === 416) return { type: 'next', value: reply };
  const from = redactUrl(options.source.url);
  if (isBody) return transient('encoded', `${from} sends its body encoded (${encoding.slice(0, 20)})`);
  const message = `HTTP ${status} from ${from}`;
  const code = `http${status}`;
  if ([401, 403, 404, 410].includes(status)) return failure('stale', 'notFound', code, message);
  if (status === 408 || status === 425 || status === 429 || status >= 500 || status < 400) {
    const errorClass = status === 425 || status === 429 ? 'rate' : 'server';
    const wait = retryAfterMs(headers, '', options.clock.now());
    return failure('transient', errorClass, code, message, wait);
  }
  return failure('permanent', 'failed', code, message);
}
