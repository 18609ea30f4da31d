/**
 * The one HTTP transport: sends a request an adapter built to that adapter's base URL, to its fleet where
 * that sends it on, or to a URL that authenticates itself; nowhere else.
 *
 * Owns: the connections to providers (connections.ts). Callers: `actors/jobs.ts`; nobody else opens a socket
 * to a provider's API. Invariants:
 *  T1  One call to `send` is at most one request that anybody acts upon: no retries. A 307 or 308 is
 *      followed within the adapter's fleet alone, `limits.redirectsMax` times: it says that who sent it did
 *      nothing. Every other redirect is the reply.
 *  T2  `notSent` is a proof: of the last hop the connector never handed out a socket, so no byte of the
 *      request left, and the hops before did nothing (T1). Everything less certain is `unknown`.
 *  T3  A POST gets a connection of its own, so that a kept-alive socket closing under it cannot make it
 *      ambiguous.
 *  T4  Every wait ends: by its own bound, by the total, or by the caller's signal.
 *  T5  The credential is asked for at each call, goes to the base URL's origin and the fleet alone, and no
 *      error text contains it.
 *  T6  A signed URL gets no credential and is sent on nowhere; of it, texts show the origin alone.
 */
import { FormData, request as httpRequest } from 'undici';
import type { Dispatcher } from 'undici';
import type { Clock } from '../clock.js';
import { HoldfastError } from '../errors.js';
import { limits } from '../limits.js';
import { providerError } from './classify.js';
import { Connections } from './connections.js';
import type { ConnectionOptions, Road, SubmitConnection } from './connections.js';
import { Deadline } from './deadline.js';
import { refuseUrl } from './guard.js';
import { errorCode, redactError, redactUrl, secretsOf } from './redact.js';
import type { Credential, HttpRequest, HttpResponse, ProviderAdapter, ProviderError } from './port.js';
import { plainHeaders } from './wire.js';

export type TransportResult =
  | {
      readonly type: 'response';
      readonly response: HttpResponse;
      /** What was sent and must not be shown, should the reply echo it. */
      readonly secrets: readonly string[];
    }
  /** No byte of the request left this machine: certainly not accepted. */
  | { readonly type: 'notSent'; readonly error: ProviderError }
  /** The request may have arrived. */
  | { readonly type: 'unknown'; readonly error: ProviderError }
  | { readonly type: 'noCredential' };

export interface SendOptions {
  readonly signal: AbortSignal;
  /** The whole call. Default: 2 min for a POST, 1 min otherwise. */
  readonly timeoutMs?: number;
}

export interface Transport {
  /** Never rejects for what the world does. Throws `INVALID_OPTIONS` for a path that leaves the base URL. */
  send(
    adapter: ProviderAdapter,
    credentialAlias: string,
    request: HttpRequest,
    options: SendOptions,
  ): Promise<TransportResult>;
  /** Drops every connection; calls under way end as `unknown`. */
  close(): Promise<void>;
}

