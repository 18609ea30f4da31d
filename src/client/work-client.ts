/**
 * The client of work items: what a producer or a worker in another process needs, and nothing more.
 *
 * Owns: its door, and the handlings that were begun by it. Callers: users. Invariants:
 *  1  What resolves is on the runtime's disk.
 *  2  An enqueue whose answer was lost is not sent again by itself: CONTROL_FAILED, and whether it is on disk
 *     is not known. A claim is: what an answer on its way held comes back by itself. So are a heartbeat and
 *     the end of a claim, which change nothing the second time.
 */
import { hostname } from 'node:os';
import { systemClock, type Clock } from '../clock.js';
import { HoldfastError } from '../errors.js';
import { newId } from '../ids.js';
import type {
  ClaimedWork,
  ClaimOptions,
  EnqueuedWork,
  EnqueueOptions,
  FailOptions,
  NewWork,
  WorkHandler,
} from '../index.js';
import { limits } from '../limits.js';
import { Door } from './door.js';
import { checkedPlace, type WorkPlace } from './place.js';
import { claimedIn, enqueuedIn, expiryIn, failureOut, itemsIn, jsonOut, newWorkOut } from './wire.js';
import { Handling, type ElsewhereHandling, type ElsewhereOptions } from './worker.js';

export type { WorkPlace } from './place.js';

export interface ConnectOptions {
  /** Who works, for people; 1 to 300 characters, default the host's name and a random part. */
  readonly workerId?: string;
  /**
   * For how long a call is tried again while no runtime answers, in ms; default 60,000. Claims of `handle`
   * are tried until it is closed.
   */
  readonly patienceMs?: number;
  /** Default: the machine's. For tests. */
  readonly clock?: Clock;
}

export interface ClaimAsk extends ClaimOptions {
  /** One, several, or (default) all. */
  readonly kinds?: string | readonly string[];
  /** How long to wait where nothing is ready; ms, up to 60,000, default 0. */
  readonly waitMs?: number;
  /** Ends the wait: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Work items of a runtime elsewhere. Its methods throw what the runtime's own throw, and CONTROL_FAILED when
 * no answer came.
 */
export interface WorkClient {
  readonly workerId: string;
  /** A payload is JSON (INVALID_INPUT), as is the result of `done`. */
  enqueue(kind: string, payload?: unknown, options?: EnqueueOptions): Promise<EnqueuedWork>;
  /** One commit for all, or none; 1 MiB as JSON at most. */
  enqueueMany(items: readonly NewWork[]): Promise<readonly EnqueuedWork[]>;
  /** Undefined: nothing was ready. */
  claimNext(
    kinds?: string | readonly string[],
    options?: Omit<ClaimAsk, 'kinds'>,
  ): Promise<ClaimedWork | undefined>;
  /** Up to `max` (1 to 1,000) at once. */
  claim(max: number, ask?: ClaimAsk): Promise<readonly ClaimedWork[]>;
  /** Until when the claim holds now; epoch ms. Throws STALE_CLAIM, as do the three below. */
  heartbeat(token: string, options?: { readonly ttlMs?: number }): Promise<number>;
  done(token: string, result?: unknown): Promise<void>;
  fail(token: string, error: unknown, options?: FailOptions): Promise<void>;
  requeue(token: string): Promise<void>;
  /** Claims items of a kind and gives each to the handler, until it is closed. */
  handle(kind: string, handler: WorkHandler, options?: ElsewhereOptions): ElsewhereHandling;
  /** Ends what `handle` began, when its handlers have ended; then the connections. Harmless when repeated. */
  close(): Promise<void>;
}

/**
 * Nothing is asked of the runtime yet: it may be opened later, and again. Throws INVALID_OPTIONS for a place
 * that is none.
 */
export function connectWork(place: WorkPlace, options: ConnectOptions = {}): WorkClient {
  const { clock = systemClock, patienceMs = PATIENCE_MS } = options;
  const { workerId = `${hostname()}:${newId('worker')}` } = options;
  if (!Number.isFinite(patienceMs) || patienceMs < 0)
    throw new HoldfastError('INVALID_OPTIONS', 'patienceMs: not a number of 0 or more');
  return new HttpWorkClient(new Door(checkedPlace(place), clock, patienceMs), clock, workerId);
}

const PATIENCE_MS = 60_000;

class HttpWorkClient implements WorkClient {
  readonly workerId: string;
  readonly #door: Door;
  readonly #clock: Clock;
  readonly #handlings = new Set<Handling>();
  #closed: Promise<void> | undefined;

