/**
 * One run of one effect: real logic, from its start to its result, its failure, its timeout or its abort.
 *
 * Callers: the outbox's attempts.
 * Invariants:
 *  E1  Exactly one outcome, JSON throughout; after an abort nothing is reported.
 *  E2  What a stream sends is given on in its order, and before its end; after the end nothing is.
 *  E3  A stream is never further ahead of the commits than `limits.streamBacklogMax` events: it fails
 *      instead.
 */
import type { AnyActorLogic, AnyEventObject } from 'xstate';
import type { Clock } from '../../clock.js';
import { HoldfastError } from '../../errors.js';
import {
  copyOf,
  firstNonJson,
  isPlainObject,
  type Json,
  type JsonEvent,
  type JsonObject,
} from '../../json.js';
import { limits } from '../../limits.js';
import { ownEvent } from './door.js';
import { runLogic, runStream, type StreamActor } from './logic.js';

export type RunOutcome =
  | { readonly type: 'done'; readonly output: Json | undefined }
  | { readonly type: 'error'; readonly error: JsonObject }
  | { readonly type: 'deferred' }
  | { readonly type: 'aborted' }
  /** An event it sent could not be taken: its actor stands still, or the store is gone. */
  | { readonly type: 'refused'; readonly error: unknown };

/**
 * Thrown by an effect that did nothing and wants to wait its turn again: it goes back into its pool, without
 * its started mark, and runs when the pool's gate is open. An effect may throw it only while nothing
 * observable has happened.
 */
export class EffectDeferred extends Error {
  override readonly name = 'EffectDeferred';
}

/** What a timer of the clock can count; a longer timeout is cut to it (24 days). */
export const SCHEDULE_MAX_MS = 2 ** 31 - 1;

export interface EffectRun {
  readonly outcome: Promise<RunOutcome>;
  readonly abort: () => void;
  /** Gives the running logic an event; promises have no ear for it. */
  readonly tell: (event: JsonEvent) => void;
}

export interface RunOptions {
  readonly effectKey: string;
  readonly input: unknown;
  /** Infinity: never. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Starts a promise; its `self.id` is `effectKey`, the same for every attempt: the idempotency key. */
export function startEffect(logic: AnyActorLogic, options: RunOptions): EffectRun {
  // A copy: the row's input may be part of the actor's context, which nobody but a step may change.
  const actor = runLogic(logic, options.effectKey, copyOf(options.input));
  let settle: (outcome: RunOutcome) => void = () => undefined;
  const outcome = new Promise<RunOutcome>((resolve) => {
    settle = resolve;
  });
  const cancelTimeout = afterTimeout(options, (error) => finish(error));
  const finish = (result: RunOutcome): void => {
    cancelTimeout();
    settle(result);
    actor.stop();
  };
  actor.subscribe({
    next: (snapshot: unknown) => {
      const done = snapshot as { readonly status?: unknown; readonly output?: unknown };
      if (done.status === 'done') finish(outputOf(done.output));
    },
    error: (error: unknown) => finish(failureOf(error)),
  });
  actor.start();
  return { outcome, abort: () => finish({ type: 'aborted' }), tell: nothing };
}

export interface StreamOptions extends RunOptions {
  /** What its actor calls it: its snapshots are named after it. */
  readonly child: string;
  /** True: each of its snapshots is an event. */
  readonly sync: boolean;
  /** Gives event number `n` (1, 2, ...) to the actor; settles after the commit, or when it was fenced. */
  readonly send: (event: JsonEvent, n: number) => Promise<void>;
  /** Told of a throw when nobody waits for it any more, as that of a cleanup. */
  readonly onLateError: (error: unknown) => void;
}

/** Starts a callback, an observable, logic of the user's own, or a promise whose snapshots are wanted. */
export function startStream(logic: AnyActorLogic, options: StreamOptions): EffectRun {
  return new StreamRun(logic, options);
}

class StreamRun implements EffectRun {
  readonly outcome: Promise<RunOutcome>;
  readonly #logic: AnyActorLogic;
  readonly #options: StreamOptions;
  readonly #actor: StreamActor;
  readonly #cancelTimeout: () => void;
  #settle: (outcome: RunOutcome) => void = nothing;
  #ended = false;
  #sent = 0;
  /** Events given on whose commits are not known of. */
  #pending = 0;

