/**
 * The download: one artifact from a URL that somebody else chose onto our disk, whole or not at all.
 *
 * Owns: its `.part` file, in a folder of their own so that sweeping them reads no finished file's name.
 * Callers: `actors/jobs.ts`. Invariants:
 *  D1  Every hop passes the guard; redirects are followed by hand, at most `limits.redirectsMax`, never
 *      from https down to http.
 *  D2  A credential goes to the origin of the adapter's base URL alone; once a chain has left it, nowhere.
 *  D3  A file appears under its final name only when it is complete, of the kind that was asked for, and on
 *      disk. The name is its hash, so doing it twice is harmless.
 *  D4  Size and time are bounded: a cap by kind, an idle limit, and a lowest average rate.
 *      undici never pauses (limits.replyPauseBytes), so a backlog is bounded by catching up with it here.
 *  D5  Nothing is thrown: every fault is an outcome, and no `.part` file of this call outlives it but by a
 *      crash.
 */
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, request as httpRequest } from 'undici';
import type { Dispatcher } from 'undici';
import type { Clock } from '../clock.js';
import { isHoldfastError } from '../errors.js';
import { newId } from '../ids.js';
import { limits } from '../limits.js';
import { providerError } from './classify.js';
import { Deadline } from './deadline.js';
import { guardedConnector, refuseUrl } from './guard.js';
import type { OpenSocket, Resolve } from './guard.js';
import { partsBelow, placeWhole } from './parts.js';
import { errorCode, redactError, redactUrl, secretsOf } from './redact.js';
import { retryAfterMs } from './retry-after.js';
import { sniff } from './sniff.js';
import type { Sniffed } from './sniff.js';
import type { Credential, JobKind, ProviderAdapter, ProviderError, UrlSource } from './port.js';
import type { ProviderErrorClass } from './port.js';
import { asNumber, plainHeaders } from './wire.js';

export interface DownloadedArtifact {
  /** File name below the directory: `<sha256>.<extension>`. */
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly mime: string;
  readonly width?: number;
  readonly height?: number;
  readonly durationMs?: number;
  /** Redacted. */
  readonly sourceUrl: string;
}

export type DownloadOutcome =
  | { readonly type: 'done'; readonly artifact: DownloadedArtifact }
  /** The URL no longer serves: ask the provider for a fresh one. */
  | { readonly type: 'stale'; readonly error: ProviderError }
  | { readonly type: 'transient'; readonly error: ProviderError }
  | { readonly type: 'permanent'; readonly error: ProviderError };

export interface DownloadOptions {
  readonly source: UrlSource;
  readonly adapter: ProviderAdapter;
  /** What `adapter.credential` gave; used only when the source asks for it. */
  readonly credential: Credential | undefined;
  readonly directory: string;
  readonly kind: JobKind;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Default: 512 MiB for a video, 64 MiB for an image. */
  readonly bytesMax?: number;
  /** Longest silence, for the headers and within the body. Default 30 s. */
  readonly idleMs?: number;
  readonly resolve?: Resolve;
  readonly open?: OpenSocket;
}

type Failure = Exclude<DownloadOutcome, { readonly type: 'done' }>;
type Reply = Dispatcher.ResponseData;
type Step<Value> = { readonly type: 'next'; readonly value: Value } | Failure;

export async function download(options: DownloadOptions): Promise<DownloadOutcome> {
  const { adapter, directory } = options;
  const part = join(partsBelow(directory), `${newId('download')}.part`);
  const connect = guardedConnector({
    trustedOrigins: adapter.trustedOrigins,
    ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
    ...(options.open === undefined ? {} : { open: options.open }),
  });
  const agent = new Agent({ connect });
  const hopMs = limits.providerConnectTimeoutMs + limits.providerHeadersTimeoutMs;
  const deadline = new Deadline(options.clock, options.signal, (limits.redirectsMax + 1) * hopMs);
  try {
    deadline.signal.throwIfAborted();
    await mkdir(partsBelow(directory), { recursive: true });
    const reply = await follow(options, agent, deadline.signal);
    if (reply.type !== 'next') return reply;
    const received = await receive(options, reply.value, part, deadline);
    if (received.type !== 'next') return received;
    return { type: 'done', artifact: await keep(options, part, received.value) };
  } catch (cause) {
    return faultOf(cause, options, deadline.expired);
  } finally {
    deadline.end();
    await agent.destroy();
    await rm(part, { force: true });
  }
}

