/**
 * Handling: the worker inside the process. A handler is called for each item of a kind, so many at once.
 *
 * Owns: the items in its handlers' hands. Callers: handlings.ts. Invariants:
 *  H1  What a handler returned or threw ends its claim; what it says after the claim was lost is dropped.
 *  H2  While a handler runs its claim is renewed, at a third of its time to live; its signal fires when the
 *      claim is lost, the item is cancelled or the runtime closes.
 *  H3  Closed, it claims nothing more; a claim that was under way is given back, no attempt counted.
 *  H4  A handler that comes to no end holds up nobody's close beyond its time: its item is given back.
 */
import { wishesOf } from '../../attempt.js';
import type { Clock } from '../../clock.js';
import { HoldfastError, isBusy, isEndOfWriting, isHoldfastError } from '../../errors.js';
import { addressOf } from '../../ids.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { workDefaults, type WorkItemContext } from '../../machines/index.js';
import type { Kernel } from '../kernel/index.js';
import type { ClaimAsked, Claims } from './claims.js';
import type { ClaimedWork, HandleOptions, WorkHandler, WorkHandling } from './face.js';
import { WORK_KIND } from './work-index.js';

export interface HandlingOptions {
  readonly kernel: Pick<Kernel, 'subscribe' | 'onFailure'>;
  readonly claims: Pick<Claims, 'claim' | 'claimWhenReady' | 'heartbeat' | 'done' | 'fail' | 'requeue'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of the store: claims made under it are free when the next process opens it. */
  readonly generation: number;
}

/** An item in a handler's hands. */
interface Run {
  readonly item: ClaimedWork;
  readonly abort: AbortController;
  /**
   * `ending`: we are about to end its claim. `over`: it is not ours any more, and what is said is dropped.
   */
  state: 'held' | 'ending' | 'over';
}

const BEATS_A_TTL = 3;

export class Handling implements WorkHandling {
  readonly #options: HandlingOptions;
  readonly #handler: WorkHandler;
  readonly #concurrency: number;
  readonly #asked: ClaimAsked & { readonly ttlMs: number };
  readonly kind: string;
  readonly #runs = new Set<Run>();
  /** Aborts when it claims no more. */
  readonly #closing = new AbortController();
  /** What ends each pause. */
  readonly #pauses = new Set<() => void>();
  readonly #ended: Promise<void>;
  #isStopping = false;
  /** Wakes who waits for a handler to end. */
  #makeRoom: () => void = () => undefined;

  /** Options that have been checked. */
  constructor(options: HandlingOptions, kind: string, handler: WorkHandler, asked: HandleOptions) {
    const { concurrency = 1, workerId, ttlMs = workDefaults.ttlMs } = asked;
    this.#options = options;
    this.kind = kind;
    this.#handler = handler;
    this.#concurrency = concurrency;
    this.#asked = { ttlMs, epoch: options.generation, ...(workerId === undefined ? {} : { workerId }) };
    this.#ended = this.#serve();
  }

