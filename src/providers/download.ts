/**
 * The download: one artifact from a URL that somebody else chose onto our disk, whole or not at all.
 *
 * Owns: its part (part-file.ts), in a folder of their own so that sweeping them reads no finished file's
 * name. Callers: the effects of jobs. Invariants:
 *  D1  Every hop passes the guard; redirects are followed by hand, at most `limits.redirectsMax`, never
 *      from https down to http.
 *  D2  A credential goes to the origin of the adapter's base URL and to its fleet alone; once a chain has
 *      left them, nowhere.
 *  D3  A file appears under its final name only when it is complete, of the kind that was asked for, and on
 *      disk. The name is its hash, so doing it twice is harmless.
 *  D4  Size and time are bounded: a cap by kind, an idle limit, and a lowest average rate. All of them count
 *      the whole attempt, however often it goes on. undici never pauses (limits.replyPauseBytes), so a
 *      backlog is bounded by catching up with it here.
 *  D5  Nothing is thrown: every fault is an outcome.
 *  D6  What broke off is kept under the name it was given, if a strong validator says of what it is a part;
 *      anything else leaves nothing. A part that cannot become a file (another kind, too large, no room)
 *      goes.
 */
import { statfs } from 'node:fs/promises';
import { Agent } from 'undici';
import { isHoldfastError } from '../errors.js';
import { limits } from '../limits.js';
import { Arrivals } from './arrivals.js';
import { Deadline } from './deadline.js';
import { follow } from './download-hops.js';
import type { Hopping, Reply } from './download-hops.js';
import { diskFull, permanent, transient } from './download-outcome.js';
import type { DownloadOutcome, Failure, Step } from './download-outcome.js';
import { guardedConnector } from './guard.js';
import type { OpenSocket, Resolve } from './guard.js';
import { PartFile } from './part-file.js';
import { bytesMaxOf, isFull, judge, placeArtifact } from './place-artifact.js';
import { errorCode, redactError, redactUrl, secretsOf } from './redact.js';
import { goesOn, rangeHeaders, sourceOf } from './ranges.js';
import type { JobKind } from './port.js';
import { asNumber, plainHeaders } from './wire.js';

export interface DownloadOptions extends Hopping {
  readonly directory: string;
  readonly kind: JobKind;
  readonly signal: AbortSignal;
  /**
   * What the artifact is called until it is whole: the next download of that name goes on where this one
   * broke off, whatever its URL. Letters, digits, `_`, `-` and `.`; one download at a time. Default: what
   * breaks off is lost.
   */
  readonly part?: string;
  /** Default: 512 MiB for a video, 64 MiB for an image. */
  readonly bytesMax?: number;
  readonly resolve?: Resolve;
  readonly open?: OpenSocket;
  /** Bytes that are free on the disk of a directory. Default: what the system says. */
  readonly freeBytes?: (directory: string) => Promise<number>;
}

/** A part, and who may write it: what one attempt works with. */
interface Attempt {
  readonly options: DownloadOptions;
  readonly agent: Agent;
  readonly part: PartFile;
  readonly deadline: Deadline;
}

export async function download(options: DownloadOptions): Promise<DownloadOutcome> {
  const { adapter } = options;
  const connect = guardedConnector({
    trustedOrigins: adapter.trustedOrigins,
    ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
    ...(options.open === undefined ? {} : { open: options.open }),
  });
  const agent = new Agent({ connect });
  const hopMs = limits.providerConnectTimeoutMs + limits.providerHeadersTimeoutMs;
  const deadline = new Deadline(options.clock, options.signal, (limits.redirectsMax + 1) * hopMs);
  let part: PartFile | undefined;
  let outcome: DownloadOutcome;
  try {
    deadline.signal.throwIfAborted();
    part = await PartFile.open(options.directory, options.part);
    outcome = await bring({ options, agent, part, deadline });
  } catch (cause) {
    outcome = faultOf(cause, options, deadline.expired);
  } finally {
    deadline.end();
    await agent.destroy();
  }
  await part?.end(mayGoOn(outcome) ? 'keep' : 'drop');
  return outcome;
}

/** Asks until it is whole: a body that was cut off is gone on with at once, a few times. */
async function bring(attempt: Attempt): Promise<DownloadOutcome> {
  const { options, agent, part, deadline } = attempt;
  let isTimed = false;
  for (let asked = 1; ; asked += 1) {
    if (part.isWhole) return keep(options, part);
    const startBytes = part.bytes;
    const range = rangeHeaders(part.source, startBytes);
    const reply = await follow(options, { dispatcher: agent, range, signal: deadline.signal });
    if (reply.type !== 'next') return reply;
    const arrivals = new Arrivals(reply.value.body);
    const body = await admit(attempt, reply.value);
    if (body.type !== 'next' || body.value === 'otherwise') arrivals.stop();
    if (body.type !== 'next') return body;
    if (body.value === 'otherwise') {
      if (asked < limits.downloadRequestsMax) continue;
      return transient('range', `${redactUrl(options.source.url)} does not send what it was asked for`);
    }
    if (!isTimed) deadline.restart(timeFor(body.value.restBytes));
    isTimed = true;
    try {
      const received = await receive(attempt, arrivals, body.value.totalBytes);
      return received ?? (await keep(options, part));
    } catch (cause) {
      const isCut = !deadline.signal.aborted && part.source !== undefined && part.bytes > startBytes;
      if (!isCut || isFull(cause) || asked >= limits.downloadRequestsMax) throw cause;
    }
  }
}