/** The first reply that is no redirect, if it is a success. */
async function follow(options: DownloadOptions, agent: Agent, signal: AbortSignal): Promise<Step<Reply>> {
  const { adapter, source } = options;
  const home = new URL(adapter.baseUrl).origin;
  let url = new URL(source.url);
  let mayAuthenticate = source.authenticated;
  for (let hop = 0; hop <= limits.redirectsMax; hop += 1) {
    const reason = refuseUrl(url, adapter.trustedOrigins);
    if (reason !== undefined) return permanent('refusedUrl', `${redactUrl(url.href)} is refused: ${reason}`);
    mayAuthenticate &&= url.origin === home;
    const reply = await httpRequest(url, {
      dispatcher: agent,
      method: 'GET',
      headers: {
        accept: '*/*',
        'accept-encoding': 'identity',
        ...(mayAuthenticate ? options.credential?.headers : {}),
      },
      headersTimeout: options.idleMs ?? limits.providerHeadersTimeoutMs,
      bodyTimeout: options.idleMs ?? limits.downloadIdleMs,
      highWaterMark: limits.replyPauseBytes,
      signal,
    });
    const next = redirectOf(reply, url);
    if (next === undefined) return successOf(reply, options);
    await reply.body.dump({ limit: 0, signal });
    if (url.protocol === 'https:' && next.protocol === 'http:') {
      return permanent('downgrade', `${redactUrl(url.href)} redirects from https to http`);
    }
    url = next;
  }
  return permanent('redirects', `more than ${limits.redirectsMax} redirects from ${redactUrl(source.url)}`);
}

function redirectOf(reply: Reply, url: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(reply.statusCode)) return undefined;
  const { location } = plainHeaders(reply.headers);
  return location !== undefined && URL.canParse(location, url.href) ? new URL(location, url) : undefined;
}

async function successOf(reply: Reply, options: DownloadOptions): Promise<Step<Reply>> {
  const status = reply.statusCode;
  if (status === 200) return { type: 'next', value: reply };
  await reply.body.dump({ limit: 0 });
  const message = `HTTP ${status} from ${redactUrl(options.source.url)}`;
  const code = `http${status}`;
  if ([401, 403, 404, 410].includes(status)) return failure('stale', 'notFound', code, message);
  if (status === 408 || status === 425 || status === 429 || status >= 500 || status < 400) {
    const errorClass = status === 425 || status === 429 ? 'rate' : 'server';
    const wait = retryAfterMs(plainHeaders(reply.headers), '', options.clock.now());
    return failure('transient', errorClass, code, message, wait);
  }
  return failure('permanent', 'failed', code, message);
}

interface Received {
  readonly sha256: string;
  readonly bytes: number;
  readonly sniffed: Extract<Sniffed, { readonly type: 'match' }>;
}

/**
 * The body into the part file, hashed while it is written and synced before this returns. A body that is
 * shorter than its declared length never ends normally: undici rejects it, and that is a transient fault.
 */
