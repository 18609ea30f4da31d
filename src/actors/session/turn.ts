/**
 * A turn: what a session's agent works on, from its claim to its commit.
 *
 * Owns: the claims of the turn and its signal. Callers: users through `session.turn`, serve.ts. Invariants:
 *  T1  All claims of a turn are settled together: its commit has them all, or changes nothing.
 *  T2  What cannot be read is given back, or keeps its turn from being committed: nothing is settled unread.
 *  T3  Checkpoints, commits and abandonments of a turn happen one after the other, as they were called.
 *  T4  An interrupted turn lets its session go when it tries to end.
 */
import { HoldfastError, isHoldfastError } from '../../errors.js';
import { sha256Hex } from '../../ids.js';
import { canonicalJson } from '../../json.js';
import type { ClaimRefusal } from '../../machines/index.js';
import { checkedTurn, type AskTurn, type CheckedTurn } from './asked.js';
import type { Claim } from './claim.js';
import type { SessionDesk } from './desk.js';
import type { SessionCommand } from './drafts.js';
import type { AcceptedInput, Materialised, TurnCause, TurnMessage } from './materialise.js';
import { reasonText } from './reason.js';
import { abandonClaims, completeClaims } from './settle.js';
import type { AbandonOptions, ClaimReceipt, CompleteOptions, SettledTurn } from './settle.js';
import { loadClaim, NOTHING_LOADED, type Loaded, type Summarise } from './turn-load.js';
import { checkNotOver, isInterrupting, letGo, restAfterMs, takeForTurn } from './turn-take.js';
import { turnInterrupted, turnOver, TurnWatch } from './turn-watch.js';

/** What a turn is given, at its begin or at a checkpoint. */
export interface Work extends Omit<Materialised, 'acceptedInputs'> {
  readonly isEmpty: boolean;
  /** Why there is nothing. */
  readonly refusal: ClaimRefusal | undefined;
  /** Messages that ride on the turn and are never stored; a checkpoint has none. */
  readonly transientMessages: readonly unknown[];
  /** What it took, by what senders call it. */
  acceptedInputs(): readonly AcceptedInput[];
}

/**
 * What a turn leaves: entries of `history` come after those of the claimed inputs; `commitHash` is of what is
 * committed, where none is given.
 */
export type TurnCommit = Omit<CompleteOptions, 'turnId'>;

interface Begun {
  readonly watch: TurnWatch;
  readonly asked: CheckedTurn;
  readonly summarise: Summarise | undefined;
  readonly claim: Claim | undefined;
  readonly refusal: ClaimRefusal | undefined;
  readonly loaded: Loaded;
  readonly restMs: number;
}

/** Begins a turn, if there is work for one. What it took and cannot read it gives back, and throws why. */
export async function beginTurn(
  desk: SessionDesk,
  key: string,
  options: AskTurn,
  summarise?: Summarise,
): Promise<Turn> {
  const asked = checkedTurn(options);
  if (asked.turnId !== undefined) await checkNotOver(desk, key, asked.turnId);
  const turnId = asked.turnId ?? desk.options.newId('turn');
  const watch = new TurnWatch(desk, key, turnId);
  try {
    const taken = await takeForTurn(desk, key, 'turn.begin', { ...asked, turnId });
    if ('refusal' in taken) {
      watch.end(turnOver(turnId));
      const nothing = { claim: undefined, loaded: NOTHING_LOADED, restMs: 0 };
      return new Turn(desk, key, { watch, asked, summarise, refusal: taken.refusal, ...nothing });
    }
    const { claim, attemptsMax } = taken;
    const restMs = restAfterMs(turnId, claim.batches[0]?.attempts ?? 0, attemptsMax);
    const loaded = await loadOrGiveBack(desk, turnId, { claim, restMs, summarise });
    return new Turn(desk, key, { watch, asked, summarise, claim, refusal: undefined, loaded, restMs });
  } catch (error) {
    watch.end(turnOver(turnId));
    throw error;
  }
}