  close(): Promise<void> {
    this.#closing.abort();
    this.#makeRoom();
    for (const end of this.#pauses) end();
    return this.#ended;
  }

  /** The same, and fires the signals of its handlers: what they throw from now on is no failure. */
  stop(): Promise<void> {
    this.#isStopping = true;
    const ended = this.close();
    for (const { abort } of this.#runs)
      abort.abort(new HoldfastError('RUNTIME_CLOSED', 'the runtime is closing'));
    return ended;
  }

  /** Gives back what its handlers have in hand still. */
  async giveBack(): Promise<void> {
    await Promise.all([...this.#runs].map((run) => this.#giveBack(run)));
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Claims while there is room; ends when it is closed and its last handler has ended. */
  async #serve(): Promise<void> {
    const handled = new Set<Promise<void>>();
    while (!this.#isClosed) {
      const room = this.#concurrency - this.#runs.size;
      if (room <= 0) {
        await this.#room();
        continue;
      }
      for (const item of await this.#claim(room)) {
        const run: Run = { item, abort: new AbortController(), state: 'held' };
        this.#runs.add(run);
        const handling = this.#isClosed ? this.#giveBack(run) : this.#handle(run);
        handled.add(handling);
        void handling.then(() => {
          handled.delete(handling);
          this.#runs.delete(run);
          this.#makeRoom();
        });
      }
    }
    await Promise.all(handled);
  }

  /** None when it is closed, or nothing could be claimed for now. */
  async #claim(max: number): Promise<readonly ClaimedWork[]> {
    const { claims, log } = this.#options;
    const { signal } = this.#closing;
    try {
      const items = await claims.claim([this.kind], Math.min(max, limits.workClaimsMax), this.#asked);
      if (items.length > 0) return items;
      const item = await claims.claimWhenReady([this.kind], { ...this.#asked, signal });
      return item === undefined ? [] : [item];
    } catch (error) {
      if (isEndOfWriting(error)) this.#closing.abort();
      else {
        log.warn({ err: error, kind: this.kind }, 'work.not_claimed');
        await this.#pause();
      }
      return [];
    }
  }

  /** Resolves when a handler has ended, or it is closed. */
  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#makeRoom = resolve;
    });
  }

  async #handle(run: Run): Promise<void> {
    const { kernel, log } = this.#options;
    const { item, abort } = run;
    const address = addressOf(WORK_KIND, item.id);
    const unsubscribe = kernel.subscribe(address, ({ snapshot }) => {
      const { claim } = snapshot.context as WorkItemContext;
      if (claim?.token !== item.token) this.#lose(run);
    });
    const endBeats = this.#beat(run);
    const heartbeat = async (): Promise<void> => {
      await this.#options.claims.heartbeat(item.token);
    };
    try {
      const result: unknown = await this.#handler(item, { signal: abort.signal, heartbeat });
      await this.#end(run, () => this.#done(item, result));
    } catch (error) {
      const { id, kind, attempts } = item;
      const level = run.state === 'over' || this.#isStopping ? 'debug' : 'warn';
      log[level]({ err: error, workId: id, kind, attempt: attempts + 1 }, 'work.attempt_failed');
      if (this.#isStopping) await this.#giveBack(run);
      else await this.#end(run, () => this.#options.claims.fail(item.token, error, wishesOf(error)));
    } finally {
      endBeats();
      unsubscribe();
    }
  }

  /** A result that cannot be kept is no result, and would be none next time. */
  async #done({ token }: ClaimedWork, result: unknown): Promise<void> {
    const { claims } = this.#options;
    try {
      await claims.done(token, result);
    } catch (error) {
      if (!isHoldfastError(error, 'INVALID_INPUT')) throw error;
      await claims.fail(token, error, { retry: false });
    }
  }

  async #giveBack(run: Run): Promise<void> {
    await this.#end(run, () => this.#options.claims.requeue(run.item.token));
    run.state = 'over';
  }

  /** Tried again while too much waits for the disk: the claim is renewed meanwhile. */
  async #end(run: Run, end: () => Promise<void>): Promise<void> {
    while (run.state !== 'over') {
      run.state = 'ending';
      try {
        await end();
        return;
      } catch (error) {
        if (isLost(error)) return;
        // What is not ended by then, the next open frees; what nobody renews any more expires.
        const level = isEndOfWriting(error) ? 'debug' : 'error';
        this.#options.log[level]({ err: error, workId: run.item.id }, 'work.not_ended');
        if (!isBusy(error)) return;
        await this.#pause();
      }
    }
  }

  /** Renews the claim until it is ended. */
  #beat(run: Run): () => void {
    const { clock, claims, log } = this.#options;
    let cancel = (): void => undefined;
    const next = (inMs: number): void => {
      cancel = clock.schedule(inMs, () => void beat());
    };
    const everyMs = Math.floor(this.#asked.ttlMs / BEATS_A_TTL);
    const beat = async (): Promise<void> => {
      try {
        await claims.heartbeat(run.item.token);
        if (run.state !== 'over') next(everyMs);
      } catch (error) {
        if (isLost(error)) return this.#lose(run);
        if (run.state === 'over' || isEndOfWriting(error)) return;
        log.warn({ err: error, workId: run.item.id }, 'work.not_renewed');
        next(Math.min(everyMs, limits.workAgainMs));
      }
    };
    next(everyMs);
    return () => {
      run.state = 'over';
      cancel();
    };
  }

  #lose(run: Run): void {
    // Our own ending of it is no loss.
    if (run.state !== 'held') return;
    run.state = 'over';
    const { id } = run.item;
    run.abort.abort(new HoldfastError('STALE_CLAIM', `the claim on work/${id} was taken away`));
  }

  /** Ends early when it is closed. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        this.#pauses.delete(end);
        resolve();
      };
      const cancel = this.#options.clock.schedule(limits.workAgainMs, end);
      this.#pauses.add(end);
    });
  }
}

/** The claim is not ours, or its item is no more. */
function isLost(error: unknown): boolean {
  return isHoldfastError(error, 'STALE_CLAIM') || isHoldfastError(error, 'ACTOR_NOT_FOUND');
}