async function receive(
  options: DownloadOptions,
  reply: Reply,
  part: string,
  deadline: Deadline,
): Promise<Step<Received>> {
  const bytesMax =
    options.bytesMax ?? (options.kind === 'video' ? limits.videoBytesMax : limits.imageBytesMax);
  const declared = asNumber(plainHeaders(reply.headers)['content-length']);
  if (declared !== undefined && declared > bytesMax) {
    await reply.body.dump({ limit: 0 });
    return permanent('tooLarge', `the artifact has ${declared} bytes, more than ${bytesMax}`);
  }
  deadline.restart(
    limits.downloadGraceMs + ((declared ?? bytesMax) / limits.downloadBytesPerSecondMin) * 1_000,
  );

  const hash = createHash('sha256');
  const head = new Head();
  let bytes = 0;
  const file = await open(part, 'wx');
  try {
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) return permanent('tooLarge', `the artifact has more than ${bytesMax} bytes`);
      hash.update(chunk);
      // An error page or the wrong kind is refused as soon as it shows, not after the last of its bytes.
      if (head.add(chunk)) {
        const sniffed = await judge(head.bytes, options);
        if (sniffed.type !== 'next') return sniffed;
      }
      if (reply.body.readableLength > limits.downloadBacklogBytes) writeWhole(file.fd, chunk);
      else await file.writeFile(chunk);
    }
    if (bytes === 0) return transient('empty', 'the artifact has no bytes');
    const sniffed = await judge(head.bytes, options);
    if (sniffed.type !== 'next') return sniffed;
    await file.sync();
    return { type: 'next', value: { sha256: hash.digest('hex'), bytes, sniffed: sniffed.value } };
  } finally {
    await file.close();
  }
}

/** While this runs nothing arrives: the backlog of a fast network and a slow disk shrinks to nothing. */
function writeWhole(fd: number, chunk: Uint8Array): void {
  for (let from = 0; from < chunk.byteLength;) from += writeSync(fd, chunk, from);
}

async function judge(head: Uint8Array, options: DownloadOptions): Promise<Step<Received['sniffed']>> {
  const sniffed = await sniff(head, options.kind);
  if (sniffed.type === 'match') return { type: 'next', value: sniffed };
  const what = `a ${options.kind} was expected, ${sniffed.mime ?? 'something unknown'} came`;
  if (sniffed.type === 'otherKind') return permanent('mistyped', what);
  return transient('mistyped', what);
}

/** The first bytes of a stream of chunks. */
class Head {
  readonly #buffer = new Uint8Array(limits.sniffBytes);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** True once: with the chunk that fills it. */
  add(chunk: Uint8Array): boolean {
    const room = this.#buffer.byteLength - this.#length;
    if (room === 0) return false;
    const taken = chunk.subarray(0, room);
    this.#buffer.set(taken, this.#length);
    this.#length += taken.byteLength;
    return this.#length === this.#buffer.byteLength;
  }
}

async function keep(options: DownloadOptions, part: string, received: Received): Promise<DownloadedArtifact> {
  const { sha256, bytes, sniffed } = received;
  const path = `${sha256}.${sniffed.extension}`;
  await placeWhole(part, options.directory, path);
  const { width, height, mime } = sniffed;
  const size = width === undefined || height === undefined ? {} : { width, height };
  return { path, sha256, bytes, mime, ...size, sourceUrl: redactUrl(options.source.url) };
}

/** Whatever was thrown: the guard's refusal is final, all else (sockets, timeouts, the disk) may pass. */
function faultOf(cause: unknown, options: DownloadOptions, expired: boolean): Failure {
  const message = redactError(cause, secretsOf(options.credential));
  const code = expired ? 'timeout' : (errorCode(cause) ?? 'network');
  if (isHoldfastError(cause, 'ADDRESS_REFUSED')) return permanent(code, message);
  return failure('transient', 'network', code, message);
}

function permanent(code: string, message: string): Failure {
  return failure('permanent', 'failed', code, message);
}

function transient(code: string, message: string): Failure {
  return failure('transient', 'network', code, message);
}

function failure(
  type: Failure['type'],
  errorClass: ProviderErrorClass,
  code: string,
  message: string,
  retryAfter?: number,
): Failure {
  return { type, error: providerError(errorClass, { code, message }, retryAfter) };
}
