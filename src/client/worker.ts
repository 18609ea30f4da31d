/**
 * A worker in another process: claims items of one kind, keeps their claims and brings back what became of
 * them.
 *
 * Owns: the items in its hands. Callers: work-client.ts. Invariants:
 *  1  No more than `concurrency` items are in its hands.
 *  2  A claim is kept at a third of its time to live, from the start of its handler until its end is told.
 *     When it is lost, or may be since nobody answered for its whole time, the handler's signal fires.
 *  3  Neither a handler that throws nor a runtime that is away ends it; a runtime that will never take it
 *     (another token, a kind that cannot be) does.
 */
import { wishesOf } from '../attempt.js';
import type { Clock } from '../clock.js';
import { HoldfastError, isHoldfastError, type ErrorCode } from '../errors.js';
import type { ClaimedWork, HandleOptions, WorkHandler, WorkHandling } from '../index.js';
import { limits } from '../limits.js';
import type { Door } from './door.js';
import type { WorkClient } from './work-client.js';

export interface ElsewhereOptions extends HandleOptions {
  /** Ends it: handlers' signals fire, and what a handler then throws gives its item back. */
  readonly signal?: AbortSignal;
  /**
   * Hears what went wrong beside a handler's own throw: a claim that was lost, a runtime that did not answer.
   * The worker goes on by itself, also when this throws. Default: nobody.
   */
  readonly onError?: (error: unknown, item?: ClaimedWork) => void;
}

export interface ElsewhereHandling extends WorkHandling {
  /** Resolves when it is closed and its handlers have ended; rejects when the runtime will never take it. */
  readonly ended: Promise<void>;
}

type Ending =
  | { readonly type: 'returned'; readonly result: unknown }
  | { readonly type: 'threw'; readonly error: unknown };

interface Parts {
  readonly client: WorkClient;
  readonly door: Door;
  readonly clock: Clock;
}

const TTL_MS = 60_000;
const WAIT_MS = 30_000;
/** Before it claims again after a claim failed, or was answered with nothing and at once. */
const AGAIN_MS = 1_000;
/** No later claim would be answered otherwise. */
const FOR_GOOD: ReadonlySet<ErrorCode> = new Set(['CONTROL_REFUSED', 'INVALID_INPUT', 'INVALID_OPTIONS']);

export class Handling implements ElsewhereHandling {
  readonly ended: Promise<void>;
  readonly #parts: Parts;
  readonly #kind: string;
  readonly #handler: WorkHandler;
  readonly #options: ElsewhereOptions;
  readonly #ttlMs: number;
  readonly #concurrency: number;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** What fires the signals of its handlers. */
  readonly #hands = new Set<AbortController>();
  #freed: () => void = () => undefined;

  constructor(parts: Parts, kind: string, handler: WorkHandler, options: ElsewhereOptions) {
    this.#parts = parts;
    this.#kind = kind;
    this.#handler = handler;
    this.#options = options;
    this.#ttlMs = bounded('ttlMs', options.ttlMs ?? TTL_MS, limits.workTtlMinMs, limits.workTtlMaxMs);
    this.#concurrency = bounded('concurrency', options.concurrency ?? 1, 1, limits.workClaimsMax);
    this.ended = this.#run();
    // Whoever closes it hears of it again.
    this.ended.catch(() => undefined);
  }

