/**
 * The kernel: every event of every actor goes through here, and nothing happens before it is on disk.
 *
 * Owns: the open store, the actors in memory, and the order read → step → commit → act. Callers: the façades
 * and runtime.ts. The rules K1 to K16 it keeps are in docs/architecture.md.
 *
 * Invariants:
 *  1  An actor's events are taken one at a time, in arrival order; a step and its stage are one synchronous
 *     turn (K2).
 *  2  A delivery settles after its commit, or with the error that kept it from being one (K1).
 *  3  A failed commit ends this kernel: memory is dropped, everybody waiting is told (K4).
 *  4  A throw inside a machine stops that actor alone (K14).
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { Clock } from '../../clock.js';
import { HoldfastError, isHoldfastError } from '../../errors.js';
import { addressOf } from '../../ids.js';
import type { Json, JsonObject } from '../../json.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { keys } from '../../store/keys.js';
import type { Store } from '../../store/store.js';
import { Cells, kindOf, type Cell, type Content, type Delivery, type Outcome } from './cell.js';
import { CommitLoop } from './commit-loop.js';
import { Counts, type StateCount } from './counts.js';
import { defineMachine, type Definition, type DefinitionOptions } from './definition.js';
import { checkEvent, checkPayloads } from './door.js';
import { Outbox } from './outbox.js';
import { Reader } from './reader.js';
import type { ActorRecord, InboxRow, JournalEntry } from './record.js';
import { Recovery } from './recovery.js';
import type { StepAction } from './step.js';
import { Stepper } from './stepper.js';
import { Sweeper } from './sweeper.js';
import { Timers } from './timers.js';
import type { After } from './turn.js';
import { Waiters, type SnapshotPredicate } from './waiters.js';

export interface KernelOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface SendOptions {
  /** Delivered twice under one id, an event is applied once (24 h). */
  readonly id?: string;
  /** Who sends; default `user`. */
  readonly source?: string;
  readonly traceparent?: string;
}

export interface CreateOptions {
  readonly source?: string;
  /** Rows beside the record for what is too big for a context, at most 256 KiB each. */
  readonly payloads?: Readonly<Record<string, Json>>;
}

/** A step that is on disk. */
export interface CommittedStep {
  readonly address: string;
  readonly kind: string;
  readonly entry: JournalEntry;
  readonly record: ActorRecord;
  readonly snapshot: AnyMachineSnapshot;
}

export type StepListener = (step: CommittedStep) => void;

export class Kernel {
  readonly #options: KernelOptions;
  readonly #loop: CommitLoop;
  readonly #counts: Counts;
  readonly #cells = new Cells();
  readonly #definitions = new Map<string, Definition>();
  readonly #waiters = new Waiters();
  readonly #outbox: Outbox;
  readonly #timers: Timers;
  readonly #stepper: Stepper;
  readonly #recovery: Recovery;
  readonly #sweeper: Sweeper;
  readonly #listeners = new Set<StepListener>();
  readonly #failureListeners = new Set<(error: unknown) => void>();
  readonly #unreferencedListeners = new Set<(sha256: string) => void>();
  readonly reader: Reader;
  #started = false;
  #ended: HoldfastError | undefined;
  #draining = false;

  static async open(options: KernelOptions): Promise<Kernel> {
    return new Kernel(options, await Counts.load(options.store));
  }

