/**
 * Actor logic, told apart: what is a durable actor of its own, what is an effect, and how an effect is run.
 *
 * Owns: running real logic outside a machine. Callers: definition.ts, effect-run.ts.
 * Invariants:
 *  L1  Logic without a `start` does nothing by itself: it is stepped, as machines are (K8). Logic with one
 *      acts in the world: it is an effect (K6).
 *  L2  Whatever running logic sends to its parent comes to one listener, in order.
 */
import { createActor, fromTransition } from 'xstate';
import type { AnyActorLogic, AnyActorRef, AnyEventObject, AnyStateMachine } from 'xstate';

/**
 * `machine` and `transition` are actors of their own; a `promise` ends with its output; a `stream` is a
 * callback, an observable or logic of the user's own: it may send events while it runs.
 */
export type LogicType = 'machine' | 'transition' | 'promise' | 'stream';

/** What a source names, or why it cannot be run, with the fix. */
export type Source =
  | { readonly type: LogicType; readonly logic: AnyActorLogic }
  | { readonly type: 'unusable'; readonly reason: string };

/** The source of that name in `setup({actors})`. */
export function sourceOf(machine: AnyStateMachine | undefined, src: string): Source {
  const logic: unknown = machine?.implementations.actors[src];
  if (logic === undefined) return { type: 'unusable', reason: `"${src}" is not in setup({actors})` };
  if (!isLogic(logic)) return { type: 'unusable', reason: `"${src}" is not actor logic` };
  return { type: typeOf(logic), logic };
}

export function isMachine(logic: AnyActorLogic): logic is AnyStateMachine {
  return '__xstatenode' in logic;
}

function isLogic(logic: unknown): logic is AnyActorLogic {
  return (
    typeof logic === 'object' &&
    logic !== null &&
    'transition' in logic &&
    typeof logic.transition === 'function'
  );
}

function typeOf(logic: AnyActorLogic): LogicType {
  if (isMachine(logic)) return 'machine';
  if (typeof logic.start !== 'function') return 'transition';
  return isPromise(logic) ? 'promise' : 'stream';
}

/** Of XState's own logic, the one that a resolved value ends. */
function isPromise(logic: AnyActorLogic): boolean {
  try {
    const active = { status: 'active', output: undefined, error: undefined, input: undefined };
    const resolved = { type: 'xstate.promise.resolve', data: null };
    const next = logic.transition(active as never, resolved, {} as never) as { status?: unknown };
    return next.status === 'done';
  } catch {
    // Only logic that needs a real scope throws here, and that is no promise.
    return false;
  }
}

/**
 * Real logic, not started yet. Its `self.id` is `effectKey`, the same for every attempt: the idempotency key.
 */
export function runLogic(logic: AnyActorLogic, effectKey: string, input: unknown): AnyActorRef {
  return createActor(logic, { id: effectKey, input });
}

/** Streaming logic that is not started yet. */
export interface StreamActor {
  readonly start: () => void;
  /** Gives it an event; after its end nothing happens. */
  readonly send: (event: AnyEventObject) => void;
  /** Ends it: its cleanup runs once, however often this is called. */
  readonly stop: () => void;
}

/**
 * The same with a parent, which is where callbacks and observables send to: `onEvent` gets the events they
 * send, `xstate.snapshot.<id>` for each new snapshot when `sync` is set, and last `xstate.done.actor.<id>` or
 * `xstate.error.actor.<id>`. It must not throw.
 */
export function runStream(
  logic: AnyActorLogic,
  effectKey: string,
  options: {
    readonly input: unknown;
    readonly sync: boolean;
    readonly onEvent: (event: AnyEventObject) => void;
  },
): StreamActor {
  const { input, sync, onEvent } = options;
  // Told apart by identity: no event of the logic's own can pass for it.
  const stop: AnyEventObject = { type: 'holdfast.stop' };
  const parent = createActor(
    fromTransition((_state, event: AnyEventObject, scope) => {
      if (event === stop) scope.stopChild(child);
      else onEvent(event);
      return undefined;
    }, undefined),
  );
  parent.start();
  const child: AnyActorRef = createActor(logic, {
    id: effectKey,
    input,
    parent,
    syncSnapshot: sync,
  } as never);
  return {
    start: () => {
      child.start();
    },
    send: (event) => child.send(event),
    stop: () => parent.send(stop),
  };
}