export class Turn implements Work {
  readonly sessionId: string;
  readonly turnId: string;
  readonly refusal: ClaimRefusal | undefined;
  /** One per input, in order. */
  readonly messages: readonly TurnMessage[];
  /** Why it runs, beside what was said. */
  readonly turnCauses: readonly TurnCause[];
  readonly turnOptions: Readonly<Record<string, unknown>> | undefined;
  readonly traceTurnId: string | undefined;
  readonly transientMessages: readonly unknown[];
  readonly protocolExtension: unknown;
  readonly turnContext: unknown;
  /** How often its first batch failed before. */
  readonly attempts: number;
  /** How long its session should rest if it fails: 1 s doubled for each attempt, 5 min at most. */
  readonly restMs: number;
  readonly #desk: SessionDesk;
  readonly #begun: Begun;
  readonly #claims: Claim[];
  readonly #accepted: AcceptedInput[];
  /** Entries of the claimed inputs. */
  readonly #said: object[];
  #state: 'running' | 'committed' | 'abandoned' = 'running';
  /** Why a claim of it could not be read. */
  #unread: unknown;
  #last: Promise<unknown> = Promise.resolve();

  /** Use `session.turn`. */
  constructor(desk: SessionDesk, sessionId: string, begun: Begun) {
    const { watch, asked, claim, loaded } = begun;
    this.#desk = desk;
    this.#begun = begun;
    this.sessionId = sessionId;
    this.turnId = watch.turnId;
    this.refusal = begun.refusal;
    this.messages = loaded.messages;
    this.turnCauses = loaded.turnCauses;
    this.turnOptions = loaded.turnOptions;
    this.traceTurnId = loaded.traceTurnId;
    this.transientMessages = asked.transientMessages ?? [];
    this.protocolExtension = asked.protocolExtension;
    this.turnContext = asked.turnContext;
    this.attempts = claim?.batches[0]?.attempts ?? 0;
    this.restMs = begun.restMs;
    this.#claims = claim === undefined ? [] : [claim];
    this.#accepted = [...loaded.acceptedInputs];
    this.#said = loaded.messages.map(entryOf);
    watch.signal.addEventListener('abort', () => this.#release(), { once: true });
    if (watch.signal.aborted) this.#release();
  }

  get isEmpty(): boolean {
    return this.#claims.length === 0;
  }

  /**
   * Fires when the turn is over: interrupted (TURN_INTERRUPTED), ended (TURN_OVER), or when the runtime
   * closes (RUNTIME_CLOSED).
   */
  get signal(): AbortSignal {
    return this.#begun.watch.signal;
  }

  /** True once a newer message has taken its place: what it would commit is refused. */
  get isInterrupted(): boolean {
    return this.#begun.watch.isInterrupted;
  }

  /** False once it was committed or abandoned. */
  get isOpen(): boolean {
    return this.#state === 'running';
  }

  /** All inputs that it has taken so far, checkpoints' too, by what their senders call them. */
  acceptedInputs(): readonly AcceptedInput[] {
    return [...this.#accepted];
  }

  /** The session command that it is about; undefined for a turn of inputs and wakes. */
  exclusiveCommand(): SessionCommand | undefined {
    return this.#begun.loaded.command;
  }

  /** Receipts of its claims, that settle it wherever they are taken to: see `session.settle`. */
  completion(): readonly ClaimReceipt[] {
    return this.#claims.map((claim) => claim.completion());
  }

  /**
   * A safe boundary: takes what need not wait for the commit of this turn. Throws TURN_INTERRUPTED,
   * TURN_OVER; STORE_CORRUPTED for work that cannot be read, and the turn cannot be committed then.
   */
  checkpoint(): Promise<Work> {
    return this.#inOrder(() => this.#checkpoint());
  }

  /**
   * Settles all of its claims in one commit, with their inputs, the reply and its deliveries. The same
   * content again returns the first receipt. Throws TURN_INTERRUPTED, TURN_COMMIT_CONFLICT, TURN_OVER,
   * CLAIM_SUPERSEDED, INVALID_INPUT; nothing is then changed.
   */
  commit(reply: string | TurnCommit = {}): Promise<SettledTurn> {
    return this.#inOrder(() => this.#commit(reply));
  }

  /** Commits it with nothing, unless it has ended. */
  finish(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.isOpen) await this.#commit({});
    });
  }

  /**
   * Gives its batches back, one attempt more each; the session rests for `retryInMs`. False when there was
   * nothing to give back any more.
   */
  abandon(options: AbandonOptions): Promise<boolean> {
    return this.#inOrder(async () => {
      if (!this.isOpen) return false;
      const isGiven = await abandonClaims(this.#desk, this.sessionId, this.#claims, options);
      this.#state = 'abandoned';
      this.#end();
      if (!isGiven) await letGo(this.#desk, this.sessionId, this.turnId);
      return isGiven;
    });
  }

  async #checkpoint(): Promise<Work> {
    const { asked, summarise } = this.#begun;
    const { turnId, sessionId } = this;
    if (!this.isOpen || this.isEmpty) throw turnOver(turnId);
    const taken = await takeForTurn(this.#desk, sessionId, 'turn.checkpoint', { ...asked, turnId });
    if ('refusal' in taken) return workOf(NOTHING_LOADED, taken.refusal);
    const { claim } = taken;
    this.#claims.push(claim);
    if (this.signal.aborted) this.#release();
    try {
      const loaded = await loadClaim(this.#desk, claim, 'activeTurnCheckpoint', summarise);
      this.#accepted.push(...loaded.acceptedInputs);
      this.#said.push(...loaded.messages.map(entryOf));
      return workOf(loaded, undefined);
    } catch (error) {
      this.#unread = await reasonOf(this.#desk, sessionId, turnId, error);
      throw this.#unread;
    }
  }

  async #commit(reply: string | TurnCommit): Promise<SettledTurn> {
    const { turnId } = this;
    const given: TurnCommit = typeof reply === 'string' ? said(reply) : reply;
    // What is no part of a commit goes along, to be refused.
    const { history = [], deliveries = [], commitHash, ...others } = given;
    if (this.#state === 'abandoned') throw turnOver(turnId);
    if (this.isEmpty) {
      if (history.length + deliveries.length > 0) throw turnOver(turnId);
      return { batchIds: [], at: this.#desk.options.clock.now(), repeated: false };
    }
    const content = { history: [...this.#said, ...history], deliveries };
    const hash = commitHash ?? hashOf(content);
    try {
      if (this.#unread !== undefined) throw this.#unread;
      const options = { ...others, turnId, commitHash: hash, ...content };
      const settled = await completeClaims(this.#desk, this.sessionId, this.#claims, options);
      this.#state = 'committed';
      this.#end();
      return settled;
    } catch (error) {
      const isInterrupted = isHoldfastError(error, 'TURN_INTERRUPTED');
      if (isInterrupted) this.#begun.watch.interrupt();
      if (isInterrupted || this.isInterrupted) await letGo(this.#desk, this.sessionId, turnId);
      throw error;
    }
  }

  /** What settles it may not overtake what it still asks for (T3). */
  #inOrder<T>(run: () => Promise<T>): Promise<T> {
    const next = this.#last.then(run);
    this.#last = next.catch(() => undefined);
    return next;
  }

  #end(): void {
    this.#begun.watch.end(turnOver(this.turnId));
  }

  #release(): void {
    for (const claim of this.#claims) claim.release();
  }
}

async function loadOrGiveBack(
  desk: SessionDesk,
  turnId: string,
  { claim, restMs, summarise }: Pick<Begun, 'restMs' | 'summarise'> & { readonly claim: Claim },
): Promise<Loaded> {
  try {
    return await loadClaim(desk, claim, 'idle', summarise);
  } catch (error) {
    const { sessionId } = claim;
    const reason = await reasonOf(desk, sessionId, turnId, error);
    const options = { reason: reasonText(reason), retryInMs: restMs };
    const isGiven = await abandonClaims(desk, sessionId, [claim], options);
    if (!isGiven) await letGo(desk, sessionId, turnId);
    throw reason;
  }
}

/** Why a claim could not be read: the interruption that settled it meanwhile, where there was one. */
async function reasonOf(desk: SessionDesk, key: string, turnId: string, error: unknown): Promise<unknown> {
  const seen = await desk.look(key);
  return seen !== undefined && isInterrupting(seen, turnId) ? turnInterrupted(turnId) : error;
}

function workOf(
  { messages, turnCauses, turnOptions, traceTurnId, acceptedInputs }: Loaded,
  refusal: Work['refusal'],
): Work {
  return {
    ...{ messages, turnCauses, turnOptions, traceTurnId, refusal },
    isEmpty: refusal !== undefined,
    transientMessages: [],
    acceptedInputs: () => acceptedInputs,
  };
}

function entryOf({ content, inputId }: TurnMessage): object {
  return { role: 'user', content, inputId };
}

function hashOf(content: Pick<TurnCommit, 'history' | 'deliveries'>): string {
  try {
    return sha256Hex(canonicalJson(content));
  } catch (cause) {
    const message = '"history" or "deliveries": it is not JSON';
    throw new HoldfastError('INVALID_INPUT', message, { cause });
  }
}

function said(content: string): TurnCommit {
  return { history: [{ role: 'assistant', content }] };
}
