/**
 * What an actor has under way: its timers, effects and children, and what one turn does to them, in rows.
 *
 * Owns: the rows `d`, `o`, `i` and `y` of one turn. Callers: turn.ts.
 * Invariants:
 *  B1  A list here and its rows change together: what is in a list has its row in the store, or in the stage.
 *  B2  What is asked for and taken back within one turn leaves no row.
 *  B3  Whom a delayed send is for is settled when it is armed (K5).
 */
import type { AnyEventObject } from 'xstate';
import { HoldfastError } from '../../errors.js';
import { firstNonJson, type Json, type JsonEvent } from '../../json.js';
import { addressOf, splitAddress } from '../../ids.js';
import { limits } from '../../limits.js';
import { keys } from '../../store/keys.js';
import type { Stage } from './commit-loop.js';
import { poolOf, type Definition } from './definition.js';
import { forAddress } from './journal.js';
import { kernelEvents } from './kernel-events.js';
import { sourceOf } from './logic.js';
import type { ActorRecord, ChildRef, EffectRef, EffectRow, InboxRow, ParentRef, TimerRef } from './record.js';
import type { StepAction, SystemTarget, Target } from './step-scope.js';
import type { SystemRow } from './step-view.js';
import type { Turn } from './turn-shapes.js';
import type { StepTrace } from './watching.js';

/** A timer that is due later than keys can say never fires. */
const DUE_AT_MAX = 2 ** 48 - 1;

export interface Owner {
  readonly address: string;
  readonly definition: Definition;
  readonly record: ActorRecord | undefined;
  readonly parent: ParentRef | undefined;
  /** Delays count from its time. */
  readonly turn: Pick<Turn, 'envelope' | 'event' | 'source' | 'traceparent'>;
}

export interface StartedEffect {
  readonly key: string;
  readonly ref: EffectRef;
  readonly row: EffectRow;
}

export interface Sent {
  readonly to: string;
  readonly key: string;
  readonly row: InboxRow;
}

/** An event for the running logic of an effect: given to it after the commit, at most once (K6). */
export interface Told {
  readonly address: string;
  readonly effect: string;
  readonly event: JsonEvent;
}

type Spawn = Extract<StepAction, { type: '@xstate.spawn' }>;
type SendTo = Extract<StepAction, { type: '@xstate.sendTo' }>;

export class Belongings {
  timers: readonly TimerRef[];
  effects: readonly EffectRef[];
  children: readonly ChildRef[];
  readonly armed: TimerRef[] = [];
  readonly started: StartedEffect[] = [];
  readonly ended: string[] = [];
  readonly sends: Sent[] = [];
  readonly told: Told[] = [];
  /** Of the step, from its first row on that somebody else goes on from. */
  trace: StepTrace | undefined;
  readonly #stage: Stage;
  readonly #owner: Owner;

  constructor(stage: Stage, owner: Owner) {
    this.#stage = stage;
    this.#owner = owner;
    this.timers = owner.record?.timers ?? NONE;
    this.effects = owner.record?.effects ?? NONE;
    this.children = owner.record?.children ?? NONE;
  }

