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
import { splitAddress } from '../../ids.js';
import { firstNonJson, type Json, type JsonEvent, type JsonObject } from '../../json.js';
import { limits } from '../../limits.js';
import { keys } from '../../store/keys.js';
import { checkpointBytesOf } from './amortized.js';
import { Belongings, hourOf } from './belongings.js';
import { Counts } from './counts.js';
import type { Stage } from './commit-loop.js';
import { errorToJson } from './effect-run.js';
import { writeHold } from './holding.js';
import { staysAfter } from './dwell.js';
import { droppedBy, writeIndexed } from './indexed.js';
import { entryEffect, entrySend, forAddress, type Marks, nextMarks } from './journal.js';
import { isKernelEvent, kernelEvents } from './kernel-events.js';
import { jsonLater, lazily } from './lazy-snapshot.js';
import { contextFault, keepCheckpoints, type Paging } from './paging.js';
import { forgetQuarantine } from './quarantine.js';
import { valueOf } from './record.js';
import type { ActorRecord, ActorStatus, HistoryEntry, JournalEntry, ParentRef } from './record.js';
import { reservedAction, type Reserved } from './reserved.js';
import type { StepAction } from './step-scope.js';
import type { After, Before, Turn } from './turn-shapes.js';

/** Fills `stage` with the rows of a step. Nothing is written yet and nothing outside the stage changes. */
export function writeTurn(stage: Stage, before: Before, turn: Turn): After {
  return new TurnWriter(stage, before, turn).write();
}

class TurnWriter {
  readonly #stage: Stage;
  readonly #before: Before;
  readonly #turn: Turn;
  readonly #own: Belongings;
  readonly #parent: ParentRef | undefined;
  readonly #emitted: JsonEvent[] = [];
  readonly #custom: StepAction[] = [];
  readonly #released: string[] = [];
  #bytes = 0;
  #since: readonly number[] = [];
  #paging: Paging | undefined;

