/**
 * Serving: a handler is called for each session with work for a turn, one turn at a time per session.
 *
 * Owns: which sessions it works on. Callers: sessions.ts. Invariants:
 *  S1  One turn at a time per session: the chart sees to it, whoever else serves or begins turns by hand.
 *  S2  Every ending of a handler settles its turn: what it returned commits, what it threw gives back.
 *  S3  A session that was hinted at often is worked on once; what is kept is bounded, however many there are.
 *  S4  Once closed it begins nothing, and its close resolves when its last handler has come to its end.
 */
import { isEndOfWriting, isHoldfastError } from '../../errors.js';
import { splitAddress } from '../../ids.js';
import { limits } from '../../limits.js';
import { invalid } from '../checked.js';
import type { CommittedStep } from '../kernel/index.js';
import { SESSION_KIND, type SessionDesk } from './desk.js';
import type { SessionCommand } from './drafts.js';
import { ReadySessions } from './ready-sessions.js';
import { reasonText } from './reason.js';
import { isTurnReady } from './session-index.js';
import { beginTurn, type Turn } from './turn.js';
import type { Summarise } from './turn-load.js';

/** Works on one turn. Without a commit of its own the turn is committed with nothing; a throw abandons it. */
export type TurnHandler = (turn: Turn) => unknown;

export interface ServeOptions {
  /** Sessions worked on at once; 1 to 10,000, default 8. */
  readonly concurrency?: number;
  /** Takes session commands; default: the handler gets their turns too. */
  readonly command?: (command: SessionCommand, turn: Turn) => unknown;
  /** Makes the text that stands for dropped messages; default: how many there were, and their lines. */
  readonly summarise?: Summarise;
}

export interface Serving {
  /**
   * Begins no more turns; resolves when the handlers that run have come to their end. A handler that awaits
   * it waits for itself.
   */
  close(): Promise<void>;
}

interface Run {
  turn?: Turn;
}

const CONCURRENCY_MAX = 10_000;

export class SessionServing implements Serving {
  readonly #desk: SessionDesk;
  readonly #handler: TurnHandler;
  readonly #options: ServeOptions;
  readonly #concurrency: number;
  readonly #ready: ReadySessions;
  readonly #running = new Map<string, Run>();
  /** What ends each pause. */
  readonly #pauses = new Set<() => void>();
  readonly #unsubscribe: () => void;
  #active = 0;
  #isAwake = false;
  #isReading = false;
  #isPutOff = false;
  #closing: Promise<void> | undefined;
  #ended: () => void = () => undefined;

  constructor(desk: SessionDesk, handler: TurnHandler, options: ServeOptions) {
    const { concurrency = 8 } = options;
    if (typeof handler !== 'function') throw invalid('handler', 'not a function');
    if (!Number.isSafeInteger(concurrency) || concurrency < 1 || concurrency > CONCURRENCY_MAX)
      throw invalid('concurrency', `not a whole number from 1 to ${CONCURRENCY_MAX}`);
    const { kernel } = desk.options;
    this.#desk = desk;
    this.#handler = handler;
    this.#options = options;
    this.#concurrency = concurrency;
    this.#ready = new ReadySessions(kernel.reader);
    // Heard from before the index is read: nothing comes between.
    this.#unsubscribe = kernel.onStep((step) => this.#hear(step));
    this.#wake();
  }

  get #isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** True while a handler runs. */
  get isBusy(): boolean {
    return this.#active > 0;
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#unsubscribe();
      for (const end of this.#pauses) end();
      this.#ended = resolve;
      if (!this.isBusy) resolve();
    });
    return this.#closing;
  }

  #hear({ kind, address, snapshot }: CommittedStep): void {
    if (kind !== SESSION_KIND) return;
    const key = splitAddress(address).id;
    if (!isTurnReady(snapshot)) return this.#ready.forget(key);
    // Its session waits no longer for the end of an interrupted handler: neither do we.
    if (this.#running.get(key)?.turn?.isInterrupted === true) this.#running.delete(key);
    this.#ready.note(key);
    this.#wake();
  }

  /** Many hints of one moment are one look. */
  #wake(): void {
    if (this.#isAwake || this.#isClosed) return;
    this.#isAwake = true;
    this.#desk.options.clock.soon(() => {
      this.#isAwake = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (!this.#isClosed && this.#active < this.#concurrency) {
      const key = this.#ready.take((one) => this.#running.has(one));
      if (key === undefined) break;
      void this.#serve(key);
    }
    const hasRoom = !this.#isClosed && this.#active < this.#concurrency;
    if (hasRoom && this.#ready.hasMore && !this.#isReading) void this.#readMore();
  }

  async #readMore(): Promise<void> {
    this.#isReading = true;
    try {
      await this.#ready.readMore();
      this.#wake();
    } catch (error) {
      this.#putOff(error, 'sessions.unreadable');
    } finally {
      this.#isReading = false;
    }
  }

  async #serve(key: string): Promise<void> {
    const run: Run = {};
    this.#running.set(key, run);
    this.#active += 1;
    try {
      const turn = await beginTurn(this.#desk, key, {}, this.#options.summarise);
      if (!turn.isEmpty) {
        run.turn = turn;
        await this.#work(turn);
      }
    } catch (error) {
      if (!isHoldfastError(error, 'TURN_INTERRUPTED')) this.#putOff(error, 'turn.not_begun', key);
    }
    if (this.#running.get(key) === run) this.#running.delete(key);
    this.#active -= 1;
    if (this.#isClosed && !this.isBusy) this.#ended();
    this.#pump();
  }

  async #work(turn: Turn): Promise<void> {
    const { log } = this.#desk.options;
    const command = turn.exclusiveCommand();
    const takesCommand = command === undefined ? undefined : this.#options.command;
    try {
      if (command !== undefined && takesCommand !== undefined) await takesCommand(command, turn);
      else await this.#handler(turn);
      await turn.finish();
    } catch (error) {
      const { sessionId, turnId } = turn;
      const level = turn.isInterrupted ? 'debug' : 'warn';
      const attempt = turn.attempts + 1;
      log[level]({ err: error, session: sessionId, turn: turnId, attempt }, 'turn.failed');
      await this.#giveBack(turn, reasonText(error));
    }
  }

  /** Until it is settled nobody can work on its session: that is tried for as long as it takes. */
  async #giveBack(turn: Turn, reason: string): Promise<void> {
    try {
      if (turn.isOpen) await turn.abandon({ reason, retryInMs: turn.restMs });
    } catch (error) {
      // What is not given back by then, the next open frees.
      if (this.#isOver(error)) return;
      this.#desk.options.log.error({ err: error, session: turn.sessionId }, 'turn.not_given_back');
      // Nobody waits for it: others have work.
      void this.#pause(limits.serveAgainMs).then(() => this.#giveBack(turn, reason));
    }
  }

  /** What could not be begun is found again in the index, after a while. */
  #putOff(error: unknown, message: string, session?: string): void {
    if (this.#isOver(error)) return;
    this.#desk.options.log.warn({ err: error, session }, message);
    if (this.#isPutOff) return;
    this.#isPutOff = true;
    void this.#pause(limits.serveAgainMs).then(() => {
      this.#isPutOff = false;
      this.#ready.readAgain();
      this.#wake();
    });
  }

  /** Ends early when it is closed. */
  #pause(forMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        this.#pauses.delete(end);
        resolve();
      };
      const cancel = this.#desk.options.clock.schedule(forMs, end);
      this.#pauses.add(end);
    });
  }

  #isOver(error: unknown): boolean {
    return this.#isClosed || isEndOfWriting(error);
  }
}