  private constructor(options: KernelOptions, counts: Counts) {
    const { store, clock, log } = options;
    this.#options = options;
    this.#counts = counts;
    this.#loop = new CommitLoop(store, clock, counts, (error) => this.#fail(error));
    this.reader = new Reader(this.#loop);
    this.#sweeper = new Sweeper(this.#loop, clock, log);
    const deliver = (address: string, content: Content, source: string): Promise<Outcome> =>
      this.#deliver(address, { content, source, dedupe: false });
    this.#outbox = new Outbox({
      loop: this.#loop,
      clock,
      log,
      deliver: async (address, effectId, event) => {
        await deliver(address, { type: 'result', effectId, event }, 'effect');
      },
    });
    this.#timers = new Timers({
      loop: this.#loop,
      clock,
      log,
      kinds: () => [...this.#definitions.keys()],
      fire: (timer) =>
        this.#taken(timer.address, { content: { type: 'timer', timer }, source: 'timer', dedupe: false }),
      onClockJump: (jumpMs) => log.warn({ jumpMs }, 'clock.jump'),
    });
    this.#stepper = new Stepper({
      loop: this.#loop,
      clock,
      onCommitted: (...step) => this.#committed(...step),
    });
    this.#recovery = new Recovery({
      loop: this.#loop,
      outbox: this.#outbox,
      take: (address, key, row) => this.#taken(address, inboxDelivery(key, row)),
    });
  }

  /**
   * Registers a kind. After `start` its parked actors wake up at once (K14).
   * Throws INVALID_DEFINITION for what cannot be made durable, or for a structure that changed under its
   * version.
   */
  define(options: DefinitionOptions): Definition {
    const definition = defineMachine(options);
    const changed = this.#counts
      .of(definition.kind)
      .find(({ version, hash }) => version === definition.version && hash !== definition.hash);
    if (changed !== undefined) {
      const { kind, version } = definition;
      const stored = `and actors of the old one are stored; give it a new version`;
      const message = `${kind}: the machine changed under version ${version} ${stored}`;
      throw new HoldfastError('INVALID_DEFINITION', message);
    }
    this.#definitions.set(definition.kind, definition);
    if (this.#started) void this.#recover(definition);
    return definition;
  }

  /**
   * Brings back what was in flight: inbox rows first, then effects and timers. Resolves when all of it is in
   * hand.
   */
  async start(): Promise<void> {
    this.#started = true;
    await this.#sweeper.sweep();
    this.#outbox.start();
    for (const definition of this.#definitions.values()) await this.#recovery.recover(definition);
    this.#timers.start();
  }

  /** Creates an actor, once: a second call under the same id changes nothing and says so. */
  async create(
    kind: string,
    id: string,
    input: Json | undefined,
    options: CreateOptions = {},
  ): Promise<Outcome> {
    const { payloads, source = 'user' } = options;
    checkPayloads(payloads);
    const content: Content = { type: 'create', input, ...(payloads === undefined ? {} : { payloads }) };
    return this.#deliver(addressOf(kind, id), { content, source, dedupe: false });
  }

  /**
   * Sends an event; resolves when the step it caused is on disk. Rejects with ACTOR_NOT_FOUND and the like.
   */
  async send(
    address: string,
    event: JsonObject & { readonly type: string },
    options: SendOptions = {},
  ): Promise<Outcome> {
    checkEvent(event);
    const { id, source = 'user', traceparent } = options;
    return this.#deliver(address, {
      content: { type: 'event', event },
      source,
      dedupe: id !== undefined,
      ...(id === undefined ? {} : { eventId: id }),
      ...(traceparent === undefined ? {} : { traceparent }),
    });
  }

  /**
   * Resolves with the first committed snapshot that satisfies `predicate`, the present one included (K16).
   */
  async waitFor(
    address: string,
    predicate: SnapshotPredicate,
    signal?: AbortSignal,
  ): Promise<AnyMachineSnapshot> {
    if (this.#ended !== undefined) throw this.#ended;
    const definition = this.#definition(kindOf(address));
    const waiting = this.#waiters.wait(address, predicate, signal);
    waiting.catch(() => undefined);
    const record = await this.reader.committed(this.#options.store, address);
    if (record !== undefined) this.#waiters.notify(address, this.#stepper.restore(definition, record));
    else if (this.#loop.peek(keys.record(address)) === null) {
      this.#waiters.reject(address, new HoldfastError('ACTOR_NOT_FOUND', `there is no ${address}`));
    }
    return waiting;
  }

  /** The machine snapshot of an actor as of its newest step; undefined when it does not exist. */
  async snapshot(
    address: string,
  ): Promise<{ record: ActorRecord; snapshot: AnyMachineSnapshot } | undefined> {
    const definition = this.#definition(kindOf(address));
    const record = await this.reader.record(address);
    return record && { record, snapshot: this.#stepper.restore(definition, record) };
  }

  /** How many actors of a kind are in each state. */
  counts(kind: string): StateCount[] {
    return this.#counts.of(kind);
  }

  /** Opens or closes the pools' share of that name. */
  gate(share: string, open: boolean): void {
    this.#outbox.gate(share, open);
  }

  /** Called after each commit, in commit order. Returns a function that stops it. */
  onStep(listener: StepListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Told once, when the store can no longer be trusted. */
  onFailure(listener: (error: unknown) => void): void {
    this.#failureListeners.add(listener);
  }

  /** Told of artifact files that no actor refers to any more. */
  onUnreferenced(listener: (sha256: string) => void): void {
    this.#unreferencedListeners.add(listener);
  }

  definitionOf(kind: string): Definition | undefined {
    return this.#definitions.get(kind);
  }

  /**
   * Takes no new work, aborts what need not drain, waits for the rest up to `timeoutMs`, and flushes. What
   * was cut off goes on at the next open. The store stays open: its owner closes it.
   */
  async close(timeoutMs: number = limits.closeTimeoutMs): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#draining = true;
    this.#timers.stop();
    await this.#outbox.stop(timeoutMs);
    this.#ended ??= new HoldfastError('RUNTIME_CLOSED', 'the runtime is closed');
    await this.#loop.flushed().catch(() => undefined);
    this.#loop.fail(this.#ended);
    this.#waiters.rejectAll(this.#ended);
  }

  async #recover(definition: Definition): Promise<void> {
    try {
      await this.#recovery.recover(definition);
      this.#timers.start();
    } catch (error) {
      this.#options.log.error({ err: error, kind: definition.kind }, 'kernel.recover');
    }
  }

  #definition(kind: string): Definition {
    const definition = this.#definitions.get(kind);
    if (definition === undefined)
      throw new HoldfastError('KIND_UNKNOWN', `no machine is defined for "${kind}"`);
    return definition;
  }

  #deliver(address: string, delivery: Omit<Delivery, 'resolve' | 'reject' | 'taken'>): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#enqueue(address, { ...delivery, resolve, reject, taken: () => undefined });
    });
  }

  /** Delivers and resolves as soon as the actor has taken or refused it; failures are the log's. */
  #taken(address: string, delivery: Omit<Delivery, 'resolve' | 'reject' | 'taken'>): Promise<void> {
    return new Promise((taken) => {
      const reject = (error: unknown): void => {
        taken();
        if (!isHoldfastError(error, 'RUNTIME_CLOSED'))
          this.#options.log.warn({ err: error, address }, 'delivery.failed');
      };
      this.#enqueue(address, { ...delivery, resolve: () => undefined, reject, taken });
    });
  }

  #enqueue(address: string, delivery: Delivery): void {
    try {
      if (this.#ended !== undefined) throw this.#ended;
      const cell = this.#cells.get(address, this.#definition(kindOf(address)));
      const own = delivery.source === 'user' || delivery.source.startsWith('operator:');
      if (own && this.#draining) throw new HoldfastError('RUNTIME_CLOSED', 'the runtime is closing');
      if (own && (cell.queue.length >= limits.mailboxMax || this.#loop.pending >= limits.pendingStepsMax)) {
        throw new HoldfastError('MAILBOX_FULL', `${cell.queue.length} events wait for ${address}`);
      }
      cell.queue.push(delivery);
      if (!cell.busy) void this.#drain(cell);
    } catch (error) {
      delivery.reject(error);
    }
  }

  async #drain(cell: Cell): Promise<void> {
    cell.busy = true;
    for (let next = cell.queue.shift(); next !== undefined; next = cell.queue.shift()) {
      try {
        if (this.#ended !== undefined) throw this.#ended;
        const pending = this.#stepper.take(cell, next);
        if (pending !== undefined) await pending;
      } catch (error) {
        next.reject(error);
      }
      next.taken();
    }
    cell.busy = false;
    this.#cells.rest(cell);
  }

  /** Acts on a step that is on disk: only here does anything become visible (K1). */
  #committed(cell: Cell, after: After, delivery: Delivery): void {
    const { address, definition } = cell;
    for (const id of after.ended) this.#outbox.cancel(address, id);
    if (after.started.length > 0) this.#outbox.offer(definition, after.started);
    for (const timer of after.armed) this.#timers.armed(timer.dueAt);
    for (const { to, key, row } of after.sends) this.#forward(to, key, row);
    const { record, snapshot, entry } = after;
    delivery.resolve({ seq: record.seq, accepted: true, deduplicated: false });
    for (const action of after.custom) this.#runAction(address, action);
    const step: CommittedStep = { address, kind: definition.kind, entry, record, snapshot };
    for (const listener of this.#listeners) this.#guarded(address, 'listener.failed', () => listener(step));
    this.#waiters.notify(address, snapshot);
    if (after.gone)
      this.#waiters.reject(address, new HoldfastError('ACTOR_NOT_FOUND', `${address} was removed`));
    for (const sha of after.dropped) void this.#checkReference(sha);
    this.#sweeper.onCommit();
  }

  #forward(to: string, key: string, row: InboxRow): void {
    if (!this.#definitions.has(kindOf(to))) return;
    void this.#taken(to, inboxDelivery(key, row));
  }

  #runAction(address: string, action: StepAction): void {
    if (action.type === '@xstate.log') {
      this.#options.log.info({ address, label: action.label, value: action.value }, 'machine.log');
      return;
    }
    if (action.type !== '@xstate.action') return;
    const { run } = action;
    this.#guarded(address, 'action.failed', () => run?.());
  }

  #guarded(address: string, message: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#options.log.error({ err: error, address }, message);
    }
  }

  async #checkReference(sha256: string): Promise<void> {
    if (await this.reader.isReferenced(sha256)) return;
    for (const listener of this.#unreferencedListeners) listener(sha256);
  }

  #fail(error: unknown): void {
    this.#ended ??= isHoldfastError(error)
      ? error
      : new HoldfastError('STORE_FAILED', String(error), { cause: error });
    this.#timers.stop();
    void this.#outbox.stop(0);
    this.#waiters.rejectAll(this.#ended);
    for (const listener of this.#failureListeners) listener(error);
  }
}

function inboxDelivery(key: string, row: InboxRow): Omit<Delivery, 'resolve' | 'reject' | 'taken'> {
  const content: Content =
    row.type === 'create'
      ? { type: 'create', input: row.input }
      : { type: 'event', event: row.event as never };
  return { content, source: row.source, eventId: row.id, dedupe: false, inboxKey: key };
}