function timeFor(bytes: number): number {
  return limits.downloadGraceMs + (bytes / limits.downloadBytesPerSecondMin) * 1_000;
}

interface Body {
  /** Of the whole artifact, where it is told. */
  readonly totalBytes: number | undefined;
  /** Of what comes now, at most. */
  readonly restBytes: number;
}

/**
 * Makes the part ready for a body: goes on, or begins anew. `otherwise`: the server has something else than
 * the rest of what we have, and must be asked for all of it.
 */
async function admit({ options, part }: Attempt, reply: Reply): Promise<Step<Body | 'otherwise'>> {
  const bytesMax = bytesMaxOf(options.kind, options.bytesMax);
  const headers = plainHeaders(reply.headers);
  let totalBytes = asNumber(headers['content-length']);
  if (reply.statusCode === 200) {
    await part.begin(sourceOf(headers));
  } else {
    const { source } = part;
    const isPart = reply.statusCode === 206 && source !== undefined;
    totalBytes = isPart ? goesOn(headers, source, part.bytes) : undefined;
    if (totalBytes === undefined) {
      await part.begin(undefined);
      return { type: 'next', value: 'otherwise' };
    }
    part.learn(totalBytes);
  }
  const restBytes = (totalBytes ?? bytesMax) - part.bytes;
  const refused = await refuseSize(options, totalBytes, restBytes);
  return refused ?? { type: 'next', value: { totalBytes, restBytes } };
}

async function refuseSize(
  options: DownloadOptions,
  totalBytes: number | undefined,
  restBytes: number,
): Promise<Failure | undefined> {
  if (totalBytes === undefined) return undefined;
  const bytesMax = bytesMaxOf(options.kind, options.bytesMax);
  if (totalBytes > bytesMax) {
    return permanent('tooLarge', `the artifact has ${totalBytes} bytes, more than ${bytesMax}`);
  }
  const freeBytes = await (options.freeBytes ?? freeBytesOf)(options.directory);
  return freeBytes < restBytes ? diskFull(options.directory) : undefined;
}

async function freeBytesOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/**
 * The body into the part. A body that is shorter than its declared length never ends normally: undici rejects
 * it. Undefined when all of it is there.
 */
async function receive(
  { options, part }: Attempt,
  arrivals: Arrivals,
  totalBytes: number | undefined,
): Promise<Failure | undefined> {
  const bytesMax = bytesMaxOf(options.kind, options.bytesMax);
  for await (const chunk of arrivals) {
    const bytes = part.bytes + chunk.byteLength;
    if (bytes > bytesMax) return permanent('tooLarge', `the artifact has more than ${bytesMax} bytes`);
    if (totalBytes !== undefined && bytes > totalBytes) {
      await part.begin(undefined);
      return transient('range', `the artifact has more than the ${totalBytes} bytes it is said to have`);
    }
    // An error page or the wrong kind is refused as soon as it shows, not after the last of its bytes.
    if (await part.append(chunk, arrivals.waitingBytes > limits.downloadBacklogBytes)) {
      const sniffed = await judge(part.head, options.kind);
      if (sniffed.type !== 'next') return sniffed;
    }
  }
  // A server may send less of a range than was asked for.
  if (totalBytes !== undefined && part.bytes < totalBytes) throw new Error('the body ended before its end');
  return undefined;
}

/** What is whole gets its name, if it is what was asked for. */
async function keep(options: DownloadOptions, part: PartFile): Promise<DownloadOutcome> {
  const sourceUrl = redactUrl(options.source.url);
  return await placeArtifact(part, options.kind, sourceUrl);
}

/** Whatever was thrown: the guard's refusal is final, all else (sockets, timeouts, the disk) may pass. */
function faultOf(cause: unknown, options: DownloadOptions, expired: boolean): Failure {
  const message = redactError(cause, secretsOf(options.credential));
  const code = expired ? 'timeout' : (errorCode(cause) ?? 'network');
  if (isHoldfastError(cause, 'ADDRESS_REFUSED')) return permanent(code, message);
  return isFull(cause) ? diskFull(options.directory) : transient(code, message);
}

const SPOILT = ['empty', 'mistyped', 'range', 'STORE_FULL'];

/** D6. */
function mayGoOn(outcome: DownloadOutcome): boolean {
  if (outcome.type === 'done' || outcome.type === 'permanent') return false;
  return !SPOILT.includes(outcome.error.code);
}
