/**
 * Reserved words: the actions the kernel makes durable, and stand-ins for effects the runtime provides.
 *
 * Owns: the names and parameters of the reserved actions (design rule K8). Callers: every chart's
 * `setup`.
 * Invariants:
 *  R1  The kernel executes a reserved action in the step's own batch and never calls the stand-ins here.
 *  R2  A stand-in effect fails when it is run: a façade must replace it with `machine.provide`.
 */
import { fromPromise } from 'xstate';

/** A peer actor, idempotent by kind and id. */
export interface ActorCreate {
  readonly kind: string;
  readonly id: string;
  readonly input: object;
}

/** An event for another durable actor. */
export interface ActorSend {
  /** `kind/id`. */
  readonly to: string;
  readonly event: { readonly type: string };
}

export interface HistoryAppend {
  /** Whose history; default: the actor's own id. */
  readonly session?: string;
  readonly entry: object;
}

export interface PayloadPut {
  readonly name: string;
  readonly value: unknown;
  /**
   * The value is an object with a number `until`, in epoch milliseconds: the row is removed within about an
   * hour of it, or later where nothing runs. Put again with a later `until`, it stays until then. Until it is
   * removed it can be read: decide by `until`, not by whether it is there. Default: it stays.
   */
  readonly expires?: boolean;
}

export interface PayloadDelete {
  readonly name: string;
}

/** Files of the directory's attachments that are kept, or by `file.release` not any more. */
export interface FileHold {
  /** Of the hold: the actor's own, so that two of its parts may hold one file. */
  readonly name: string;
  readonly files: readonly string[];
}

/** Spread these into the `actions` of a `setup`, so that the chart may name them. Live, they do nothing. */
export const reservedActions = {
  'actor.create': (_scope: unknown, _params: ActorCreate): void => undefined,
  'actor.send': (_scope: unknown, _params: ActorSend): void => undefined,
  'history.append': (_scope: unknown, _params: HistoryAppend): void => undefined,
  'payload.put': (_scope: unknown, _params: PayloadPut): void => undefined,
  'payload.delete': (_scope: unknown, _params: PayloadDelete): void => undefined,
  'file.hold': (_scope: unknown, _params: FileHold): void => undefined,
  'file.release': (_scope: unknown, _params: FileHold): void => undefined,
};

/** An effect by type only: what goes in, what comes out. The façade provides the real one. */
export function providedByRuntime<Output, Input extends object>() {
  return fromPromise<Output, Input>(() =>
    Promise.reject(
      new Error('this effect is provided by the runtime; use machine.provide to run the chart live'),
    ),
  );
}

/** How an effect that threw, or outlived its timeout, comes back to the chart. */
export interface EffectError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
}
