/**
 * What happens after a commit, and only then: effects start, timers are awaited, others hear of it (K1).
 *
 * Owns: who listens. Callers: the kernel. Invariants:
 *  1  Nobody who is called from here, listener or action, can keep the rest from happening: a throw is
 *     logged.
 *  2  Of one step, the caller hears first, then its actions run, then listeners and waiters hear (K13).
 */
import type { AnyMachineSnapshot } from 'xstate';
import { HoldfastError } from '../../errors.js';
import { splitAddress } from '../../ids.js';
import type { JsonEvent } from '../../json.js';
import type { Logger } from '../../log.js';
import type { Cell, Delivery } from './cell.js';
import type { Definition } from './definition.js';
import { ownEvent } from './door.js';
import { sourceOf } from './logic.js';
import type { Outbox } from './outbox.js';
import type { Reader } from './reader.js';
import type { ActorRecord, JournalEntry, Quarantine } from './record.js';
import type { StepAction } from './step.js';
import { Subscribers } from './subscribers.js';
import type { Sweeper } from './sweeper.js';
import type { Timers } from './timers.js';
import type { Sent } from './belongings.js';
import type { ActionSelf } from './step-scope.js';
import type { After } from './turn-shapes.js';
import type { Waiters } from './waiters.js';
import type { StepTrace } from './watching.js';

/** A step that is on disk. */
export interface CommittedStep {
  readonly address: string;
  readonly kind: string;
  readonly entry: JournalEntry;
  readonly record: ActorRecord;
  readonly snapshot: AnyMachineSnapshot;
  /** It stood still before. */
  readonly resumed: boolean;
  readonly trace: StepTrace | undefined;
}

export type StepListener = (step: CommittedStep) => void;

export type QuarantineListener = (address: string, reason: Quarantine) => void;

export interface AfterCommitOptions {
  readonly log: Logger;
  readonly outbox: Outbox;
  readonly timers: Timers;
  readonly waiters: Waiters;
  readonly sweeper: Sweeper;
  readonly reader: Reader;
  /** Gives an inbox row that is on disk now to its actor. */
  readonly forward: (sent: Sent) => void;
  /** An actor does not stand still any more. */
  readonly resumed: (address: string) => void;
  /** Sends to an actor for one of its own custom actions. */
  readonly send: (address: string, event: JsonEvent) => void;
}

export class AfterCommit {
  readonly #options: AfterCommitOptions;
  readonly #listeners = new Set<StepListener>();
  readonly #subscribers = new Subscribers<StepListener>();
  readonly #quarantineListeners = new Set<QuarantineListener>();
  readonly #unreferencedListeners = new Set<(file: string) => void>();

  constructor(options: AfterCommitOptions) {
    this.#options = options;
  }

  onStep(listener: StepListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  subscribe(address: string, listener: StepListener): () => void {
    return this.#subscribers.add(address, listener);
  }

  onUnreferenced(listener: (file: string) => void): void {
    this.#unreferencedListeners.add(listener);
  }

  onQuarantined(listener: QuarantineListener): void {
    this.#quarantineListeners.add(listener);
  }

  /** An actor stands still: of what it has under way in memory, the results will wait and the streams end. */
  putAside({ machine }: Definition, record: ActorRecord, address: string): void {
    const { outbox, log } = this.#options;
    for (const { id, src } of record.effects) {
      if (sourceOf(machine, src).type === 'stream') outbox.park(address, id);
    }
    const { quarantine: reason } = record;
    if (reason === undefined) return;
    log.warn({ address, code: reason.code, why: reason.message }, 'actor.quarantined');
    for (const listener of this.#quarantineListeners)
      this.guarded(address, 'listener.failed', () => listener(address, reason));
  }

  /** Acts on a step that is on disk. */
  act(cell: Cell, after: After, delivery: Delivery): void {
    const { address, definition } = cell;
    const { outbox, timers, waiters, sweeper, forward } = this.#options;
    if (after.started.length > 0) outbox.offer(definition, after.started);
    // Before the end of whom they are for: what an exit action sends its callback is still heard.
    for (const told of after.told) outbox.tell(told.address, told.effect, told.event);
    for (const id of after.ended) outbox.cancel(address, id);
    for (const timer of after.armed) timers.armed(definition.kind, timer.dueAt);
    for (const sent of after.sends) forward(sent);
    const { record, snapshot, entry, resumed, trace } = after;
    if (resumed) this.#options.resumed(address);
    delivery.resolve({ seq: record.seq, accepted: true, deduplicated: false, snapshot });
    for (const action of after.custom) this.#runAction(address, action);
    const { kind } = definition;
    const step: CommittedStep = { address, kind, entry, record, snapshot, resumed, trace };
    for (const listener of this.#listeners) this.guarded(address, 'listener.failed', () => listener(step));
    for (const listener of this.#subscribers.of(address) ?? [])
      this.guarded(address, 'listener.failed', () => listener(step));
    waiters.notify(address, snapshot);
    if (after.gone) waiters.reject(address, new HoldfastError('ACTOR_NOT_FOUND', `${address} was removed`));
    for (const sha of after.dropped) void this.#checkReference(address, sha);
    sweeper.onCommit();
  }

  /** Runs somebody else's code: a throw, now or as a rejected promise, is logged under `message`. */
  guarded(address: string, message: string, run: () => unknown): void {
    const { log } = this.#options;
    const failed = (error: unknown): void => log.error({ err: error, address }, message);
    try {
      const returned = run();
      if (returned instanceof Promise) returned.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #runAction(address: string, action: StepAction): void {
    if (action.type === '@xstate.log') {
      this.#options.log.info({ address, label: action.label, value: action.value }, 'machine.log');
      return;
    }
    if (action.type !== '@xstate.action') return;
    const { run } = action;
    if (run !== undefined) this.guarded(address, 'action.failed', () => run(this.#selfOf(address)));
  }

  #selfOf(address: string): ActionSelf {
    const send: ActionSelf['send'] = (event) => this.#options.send(address, ownEvent(event));
    return { id: splitAddress(address).id, sessionId: address, send };
  }

  async #checkReference(address: string, file: string): Promise<void> {
    try {
      if (await this.#options.reader.isReferenced(file)) return;
    } catch (error) {
      // The file stays: nobody but the disk is harmed.
      this.#options.log.warn({ err: error, file }, 'reference.unknown');
      return;
    }
    for (const listener of this.#unreferencedListeners)
      this.guarded(address, 'listener.failed', () => listener(file));
  }
}