  constructor(door: Door, clock: Clock, workerId: string) {
    this.workerId = workerId;
    this.#door = door;
    this.#clock = clock;
  }

  async enqueue(kind: string, payload?: unknown, options: EnqueueOptions = {}): Promise<EnqueuedWork> {
    const body = newWorkOut({ ...options, kind, payload });
    return enqueuedIn(await this.#door.post({ path: '/v1/work', body, isRepeatable: false }));
  }

  async enqueueMany(items: readonly NewWork[]): Promise<readonly EnqueuedWork[]> {
    if (!Array.isArray(items)) throw invalid('items', 'is no list');
    const body = { items: items.map(newWorkOut) };
    return itemsIn(await this.#door.post({ path: '/v1/work', body, isRepeatable: false }), enqueuedIn);
  }

  async claimNext(
    kinds?: string | readonly string[],
    options: Omit<ClaimAsk, 'kinds'> = {},
  ): Promise<ClaimedWork | undefined> {
    const [item] = await this.claim(1, kinds === undefined ? options : { ...options, kinds });
    return item;
  }

  async claim(max: number, ask: ClaimAsk = {}): Promise<readonly ClaimedWork[]> {
    const { kinds, waitMs = 0, workerId = this.workerId, ttlMs, signal } = ask;
    const body = { kinds, max, worker_id: workerId, ttl_ms: ttlMs, wait_ms: waitMs };
    const timeoutMs = Number(waitMs) + limits.controlCallTimeoutMs;
    const call = { path: '/v1/work/claim', body, isRepeatable: true };
    return itemsIn(await this.#door.post({ ...call, timeoutMs, signal }), claimedIn);
  }

  async heartbeat(token: string, options: { readonly ttlMs?: number } = {}): Promise<number> {
    return expiryIn(await this.#ended('heartbeat', { token, ttl_ms: options.ttlMs }));
  }

  async done(token: string, result?: unknown): Promise<void> {
    await this.#ended('done', { token, result: jsonOut('result', result) });
  }

  async fail(token: string, error: unknown, options: FailOptions = {}): Promise<void> {
    await this.#ended('fail', failureOut(token, error, options));
  }

  async requeue(token: string): Promise<void> {
    await this.#ended('requeue', { token });
  }

  handle(kind: string, handler: WorkHandler, options: ElsewhereOptions = {}): ElsewhereHandling {
    if (this.#closed !== undefined) throw new HoldfastError('CONTROL_FAILED', 'the client is closed');
    if (typeof handler !== 'function') throw invalid('handler', 'not a function');
    const parts = { client: this, door: this.#door, clock: this.#clock };
    const handling = new Handling(parts, kind, handler, options);
    this.#handlings.add(handling);
    const forget = (): void => void this.#handlings.delete(handling);
    handling.ended.then(forget, forget);
    return handling;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(Array.from(this.#handlings, (handling) => handling.close()));
    await this.#door.close();
  }

  #ended(what: string, body: object): Promise<unknown> {
    return this.#door.post({ path: `/v1/work/${what}`, body, isRepeatable: true });
  }
}

function invalid(field: string, why: string): HoldfastError {
  return new HoldfastError('INVALID_INPUT', `"${field}": ${why}`, { details: { field } });
}
