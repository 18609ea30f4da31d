/**
 * The one HTTP transport: sends a request an adapter built, to that adapter's base URL and nowhere else.
 *
 * Owns: the connections to providers. Callers: `actors/jobs.ts`; nobody else opens a socket to a provider's
 * API. Invariants:
 *  T1  One call to `send` is at most one request on the wire: no retries, no redirects followed.
 *  T2  `notSent` is a proof: the connector never handed out a socket, so no byte of the request left.
 *      Everything less certain is `unknown`.
 *  T3  A POST gets a connection of its own, so that a kept-alive socket closing under it cannot make it
 *      ambiguous.
 *  T4  Every wait ends: by its own bound, by the total, or by the caller's signal.
 *  T5  The credential is asked for at each call, and no error text contains it.
 */
import { Agent, buildConnector, Client, FormData, request as httpRequest } from 'undici';
import type { Dispatcher } from 'undici';
import type { Clock } from '../clock.js';
import { HoldfastError } from '../errors.js';
import { limits } from '../limits.js';
import { providerError } from './classify.js';
import { Deadline } from './deadline.js';
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

export interface TransportOptions {
  readonly clock: Clock;
  readonly log?: TransportLog;
  readonly connectTimeoutMs?: number;
}

export function createTransport(options: TransportOptions): Transport {
  const connector = buildConnector({ timeout: options.connectTimeoutMs ?? limits.providerConnectTimeoutMs });
  const keptAlive = new Agent({ connect: connector, connections: limits.providerCallsMax });
  const submits = new Set<Client>();

  const send: Transport['send'] = async (adapter, alias, request, { signal, timeoutMs }) => {
    const url = urlBelow(adapter, request);
    const credential = await credentialOf(adapter, alias);
    if (credential.type !== 'found') return credential;
    const startedMs = options.clock.monotonicMs();
    const deadline = new Deadline(options.clock, signal, timeoutMs ?? defaultTimeoutMs(request));
    const proof = new WriteProof(connector);
    const submit = request.method === 'POST' ? proof.clientFor(url.origin) : undefined;
    if (submit !== undefined) submits.add(submit);
    try {
      deadline.signal.throwIfAborted();
      const headers = { ...request.headers, ...credential.value.headers, 'accept-encoding': 'identity' };
      const response = await exchange(url, request, headers, submit ?? keptAlive, deadline.signal);
      return { type: 'response', response, secrets: secretsOf(credential.value) };
    } catch (cause) {
      const code = deadline.expired ? 'timeout' : (errorCode(cause) ?? 'network');
      const reason = redactError(cause, secretsOf(credential.value));
      const message = `${request.method} ${redactUrl(url.href)}: ${reason}`;
      const error = providerError('network', { code, message });
      return { type: submit !== undefined && !proof.connected ? 'notSent' : 'unknown', error };
    } finally {
      deadline.end();
      if (submit !== undefined) {
        submits.delete(submit);
        await submit.destroy();
      }
      const fields = { provider: adapter.id, method: request.method, url: redactUrl(url.href) };
      options.log?.debug({ ...fields, ms: options.clock.monotonicMs() - startedMs }, 'provider call');
    }
  };

  const close = async (): Promise<void> => {
    await Promise.all([keptAlive, ...submits].map(async (dispatcher) => dispatcher.destroy()));
  };
  return { send, close };
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

/** The user's own key function may throw; then nothing was sent, and the reason is worth showing. */
async function credentialOf(adapter: ProviderAdapter, alias: string): Promise<FoundCredential> {
  try {
    const value = await adapter.credential(alias);
    return value === undefined ? { type: 'noCredential' } : { type: 'found', value };
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
  const text = await readText(reply.body);
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
  // undici writes the content type itself: it alone knows the boundary.
  return { body: form, contentType: {} };
}

async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > limits.providerBodyBytesMax) {
      throw new RangeError(`the reply is longer than ${limits.providerBodyBytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Whether a connection was ever handed to the one request that uses this client (T2, T3). */
class WriteProof {
  #connected = false;
  readonly #connector: buildConnector.connector;

  constructor(connector: buildConnector.connector) {
    this.#connector = connector;
  }

  get connected(): boolean {
    return this.#connected;
  }

  clientFor(origin: string): Client {
    const connect: buildConnector.connector = (options, callback) => {
      this.#connector(options, (...result) => {
        if (result[0] === null) this.#connected = true;
        callback(...result);
      });
    };
    return new Client(origin, { connect, pipelining: 1 });
  }
}