/** The part of a pino logger this room uses. */
export interface TransportLog {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface TransportOptions extends ConnectionOptions {
  readonly clock: Clock;
  readonly log?: TransportLog;
}

export function createTransport(options: TransportOptions): Transport {
  const connections = new Connections(options);

  const send: Transport['send'] = async (adapter, alias, request, { signal, timeoutMs }) => {
    const target = targetOf(adapter, request);
    if (target.type === 'refused') return { type: 'notSent', error: target.error };
    const credential = target.isSigned ? ANONYMOUS : await credentialOf(adapter, alias);
    if (credential.type !== 'found') return credential;
    const secrets = [...target.secrets, ...secretsOf(credential.value)];
    const startedMs = options.clock.monotonicMs();
    const deadline = new Deadline(options.clock, signal, timeoutMs ?? defaultTimeoutMs(request));
    const headers = { ...request.headers, ...credential.value.headers, 'accept-encoding': 'identity' };
    const isSubmit = request.method === 'POST';
    let submit: SubmitConnection | undefined;
    const ask = async (url: URL): Promise<HttpResponse> => {
      const road = roadTo(adapter, target, url);
      if (!isSubmit) return exchange(url, request, headers, connections.shared(road), deadline.signal);
      submit = connections.submit(url.origin, road);
      try {
        return await exchange(url, request, headers, submit.client, deadline.signal);
      } finally {
        await connections.end(submit);
      }
    };
    try {
      deadline.signal.throwIfAborted();
      return { type: 'response', response: await followed(adapter, target, ask), secrets };
    } catch (cause) {
      const code = deadline.expired ? 'timeout' : (errorCode(cause) ?? 'network');
      const message = `${request.method} ${target.shown}: ${redactError(cause, secrets)}`;
      const error = providerError('network', { code, message });
      return { type: isSubmit && submit?.connected !== true ? 'notSent' : 'unknown', error };
    } finally {
      deadline.end();
      const fields = { provider: adapter.id, method: request.method, url: target.shown };
      const durationMs = options.clock.monotonicMs() - startedMs;
      options.log?.debug({ ...fields, durationMs }, 'provider.called');
    }
  };

  return { send, close: () => connections.close() };
}

/** Where a call begins. */
interface Target {
  readonly type: 'found';
  readonly url: URL;
  readonly isSigned: boolean;
  /** The URL, fit for texts. */
  readonly shown: string;
  readonly secrets: readonly string[];
}

function targetOf(
  adapter: ProviderAdapter,
  request: HttpRequest,
): Target | { readonly type: 'refused'; readonly error: ProviderError } {
  if (request.signedUrl === undefined) {
    const url = urlBelow(adapter, request);
    return { type: 'found', url, isSigned: false, shown: redactUrl(url.href), secrets: [] };
  }
  const url = URL.canParse(request.signedUrl) ? new URL(request.signedUrl) : undefined;
  const reason = url === undefined ? 'not a URL' : refuseUrl(url, adapter.trustedOrigins);
  if (url === undefined || reason !== undefined) {
    const message = `${adapter.id}: a signed URL is refused: ${reason ?? ''}`;
    return { type: 'refused', error: providerError('network', { code: 'refusedUrl', message }) };
  }
  // Who has the URL has what it gives; its signature may be in the path too.
  const secrets = [request.signedUrl, url.href, url.pathname, url.search, ...url.searchParams.values()];
  return { type: 'found', url, isSigned: true, shown: `${url.origin}/[signed]`, secrets };
}

/** The user chose the base URL; a fleet and signed URLs come from the provider. */
function roadTo(adapter: ProviderAdapter, target: Target, url: URL): Road {
  const isOwn = !target.isSigned && url.origin === new URL(adapter.baseUrl).origin;
  return isOwn ? 'own' : { trustedOrigins: adapter.trustedOrigins };
}

/** The reply of the hop that does not send it on. */
async function followed(
  adapter: ProviderAdapter,
  target: Target,
  ask: (url: URL) => Promise<HttpResponse>,
): Promise<HttpResponse> {
  let { url } = target;
  let response = await ask(url);
  for (let hop = 1; hop <= limits.redirectsMax; hop += 1) {
    const next = target.isSigned ? undefined : sentOn(adapter, url, response);
    if (next === undefined) break;
    url = next;
    response = await ask(url);
  }
  return response;
}

/** Where a reply sends the call on to; undefined when it is a reply, or leads where no call of ours goes. */
function sentOn(adapter: ProviderAdapter, url: URL, { status, headers }: HttpResponse): URL | undefined {
  const { location } = headers;
  if (adapter.fleet === undefined || (status !== 307 && status !== 308) || location === undefined) return;
  const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
  if (next === undefined || next.username !== '' || next.password !== '') return;
  if (next.origin === new URL(adapter.baseUrl).origin) return next;
  return adapter.fleet(next) && refuseUrl(next, adapter.trustedOrigins) === undefined ? next : undefined;
}

/** Invariant P1: what an adapter builds stays below its base URL. */
function urlBelow(adapter: ProviderAdapter, request: HttpRequest): URL {
  const base = new URL(adapter.baseUrl);
  const below = `${base.pathname.replace(/\/$/, '')}/`;
  const url = request.path.startsWith('/') ? new URL(`${adapter.baseUrl}${request.path}`) : undefined;
  if (url === undefined || url.origin !== base.origin || !url.pathname.startsWith(below)) {
    throw new HoldfastError('INVALID_OPTIONS', `${adapter.id}: a request path must stay below the base URL`, {
      details: { provider: adapter.id },
    });
  }
  return url;
}

type FoundCredential =
  | { readonly type: 'found'; readonly value: Credential }
  | Extract<TransportResult, { readonly type: 'noCredential' | 'notSent' }>;

// undici refuses the others as a fault of the request, though it is the key that has to be mended.
const HEADER_TEXT = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

/** For a URL that is its own credential. */
const ANONYMOUS: FoundCredential = { type: 'found', value: { headers: {} } };

/** The user's own key function may throw; then nothing was sent, and the reason is worth showing. */
async function credentialOf(adapter: ProviderAdapter, alias: string): Promise<FoundCredential> {
  try {
    const value = await adapter.credential(alias);
    if (value === undefined) return { type: 'noCredential' };
    if (Object.values(value.headers).every((text) => HEADER_TEXT.test(text))) return { type: 'found', value };
    const message = `the key of "${alias}" has characters that no header can carry, such as a line's end`;
    return { type: 'notSent', error: providerError('auth', { code: 'unusableKey', message }) };
  } catch (cause) {
    const message = `the credential "${alias}" could not be read: ${redactError(cause)}`;
    return { type: 'notSent', error: providerError('auth', { code: 'credentialThrew', message }) };
  }
}

function defaultTimeoutMs(request: HttpRequest): number {
  return request.method === 'POST' ? limits.providerSubmitTimeoutMs : limits.providerCallTimeoutMs;
}

/** One request, one reply, read to its end. Rejects with what undici, the deadline or the size limit says. */
async function exchange(
  url: URL,
  request: HttpRequest,
  headers: Readonly<Record<string, string>>,
  dispatcher: Dispatcher,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const isSubmit = request.method === 'POST';
  const { body, contentType } = bodyOf(request);
  const reply = await httpRequest(url, {
    dispatcher,
    method: request.method,
    headers: { accept: 'application/json', ...contentType, ...headers },
    body,
    signal,
    // A provider may think for as long as the whole submit may last before it answers.
    headersTimeout: isSubmit ? limits.providerSubmitTimeoutMs : limits.providerHeadersTimeoutMs,
    bodyTimeout: limits.providerHeadersTimeoutMs,
    highWaterMark: limits.replyPauseBytes,
  });
  const text = await readText(reply.body, request.replyBytesMax ?? limits.providerBodyBytesMax);
  return { status: reply.statusCode, headers: plainHeaders(reply.headers), text };
}

function bodyOf(request: HttpRequest): {
  readonly body: string | FormData | null;
  readonly contentType: Readonly<Record<string, string>>;
} {
  if (request.json !== undefined) {
    return { body: JSON.stringify(request.json), contentType: { 'content-type': 'application/json' } };
  }
  if (request.form === undefined) return { body: null, contentType: {} };
  const form = new FormData();
  for (const [name, value] of Object.entries(request.form)) form.append(name, value);
  for (const [name, file] of Object.entries(request.files ?? {})) {
    form.append(name, new Blob([Buffer.from(file.base64, 'base64')], { type: file.mime }), file.name);
  }
  // undici writes the content type itself: it alone knows the boundary.
  return { body: form, contentType: {} };
}

async function readText(body: Dispatcher.ResponseData['body'], bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new RangeError(`the reply is longer than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
