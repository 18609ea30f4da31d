/**
 * One call to a runtime after the other: sent, answered, and sent again where that is safe.
 *
 * Owns: the connections. Callers: work-client.ts. Invariants:
 *  1  A call that nobody took, or that was put off, is repeated with back-off until its patience ends.
 *  2  A call whose answer was lost is repeated only where its second time changes nothing.
 *  3  The token goes to its own place alone, and into no message.
 */
import { Agent, request } from 'undici';
import type { Clock } from '../clock.js';
import { HoldfastError, isHoldfastError, type ErrorCode } from '../errors.js';
import { limits } from '../limits.js';
import { targetOf, type Target, type WorkPlace } from './place.js';
import { errorIn, jsonIn } from './wire.js';

export interface Asked {
  readonly path: string;
  readonly body: unknown;
  /** True: to do it twice is to do it once. */
  readonly isRepeatable: boolean;
  /** What an answer may take; default 30 s. */
  readonly timeoutMs?: number | undefined;
  /** For how long it is tried again; default the client's. */
  readonly patienceMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Line {
  readonly target: Target;
  readonly agent: Agent;
  /** A call failed on it: the runtime may be elsewhere by now. */
  isStale: boolean;
}

/** Connections at once. */
const CONNECTIONS_MAX = 64;
const BACKOFF_MS = { first: 50, max: 2_000 } as const;

/** Faults of a connection that was never made: nothing was sent. */
const UNSENT: ReadonlySet<string> = new Set([
  ...['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'],
  ...['ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'],
]);
/** Refused before anything was done, and not for long. */
const PUT_OFF: ReadonlySet<ErrorCode> = new Set(['COMMITS_BEHIND', 'MAILBOX_FULL', 'STORE_BUSY']);
/** The runtime goes, and the next one may come: whether anything was done is not known. */
const GOING: ReadonlySet<ErrorCode> = new Set(['RUNTIME_CLOSED', 'STORE_FAILED', 'STORE_FULL']);

export class Door {
  readonly #place: WorkPlace;
  readonly #clock: Clock;
  readonly #patienceMs: number;
  /** What ends each call and each pause. A signal for all would keep a trace of each as long as it lives. */
  readonly #ends = new Set<() => void>();
  #isClosed = false;
  #line: Line | undefined;
  /** Lines to where the runtime was before: calls under way on them end as they can. */
  readonly #old = new Set<Agent>();

