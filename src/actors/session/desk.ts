/**
 * Where the parts of the sessions façade ask a session: one event, looked at in its own step; or a look.
 *
 * Owns: claims and turns that are to end with the process. Callers: the parts of the façade. Invariants:
 *  D1  What is refused is refused in the step's own turn: between the answer and the step comes nothing.
 *  D2  Looking writes nothing, and reads nothing where the session is in memory.
 */
import { HoldfastError, isHoldfastError } from '../../errors.js';
import { addressOf } from '../../ids.js';
import type { Json, JsonEvent } from '../../json.js';
import type { Clock } from '../../clock.js';
import type { Logger } from '../../log.js';
import { limits } from '../../limits.js';
import { payloadRow } from '../../machines/index.js';
import type { SessionContext, SessionEvent } from '../../machines/index.js';
import type { Attachments } from '../attachments.js';
import type { Kernel, StepCheck, StepFence } from '../kernel/index.js';
import type { OperatorSource } from '../operator.js';
import type { PayloadRow } from './drafts.js';

export const SESSION_KIND = 'session';

export interface SessionsOptions {
  readonly kernel: Kernel;
  readonly attachments: Pick<Attachments, 'during' | 'pathOf'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** The store's generation: what claims of this process are told from those of earlier ones by. */
  readonly generation: number;
  readonly newId: (prefix: string) => string;
  readonly defaults: SessionDefaults;
}

/** Defaults of every session of a runtime. */
export interface SessionDefaults {
  /** Attempts after which a batch is a dead letter; 1 to 1,000, default 5. */
  readonly attemptsMax?: number;
  /** How long a claim holds without being renewed; ms, default 15 min. */
  readonly claimTtlMs?: number;
}

/** A session as of one moment. */
export interface Seen {
  readonly context: SessionContext;
  /** The state of its turn: `{idle: 'ready'}`, `{running: 'working'}`, `pausing` ... */
  readonly turn: string | Readonly<Record<string, string>>;
  readonly at: number;
}

interface Held {
  /** Of a claim. */
  readonly claimId?: string;
  release(): void;
}

/** What became of an event: the session as it is once its step is on disk, or the answer of its look. */
export type Asked<Answer> = { readonly seen: Seen } | { readonly answer: Answer };

export interface AskOptions {
  readonly row?: readonly [name: string, row: PayloadRow];
  /** Default true: a session that is not there is made. */
  readonly create?: boolean;
  /** `runtime`: it is not turned away, however much waits. Default: as a user's. */
  readonly source?: 'runtime' | OperatorSource;
  /** Of the event: taken once. */
  readonly id?: string;
  readonly fence?: StepFence;
  /** Of the event as JSON; default as for every event. */
  readonly bytesMax?: number;
}

/**
 * Looks at a session in the turn of its step. What it returns is an answer instead of the step, and what it
 * throws refuses the event: nothing is then written. Undefined lets the event pass.
 */
export type Look<Answer> = (seen: Seen, event: SessionEvent) => Answer | undefined;

/** Thrown in the step's own turn where a look has answered. */
const ANSWERED = new Error('answered');

export class SessionDesk {
  readonly options: SessionsOptions;
  /** Claims that renew themselves, and turns whose signal has not fired. */
  readonly #held = new Set<Held>();
  #isClosed = false;

  constructor(options: SessionsOptions) {
    this.options = options;
  }

  get claimTtlMs(): number {
    return this.options.defaults.claimTtlMs ?? limits.claimTtlMs;
  }

