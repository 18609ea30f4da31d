/**
 * Where the parts of the sessions façade ask a session: one event, looked at in its own step; or a look.
 *
 * Callers: session.ts, claim.ts, turn.ts, serve.ts. Invariants:
 *  D1  What is refused is refused in the step's own turn: between the answer and the step comes nothing.
 *  D2  Looking writes nothing, and reads nothing where the session is in memory.
 */
import { HoldfastError, isHoldfastError } from '../../errors.js';
import { addressOf } from '../../ids.js';
import type { Json, JsonEvent } from '../../json.js';
import type { Clock } from '../../clock.js';
import type { Logger } from '../../log.js';
import { limits } from '../../limits.js';
import type { SessionContext, SessionEvent } from '../../machines/index.js';
import type { Attachments } from '../attachments.js';
import type { Kernel } from '../kernel/index.js';
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
  release(): void;
}

export interface AskOptions {
  readonly row?: readonly [name: string, row: PayloadRow];
  /** Default true: a session that is not there is made. */
  readonly create?: boolean;
  /** `runtime`: it is not turned away, however much waits. Default: as a user's. */
  readonly source?: 'runtime';
  /** Of the event as JSON; default as for every event. */
  readonly bytesMax?: number;
}

/** Looks at a session in the turn of its step; what it throws refuses the event. */
export type Look = (seen: Seen, event: SessionEvent) => void;

/** Thrown by a look that only wanted to look. */
const LOOKED = new Error('looked');

export class SessionDesk {
  readonly options: SessionsOptions;
  /** Claims that renew themselves. */
  readonly #held = new Set<Held>();

  constructor(options: SessionsOptions) {
    this.options = options;
  }

  get claimTtlMs(): number {
    return this.options.defaults.claimTtlMs ?? limits.claimTtlMs;
  }

  /** Remembers a claim until it lets go, so that a close can stop its renewals. */
  hold<Claim extends Held>(claim: Claim): Claim {
    this.#held.add(claim);
    return claim;
  }

  letGo(claim: Held): void {
    this.#held.delete(claim);
  }

  close(): void {
    for (const claim of this.#held) claim.release();
  }

  /** Sends an event; the session as it is once the step is on disk. Throws what `look` throws. */
  async ask(
    key: string,
    event: SessionEvent,
    look: Look,
    { row, create = true, source, bytesMax }: AskOptions = {},
  ): Promise<Seen> {
    const address = addressOf(SESSION_KIND, key);
    const { kernel } = this.options;
    const payloads = row === undefined ? undefined : { [row[0]]: row[1] as unknown as Json };
    const send = () =>
      kernel.send(address, event as unknown as JsonEvent, {
        payloads,
        bytesMax,
        ...(source === undefined ? {} : { source }),
        check: (snapshot, envelope) => {
          const seen = seenIn(snapshot, envelope.at);
          look(seen, Object.assign({ ...event }, { $: envelope }));
        },
      });
    const outcome = await send().catch(async (error: unknown) => {
      if (!create || !isHoldfastError(error, 'ACTOR_NOT_FOUND')) throw error;
      await this.create(key);
      return send();
    });
    if (outcome.snapshot === undefined)
      throw new HoldfastError('ACTOR_NOT_FOUND', `session ${key} has ended`);
    return seenIn(outcome.snapshot, this.options.clock.now());
  }

  /** The session as of now; undefined when there is none. */
  async look(key: string): Promise<Seen | undefined> {
    let seen: Seen | undefined;
    const look = (found: Seen): void => {
      seen = found;
      throw LOOKED;
    };
    try {
      await this.ask(key, { type: 'session.resume' }, look, { create: false });
    } catch (error) {
      if (isHoldfastError(error, 'ACTOR_NOT_FOUND')) return undefined;
      if (error !== LOOKED) throw error;
    }
    return seen;
  }

  async create(key: string): Promise<void> {
    const { attemptsMax } = this.options.defaults;
    const input = { key, ...(attemptsMax === undefined ? {} : { attemptsMax }) };
    await this.options.kernel.create(SESSION_KIND, key, input);
  }

  /** The payload row of a batch; empty when the batch is gone. */
  async payloads(key: string, nonce: string): Promise<PayloadRow> {
    const found = await this.options.kernel.reader.payload(addressOf(SESSION_KIND, key), `b/${nonce}`);
    return (found as unknown as PayloadRow | undefined) ?? { payloads: [] };
  }
}

function seenIn(snapshot: { readonly context: unknown; readonly value: unknown }, at: number): Seen {
  // The kind's machine is ours: its snapshots have this context, and this value.
  const { turn } = snapshot.value as { readonly turn: Seen['turn'] };
  return { context: snapshot.context as SessionContext, turn, at };
}