  /** Arms a timer; one of the same send id is replaced (K5). */
  arm(id: string, sendId: string, delayMs: number, event: JsonEvent, to?: SystemTarget): void {
    this.cancel(sendId);
    if (Number.isNaN(delayMs)) throw this.#unusable(`the delay of ${event.type} is not a number`);
    const dueAt = Math.min(Math.ceil(this.#owner.turn.envelope.at + Math.max(0, delayMs)), DUE_AT_MAX);
    const plain = event.type === sendId && Object.keys(event).length === 1;
    // Nearly every timer is an `after`: one literal, no spreads.
    const timer: TimerRef =
      plain && to === undefined
        ? { id, sendId, dueAt }
        : { id, sendId, dueAt, ...(plain ? {} : { event }), ...(to && { to }) };
    this.timers = [...this.timers, timer];
    this.armed.push(timer);
    this.#stage.put(timerKey(this.#owner.address, timer), { sendId });
  }

  cancel(sendId: string): void {
    for (const timer of this.timers) if (timer.sendId === sendId) this.disarm(timer);
  }

  disarm(timer: TimerRef): void {
    this.timers = this.timers.filter((armed) => armed !== timer && armed.id !== timer.id);
    this.#stage.delete(timerKey(this.#owner.address, timer));
  }

  /** Puts the rows of all timers again: they left the due index when the actor was quarantined. */
  rearm(): void {
    for (const timer of this.timers) {
      this.#stage.put(timerKey(this.#owner.address, timer), { sendId: timer.sendId });
      this.armed.push(timer);
    }
  }

  /** Starts an effect, or creates a child that is an actor of its own (K8). */
  spawn(id: string, action: Spawn): void {
    const { src, input, systemId } = action;
    const { definition, address } = this.#owner;
    const bad = input === undefined ? undefined : firstNonJson(input);
    if (bad !== undefined) {
      const fix = 'pass plain data, and let actors find each other by systemId or sendParent';
      throw this.#unusable(`the input of ${src} is not JSON at ${bad}; ${fix}`);
    }
    const source = sourceOf(definition.machine, src);
    if (source.type === 'unusable') throw this.#unusable(source.reason);
    // One child a name: XState forgets an earlier one of the same name, which could then never be stopped.
    this.stop(id, action.child);
    const child = definition.children.get(src);
    const target = child === undefined ? this.#startEffect(id, action) : this.#create(id, action, child);
    if (systemId === undefined) return;
    const row: SystemRow = { ...target, owner: address };
    this.#stage.put(keys.system(this.#root(), systemId), row);
  }

  #startEffect(id: string, { child, src, input, systemId, sync }: Spawn): SystemTarget {
    const { address, definition } = this.#owner;
    const pool = poolOf(definition.policyOf(src), src, input);
    const ref: EffectRef = { id, child, src, pool, ord: this.#stage.nextOrd(), systemId };
    const traceparent = this.#traceparent();
    const row: EffectRow = {
      ...{ address, id, child, src, ...optionalInput(input), ...(sync && { sync }) },
      ...(traceparent !== undefined && { traceparent }),
    };
    const key = keys.effect(definition.kind, pool, ref.ord);
    this.#stage.put(key, row);
    this.effects = [...this.effects, ref];
    this.started.push({ key, ref, row });
    return { address, effect: id };
  }

  #create(id: string, { child, src, input, systemId, sync }: Spawn, definition: Definition): SystemTarget {
    const { address } = this.#owner;
    const to = addressOf(definition.kind, `${splitAddress(address).id}/${child}@${id}`);
    const parent: ParentRef = { address, child, id, root: this.#root(), sync: sync || undefined };
    this.send(to, {
      type: 'create',
      id: `${address}/${id}`,
      source: forAddress(address),
      parent,
      ...optionalInput(input),
    });
    this.children = [...this.children, { id, child, src, address: to, systemId }];
    return { address: to };
  }

  /** Ends the effects and stops the actors that the machine calls `child`. */
  stop(id: string, child: string): void {
    for (const effect of this.effects) if (effect.child === child) this.endEffect(effect);
    for (const ref of this.children) if (ref.child === child) this.#stopChild(id, ref);
  }

  endEffect(effect: EffectRef): void {
    const { definition } = this.#owner;
    this.effects = this.effects.filter((running) => running.id !== effect.id);
    this.#stage.delete(keys.effect(definition.kind, effect.pool, effect.ord));
    this.#forgetSystem(effect.systemId);
    this.ended.push(effect.id);
    const index = this.started.findIndex((started) => started.ref.id === effect.id);
    if (index >= 0) this.started.splice(index, 1);
  }

  /** A child has ended by itself. */
  endChild(ref: ChildRef): void {
    this.children = this.children.filter((child) => child.id !== ref.id);
    this.#forgetSystem(ref.systemId);
  }

  /** Nothing stays under way (K9). */
  endAll(id: string): void {
    for (const timer of this.timers) this.disarm(timer);
    this.endLife(id);
  }

  /** Nothing the machine asked for stays under way; what callers scheduled was promised to them. */
  endLife(id: string): void {
    for (const timer of this.timers) if (!isScheduled(timer)) this.disarm(timer);
    for (const effect of this.effects) this.endEffect(effect);
    for (const ref of this.children) this.#stopChild(id, ref);
  }

  sendTo(id: string, { to, event, sendId, delayMs }: SendTo): void {
    const own = this.ownEvent(event);
    const target = this.#resolve(to);
    if (target === undefined) this.#deadLetter(own);
    else if (delayMs === undefined) this.sendNow(id, target, own);
    else this.arm(id, sendId ?? id, delayMs, own, target);
  }

  sendNow(id: string, target: SystemTarget, event: JsonEvent): void {
    const { address } = this.#owner;
    if (target.effect !== undefined)
      this.told.push({ address: target.address, effect: target.effect, event });
    else
      this.send(target.address, {
        type: 'event',
        event,
        id: `${address}/${id}`,
        source: forAddress(address),
      });
  }

  /** Leaves an inbox row: the target consumes it in a step of its own (K8). */
  send(to: string, untraced: InboxRow): void {
    const key = keys.inbox(to, this.#stage.nextOrd());
    const traceparent = this.#traceparent();
    const row = traceparent === undefined ? untraced : { ...untraced, traceparent };
    this.#stage.put(key, row);
    this.sends.push({ to, key, row });
  }

  /** An event as it may be stored: without its envelope, and JSON. */
  ownEvent(event: AnyEventObject): JsonEvent {
    const { $: _envelope, ...own } = event;
    const bad = firstNonJson(own);
    if (bad !== undefined)
      throw this.#unusable(`the event ${event.type} is not JSON at ${bad}; send plain data`);
    return own as JsonEvent;
  }

  #traceparent(): string | undefined {
    const { address, definition, turn } = this.#owner;
    this.trace ??= this.#stage.watch?.stepping(address, definition.kind, turn, this.#stage.commitNumber);
    return this.trace?.traceparent;
  }

  #stopChild(id: string, ref: ChildRef): void {
    const { address } = this.#owner;
    this.endChild(ref);
    const created = this.sends.some(({ to, row }) => to === ref.address && row.type === 'create');
    if (!created) {
      this.send(ref.address, { type: 'stop', id: `${address}/${id}`, source: forAddress(address) });
      return;
    }
    // Asked for and taken back in one turn: it never was (B2), nor was what was sent to it.
    for (const { key } of this.sends.filter(({ to }) => to === ref.address)) this.#stage.delete(key);
    const others = this.sends.filter(({ to }) => to !== ref.address);
    this.sends.splice(0, this.sends.length, ...others);
  }

  #resolve(to: Target): SystemTarget | undefined {
    const { address, parent } = this.#owner;
    switch (to.type) {
      case 'self':
        return { address };
      case 'parent':
        return parent && { address: parent.address };
      case 'actor':
        return to.effect === undefined ? { address: to.address } : { address: to.address, effect: to.effect };
      case 'child': {
        const effect = this.effects.findLast(({ child }) => child === to.child);
        if (effect !== undefined) return { address, effect: effect.id };
        const ref = this.children.findLast(({ child }) => child === to.child);
        return ref && { address: ref.address };
      }
    }
  }