  /**
   * Remembers it until it lets go, so that a close can release it; what comes after the close is released.
   */
  hold<One extends Held>(one: One): One {
    if (this.#isClosed) one.release();
    else this.#held.add(one);
    return one;
  }

  /** True for a claim that somebody in this process has. */
  holds(claimId: string): boolean {
    for (const one of this.#held) if (one.claimId === claimId) return true;
    return false;
  }

  letGo(one: Held): void {
    this.#held.delete(one);
  }

  close(): void {
    this.#isClosed = true;
    for (const one of this.#held) one.release();
  }

  /** Sends an event; the session once the step is on disk. Throws ACTOR_NOT_FOUND where none is made. */
  tell(key: string, event: SessionEvent, options: AskOptions = {}): Promise<Seen> {
    return this.#send(key, event, options);
  }

  /** Sends an event that `look` may answer instead. Throws what `look` throws, ACTOR_NOT_FOUND as `tell`. */
  async ask<Answer>(
    key: string,
    event: SessionEvent,
    look: Look<Answer>,
    options: AskOptions = {},
  ): Promise<Asked<Answer>> {
    let answer: Answer | undefined;
    const check: StepCheck = (snapshot, envelope) => {
      answer = look(seenIn(snapshot, envelope.at), Object.assign({ ...event }, { $: envelope }));
      if (answer !== undefined) throw ANSWERED;
    };
    try {
      return { seen: await this.#send(key, event, options, check) };
    } catch (error) {
      if (error !== ANSWERED || answer === undefined) throw error;
      return { answer };
    }
  }

  /** The same where a session that is not there is as good as one that answers `absent`. */
  async askIfThere<Answer>(
    key: string,
    event: SessionEvent,
    look: Look<Answer>,
    { absent, ...options }: { readonly absent: NoInfer<Answer> } & Pick<AskOptions, 'source'>,
  ): Promise<Asked<Answer>> {
    try {
      return await this.ask(key, event, look, { ...options, create: false });
    } catch (error) {
      if (isHoldfastError(error, 'ACTOR_NOT_FOUND')) return { answer: absent };
      throw error;
    }
  }

  /** The session as of now; undefined when there is none. */
  async look(key: string): Promise<Seen | undefined> {
    const event = { type: 'session.resume' } as const;
    const look: Look<{ readonly found?: Seen }> = (found) => ({ found });
    const asked = await this.askIfThere(key, event, look, { absent: {} });
    return 'answer' in asked ? asked.answer.found : asked.seen;
  }

  /** The payload row of a batch; empty when the batch is gone. */
  async payloads(key: string, nonce: string): Promise<PayloadRow> {
    const found = await this.options.kernel.reader.payload(addressOf(SESSION_KIND, key), payloadRow(nonce));
    return (found as unknown as PayloadRow | undefined) ?? { payloads: [] };
  }

  async #send(
    key: string,
    event: SessionEvent,
    { row, create = true, ...sent }: AskOptions,
    check?: StepCheck,
  ): Promise<Seen> {
    const { kernel, clock } = this.options;
    const address = addressOf(SESSION_KIND, key);
    const payloads = row === undefined ? undefined : { [row[0]]: row[1] as unknown as Json };
    const options = { ...sent, payloads, check };
    const send = () => kernel.send(address, event as unknown as JsonEvent, options);
    const outcome = await send().catch(async (error: unknown) => {
      if (!create || !isHoldfastError(error, 'ACTOR_NOT_FOUND')) throw error;
      await this.#create(key);
      return send();
    });
    if (outcome.snapshot === undefined)
      throw new HoldfastError('ACTOR_NOT_FOUND', `session ${key} has ended`);
    return seenIn(outcome.snapshot, clock.now());
  }

  async #create(key: string): Promise<void> {
    const { attemptsMax } = this.options.defaults;
    const input = { key, ...(attemptsMax === undefined ? {} : { attemptsMax }) };
    await this.options.kernel.create(SESSION_KIND, key, input);
  }
}

function seenIn(snapshot: { readonly context: unknown; readonly value: unknown }, at: number): Seen {
  // The kind's machine is ours: its snapshots have this context, and this value.
  const { turn } = snapshot.value as { readonly turn: Seen['turn'] };
  return { context: snapshot.context as SessionContext, turn, at };
}
