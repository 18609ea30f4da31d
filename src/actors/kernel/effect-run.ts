/**
 * One run of one effect: real logic, from its start to its result, its failure, its timeout or its abort.
 *
 * Callers: the outbox. Invariant: exactly one outcome, JSON throughout; after an abort nothing is reported.
 */
import type { AnyActorLogic } from 'xstate';
import type { Clock } from '../../clock.js';
import { HoldfastError } from '../../errors.js';
import { firstNonJson, type Json, type JsonObject } from '../../json.js';
import { runLogic } from './step.js';

export type RunOutcome =
  | { readonly type: 'done'; readonly output: Json | undefined }
  | { readonly type: 'error'; readonly error: JsonObject }
  | { readonly type: 'deferred' }
  | { readonly type: 'aborted' };

/**
 * Thrown by an effect that did nothing and wants to wait its turn again: it goes back into its pool, without
 * its started mark, and runs when the pool's gate is open. An effect may throw it only while nothing
 * observable has happened.
 */
export class EffectDeferred extends Error {
  override readonly name = 'EffectDeferred';
}

/** What a timer of the clock can count; a longer timeout is cut to it (24 days). */
const SCHEDULE_MAX_MS = 2 ** 31 - 1;

export interface EffectRun {
  readonly outcome: Promise<RunOutcome>;
  readonly abort: () => void;
}

/** Starts `logic`; its `self.id` is `effectKey`, the same for every attempt: the idempotency key. */
export function startEffect(
  logic: AnyActorLogic,
  options: {
    readonly effectKey: string;
    readonly input: unknown;
    readonly timeoutMs: number;
    readonly clock: Clock;
  },
): EffectRun {
  // A copy: the row's input may be part of the actor's context, which nobody but a step may change.
  const actor = runLogic(logic, options.effectKey, structuredClone(options.input));
  let settle: (outcome: RunOutcome) => void = () => undefined;
  const outcome = new Promise<RunOutcome>((resolve) => {
    settle = resolve;
  });
  const cancelTimeout = options.clock.schedule(Math.min(options.timeoutMs, SCHEDULE_MAX_MS), () => {
    const error = new HoldfastError('EFFECT_TIMEOUT', `the effect ran for ${options.timeoutMs} ms`);
    finish({ type: 'error', error: errorToJson(error) });
  });
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
    error: (error: unknown) => {
      finish(
        error instanceof EffectDeferred ? { type: 'deferred' } : { type: 'error', error: errorToJson(error) },
      );
    },
  });
  actor.start();
  return { outcome, abort: () => finish({ type: 'aborted' }) };
}

function outputOf(output: unknown): RunOutcome {
  if (output === undefined) return { type: 'done', output };
  const bad = firstNonJson(output);
  // A copy, too: the effect's code keeps no hand on what becomes part of a context.
  if (bad === undefined) return { type: 'done', output: structuredClone(output) as Json };
  const error = new HoldfastError('INVALID_DEFINITION', `an effect's output is not JSON at ${bad}`);
  return { type: 'error', error: errorToJson(error) };
}

/** An error as an event can carry it: name, message and, where it has one, its code. */
export function errorToJson(error: unknown): JsonObject {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const code: unknown = 'code' in error ? error.code : undefined;
  return { name: error.name, message: error.message, ...(typeof code === 'string' ? { code } : {}) };
}