  constructor(logic: AnyActorLogic, options: StreamOptions) {
    this.#logic = logic;
    this.#options = options;
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#actor = runStream(logic, options.effectKey, {
      input: copyOf(options.input),
      sync: options.sync,
      onEvent: (event) => this.#take(event),
    });
    this.#cancelTimeout = afterTimeout(options, (error) => this.#finish(error));
    this.#actor.start();
  }

  readonly abort = (): void => this.#finish({ type: 'aborted' });

  readonly tell = (event: JsonEvent): void => {
    if (!this.#ended) this.#actor.send(structuredClone(event));
  };

  #finish(outcome: RunOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTimeout();
    this.#settle(outcome);
    this.#actor.stop();
  }

  /** Whatever the logic sends to its parent. A throw in here would be XState's, and end the process. */
  #take(event: AnyEventObject): void {
    const { effectKey, onLateError } = this.#options;
    const isError = event.type === `xstate.error.actor.${effectKey}`;
    if (this.#ended) {
      if (isError) onLateError(event['error']);
      return;
    }
    try {
      if (event.type === `xstate.done.actor.${effectKey}`) this.#finish(outputOf(event['output']));
      else if (isError) this.#finish(failureOf(event['error']));
      else if (event.type === `xstate.snapshot.${effectKey}`) this.#send(this.#snapshot(event['snapshot']));
      else this.#send(ownEvent(event));
    } catch (error) {
      this.#finish(failureOf(error));
    }
  }

  #send(event: JsonEvent): void {
    if (this.#pending >= limits.streamBacklogMax) {
      const what = `the effect sent ${this.#pending} events that are not on disk yet`;
      throw new HoldfastError('EFFECT_BACKLOG', what);
    }
    this.#pending += 1;
    this.#sent += 1;
    this.#options.send(event, this.#sent).then(
      () => {
        this.#pending -= 1;
      },
      (error: unknown) => {
        this.#pending -= 1;
        this.#finish(isNotUnique(error) ? failureOf(error) : { type: 'refused', error });
      },
    );
  }

  /** As XState sends it, in its stored form: a live snapshot of an observable holds its subscription. */
  #snapshot(live: unknown): JsonEvent {
    const { child } = this.#options;
    const snapshot: unknown = this.#logic.getPersistedSnapshot(live as never);
    const bad = firstNonJson(snapshot);
    const refuse = (what: string): HoldfastError =>
      new HoldfastError('INVALID_EVENT', `the snapshot of "${child}" ${what}`);
    if (bad !== undefined) throw refuse(`is not JSON at ${bad}`);
    const text = JSON.stringify(snapshot);
    if (Buffer.byteLength(text) > limits.eventBytesMax) throw refuse(`is over ${limits.eventBytesMax} bytes`);
    return { type: `xstate.snapshot.${child}`, snapshot: JSON.parse(text) as Json };
  }
}

/** The one refusal that is about the event itself, not about who should take it. */
function isNotUnique(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'NOT_UNIQUE';
}

function afterTimeout(options: RunOptions, fail: (outcome: RunOutcome) => void): () => void {
  const { clock, timeoutMs } = options;
  if (timeoutMs === Infinity) return nothing;
  return clock.schedule(Math.min(timeoutMs, SCHEDULE_MAX_MS), () =>
    fail(failureOf(new HoldfastError('EFFECT_TIMEOUT', `the effect ran for ${timeoutMs} ms`))),
  );
}

function failureOf(error: unknown): RunOutcome {
  if (error instanceof EffectDeferred) return { type: 'deferred' };
  return { type: 'error', error: errorToJson(error) };
}

function outputOf(output: unknown): RunOutcome {
  if (output === undefined) return { type: 'done', output };
  const bad = firstNonJson(output);
  // A copy, too: the effect's code keeps no hand on what becomes part of a context.
  if (bad === undefined) return { type: 'done', output: copyOf(output) as Json };
  return failureOf(new HoldfastError('INVALID_DEFINITION', `an effect's output is not JSON at ${bad}`));
}

/** An error as an event can carry it: name, message and, where it has one, its code. */
export function errorToJson(error: unknown): JsonObject {
  if (!isError(error)) return { name: 'Error', message: String(error) };
  const code: unknown = 'code' in error ? error.code : undefined;
  return { name: error.name, message: error.message, ...(typeof code === 'string' ? { code } : {}) };
}

/** What an event carried, and a machine ended with, is an error still: it has lost its class alone. */
function isError(error: unknown): error is { readonly name: string; readonly message: string } {
  if (error instanceof Error) return true;
  return isPlainObject(error) && typeof error['name'] === 'string' && typeof error['message'] === 'string';
}

function nothing(): void {
  // Nobody waits for it.
}
