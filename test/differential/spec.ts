/**
 * What a differential case is: a statechart and what happens to it, both plain JSON.
 *
 * A chart is an XState config that names its guards, actions, actors and delays (build.ts has them), so a
 * case that fails is printed as text that can be pasted into regressions.test.ts.
 * Callers: every file of this folder.
 */
import type { JsonObject } from '../../src/json.js';

/** The name of something in build.ts, with its params where it takes some. */
export type Named = string | { readonly type: string; readonly params: JsonObject };

export interface TransitionSpec {
  /** `#id` of a state, history states included; absent: the transition has no target. */
  readonly target?: string;
  readonly guard?: Named;
  readonly actions?: readonly Named[];
  readonly reenter?: true;
}

export interface InvokeSpec {
  readonly id: string;
  readonly src: string;
  readonly onDone: readonly TransitionSpec[];
  /** Absent: a rejection ends the actor in `error`. */
  readonly onError?: readonly TransitionSpec[];
}

export interface StateSpec {
  readonly id: string;
  readonly type?: 'parallel' | 'final' | 'history';
  readonly history?: 'shallow' | 'deep';
  readonly initial?: string;
  readonly states?: Readonly<Record<string, StateSpec>>;
  readonly entry?: readonly Named[];
  readonly exit?: readonly Named[];
  readonly on?: Readonly<Record<string, readonly TransitionSpec[]>>;
  readonly always?: readonly TransitionSpec[];
  readonly after?: Readonly<Record<string, readonly TransitionSpec[]>>;
  readonly invoke?: readonly InvokeSpec[];
  readonly onDone?: readonly TransitionSpec[];
  readonly output?: JsonObject;
}

export type Step =
  | { readonly do: 'send'; readonly event: { readonly type: string; readonly v: number } }
  /**
   * Time goes on by `ms`, or to the next timer; `asleep`: while the process is not there, so that what fell
   * due meanwhile is late.
   */
  | { readonly do: 'wait'; readonly ms: number | 'next'; readonly asleep: boolean }
  /** The nth running promise, by id; when none runs, the newest one that nobody waits for any more. */
  | {
      readonly do: 'settle';
      readonly nth: number;
      readonly how: 'resolve' | 'reject';
      readonly v: number;
    };

export interface Case {
  readonly chart: StateSpec;
  readonly steps: readonly Step[];
}

/** What both sides must agree on, at quiescence. */
export interface View {
  readonly value: unknown;
  readonly context: unknown;
  /** `threw`: XState's `error` after a throw, our quarantine. */
  readonly status: 'active' | 'done' | 'error' | 'stopped' | 'threw';
  readonly output: unknown;
  /** The error's message. */
  readonly error: string | undefined;
  readonly history: unknown;
  /** [send id or `anonymous`, event type, due time since the start], sorted. */
  readonly timers: readonly (readonly [id: string, event: string, dueMs: number])[];
  /** Children that the snapshot holds active, sorted. */
  readonly promises: readonly string[];
  /** [child, input] of the promises that really run, sorted. */
  readonly running: readonly (readonly [child: string, n: number])[];
  readonly emitted: readonly unknown[];
  /** Custom actions called, in order. */
  readonly acts: readonly unknown[];
  readonly logs: readonly unknown[];
}
