/**
 * What the kernel writes: the shapes of its rows, as JSON.
 *
 * Callers: the kernel's own files, replay and the inspector. Changing a shape is a change of the store's
 * format.
 */
import { isPlainObject, type Json, type JsonEvent, type JsonObject } from '../../json.js';
import type { Parcel } from './cell.js';
import type { SystemTarget } from './step-scope.js';

/** An armed timer, as its actor's record and its row in the due index know it. */
export interface TimerRef {
  /** `<seq>:<index>` of the action that armed it: what firing must find again (K5). */
  readonly id: string;
  readonly sendId: string;
  readonly dueAt: number;
  /** What it delivers; absent for `{type: sendId}`, as every `after` is. */
  readonly event?: JsonEvent;
  /** Whom a delayed `sendTo` is for; absent: the actor itself. */
  readonly to?: SystemTarget;
}

/** An effect that is not finished, as its actor's record knows it. */
export interface EffectRef {
  /** `<seq>:<index>` of the action that asked for it. */
  readonly id: string;
  readonly child: string;
  readonly src: string;
  readonly pool: string;
  readonly ord: string;
  readonly systemId?: string | undefined;
}

/** A child that is a durable actor of its own, as its parent's record knows it (K8). */
export interface ChildRef {
  /** `<seq>:<index>` of the action that asked for it: what its results are fenced by. */
  readonly id: string;
  readonly child: string;
  readonly src: string;
  readonly address: string;
  readonly systemId?: string | undefined;
}

/** Whose child an actor is. */
export interface ParentRef {
  readonly address: string;
  /** What the parent calls it. */
  readonly child: string;
  /** The `id` of the parent's `ChildRef`. */
  readonly id: string;
  /** The actor at the top: system ids are unique below it. */
  readonly root: string;
  /** The parent hears of every snapshot. */
  readonly sync?: boolean | undefined;
}

/** Why an actor stands still (K14), with the event it could not take. */
export interface Quarantine {
  readonly code: string;
  readonly message: string;
  readonly at: number;
  readonly event?: JsonEvent;
  readonly source?: string;
  /** What its step was shown; read again by `resume`. */
  readonly rows?: ShownRows;
  /** The delivery to be taken again by `resume`; none when the actor could not be read. */
  readonly head?: Parcel;
  /** It came in a capsule and has not gone on here: no index leads to it yet. */
  readonly imported?: true;
  /** The capsule had stand-ins for what was secret, and nobody has agreed to go on with them. */
  readonly redacted?: true;
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
  /**
   * Not on disk with each step where snapshots are amortized: the newest checkpoint and the journal since
   * stand for it, and `value` says the state.
   */
  readonly snapshot: Json;
  readonly value?: Json | undefined;
  /** When each leaf of its state was entered, in the order of `leavesOf`; absent in an older holdfast's. */
  readonly since?: readonly number[] | undefined;
  /** What the newest checkpoint wrote, pages included, where snapshots are amortized. */
  readonly checkpointBytes?: number | undefined;
  /** It has rows of pages beside its checkpoints. */
  readonly paged?: true | undefined;
  /** Of a checkpoint with numbers where its pages were. */
  readonly paging?: PagingRow | undefined;
  readonly timers: readonly TimerRef[];
  readonly effects: readonly EffectRef[];
  readonly children?: readonly ChildRef[] | undefined;
  readonly parent?: ParentRef | undefined;
  /** What it began from, and when it was restarted: kept where it may be restarted (see Supervision). */
  readonly input?: Json | undefined;
  readonly restarts?: readonly number[] | undefined;
  /** Checkpoints kept, oldest first: the seq each was taken at and the journal bytes written since. */
  readonly marks: readonly (readonly [seq: number, bytes: number])[];
  readonly quarantine?: Quarantine;
  /** Under which addresses its journal was written before it came here in a capsule, up to which seq. */
  readonly origins?: Origins | undefined;
}

/** In a checkpoint: how it stands for its pages, and what becomes of those of earlier checkpoints. */
export interface PagingRow {
  /** Where in the context the numbers are; absent where the context is whole. */
  readonly key?: string | undefined;
  /** The number of the next page. */
  readonly next: number;
  /** The pages that go when the checkpoint of that seq goes: no later one refers to them. */
  readonly gone: PagesGone;
}

