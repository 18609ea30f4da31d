/**
 * From a step to its rows: everything one step changes, in one stage.
 *
 * Owns: the meaning of each step action on disk. Callers: the kernel, in the same synchronous turn as the
 * step (K2).
 * Invariants:
 *  T1  A turn writes record, journal entry, timers, outbox, inbox rows of others, index difference, counts:
 *      one stage.
 *  T2  An actor that is no longer active keeps no timer and no effect, but its retention timer (K9).
 *  T3  The journal entry names everything asked for, so that a replay can be compared with it.
 */
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate';
import { HoldfastError } from '../../errors.js';
import { firstNonJson, isPlainObject, type Json, type JsonEvent } from '../../json.js';
import { limits } from '../../limits.js';
import { keys } from '../../store/keys.js';
import { Counts } from './counts.js';
import type { Stage } from './commit-loop.js';
import { poolOf, type Definition } from './definition.js';
import { droppedBy, writeIndexed, type Indexed } from './indexed.js';
import { forAddress, type Marks, nextMarks } from './journal.js';
import type { ActorRecord, EffectRef, EffectRow, EventEnvelope, HistoryEntry, InboxRow } from './record.js';
import type { ActorStatus, JournalEntry, TimerRef } from './record.js';
import { reservedAction, type Reserved } from './reserved.js';
import { persisted, whyNotRun, type StepAction, type StepResult } from './step.js';

/** The event type of the timer that removes a finished actor; never seen by a machine. */
export const RETENTION_EVENT = 'holdfast.retention';

/** A timer that is due later than keys can say never fires. */
const DUE_AT_MAX = 2 ** 48 - 1;

/** An actor as it is before a step. */
export interface Before {
  readonly address: string;
  readonly definition: Definition;
  readonly record: ActorRecord | undefined;
  readonly indexed: Indexed;
}

/** What is consumed by a step: its rows go in the same batch. */
export interface Consumed {
  readonly timer?: TimerRef;
  readonly effect?: EffectRef;
  readonly inboxKey?: string;
  readonly dedupeKey?: string;
}

export interface Turn {
  /** Without `$`; a creation is `xstate.init` with its input. */
  readonly event: AnyEventObject;
  readonly envelope: EventEnvelope;
  readonly source: string;
  readonly traceparent: string | undefined;
  readonly consumed: Consumed;
  /** The order of the actor's creation. */
  readonly ord: string;
  readonly result: StepResult;
  /** The snapshot before the step. */
  readonly earlier: AnyMachineSnapshot | undefined;
  /** What the new snapshot is found by; the kernel has checked the unique ones. */
  readonly indexed: Indexed;
  readonly payloads: Readonly<Record<string, Json>> | undefined;
}

/** What has to happen once the stage is on disk. */
export interface After {
  readonly record: ActorRecord;
  readonly snapshot: AnyMachineSnapshot;
  readonly indexed: Indexed;
  readonly entry: JournalEntry;
  readonly started: readonly { readonly key: string; readonly ref: EffectRef; readonly row: EffectRow }[];
  readonly ended: readonly string[];
  readonly armed: readonly TimerRef[];
  readonly sends: readonly { readonly to: string; readonly key: string; readonly row: InboxRow }[];
  readonly emitted: readonly JsonEvent[];
  readonly custom: readonly StepAction[];
  /** Artifact files this step stopped referring to. */
  readonly dropped: readonly string[];
  /** True when the actor's rows were removed. */
  readonly gone: boolean;
}

/** Fills `stage` with the rows of a step. Nothing is written yet and nothing outside the stage changes. */
export function writeTurn(stage: Stage, before: Before, turn: Turn): After {
  return new TurnWriter(stage, before, turn).write();
}

