/**
 * The kernel: every event of every actor goes through here, and nothing happens before it is on disk.
 *
 * Owns: the open store, the actors in memory, and the order read → step → commit → act. Callers: the façades
 * and the assembly. The rules K1 to K16 it keeps are in docs/architecture.md.
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
import type { Json, JsonEvent, JsonObject } from '../../json.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { keys } from '../../store/keys.js';
import type { Store } from '../../store/store.js';
import { AfterCommit, type QuarantineListener, type StepListener } from './after-commit.js';
import { parcelOf, type SendOptions, type StepFence } from './asking.js';
import type { Sent } from './belongings.js';
import { inboxDelivery } from './consuming.js';
import { kindOf } from './cell.js';
import type { Content, MemoryLimits, Outcome, StepOutcome, WayOut } from './cell.js';
import { CommitLoop } from './commit-loop.js';
import { Counts, type StateCount } from './counts.js';
import { createAll, createTogether, creationOf, type Created, type Creation } from './create-many.js';
import { defineMachine, type Definition, type DefinitionOptions } from './definition.js';
import type { Dwell } from './dwell.js';
import { forAddress } from './journal.js';
import { IndexRows } from './index-rows.js';
import { Mailboxes } from './mailboxes.js';
import { Outbox, type OutboxOptions } from './outbox.js';
import { Reader } from './reader.js';
import type { ActorRecord } from './record.js';
import { Recovery } from './recovery.js';
import type { Shape } from './shape.js';
import { Stepper } from './stepper.js';
import { Sweeper } from './sweeper.js';
import { Timers } from './timers.js';
import { Transfer } from './transfer.js';
import { admitVersions, familyOf } from './versions.js';
import { VersionSweep } from './version-sweep.js';
import { Waiters, type SnapshotPredicate } from './waiters.js';

export interface KernelOptions extends Pick<OutboxOptions, 'hook' | 'watch'> {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly memory?: MemoryLimits | undefined;
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
  readonly #mailboxes: Mailboxes;
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
  readonly transfer: Transfer;
  readonly indexRows: IndexRows;
  /** How long actors of a kind stayed in each state; without one, of every kind that is stored. */
  readonly dwell: Dwell['of'];
  /** The effects of an actor that run in this process now, by id. */
  readonly underWay: Outbox['underWay'];
  #started = false;

  static async open(options: KernelOptions): Promise<Kernel> {
    return new Kernel(options, await Counts.load(options.store));
  }

  private constructor(options: KernelOptions, counts: Counts) {
    const { store, clock, log, hook, watch } = options;
    this.#options = options;
    this.#counts = counts;
    this.dwell = (kind) => counts.dwell.of(kind);
    this.#loop = new CommitLoop(store, clock, counts, (error) => this.#fail(error), watch);
    this.reader = new Reader(this.#loop, store, (kind) => this.#definitions.get(kind));
    this.#sweeper = new Sweeper(this.#loop, clock, log);
    const deliver = (address: string, content: Content, source: string): Promise<Outcome> =>
      this.#mailboxes.deliver(address, { content, source, dedupe: false });
    this.#mailboxes = new Mailboxes({
      ...options,
      definitionOf: (kind) => this.#definition(kind),
      pendingSteps: () => this.#loop.pending,
      take: (cell, delivery) => this.#stepper.take(cell, delivery),
    });
    this.indexRows = new IndexRows(this.#loop, this.#mailboxes);
    const world = { loop: this.#loop, clock, log, watch };
    this.#outbox = new Outbox({
      ...world,
      hook,
      deliver: async (address, effectId, event) => {
        await deliver(address, { type: 'result', effectId, event }, 'effect');
      },
      deliverStream: async (address, effectId, event, eventId) => {
        const content = { type: 'stream', effectId, event } as const;
        await this.#mailboxes.deliver(address, { content, source: 'effect', eventId, dedupe: false });
      },
      ensure: async (address) => {
        await deliver(address, { type: 'touch' }, 'kernel');
      },
    });
    this.underWay = (address) => this.#outbox.underWay(address);
    this.#timers = new Timers({
      ...world,
      kinds: () => [...this.#definitions.keys()],
      fire: (timer) => {
        const content = { type: 'timer', timer } as const;
        return this.#mailboxes.taken(timer.address, { content, source: 'timer', dedupe: false });
      },
      onClockJump: (jumpMs) => log.warn({ jumpMs }, 'clock.jump'),
    });
    this.#afterCommit = new AfterCommit({
      log,
      outbox: this.#outbox,
      timers: this.#timers,
      waiters: this.#waiters,
      sweeper: this.#sweeper,
      reader: this.reader,
      forward: (sent) => this.#forward(sent),
      resumed: (address) => this.#resumed(address),
      send: (address, event) => this.#sendFromAction(address, event),
    });
    this.#stepper = new Stepper({
      loop: this.#loop,
      clock,
      onCommitted: (...step) => this.#afterCommit.act(...step),
      onQuarantined: (...who) => this.#afterCommit.putAside(...who),
      forward: (sent) => this.#forward(sent),
    });
    const sweep = { ...world, reader: this.reader, counts, mailboxes: this.#mailboxes };
    this.#recovery = new Recovery({
      loop: this.#loop,
      outbox: this.#outbox,
      take: (address, key, row) => this.#mailboxes.taken(address, inboxDelivery(key, row)),
      versions: new VersionSweep(sweep),
    });
    const found = (definition: Definition): Promise<void> => this.#outbox.recover(definition);
    this.transfer = new Transfer({ ...sweep, found, definitionOf: (kind) => this.definitionOf(kind) });
  }

  /**
   * Registers a kind. After `start` its parked actors wake up at once (K14). Throws INVALID_DEFINITION for
   * what cannot be made durable, or a structure that changed under its version.
   */
  define(options: DefinitionOptions): Definition {
    const definition = defineMachine(options);
    const family = [...familyOf(definition)];
    admitVersions(this.#counts, family);
    for (const { kind, hash } of family) {
      const known = this.#definitions.get(kind);
      if (known === undefined || known.hash === hash) continue;
      throw new HoldfastError('INVALID_DEFINITION', `${kind}: another machine is defined for that kind`);
    }
    for (const member of family) this.#definitions.set(member.kind, member);
    if (this.#started) void this.#recover(family);
    return definition;
  }

  /** Brings back what was in flight: inbox rows, then effects and timers. Resolves with all of it in hand. */
  async start(): Promise<void> {
    this.#started = true;
    await this.#sweeper.sweep();
    if (this.#isOver()) return;
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
    return this.#mailboxes.deliver(addressOf(kind, id), { content, source, dedupe: false });
  }

  /** Creates many; resolves when all are on disk, with an outcome each, in their order. */
  createMany(kind: string, creations: readonly Creation[]): Promise<readonly Outcome[]> {
    return createAll(kind, creations, this.#mailboxes);
  }

  /** Creates many in one commit; resolves with what became of each, in their order. See create-many.ts. */
  createTogether(kind: string, creations: readonly Creation[]): Promise<readonly Created[]> {
    return createTogether(kind, creations, this.#mailboxes, this.#loop);
  }

  /** Sends an event; resolves when its step is on disk. Rejects with ACTOR_NOT_FOUND and the like. */
  send(
    address: string,
    event: JsonObject & { readonly type: string },
    options: SendOptions = {},
  ): Promise<StepOutcome> {
    try {
      return this.#mailboxes.deliver(address, parcelOf(event, options));
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** Resolves with the first committed snapshot that satisfies it, the present one included (K16). */
  async waitFor(
    address: string,
    predicate: SnapshotPredicate,
    signal?: AbortSignal,
  ): Promise<AnyMachineSnapshot> {
    if (this.#mailboxes.ended !== undefined) throw this.#mailboxes.ended;
    const definition = this.#definition(kindOf(address));
    const waiting = this.#waiters.wait(address, predicate, signal);
    waiting.catch(() => undefined);
    // Looked at before the disk is: what is staged now and committed while we read would be missed by both.
    const staged = this.#loop.peek(keys.record(address));
    try {
      const record = await this.reader.committed(this.#options.store, address);
      if (record !== undefined) this.#waiters.notify(address, this.#stepper.restore(definition, record));
      else if (typeof staged !== 'string')
        this.#waiters.reject(address, new HoldfastError('ACTOR_NOT_FOUND', `there is no ${address}`));
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

  /** How many actors of a kind are in each state, on disk; without one, of every kind that is stored. */
  counts(kind?: string): StateCount[] {
    return this.#counts.onDisk(kind);
  }

  /** The states of a stored version; undefined when they were never written down. */
  shape(kind: string, version: string, hash: string): Shape | undefined {
    return this.#counts.shape(kind, version, hash);
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

  /**
   * Ends a quarantine (K14): `resume` takes the event at the actor's head again, `skip` drops it, `dismiss`
   * removes the actor. Journaled under the operator's name. Rejects with ACTOR_NOT_QUARANTINED, and with
   * ACTOR_QUARANTINED when it still cannot go on.
   */
  operate(what: WayOut, address: string, operator: string, fence?: StepFence): Promise<Outcome> {
    const content = { type: 'operator', what, fence } as const;
    return this.#mailboxes.deliver(address, { content, source: `operator:${operator}`, dedupe: false });
  }

  /** Called after each commit, in commit order. Returns a function that stops it. */
  onStep(listener: StepListener): () => void {
    return this.#afterCommit.onStep(listener);
  }

  /** The same for one actor, at no cost for the others. */
  subscribe(address: string, listener: StepListener): () => void {
    return this.#afterCommit.subscribe(address, listener);
  }

  /** Told of every actor that stands still from now on, once that is on disk. */
  onQuarantined(listener: QuarantineListener): void {
    this.#afterCommit.onQuarantined(listener);
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

  /** Takes nothing from outside any more; what the runtime asks for itself goes on until `close`. */
  drain(): void {
    this.#mailboxes.drain();
  }

  /**
   * Takes no new work, aborts what need not drain, waits for the rest up to `timeoutMs`, and flushes. What
   * was cut off goes on at the next open. The store stays open: its owner closes it.
   */
  async close(timeoutMs: number = limits.closeTimeoutMs): Promise<void> {
    if (this.#mailboxes.ended !== undefined) return;
    this.drain();
    this.#timers.stop();
    await this.#outbox.stop(timeoutMs);
    // What is being created together comes in whole.
    await this.#loop.released();
    const ended = this.#mailboxes.end(new HoldfastError('RUNTIME_CLOSED', 'the runtime is closed'));
    await this.#loop.flushed().catch(() => undefined);
    this.#loop.fail(ended);
    this.#waiters.rejectAll(ended);
  }

  async #recover(family: readonly Definition[]): Promise<void> {
    try {
      for (const definition of family) await this.#recovery.recover(definition);
      this.#startTimers();
    } catch (error) {
      // Closed meanwhile: the next open brings back what was not in hand yet.
      if (isHoldfastError(error, 'RUNTIME_CLOSED')) return;
      this.#options.log.error({ err: error, kind: family[0]?.kind }, 'kernel.recover');
    }
  }

  #startTimers(): void {
    if (!this.#isOver()) this.#timers.start();
  }

  /** Closing, closed or failed: nothing is begun any more, however late its start or a recovery ends. */
  #isOver(): boolean {
    return this.#mailboxes.draining || this.#mailboxes.ended !== undefined;
  }

  #definition(kind: string): Definition {
    const definition = this.#definitions.get(kind);
    if (definition !== undefined) return definition;
    throw new HoldfastError('KIND_UNKNOWN', `no machine is defined for "${kind}"`);
  }

  #forward({ to, key, row }: Sent): void {
    if (!this.#definitions.has(kindOf(to)) || this.#recovery.finds(to)) return;
    void this.#mailboxes.taken(to, inboxDelivery(key, row));
  }

  /** An actor goes on: what waited for it is taken, and its effects may run again. */
  #resumed(address: string): void {
    const failed = (error: unknown): void =>
      this.#options.log.error({ err: error, address }, 'resume.failed');
    this.#recovery
      .inboxOf(address)
      .then(() => this.#outbox.release(address))
      .catch(failed);
  }

  /** `self.send` of a custom action: at most once, as the action itself is (K13). */
  #sendFromAction(address: string, event: JsonEvent): void {
    void this.#mailboxes.taken(address, {
      content: { type: 'event', event },
      source: forAddress(address),
      dedupe: false,
    });
  }

  #fail(error: unknown): void {
    const failed = isHoldfastError(error)
      ? error
      : new HoldfastError('STORE_FAILED', String(error), { cause: error });
    const ended = this.#mailboxes.end(failed);
    this.#timers.stop();
    void this.#outbox.stop(0);
    this.#waiters.rejectAll(ended);
    for (const listener of this.#failureListeners)
      this.#afterCommit.guarded('', 'listener.failed', () => listener(error));
  }
}
