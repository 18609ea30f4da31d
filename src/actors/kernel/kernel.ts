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
import { addressOf, checkId } from '../../ids.js';
import type { Json, JsonObject } from '../../json.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { keys } from '../../store/keys.js';
import type { Store } from '../../store/store.js';
import { AfterCommit, type StepListener } from './after-commit.js';
import { Cells, deliveryOf, kindOf, type Cell, type Content, type Delivery } from './cell.js';
import type { Outcome, Parcel } from './cell.js';
import { CommitLoop } from './commit-loop.js';
import { Counts, type StateCount } from './counts.js';
import { createAll, creationOf, type Creation } from './create-many.js';
import { defineMachine, type Definition, type DefinitionOptions } from './definition.js';
import { ownEvent } from './door.js';
import { Outbox } from './outbox.js';
import { Reader } from './reader.js';
import type { ActorRecord, InboxRow } from './record.js';
import { Recovery } from './recovery.js';
import { Stepper } from './stepper.js';
import { Sweeper } from './sweeper.js';
import { Timers } from './timers.js';
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
  readonly #afterCommit: AfterCommit;
  readonly #failureListeners = new Set<(error: unknown) => void>();
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
    this.#afterCommit = new AfterCommit({
      log,
      outbox: this.#outbox,
      timers: this.#timers,
      waiters: this.#waiters,
      sweeper: this.#sweeper,
      reader: this.reader,
      forward: (...sent) => this.#forward(...sent),
    });
    this.#stepper = new Stepper({
      loop: this.#loop,
      clock,
      onCommitted: (...step) => this.#afterCommit.act(...step),
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
    this.#startTimers();
  }

  /** Creates an actor, once: a second call under the same id changes nothing and says so. */
  async create(
    kind: string,
    id: string,
    input: Json | undefined,
    options: CreateOptions = {},
  ): Promise<Outcome> {
    const { payloads, source = 'user' } = options;
    const content = creationOf(input, payloads);
    return this.#deliver(addressOf(kind, id), { content, source, dedupe: false });
  }

  /** Creates many; resolves when all are on disk, with an outcome each, in their order. */
  createMany(kind: string, creations: readonly Creation[]): Promise<readonly Outcome[]> {
    return createAll(kind, creations, (address, delivery) => this.#enqueue(address, delivery));
  }

  /** Sends an event; resolves when its step is on disk. Rejects with ACTOR_NOT_FOUND and the like. */
  send(
    address: string,
    event: JsonObject & { readonly type: string },
    options: SendOptions = {},
  ): Promise<Outcome> {
    // One promise a step: this is the hot path. What the executor throws rejects it.
    return new Promise((resolve, reject) => {
      const { id, source = 'user', traceparent } = options;
      if (id !== undefined) checkId(id);
      const content: Content = { type: 'event', event: ownEvent(event) };
      const parcel = { content, source, dedupe: id !== undefined, eventId: id, traceparent };
      this.#enqueue(address, deliveryOf(parcel, { resolve, reject, taken: nothing }));
    });
  }

  /** Resolves with the first committed snapshot that satisfies it, the present one included (K16). */
  async waitFor(
    address: string,
    predicate: SnapshotPredicate,
    signal?: AbortSignal,
  ): Promise<AnyMachineSnapshot> {
    if (this.#ended !== undefined) throw this.#ended;
    const definition = this.#definition(kindOf(address));
    const waiting = this.#waiters.wait(address, predicate, signal);
    waiting.catch(() => undefined);
    // Looked at before the disk is: what is staged now and committed while we read would be missed by both.
    const staged = this.#loop.peek(keys.record(address));
    try {
      const record = await this.reader.committed(this.#options.store, address);
      if (record !== undefined) this.#waiters.notify(address, this.#stepper.restore(definition, record));
      else if (typeof staged !== 'string') this.#waiters.reject(address, notFound(address));
    } catch (error) {
      this.#waiters.reject(address, error);
    }
    return waiting;
  }

  /** An actor as of its newest step, once that is on disk; undefined when there is none. */
  async snapshot(
    address: string,
  ): Promise<{ record: ActorRecord; snapshot: AnyMachineSnapshot } | undefined> {
    const definition = this.#definition(kindOf(address));
    const record = await this.reader.record(address);
    await this.#loop.settled(keys.record(address));
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

  /** Starts an actor's waiting effects at once, past gates and bounds (see Outbox.hurry). */
  async hurry(address: string): Promise<void> {
    const record = await this.reader.record(address);
    if (record !== undefined) await this.#outbox.hurry(this.#definition(kindOf(address)), address, record);
  }

  /** Called after each commit, in commit order. Returns a function that stops it. */
  onStep(listener: StepListener): () => void {
    return this.#afterCommit.onStep(listener);
  }

  /** The same for one actor, at no cost for the others. */
  subscribe(address: string, listener: StepListener): () => void {
    return this.#afterCommit.subscribe(address, listener);
  }

  /** Told once, when the store can no longer be trusted. */
  onFailure(listener: (error: unknown) => void): void {
    this.#failureListeners.add(listener);
  }

  /** Told of artifact files that no actor refers to any more. */
  onUnreferenced(listener: (file: string) => void): void {
    this.#afterCommit.onUnreferenced(listener);
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
      this.#startTimers();
    } catch (error) {
      this.#options.log.error({ err: error, kind: definition.kind }, 'kernel.recover');
    }
  }

  /** A kernel that is closing looks at no timer any more, however late its recovery ends. */
  #startTimers(): void {
    if (!this.#draining && this.#ended === undefined) this.#timers.start();
  }

  #definition(kind: string): Definition {
    const definition = this.#definitions.get(kind);
    if (definition === undefined)
      throw new HoldfastError('KIND_UNKNOWN', `no machine is defined for "${kind}"`);
    return definition;
  }

  #deliver(address: string, parcel: Parcel): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#enqueue(address, deliveryOf(parcel, { resolve, reject, taken: nothing }));
    });
  }

  /** Delivers and resolves as soon as the actor has taken or refused it; failures are the log's. */
  #taken(address: string, parcel: Parcel): Promise<void> {
    return new Promise((taken) => {
      const reject = (error: unknown): void => {
        taken();
        if (!isHoldfastError(error, 'RUNTIME_CLOSED'))
          this.#options.log.warn({ err: error, address }, 'delivery.failed');
      };
      this.#enqueue(address, deliveryOf(parcel, { resolve: nothing, reject, taken }));
    });
  }

  #enqueue(address: string, delivery: Delivery): void {
    try {
      if (this.#ended !== undefined) throw this.#ended;
      const definition = this.#definition(kindOf(address));
      if (delivery.source === 'user' || delivery.source.startsWith('operator:')) this.#admit(address);
      const cell = this.#cells.get(address, definition);
      cell.queue.push(delivery);
      if (cell.busy) return;
      this.#cells.work(cell);
      this.#drain(cell);
    } catch (error) {
      delivery.reject(error);
    }
  }

  /** What comes from outside may be turned away; what the runtime asked for itself may not. */
  #admit(address: string): void {
    if (this.#draining) throw new HoldfastError('RUNTIME_CLOSED', 'the runtime is closing');
    const waiting = this.#cells.peek(address)?.queue.length ?? 0;
    if (waiting < limits.mailboxMax && this.#loop.pending < limits.pendingStepsMax) return;
    throw new HoldfastError('MAILBOX_FULL', `${waiting} events wait for ${address}`);
  }

  /** Takes what waits, in order; a promise is made only where something must be read first. */
  #drain(cell: Cell): void {
    for (let next = cell.queue.shift(); next !== undefined; next = cell.queue.shift()) {
      const pending = this.#take(cell, next);
      if (pending !== undefined) {
        void pending.finally(() => this.#drain(cell));
        return;
      }
    }
    this.#cells.rest(cell);
  }

  #take(cell: Cell, next: Delivery): Promise<void> | undefined {
    try {
      if (this.#ended !== undefined) throw this.#ended;
      const pending = this.#stepper.take(cell, next);
      if (pending !== undefined) return pending.catch(next.reject).finally(next.taken);
    } catch (error) {
      next.reject(error);
    }
    next.taken();
    return undefined;
  }

  #forward(to: string, key: string, row: InboxRow): void {
    if (!this.#definitions.has(kindOf(to))) return;
    void this.#taken(to, inboxDelivery(key, row));
  }

  #fail(error: unknown): void {
    this.#ended ??= isHoldfastError(error)
      ? error
      : new HoldfastError('STORE_FAILED', String(error), { cause: error });
    this.#timers.stop();
    void this.#outbox.stop(0);
    this.#waiters.rejectAll(this.#ended);
    for (const listener of this.#failureListeners)
      this.#afterCommit.guarded('', 'listener.failed', () => listener(error));
  }
}

function nothing(): void {
  // For those who wait for something else.
}

function inboxDelivery(key: string, row: InboxRow): Parcel {
  const content: Content =
    row.type === 'create'
      ? { type: 'create', input: row.input }
      : { type: 'event', event: row.event as never };
  return { content, source: row.source, eventId: row.id, dedupe: false, inboxKey: key };
}

function notFound(address: string): HoldfastError {
  return new HoldfastError('ACTOR_NOT_FOUND', `there is no ${address}`);
}