  /** For nobody who is there any more: kept where an operator finds it. */
  #deadLetter(event: JsonEvent): void {
    writeDeadLetter(this.#stage, this.#owner.address, event, this.#owner.turn.envelope.at);
  }

  #forgetSystem(systemId: string | undefined): void {
    if (systemId !== undefined) this.#stage.delete(keys.system(this.#root(), systemId));
  }

  #root(): string {
    return this.#owner.parent?.root ?? this.#owner.address;
  }

  #unusable(what: string): HoldfastError {
    return new HoldfastError('INVALID_DEFINITION', `${this.#owner.definition.kind}: ${what}`);
  }
}

/** Keeps an event that nobody could take, for 30 days. */
export function writeDeadLetter(stage: Stage, address: string, event: JsonEvent, at: number): void {
  const key = keys.index('dead-letter', [stage.nextOrd()], address);
  stage.put(key, { event });
  stage.expire(hourOf(at + limits.deadLetterMs), key);
}

/** The hour bucket in which what expires at a time is removed. */
export function hourOf(at: number): number {
  return Math.ceil(at / 3_600_000);
}

function isScheduled({ sendId }: TimerRef): boolean {
  return sendId.startsWith(`${kernelEvents.scheduled}/`);
}

/** The key of a timer's row. */
export function timerKey(address: string, timer: Pick<TimerRef, 'id' | 'dueAt'>): string {
  const [seq = '0', index = '0'] = timer.id.split(':');
  return keys.timer(splitAddress(address).kind, timer.dueAt, address, Number(seq), Number(index));
}

const NONE: readonly never[] = [];

function optionalInput(input: unknown): { readonly input?: Json } {
  return input === undefined ? {} : { input: input as Json };
}