  close(): Promise<void> {
    this.#claimNoMore();
    return this.ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#options;
    // One listener, and none once it has ended: the signal may be for the life of the process.
    const stop = (): void => {
      this.#claimNoMore();
      for (const hand of this.#hands) hand.abort(signal?.reason);
    };
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop);
    try {
      while (!this.#closing.signal.aborted) await this.#turn();
    } finally {
      while (this.#running.size > 0) await Promise.all(this.#running);
      signal?.removeEventListener('abort', stop);
    }
  }

  #claimNoMore(): void {
    this.#closing.abort();
    this.#freed();
  }

  /** Claims for the hands that are free; waits for one where none is. */
  async #turn(): Promise<void> {
    const over = this.#closing.signal;
    const free = this.#concurrency - this.#running.size;
    if (free === 0) {
      await new Promise<void>((resolve) => (this.#freed = resolve));
      return;
    }
    for (const item of await this.#claim(free, over)) {
      const work = over.aborted ? this.#parts.client.requeue(item.token) : this.#work(item);
      const running: Promise<void> = work
        .catch((error: unknown) => this.#tell(error, item))
        .finally(() => {
          this.#running.delete(running);
          this.#freed();
        });
      this.#running.add(running);
    }
  }

  async #claim(max: number, signal: AbortSignal): Promise<readonly ClaimedWork[]> {
    const { client, door, clock } = this.#parts;
    const { workerId = client.workerId } = this.#options;
    const askedAt = clock.monotonicMs();
    const ask = { kinds: this.#kind, workerId, ttlMs: this.#ttlMs, waitMs: WAIT_MS, signal };
    try {
      const items = await client.claim(max, ask);
      // Nothing, without a wait: it is about to close. To ask again at once would be all it hears until then.
      const earlyMs = AGAIN_MS - (clock.monotonicMs() - askedAt);
      if (items.length === 0 && earlyMs > 0) await door.pause(earlyMs, signal);
      return items;
    } catch (error) {
      if (signal.aborted) return [];
      if (isHoldfastError(error) && FOR_GOOD.has(error.code)) throw error;
      this.#tell(error);
      await door.pause(AGAIN_MS, signal);
      return [];
    }
  }

  async #work(item: ClaimedWork): Promise<void> {
    const lost = new AbortController();
    const hand = new AbortController();
    lost.signal.addEventListener('abort', () => hand.abort(lost.signal.reason), { once: true });
    this.#hands.add(hand);
    const rest = this.#keep(item, lost);
    try {
      const ending = await this.#handle(item, hand.signal);
      const { reason } = lost.signal as { readonly reason: unknown };
      // Another's by now: nothing that is said of it counts.
      if (isOver(reason)) throw reason;
      await this.#end(item.token, ending);
    } finally {
      rest();
      this.#hands.delete(hand);
    }
  }

  async #handle(item: ClaimedWork, signal: AbortSignal): Promise<Ending> {
    const heartbeat = async (): Promise<void> => {
      await this.#parts.client.heartbeat(item.token, { ttlMs: this.#ttlMs });
    };
    try {
      return { type: 'returned', result: await this.#handler(item, { signal, heartbeat }) };
    } catch (error) {
      return { type: 'threw', error };
    }
  }

  async #end(token: string, ending: Ending): Promise<void> {
    const { client } = this.#parts;
    if (ending.type === 'threw') {
      const isStopped = this.#options.signal?.aborted === true;
      await (isStopped ? client.requeue(token) : client.fail(token, ending.error, wishesOf(ending.error)));
      return;
    }
    try {
      await client.done(token, ending.result);
    } catch (error) {
      // A result that cannot be kept: it would be the same the next time.
      if (isHoldfastError(error) && error.code !== 'INVALID_INPUT') throw error;
      await client.fail(token, error, { retry: false });
    }
  }

  /** Heartbeats until it is told to rest. */
  #keep({ id, token }: ClaimedWork, lost: AbortController): () => void {
    const { door, clock } = this.#parts;
    const everyMs = this.#ttlMs / 3;
    const resting = new AbortController();
    const body = { token, ttl_ms: this.#ttlMs };
    let cancelBeat = (): void => undefined;
    let cancelEnd = (): void => undefined;
    const holdFor = (ms: number): void => {
      cancelEnd();
      cancelEnd = clock.schedule(ms, () => lost.abort(unrenewed(id)));
    };
    const beat = async (): Promise<void> => {
      const askedAt = clock.monotonicMs();
      const bounds = { timeoutMs: everyMs, patienceMs: everyMs, signal: resting.signal };
      try {
        await door.post({ path: '/v1/work/heartbeat', body, isRepeatable: true, ...bounds });
        if (!resting.signal.aborted) holdFor(Math.max(0, askedAt + this.#ttlMs - clock.monotonicMs()));
      } catch (error) {
        if (!resting.signal.aborted && isOver(error)) lost.abort(error);
      }
      if (!lost.signal.aborted && !resting.signal.aborted) arm();
    };
    const arm = (): void => {
      cancelBeat = clock.schedule(everyMs, () => void beat());
    };
    holdFor(this.#ttlMs);
    arm();
    return () => {
      resting.abort();
      cancelBeat();
      cancelEnd();
    };
  }

  /** What throws while it hears is heard by nobody: the worker goes on. */
  #tell(error: unknown, item?: ClaimedWork): void {
    try {
      this.#options.onError?.(error, item);
    } catch {
      // There is nobody else to tell.
    }
  }
}

function unrenewed(id: string): HoldfastError {
  return new HoldfastError('CONTROL_FAILED', `nobody renewed the claim on work/${id} within its time`);
}

/** True when the runtime said that the claim is not this worker's any more. */
function isOver(error: unknown): boolean {
  return isHoldfastError(error, 'STALE_CLAIM') || isHoldfastError(error, 'ACTOR_NOT_FOUND');
}

function bounded(name: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new HoldfastError('INVALID_OPTIONS', `${name}: not a whole number from ${min} to ${max}`);
}
