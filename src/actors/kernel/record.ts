/**
 * What the kernel writes: the shapes of its rows, as JSON.
 *
 * Callers: the kernel's own files, replay and the inspector. Changing a shape is a change of the store's
 * format.
 */
import type { Json, JsonEvent } from '../../json.js';

/** An armed timer, as its actor's record and its row in the due index know it. */
export interface TimerRef {
  /** `<seq>:<index>` of the action that armed it: what firing must find again (K5). */
  readonly id: string;
  readonly sendId: string;
  readonly dueAt: number;
}

/** An effect that is not finished, as its actor's record knows it. */
export interface EffectRef {
  /** `<seq>:<index>` of the action that asked for it. */
  readonly id: string;
  readonly child: string;
  readonly src: string;
  readonly pool: string;
  readonly ord: string;
}

/** Why an actor stands still (K14), with the event it could not take. */
export interface Quarantine {
  readonly code: string;
  readonly message: string;
  readonly at: number;
  readonly event?: JsonEvent;
  readonly source?: string;
}

export type ActorStatus = 'active' | 'done' | 'error' | 'stopped';

/** Row `s`: everything about an actor at its newest step. */
export interface ActorRecord {
  readonly machine: string;
  readonly version: string;
  readonly hash: string;
  readonly seq: number;
  readonly epoch: number;
  readonly status: ActorStatus;
  readonly createdAt: number;
  /** When it was created among all things created: strict where two times are equal, or a clock went back. */
  readonly ord: string;
  /** The `at` of the newest step; never goes back. */
  readonly at: number;
  readonly snapshot: Json;
  readonly timers: readonly TimerRef[];
  readonly effects: readonly EffectRef[];
  /** Checkpoints kept, oldest first: the seq each was taken at and the journal bytes written since. */
  readonly marks: readonly (readonly [seq: number, bytes: number])[];
  readonly quarantine?: Quarantine;
}

/** Row `d`. The key carries kind, due time, address and the id's two numbers. */
export interface TimerRow {
  readonly sendId: string;
  readonly event: JsonEvent;
}

/** Row `o`. `started` is the durable mark of effects that must not be repeated blindly (K7). */
export interface EffectRow {
  readonly address: string;
  readonly id: string;
  readonly child: string;
  readonly src: string;
  readonly input?: Json;
  readonly started?: { readonly at: number; readonly epoch: number; readonly attempt: number };
}

/** Row `i`: something another actor's step asked for, not consumed yet. */
export type InboxRow =
  | { readonly type: 'create'; readonly input?: Json; readonly id: string; readonly source: string }
  | { readonly type: 'event'; readonly event: JsonEvent; readonly id: string; readonly source: string };

/** What the kernel adds to every delivered event (K10). */
export interface EventEnvelope {
  readonly at: number;
  readonly dueAt?: number;
  readonly id: string;
  readonly seq: number;
  readonly random: number;
}

/** Row `j`. Seq 1 is the creation; its event is `xstate.init` with the input. */
export interface JournalEntry {
  readonly seq: number;
  readonly at: number;
  readonly event: JsonEvent;
  readonly eventId: string;
  readonly dueAt?: number | undefined;
  /** Who sent it: `user`, `timer`, `effect`, `actor:<address>`, `provider:<id>`, `operator:<name>`. */
  readonly source: string;
  readonly traceparent?: string | undefined;
  readonly value: Json;
  readonly status: ActorStatus;
  readonly effects?:
    readonly { readonly id: string; readonly src: string; readonly child: string }[] | undefined;
  readonly timers?: readonly TimerRef[] | undefined;
  readonly sends?: readonly { readonly id: string; readonly to: string; readonly type: string }[] | undefined;
  readonly emitted?: readonly JsonEvent[] | undefined;
  /** Of the commit that carries it: the only order across actors. */
  readonly commit: number;
}

/** Row `h`. */
export interface HistoryEntry {
  readonly at: number;
  /** The actor whose step wrote it. */
  readonly cause: string;
  readonly entry: Json;
}
