/**
 * What goes into a turn and what comes out of it.
 *
 * Callers: the stepper, turn.ts, collect.ts, what acts after the commit.
 */
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate';
import type { Json, JsonEvent, JsonObject } from '../../json.js';
import type { Sent, StartedEffect, Told } from './belongings.js';
import type { Definition } from './definition.js';
import type { Content, Delivery } from './cell.js';
import type { Indexed } from './indexed.js';
import type { Paging } from './paging.js';
import type { ActorRecord, ChildRef, EffectRef, EventEnvelope, JournalEntry } from './record.js';
import type { ParentRef, TimerRef } from './record.js';
import type { StepResult } from './step.js';
import type { StepAction, SystemTarget } from './step-scope.js';
import type { StepTrace } from './watching.js';

/** An actor as it is before a step. */
export interface Before {
  readonly address: string;
  readonly definition: Definition;
  readonly record: ActorRecord | undefined;
  readonly paging: Paging | undefined;
  readonly indexed: Indexed;
}

/** What is consumed by a step: its rows go in the same batch. */
export interface Consumed {
  readonly timer?: TimerRef;
  readonly effect?: EffectRef;
  /** It told of its end. */
  readonly child?: ChildRef;
  readonly inboxKey?: string;
  readonly dedupeKey?: string;
  /** How long the id is known; default `limits.dedupeTtlMs`. */
  readonly idKeptMs?: number;
}

export interface Turn {
  /** Without `$`; a creation is `xstate.init` with its input. */
  readonly event: AnyEventObject;
  readonly envelope: EventEnvelope;
  readonly source: string;
  readonly traceparent: string | undefined;
  readonly by: string | undefined;
  readonly consumed: Consumed;
  /** The order of the actor's creation. */
  readonly ord: string;
  readonly result: StepResult;
  /** The snapshot before the step. */
  readonly earlier: AnyMachineSnapshot | undefined;
  /** What the new snapshot is found by; the kernel has checked the unique ones. */
  readonly indexed: Indexed;
  readonly payloads: Readonly<Record<string, Json>> | undefined;
  /** Of a creation: whose child it is. */
  readonly parent: ParentRef | undefined;
  readonly special: Special | undefined;
}

/** What only some turns have. */
export interface Special {
  readonly system?: Readonly<Record<string, SystemTarget | null>>;
  /** The step begins the actor anew: nothing its machine asked for before stays under way. */
  readonly restarts?: readonly number[];
  readonly failure?: { readonly event: JsonEvent; readonly error: JsonObject };
  readonly migrated?: KeptByMigration;
  /** The machine cannot read the actor: its snapshot stays the JSON it is. */
  readonly unreadable?: boolean;
}

/** What a migration keeps under its ids, and says of itself. */
export interface KeptByMigration {
  readonly keptTimers: ReadonlySet<string>;
  readonly keptEffects: ReadonlySet<string>;
  readonly keptChildren: ReadonlySet<string>;
  readonly report: JsonObject;
}

/** What has to happen once the stage is on disk. */
export interface After {
  readonly record: ActorRecord;
  /** Of the record as JSON text. */
  readonly bytes: number;
  readonly paging: Paging | undefined;
  readonly snapshot: AnyMachineSnapshot;
  readonly indexed: Indexed;
  readonly entry: JournalEntry;
  readonly started: readonly StartedEffect[];
  readonly ended: readonly string[];
  readonly armed: readonly TimerRef[];
  readonly sends: readonly Sent[];
  readonly told: readonly Told[];
  readonly emitted: readonly JsonEvent[];
  readonly custom: readonly StepAction[];
  /** Files this step stopped referring to, or released. */
  readonly dropped: readonly string[];
  /** True when it stood still before. */
  readonly resumed: boolean;
  /** True when the actor's rows were removed. */
  readonly gone: boolean;
  readonly trace?: StepTrace | undefined;
}

/** A delivery on its way into a step. */
export interface Taken {
  /** Without `$`. */
  readonly event: AnyEventObject;
  readonly envelope: EventEnvelope;
  readonly consumed: Consumed;
  /** The order of the actor's creation. */
  readonly ord: string;
  /** Of a creation. */
  readonly parent?: ParentRef | undefined;
  /** Who is said to have sent it; default: the delivery's source. */
  readonly source?: string | undefined;
  readonly special?: Special | undefined;
}

/** The same, stepped. */
export interface Made extends Taken {
  readonly result: StepResult;
  readonly indexed: Indexed;
}

/** A step as it is written. One literal: this is the hot path, and spreading shapes that vary is slow. */
export function turnOf(made: Made, delivery: Delivery, earlier: AnyMachineSnapshot | undefined): Turn {
  const { event, envelope, consumed, ord, result, indexed, parent, special } = made;
  const { content, traceparent, by } = delivery;
  return {
    event,
    envelope,
    source: made.source ?? delivery.source,
    traceparent,
    by,
    consumed,
    ord,
    result,
    earlier,
    indexed,
    payloads: payloadsOf(content, special),
    parent,
    special,
  };
}

/** What came with it. Of an event that the machine threw on nothing is kept. */
function payloadsOf(content: Content, special: Special | undefined): Turn['payloads'] {
  if (content.type === 'create') return content.payloads;
  return content.type === 'event' && special?.failure === undefined ? content.payloads : undefined;
}