  constructor(stage: Stage, before: Before, turn: Turn) {
    this.#stage = stage;
    this.#before = before;
    this.#turn = turn;
    this.#parent = before.record === undefined ? turn.parent : before.record.parent;
    const { address, definition, record } = before;
    this.#own = new Belongings(stage, {
      address,
      definition,
      record,
      parent: this.#parent,
      turn,
    });
  }

  write(): After {
    const { record, address, definition } = this.#before;
    const { snapshot, actions } = this.#turn.result;
    this.#checkContext();
    this.#consume();
    this.#carryOver();
    // Before its actions: what the machine does with a row it was sent wins.
    for (const [name, value] of Object.entries(this.#turn.payloads ?? NO_PAYLOADS))
      this.#stage.put(keys.payload(address, name), value);
    actions.forEach((action, index) => this.#apply(action, index));
    const status = snapshot.status as ActorStatus;
    const isUnreadable = this.#turn.special?.unreadable === true;
    const json = jsonLater(definition, snapshot, isUnreadable ? (snapshot as unknown as Json) : undefined);
    if (status !== 'active') this.#finish(actions.length, snapshot);
    else if (this.#parent?.sync === true && !this.#isKernels())
      this.#tellParent(actions.length, 'snapshot', { snapshot: json() });
    const value: Json = (snapshot.value as Json | undefined) ?? null;
    this.#dwell(value);
    const entry = this.#journal(value, status);
    const entryText = JSON.stringify(entry);
    const next = this.#keep(status, value, entryText, json);
    const bytes = this.#bytes;
    const { indexed } = this.#turn;
    writeIndexed(this.#stage, address, this.#before.indexed, indexed);
    this.#count(value);
    this.#stage.expect(address, record?.seq ?? 0);
    const { started, ended, armed, sends, told, trace } = this.#own;
    return {
      record: next,
      bytes,
      paging: this.#paging,
      snapshot,
      indexed,
      entry,
      started,
      ended,
      armed,
      sends,
      told,
      emitted: this.#emitted,
      custom: this.#custom,
      dropped: [...droppedBy(this.#before.indexed, indexed), ...this.#released],
      resumed: record?.quarantine !== undefined,
      gone: false,
      trace,
    };
  }

  /** True for a step that the machine did not see, and that left its snapshot as it was. */
  #isKernels(): boolean {
    const { event, special } = this.#turn;
    return isKernelEvent(event.type) && special?.migrated === undefined;
  }

  /** What could not be read back must not be stepped on either (K13). */
  #checkContext(): void {
    const { result, earlier, special } = this.#turn;
    const { context } = result.snapshot as { readonly context: unknown };
    const before = (earlier as { readonly context: unknown } | undefined)?.context;
    if (context === before || context === undefined) return;
    const paged = special?.unreadable === true ? undefined : this.#before.definition.paged;
    const fault = contextFault(context, before, paged);
    if (fault !== undefined) throw this.#unusable(fault);
  }

  #consume(): void {
    const { consumed } = this.#turn;
    const { timer, effect, child, inboxKey, dedupeKey, idKeptMs = limits.dedupeTtlMs } = consumed;
    if (timer !== undefined) this.#own.disarm(timer);
    if (effect !== undefined) this.#own.endEffect(effect);
    if (child !== undefined) this.#own.endChild(child);
    if (inboxKey !== undefined) this.#stage.delete(inboxKey);
    if (dedupeKey !== undefined) {
      this.#stage.put(dedupeKey, this.#turn.envelope.seq);
      this.#stage.expire(hourOf(this.#turn.envelope.at + idKeptMs), dedupeKey);
    }
  }

  /** What was under way before: all of it, unless the actor begins anew or is of a new version. */
  #carryOver(): void {
    const { record, address } = this.#before;
    const { special } = this.#turn;
    if (record?.quarantine !== undefined) {
      forgetQuarantine(this.#stage, address);
      this.#own.rearm();
    }
    if (special?.restarts !== undefined) this.#own.endLife(`${this.#turn.envelope.seq}:restart`);
    if (special?.migrated === undefined) return;
    const { keptTimers, keptEffects, keptChildren } = special.migrated;
    const id = `${this.#turn.envelope.seq}:migration`;
    for (const timer of this.#own.timers) if (!keptTimers.has(timer.id)) this.#own.disarm(timer);
    for (const effect of this.#own.effects) if (!keptEffects.has(effect.id)) this.#own.endEffect(effect);
    for (const { id: child, child: name } of this.#own.children)
      if (!keptChildren.has(child)) this.#own.stop(id, name);
  }

  #apply(action: StepAction, index: number): void {
    const id = `${this.#turn.envelope.seq}:${index}`;
    switch (action.type) {
      case '@xstate.raise':
        this.#own.arm(id, action.sendId ?? id, action.delayMs, this.#own.ownEvent(action.event));
        return;
      case '@xstate.sendTo':
        this.#own.sendTo(id, action);
        return;
      case '@xstate.cancel':
        this.#own.cancel(action.sendId);
        return;
      case '@xstate.spawn':
        this.#own.spawn(id, action);
        return;
      case '@xstate.stop':
        this.#own.stop(id, action.child);
        return;
      case '@xstate.emit':
        this.#emitted.push(this.#own.ownEvent(action.event));
        return;
      case '@xstate.unsupported':
        throw this.#unusable(`${action.what} cannot be made durable; ${action.fix}`);
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
      case 'actor.create': {
        const { input } = action;
        this.#own.send(action.to, { type: 'create', ...sender, ...(input === undefined ? {} : { input }) });
        return;
      }
      case 'actor.send':
        this.#own.send(action.to, { type: 'event', ...sender, event: action.event });
        return;
      case 'history.append': {
        const row: HistoryEntry = { at: this.#turn.envelope.at, cause: address, entry: action.entry };
        const { session = splitAddress(address).id } = action;
        stage.put(keys.history(session, stage.nextOrd()), row);
        return;
      }
      case 'payload.put':
        stage.put(keys.payload(address, action.name), action.value);
        if (action.until !== undefined)
          stage.expire(hourOf(action.until), keys.payload(address, action.name));
        return;
      case 'payload.delete':
        stage.delete(keys.payload(address, action.name));
        return;
      case 'file.hold':
      case 'file.release':
        this.#released.push(...writeHold(stage, address, action));
    }
  }

  /** The end of an actor: nothing stays under way, its parent hears of it, its removal is due (K8, K9). */
  #finish(index: number, snapshot: AnyMachineSnapshot): void {
    const id = `${this.#turn.envelope.seq}:${index}`;
    this.#own.endAll(id);
    if (snapshot.status === 'done') this.#tellParent(index, 'done.actor', this.#output(snapshot.output));
    if (snapshot.status === 'error')
      this.#tellParent(index, 'error.actor', { error: jsonError(snapshot.error) });
    const { retention, dismissed } = kernelEvents;
    const isDismissed = this.#turn.event.type === dismissed;
    this.#own.arm(id, retention, isDismissed ? 0 : this.#before.definition.retentionMs, { type: retention });
  }

  #output(output: unknown): { readonly output?: Json } {
    if (output === undefined) return {};
    const bad = firstNonJson(output);
    if (bad !== undefined) throw this.#unusable(`the output is not JSON at ${bad}`);
    return { output: output as Json };
  }

  #tellParent(index: number, what: string, rest: JsonObject): void {
    if (this.#parent === undefined) return;
    const { address } = this.#before;
    const { address: to, child, id: from } = this.#parent;
    // As XState says it: who is meant is in the type alone when a snapshot is told.
    const ended = what === 'snapshot' ? {} : { actorId: child };
    const event: JsonEvent = { type: `xstate.${what}.${child}`, ...rest, ...ended };
    const id = `${address}/${this.#turn.envelope.seq}:${index}`;
    this.#own.send(to, { type: 'event', event, from, id, source: forAddress(address) });
  }

  #journal(value: Json, status: ActorStatus): JournalEntry {
    const { envelope, event, source, traceparent, by, special } = this.#turn;
    const { started, armed, sends } = this.#own;
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
      by,
      effects: started.length === 0 ? undefined : started.map(({ ref }) => entryEffect(ref)),
      timers: unlessEmpty(armed),
      sends: sends.length === 0 ? undefined : sends.map(entrySend),
      emitted: unlessEmpty(this.#emitted),
      system: special?.system,
      rows: envelope.rows,
      failure: special?.failure,
      migrated: special?.migrated?.report,
      parent: this.#turn.parent,
    };
  }

  /** Journal and record; whole, or without the snapshot that a checkpoint and the journal stand for. */
  #keep(status: ActorStatus, value: Json, entryText: string, snapshot: () => Json): ActorRecord {
    const { address, record, definition } = this.#before;
    const { marks, checkpointBytes } = this.#keepJournal(record, entryText);
    const amortized = definition.snapshot === 'amortized' && status === 'active';
    if (!amortized || this.#turn.special?.unreadable === true) {
      const whole = this.#record(status, marks, snapshot());
      this.#bytes = this.#stage.put(keys.record(address), whole);
      return whole;
    }
    const head = { ...this.#record(status, marks, null), snapshot: undefined, value, checkpointBytes };
    this.#bytes =
      this.#stage.put(keys.record(address), head) + (checkpointBytes ?? 0) + (this.#paging?.bytes ?? 0);
    return lazily(head, snapshot);
  }

  #keepJournal(
    record: ActorRecord | undefined,
    entryText: string,
  ): { readonly marks: Marks; readonly checkpointBytes: number | undefined } {
    const { address, definition } = this.#before;
    const seq = this.#turn.envelope.seq;
    this.#stage.putText(keys.journal(address, seq), entryText);
    const kept = nextMarks(record?.marks ?? [], seq, entryText.length, checkpointBytesOf(definition, record));
    for (const deleted of kept.deletedEntries) this.#stage.delete(keys.journal(address, deleted));
    const { paging, checkpointBytes } = keepCheckpoints(this.#stage, this.#before, kept, seq);
    this.#paging = paging;
    return { marks: kept.marks, checkpointBytes };
  }

  #record(status: ActorStatus, marks: Marks, snapshot: Json): ActorRecord {
    const { definition, record } = this.#before;
    const { envelope, event, special } = this.#turn;
    const { timers, effects, children } = this.#own;
    const restarts = definition.supervision.onFailure === 'restart';
    const kept = record === undefined ? [] : record.restarts;
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
      since: this.#since,
      snapshot,
      timers,
      effects,
      marks,
      // Undefined is not written.
      paged: this.#paging === undefined ? undefined : true,
      children: unlessEmpty(children),
      parent: this.#parent,
      input: restarts && status === 'active' ? inputOf(record, event) : undefined,
      restarts: restarts ? (special?.restarts ?? kept) : undefined,
      origins: record?.origins,
    };
  }

  #unusable(what: string): HoldfastError {
    return new HoldfastError('INVALID_DEFINITION', `${this.#before.definition.kind}: ${what}`);
  }

  #dwell(value: Json): void {
    const { address, definition, record } = this.#before;
    const { event, envelope } = this.#turn;
    const isAnew = event.type === 'xstate.init';
    const before = record && { value: valueOf(record), since: record.since, at: record.at };
    const { since, ended } = staysAfter(before, { value, at: envelope.at, isAnew });
    this.#since = since;
    if (ended.length > 0) this.#stage.dwelt = { kind: definition.kind, address, stays: ended };
  }

  #count(value: Json): void {
    const { definition, record } = this.#before;
    const { kind, version, hash } = definition;
    if (record === undefined) {
      this.#stage.count(Counts.key(kind, version, hash, JSON.stringify(value)), 1);
      return;
    }
    const earlierValue = valueOf(record);
    const same = record.hash === hash && record.version === version;
    if (same && earlierValue === value) return;
    const state = JSON.stringify(value);
    const earlier = JSON.stringify(earlierValue);
    if (same && earlier === state) return;
    const prefix = Counts.key(kind, version, hash, '');
    this.#stage.count(same ? prefix + earlier : Counts.key(kind, record.version, record.hash, earlier), -1);
    this.#stage.count(prefix + state, 1);
  }
}

const NO_PAYLOADS: Readonly<Record<string, Json>> = {};

function unlessEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function inputOf(record: ActorRecord | undefined, event: AnyEventObject): Json | undefined {
  return record === undefined ? (event['input'] as Json | undefined) : record.input;
}

function jsonError(error: unknown): Json {
  if (error instanceof Error) return errorToJson(error);
  return firstNonJson(error) === undefined ? ((error ?? null) as Json) : String(error);
}