class TurnWriter {
  readonly #stage: Stage;
  readonly #before: Before;
  readonly #turn: Turn;
  readonly #kind: string;
  #timers: TimerRef[];
  #effects: EffectRef[];
  readonly #armed: TimerRef[] = [];
  readonly #started: { key: string; ref: EffectRef; row: EffectRow }[] = [];
  readonly #ended: string[] = [];
  readonly #sends: { to: string; key: string; row: InboxRow }[] = [];
  readonly #emitted: JsonEvent[] = [];
  readonly #custom: StepAction[] = [];

  constructor(stage: Stage, before: Before, turn: Turn) {
    this.#stage = stage;
    this.#before = before;
    this.#turn = turn;
    this.#kind = before.definition.kind;
    this.#timers = [...(before.record?.timers ?? [])];
    this.#effects = [...(before.record?.effects ?? [])];
  }

  write(): After {
    const { record, address, definition } = this.#before;
    const { snapshot, actions } = this.#turn.result;
    this.#checkContext();
    this.#consume();
    for (const [index, action] of actions.entries()) this.#apply(action, index);
    const status = snapshot.status as ActorStatus;
    if (status !== 'active') this.#finish(actions.length);
    for (const [name, value] of Object.entries(this.#turn.payloads ?? {})) {
      this.#stage.put(keys.payload(address, name), value);
    }
    const json = persisted(definition.steppable, snapshot);
    const value: Json = snapshot.value as Json;
    const entry = this.#journal(value, status);
    const entryText = JSON.stringify(entry);
    const marks = this.#keepJournal(record?.marks ?? [], entryText);
    const next = this.#record(json, status, marks);
    this.#stage.put(keys.record(address), next);
    const { indexed } = this.#turn;
    writeIndexed(this.#stage, address, this.#before.indexed, indexed);
    this.#count(value);
    this.#stage.expect.push({ address, expectedSeq: record?.seq ?? 0, epoch: next.epoch });
    return {
      record: next,
      snapshot,
      indexed,
      entry,
      started: this.#started,
      ended: this.#ended,
      armed: this.#armed,
      sends: this.#sends,
      emitted: this.#emitted,
      custom: this.#custom,
      dropped: droppedBy(this.#before.indexed, indexed),
      gone: false,
    };
  }

  /** What could not be read back must not be stepped on either (K13). */
  #checkContext(): void {
    const { result, earlier } = this.#turn;
    const { context } = result.snapshot as { readonly context: unknown };
    if (context === (earlier as { readonly context: unknown } | undefined)?.context) return;
    const bad = firstNonJson(context);
    if (bad !== undefined)
      throw unusable(this.#kind, `the context is not JSON at ${bad}; keep that out of it`);
  }

  #consume(): void {
    const { timer, effect, inboxKey, dedupeKey } = this.#turn.consumed;
    if (timer !== undefined) this.#disarm(timer);
    if (effect !== undefined) this.#end(effect);
    if (inboxKey !== undefined) this.#stage.delete(inboxKey);
    if (dedupeKey !== undefined) {
      this.#stage.put(dedupeKey, this.#turn.envelope.seq);
      this.#stage.expiring.push([hourOf(this.#turn.envelope.at + limits.dedupeTtlMs), dedupeKey]);
    }
  }

  #apply(action: StepAction, index: number): void {
    const id = `${this.#turn.envelope.seq}:${index}`;
    switch (action.type) {
      case '@xstate.raise':
        this.#arm(id, action.sendId ?? id, action.delayMs, jsonEvent(action.event));
        return;
      case '@xstate.cancel':
        for (const timer of this.#timers.filter((armed) => armed.sendId === action.sendId))
          this.#disarm(timer);
        return;
      case '@xstate.spawn':
        this.#spawn(id, action);
        return;
      case '@xstate.stop':
        for (const effect of this.#effects.filter((running) => running.child === action.child))
          this.#end(effect);
        return;
      case '@xstate.emit':
        this.#emitted.push(jsonEvent(action.event));
        return;
      case '@xstate.unsupported':
        throw unusable(this.#kind, `${action.what} cannot be made durable; ${action.fix}`);
      case '@xstate.log':
        this.#custom.push(action);
        return;
      case '@xstate.action': {
        const reserved = reservedAction(action.name, action.params);
        if (reserved === undefined) this.#custom.push(action);
        else this.#reserved(id, reserved);
      }
    }
  }

  #reserved(id: string, action: Reserved): void {
    const stage = this.#stage;
    const { address } = this.#before;
    const sender = { id: `${address}/${id}`, source: forAddress(address) };
    switch (action.type) {
      case 'actor.create':
        this.#send(action.to, { type: 'create', ...sender, ...optionalInput(action.input) });
        return;
      case 'actor.send':
        this.#send(action.to, { type: 'event', ...sender, event: action.event });
        return;
      case 'history.append': {
        const row: HistoryEntry = { at: this.#turn.envelope.at, cause: address, entry: action.entry };
        stage.put(keys.history(action.session, stage.nextOrd()), row);
        return;
      }
      case 'payload.put':
        stage.put(keys.payload(address, action.name), action.value);
        return;
      case 'payload.delete':
        stage.delete(keys.payload(address, action.name));
    }
  }

  #send(to: string, row: InboxRow): void {
    const key = keys.inbox(to, this.#stage.nextOrd());
    this.#stage.put(key, row);
    this.#sends.push({ to, key, row });
  }

  #arm(id: string, sendId: string, delayMs: number, event: JsonEvent): void {
    for (const earlier of this.#timers.filter((armed) => armed.sendId === sendId)) this.#disarm(earlier);
    if (Number.isNaN(delayMs)) throw unusable(this.#kind, `the delay of ${event.type} is not a number`);
    const dueAt = Math.min(Math.ceil(this.#turn.envelope.at + Math.max(0, delayMs)), DUE_AT_MAX);
    const timer: TimerRef = { id, sendId, dueAt };
    this.#timers.push(timer);
    this.#armed.push(timer);
    this.#stage.put(timerKey(this.#kind, this.#before.address, timer), { sendId, event });
  }

  #disarm(timer: TimerRef): void {
    this.#timers = this.#timers.filter((armed) => armed.id !== timer.id);
    this.#stage.delete(timerKey(this.#kind, this.#before.address, timer));
  }

  #spawn(id: string, action: Extract<StepAction, { type: '@xstate.spawn' }>): void {
    const { child, src } = action;
    const { definition } = this.#before;
    const bad = action.input === undefined ? undefined : firstNonJson(action.input);
    if (bad !== undefined) throw unusable(this.#kind, `the input of ${src} is not JSON at ${bad}`);
    const reason = whyNotRun(definition.machine, src);
    if (reason !== undefined) throw unusable(this.#kind, reason);
    const policy = definition.policyOf(src);
    const ref: EffectRef = {
      id,
      child,
      src,
      pool: poolOf(policy, src, action.input),
      ord: this.#stage.nextOrd(),
    };
    const { address } = this.#before;
    const row: EffectRow = { address, id, child, src, ...optionalInput(action.input) };
    const key = keys.effect(this.#kind, ref.pool, ref.ord);
    this.#stage.put(key, row);
    this.#effects.push(ref);
    this.#started.push({ key, ref, row });
  }

  #end(effect: EffectRef): void {
    this.#effects = this.#effects.filter((running) => running.id !== effect.id);
    this.#stage.delete(keys.effect(this.#kind, effect.pool, effect.ord));
    this.#ended.push(effect.id);
    const index = this.#started.findIndex((started) => started.ref.id === effect.id);
    if (index >= 0) this.#started.splice(index, 1);
  }

  #finish(index: number): void {
    for (const timer of this.#timers) this.#disarm(timer);
    for (const effect of this.#effects) this.#end(effect);
    const id = `${this.#turn.envelope.seq}:${index}`;
    this.#arm(id, RETENTION_EVENT, this.#before.definition.retentionMs, { type: RETENTION_EVENT });
  }

  #journal(value: Json, status: ActorStatus): JournalEntry {
    const { envelope, event, source, traceparent } = this.#turn;
    return {
      seq: envelope.seq,
      at: envelope.at,
      event: event as JsonEvent,
      eventId: envelope.id,
      source,
      value,
      status,
      commit: this.#stage.commitNumber,
      // Undefined is not written.
      dueAt: envelope.dueAt,
      traceparent,
      effects: this.#started.length === 0 ? undefined : this.#started.map(({ ref }) => entryEffect(ref)),
      timers: unlessEmpty(this.#armed),
      sends: this.#sends.length === 0 ? undefined : this.#sends.map(entrySend),
      emitted: unlessEmpty(this.#emitted),
    };
  }

  #keepJournal(marks: Marks, entryText: string): Marks {
    const { address, record } = this.#before;
    const seq = this.#turn.envelope.seq;
    this.#stage.putText(keys.journal(address, seq), entryText);
    const kept = nextMarks(marks, seq, entryText.length);
    for (const deleted of kept.deletedEntries) this.#stage.delete(keys.journal(address, deleted));
    for (const deleted of kept.deletedCheckpoints) this.#stage.delete(keys.checkpoint(address, deleted));
    // The checkpoint is the state *before* this step: replay starts there and applies this entry first.
    if (kept.checkpoint && record !== undefined) this.#stage.put(keys.checkpoint(address, seq - 1), record);
    return kept.marks;
  }

  #record(snapshot: Json, status: ActorStatus, marks: Marks): ActorRecord {
    const { definition, record } = this.#before;
    const { envelope } = this.#turn;
    return {
      machine: definition.machineId,
      version: definition.version,
      hash: definition.hash,
      seq: envelope.seq,
      epoch: this.#stage.epoch,
      status,
      createdAt: record?.createdAt ?? envelope.at,
      ord: this.#turn.ord,
      at: envelope.at,
      snapshot,
      timers: this.#timers,
      effects: this.#effects,
      marks,
    };
  }

  #count(value: Json): void {
    const { definition, record } = this.#before;
    const { kind, version, hash } = definition;
    if (record === undefined) {
      this.#stage.counts.push([Counts.key(kind, version, hash, JSON.stringify(value)), 1]);
      return;
    }
    const earlierValue = valueOf(record);
    const same = record.hash === hash && record.version === version;
    if (same && earlierValue === value) return;
    const state = JSON.stringify(value);
    const earlier = JSON.stringify(earlierValue);
    if (same && earlier === state) return;
    this.#stage.counts.push([Counts.key(kind, record.version, record.hash, earlier), -1]);
    this.#stage.counts.push([Counts.key(kind, version, hash, state), 1]);
  }
}

function unusable(kind: string, what: string): HoldfastError {
  return new HoldfastError('INVALID_DEFINITION', `${kind}: ${what}`);
}

/** The state value a record is in. */
export function valueOf(record: ActorRecord): Json {
  const { snapshot } = record;
  return isPlainObject(snapshot) ? ((snapshot['value'] as Json | undefined) ?? null) : null;
}

/** The key of a timer's row. */
export function timerKey(kind: string, address: string, timer: TimerRef): string {
  const [seq = '0', index = '0'] = timer.id.split(':');
  return keys.timer(kind, timer.dueAt, address, Number(seq), Number(index));
}

function entryEffect({ id, src, child }: EffectRef): EntryPart<'effects'> {
  return { id, src, child };
}

function entrySend({ to, row }: { readonly to: string; readonly row: InboxRow }): EntryPart<'sends'> {
  return { id: row.id, to, type: row.type === 'event' ? row.event.type : row.type };
}

type EntryPart<K extends 'effects' | 'sends'> = NonNullable<JournalEntry[K]>[number];

function unlessEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

export function hourOf(at: number): number {
  return Math.ceil(at / 3_600_000);
}

function jsonEvent(event: AnyEventObject): JsonEvent {
  const { $: _envelope, ...own } = event;
  return own as unknown as JsonEvent;
}

function optionalInput(input: unknown): { readonly input?: Json } {
  return input === undefined ? {} : { input: input as Json };
}
