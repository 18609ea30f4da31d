/**
 * What a mishap looks like: the answer that takes the place of the provider's, and the shape it has on the
 * wire.
 *
 * Callers: pipeline.ts. Invariant: pure; the time is handed in.
 */
import { bytesReply } from './dialect.js';
import type { Dialect, Reply, Subject } from './dialect.js';
import type { Shape } from './exchange.js';
import type { Mishap } from './faults.js';
import { accessDenied } from './object-store.js';

const MILLISECONDS_PER_SECOND = 1_000;
const HTML = '<!doctype html>\n<html><body><h1>The service is having a moment</h1></body></html>';

/** The answer that replaces the provider's own; undefined when the request is served. */
export function replacementFor(
  mishap: Mishap | undefined,
  dialect: Dialect,
  subject: Subject | undefined,
  nowMs: number,
  location: (redirect: Extract<Mishap, { readonly type: 'redirect' }>) => string,
): Reply | undefined {
  switch (mishap?.type) {
    case 'rateLimit': {
      const reply = dialect.rateLimited(mishap.code);
      return { ...reply, headers: { ...reply.headers, ...retryHeader(mishap, nowMs) } };
    }
    case 'status':
      return badStatus(mishap, dialect);
    case 'unauthorized':
      return dialect.unauthorized('invalid');
    case 'expired':
      return accessDenied('Request has expired');
    case 'redirect':
      return bytesReply(mishap.status, 'text/plain', new Uint8Array(0), { location: location(mishap) });
    case 'mistyped':
      return mistyped(mishap, subject);
    default:
      return undefined;
  }
}

/** True when a submit creates its task in spite of the mishap, or because nothing is wrong with that part. */
export function billsDespite(mishap: Mishap | undefined): boolean {
  switch (mishap?.type) {
    case 'rateLimit':
    case 'unauthorized':
    case 'redirect':
      return false;
    case 'status':
    case 'resetAfterBody':
      return mishap.billed;
    default:
      return true;
  }
}

/** The answer's shape; `invalidJson` has changed the body before. */
export function shapeFor(mishap: Mishap | undefined, bodyBytes: number): Shape {
  switch (mishap?.type) {
    case 'halfResponse':
      return { type: 'cut', bytes: Math.floor(bodyBytes / 2), end: 'reset' };
    case 'truncated':
      return { type: 'cut', bytes: Math.floor(bodyBytes * mishap.share), end: 'close' };
    case 'wrongContentLength':
      return { type: 'misdeclared', deltaBytes: mishap.deltaBytes };
    default:
      return { type: 'whole' };
  }
}

function retryHeader(
  mishap: Extract<Mishap, { readonly type: 'rateLimit' }>,
  nowMs: number,
): Readonly<Record<string, string>> {
  const { retryAfter, waitMs } = mishap;
  if (retryAfter === 'none') return {};
  if (retryAfter === 'date') return { 'retry-after': httpDate(nowMs + waitMs) };
  if (retryAfter === 'milliseconds') return { 'retry-after-ms': String(waitMs) };
  return { 'retry-after': String(Math.ceil(waitMs / MILLISECONDS_PER_SECOND)) };
}

function badStatus(mishap: Extract<Mishap, { readonly type: 'status' }>, dialect: Dialect): Reply {
  if (mishap.body === 'json') return dialect.failing(mishap.status);
  return bytesReply(mishap.status, 'text/html', Buffer.from(mishap.body === 'html' ? HTML : ''));
}

function mistyped(
  mishap: Extract<Mishap, { readonly type: 'mistyped' }>,
  subject: Subject | undefined,
): Reply {
  const bodies = {
    html: bytesReply(200, 'text/html', Buffer.from(HTML)),
    xml: { ...accessDenied('Access denied'), status: 200 },
    json: bytesReply(200, 'application/json', Buffer.from('{"error":{"message":"try again later"}}')),
  };
  const reply = bodies[mishap.body];
  if (!mishap.lying) return reply;
  const contentType = subject?.kind === 'image' ? 'image/png' : 'video/mp4';
  return { ...reply, headers: { 'content-type': contentType } };
}

/** Such as `Sun, 22 Nov 2026 06:00:24 GMT`; like every HTTP date it has no milliseconds. */
export function httpDate(epochMs: number): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: 'UTC',
    weekday: 'short',
    day: '2-digit',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  const parts = new Map(format.formatToParts(epochMs).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
  // ICU writes "Sept" in British English; HTTP has three letters.
  const month = part('month').slice(0, 3);
  const time = `${part('hour')}:${part('minute')}:${part('second')}`;
  return `${part('weekday')}, ${part('day')} ${month} ${part('year')} ${time} GMT`;
}
