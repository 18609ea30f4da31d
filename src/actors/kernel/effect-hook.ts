/**
 * A hand on what effects run: a test answers them instead of doing them.
 *
 * Owns: nothing. Callers: an attempt, for each run and each probe; the test runtime gives the hook.
 * Invariants:
 *  1  The hook replaces logic alone: marks, fencing, recovery, timeouts, pools and budgets stay the
 *     attempt's.
 *  2  Each run that was performed is told of its outcome, once, also when its logic throws at the start.
 */
import type { AnyActorLogic } from 'xstate';
import type { Json } from '../../json.js';
import type { RunOutcome } from './effect-run.js';

/** One run that is about to begin. */
export interface PerformedEffect {
  /** The effect, the same for every attempt: `<address>/<seq>:<index>`. */
  readonly id: string;
  readonly address: string;
  readonly kind: string;
  readonly src: string;
  /** What its actor calls it. */
  readonly child: string;
  readonly input: Json | undefined;
  /** A promise ends with its output; a stream (callback, observable) may send events while it runs. */
  readonly type: 'promise' | 'stream';
}

export interface EffectHook {
  /** The logic to run for a call: `own`, or another of the same type. */
  readonly perform: (
    call: PerformedEffect,
    own: AnyActorLogic,
  ) => { readonly logic: AnyActorLogic; readonly ended: (outcome: RunOutcome) => void };
  /** Called when a probe is asked, with what settles when it has answered or was given up. */
  readonly probing: (answer: Promise<unknown>) => void;
}

/** Runs what the hook gives; `begin` starts it. */
export function performed(
  hook: EffectHook,
  call: PerformedEffect,
  own: AnyActorLogic,
  begin: (logic: AnyActorLogic) => Promise<RunOutcome>,
): Promise<RunOutcome> {
  const { logic, ended } = hook.perform(call, own);
  return begin(logic).then((outcome) => {
    ended(outcome);
    return outcome;
  });
}