export type PagesGone = readonly (readonly [mark: number, numbers: readonly number[]])[];

export type Origins = readonly (readonly [address: string, seq: number])[];

/** The address an actor had at a step: chance and its own name depend on it (K10). */
export function addressAt(address: string, origins: Origins | undefined, seq: number): string {
  return origins?.find(([, until]) => seq <= until)?.[0] ?? address;
}

/** The state value a record is in. */
export function valueOf(record: ActorRecord): Json {
  const { value } = record;
  if (value !== undefined) return value;
  // Looked at last: an amortized record makes it then.
  const { snapshot } = record;
  return isPlainObject(snapshot) ? ((snapshot['value'] as Json | undefined) ?? null) : null;
}

/** Row `d`. The key carries kind, due time, address and the id's two numbers; the record has the rest. */
export interface TimerRow {
  readonly sendId: string;
}

/** Row `o`. `started` is the durable mark of effects that must not be repeated blindly (K7). */
export interface EffectRow {
  readonly address: string;
  readonly id: string;
  readonly child: string;
  readonly src: string;
  readonly input?: Json;
  /** The actor hears of every snapshot (`onSnapshot`). */
  readonly sync?: true;
  readonly started?: { readonly at: number; readonly epoch: number; readonly attempt: number };
  /** When it failed, as far as its restart budget still counts it. */
  readonly failures?: readonly number[];
  /** Of the step that asked for it, where its span was recorded. */
  readonly traceparent?: string;
}

/**
 * Row `i`: something another actor's step, or a finished effect, left for an actor to consume.
 * `traceparent` is of that step, where its span was recorded.
 */
export type InboxRow = InboxContent & { readonly traceparent?: string };

type InboxContent =
  | {
      readonly type: 'create';
      readonly input?: Json;
      readonly parent?: ParentRef;
      readonly id: string;
      readonly source: string;
    }
  | {
      readonly type: 'event';
      readonly event: JsonEvent;
      /** From a child: the `ChildRef` that must still be there. */
      readonly from?: string;
      readonly id: string;
      readonly source: string;
    }
  /** The parent has stopped it. */
  | { readonly type: 'stop'; readonly id: string; readonly source: string }
  /** An effect ended while its actor stood still. */
  | {
      readonly type: 'result';
      readonly effectId: string;
      readonly event: JsonEvent;
      readonly id: string;
      readonly source: string;
    };

/** What the kernel adds to every delivered event (K10). */
export interface EventEnvelope {
  readonly at: number;
  readonly dueAt?: number;
  readonly id: string;
  readonly seq: number;
  readonly random: number;
  /** Payload rows that its definition wanted the step to see (`reads`), as they were before it. */
  readonly rows?: ShownRows;
}

/** By name; those that exist. */
export type ShownRows = Readonly<Record<string, Json>>;

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
  /** Of an event that an actor could not take at first: the operator who let it go on. */
  readonly by?: string | undefined;
  readonly value: Json;
  readonly status: ActorStatus;
  readonly effects?:
    | readonly { readonly id: string; readonly src: string; readonly child: string }[]
    | undefined;
  readonly timers?: readonly TimerRef[] | undefined;
  readonly sends?: readonly { readonly id: string; readonly to: string; readonly type: string }[] | undefined;
  readonly emitted?: readonly JsonEvent[] | undefined;
  /** What the step asked its system about, and was told: a replay is told the same. */
  readonly system?: Readonly<Record<string, SystemTarget | null>> | undefined;
  /** What the step was shown: a replay is shown the same. */
  readonly rows?: ShownRows | undefined;
  /** The throw that ended or restarted the actor (see Supervision). */
  readonly failure?: { readonly event: JsonEvent; readonly error: JsonObject } | undefined;
  /** Of a creation: whose child it is. */
  readonly parent?: ParentRef | undefined;
  /** Of a migration: where it led. */
  readonly migrated?: JsonObject | undefined;
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