  constructor(place: WorkPlace, clock: Clock, patienceMs: number) {
    this.#place = place;
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /**
   * The answer. Throws what the runtime threw; CONTROL_FAILED when no answer came for as long as its patience
   * lasted, and the reason of its signal.
   */
  async post(asked: Asked): Promise<unknown> {
    const { monotonicMs } = this.#clock;
    const until = monotonicMs() + (asked.patienceMs ?? this.#patienceMs);
    for (let pauseMs: number = BACKOFF_MS.first; ; pauseMs = Math.min(pauseMs * 2, BACKOFF_MS.max)) {
      asked.signal?.throwIfAborted();
      if (this.#isClosed) throw new HoldfastError('CONTROL_FAILED', 'the client is closed');
      try {
        return await this.#once(asked);
      } catch (error) {
        asked.signal?.throwIfAborted();
        if (!mayRepeat(error, asked) || monotonicMs() + pauseMs > until) throw error;
        await this.pause(pauseMs, asked.signal);
      }
    }
  }

  /** Resolves after so long, or as soon as a signal, or the client's end, says so. */
  async pause(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#isClosed || signal?.aborted === true) return;
    await new Promise<void>((resolve) => {
      const leave = this.#until(signal, () => {
        cancel();
        leave();
        resolve();
      });
      const cancel = this.#clock.schedule(ms, () => {
        leave();
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const end of this.#ends) end();
    const agents = [...this.#old, ...(this.#line === undefined ? [] : [this.#line.agent])];
    await Promise.all(agents.map((agent) => agent.destroy()));
  }

  /** Calls `end` when it is closed, or the signal fires, before the function that is returned is called. */
  #until(signal: AbortSignal | undefined, end: () => void): () => void {
    this.#ends.add(end);
    signal?.addEventListener('abort', end);
    return () => {
      this.#ends.delete(end);
      signal?.removeEventListener('abort', end);
    };
  }

  async #once(asked: Asked): Promise<unknown> {
    const what = `POST ${asked.path}`;
    const line = await this.#reach(what);
    const { address } = line.target;
    let answer: { readonly status: number; readonly body: unknown };
    try {
      answer = await this.#exchange(line, asked);
    } catch (error) {
      line.isStale = true;
      const reason = reasonOf(error);
      throw unanswered(address, what, { reason, isSent: !UNSENT.has(reason), cause: error });
    }
    const { status, body } = answer;
    if (status < 300) return body;
    throw errorIn(body) ?? strange(address, what, status);
  }

  /** The line there is; after a failure, one to where the runtime is now. */
  async #reach(what: string): Promise<Line> {
    if (this.#line?.isStale === false) return this.#line;
    const target = await targetOf(this.#place);
    if (target === undefined) {
      const address = 'directory' in this.#place ? this.#place.directory : this.#place.url;
      throw unanswered(address, what, { reason: 'no runtime runs there', isSent: false });
    }
    const line = this.#line;
    // Another call may have been as quick.
    if (line !== undefined && isSame(line.target, target)) {
      line.isStale = false;
      return line;
    }
    if (line !== undefined) this.#leave(line.agent);
    this.#line = { target, agent: lineTo(target), isStale: false };
    return this.#line;
  }

  #leave(agent: Agent): void {
    this.#old.add(agent);
    const forget = (): void => void this.#old.delete(agent);
    agent.close().then(forget, forget);
  }

  async #exchange(
    { target: { origin, token }, agent: dispatcher }: Line,
    { path, body, signal, timeoutMs = limits.controlCallTimeoutMs }: Asked,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const call = new AbortController();
    const end = (): void => call.abort();
    const cancel = this.#clock.schedule(timeoutMs, end);
    const leave = this.#until(signal, end);
    // It may have come while the runtime was looked for.
    if (this.#isClosed || signal?.aborted === true) end();
    try {
      const response = await request(`${origin}${path}`, {
        ...{ method: 'POST', dispatcher, signal: call.signal },
        ...{ headersTimeout: timeoutMs, bodyTimeout: timeoutMs },
        headers: {
          'content-type': 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify(body),
      });
      return { status: response.statusCode, body: jsonIn(await response.body.text()) };
    } finally {
      cancel();
      leave();
    }
  }
}

function lineTo({ socketPath }: Target): Agent {
  const timeout = limits.controlConnectTimeoutMs;
  const connect = socketPath === undefined ? { timeout } : { timeout, socketPath };
  return new Agent({ connect, connections: CONNECTIONS_MAX });
}

function isSame(left: Target, right: Target): boolean {
  return left.address === right.address && left.token === right.token;
}

function mayRepeat(error: unknown, { isRepeatable }: Asked): boolean {
  if (!isHoldfastError(error)) return false;
  const { code, details } = error;
  if (PUT_OFF.has(code) || (code === 'CONTROL_FAILED' && details['isSent'] === false)) return true;
  return isRepeatable && (GOING.has(code) || code === 'CONTROL_FAILED');
}

function unanswered(
  address: string,
  what: string,
  { reason, isSent, cause }: { readonly reason: string; readonly isSent: boolean; readonly cause?: unknown },
): HoldfastError {
  const message = `${address} did not answer ${what} (${reason})`;
  return new HoldfastError('CONTROL_FAILED', message, { cause, details: { isSent } });
}

/** An answer that no runtime of this version gives. */
function strange(address: string, what: string, status: number): HoldfastError {
  const hint = ': is it the URL that runtime.fetch is served at, and has the runtime the option work.token?';
  const message = `${address} answered ${what} with status ${status}${status === 404 ? hint : ''}`;
  return new HoldfastError('CONTROL_FAILED', message);
}

function reasonOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.name : 'unknown';
}
