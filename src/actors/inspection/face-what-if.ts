/**
 * What an actor could do next, and what would come of it: words of `runtime.inspection`.
 *
 * Types alone. Callers: face.ts, which shows them to everybody else. Invariants: those of face.ts.
 */
import type { StateValue } from 'xstate';
import type { Json, JsonEvent } from '../../json.js';

/**
 * A difference between two JSON values, of several that are applied one after the other. In a list, what was
 * not there is put in at its place, and what is gone leaves none.
 */
export interface Change {
  /** JSON pointer. */
  readonly path: string;
  /** Absent: it was not there. */
  readonly before?: Json;
  /** Absent: it is gone. */
  readonly after?: Json;
}

/** An event that an actor could take in its present state. */
export interface LegalEvent {
  readonly type: string;
  readonly by: 'caller' | 'operator' | 'timer' | 'effect' | 'actor' | 'provider';
  /** In words: who that is. */
  readonly who: string;
  /** Paths of the states it may lead to; its own for a transition that does not leave it. */
  readonly targets: readonly string[];
  /** Names of the guards that decide; empty: it is taken. */
  readonly guards: readonly string[];
  /** Of a timer: when. */
  readonly dueAt?: number;
}

export interface WhatIfRequest {
  readonly address: string;
  /** The step to go on from; default: the newest. */
  readonly seq?: number | undefined;
  /** Taken one after the other; at most `limits.whatIfEventsMax`. */
  readonly events: readonly JsonEvent[];
}

/** One event taken in a sandbox: nothing is written, no effect runs. */
export interface WhatIfStep {
  readonly event: JsonEvent;
  /** False: no transition takes it; nothing changes. */
  readonly taken: boolean;
  readonly value: StateValue | null;
  readonly status: string;
  readonly context: Json;
  readonly diff: readonly Change[];
  /** What it would ask for, as the journal names it. */
  readonly effects: readonly { readonly src: string; readonly child: string }[];
  readonly timers: readonly { readonly name: string; readonly delayMs: number }[];
  readonly sends: readonly { readonly to: string; readonly type: string }[];
  readonly error?: string;
}

export interface WhatIfReport {
  readonly address: string;
  readonly seq: number;
  readonly value: StateValue | null;
  /** What could be sent at `seq`, and after the last step. */
  readonly legalBefore: readonly LegalEvent[];
  readonly legalAfter: readonly LegalEvent[];
  readonly steps: readonly WhatIfStep[];
  /** The text of a vitest file that says the same of the capsule `<id>.capsule.json` beside it. */
  readonly test: string;
}
