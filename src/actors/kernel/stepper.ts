/**
 * Taking one delivery: activate, dedupe, fence, step, stage.
 *
 * Owns: what a delivery may and may not change. Callers: the kernel, one delivery of an actor at a time.
 * Invariants:
 *  1  From the step to `loop.add` there is no await: nobody sees half a step (K2).
 *  2  A result or a timer is taken only while its own row is there (K5, K6); an event with an id is applied
 *     once (K15).
 *  3  What throws before the stage leaves the cell as it was.
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { Clock } from '../../clock.js';
import { HoldfastError } from '../../errors.js';
import type { JsonEvent } from '../../json.js';
import { keys } from '../../store/keys.js';
import { Activation, type Older } from './activation.js';
import { timerKey, writeDeadLetter, type Sent } from './belongings.js';
import { refusalOf, showRows } from './asking.js';
import { Births, errorEvent, notUnique } from './births.js';
import { deliveryOf, type Cell, type Delivery, type Outcome } from './cell.js';
import { rowsOf, writeCollection } from './collect.js';
import type { CommitLoop, Stage } from './commit-loop.js';
import { consumes, eventOf, kernelStepOf } from './consuming.js';
import { isThere } from './damage.js';
import type { Definition } from './definition.js';
import { errorToJson } from './effect-run.js';
import { envelopeFor } from './envelope.js';
import { Failures } from './failures.js';
import { indexedBy, NOTHING_INDEXED, type Indexed } from './indexed.js';
import { kernelEvents } from './kernel-events.js';
import { keptBy } from './migration.js';
import type { ActorRecord, EventEnvelope } from './record.js';
import { nextStep, unread, type StepAction, type StepResult } from './step.js';
import { StepView, toldBy } from './step-view.js';
import { turnOf } from './turn-shapes.js';
import type { After, Consumed, Made, Special, Taken } from './turn-shapes.js';
import { writeTurn } from './turn.js';
import { Uniques } from './uniques.js';

export interface StepperOptions {
  readonly loop: CommitLoop;
  readonly clock: Clock;
  readonly onCommitted: (cell: Cell, after: After, delivery: Delivery) => void;
  /** An actor stands still: what it has under way in memory is put aside. */
  readonly onQuarantined: (definition: Definition, record: ActorRecord, address: string) => void;
  /** An inbox row that is on disk now, of a step that has no other trace. */
  readonly forward: (sent: Sent) => void;
}

export class Stepper {
  readonly #options: StepperOptions;
  readonly #loop: CommitLoop;
  readonly #clock: Clock;
  readonly #uniques: Uniques;
  readonly #activation: Activation;
  readonly #failures: Failures;
  readonly #births: Births;

  constructor(options: StepperOptions) {
    this.#options = options;
    this.#loop = options.loop;
    this.#clock = options.clock;
    this.#uniques = new Uniques(options.loop);
    this.#activation = new Activation(options.loop, options.clock);
    const { loop, clock, onQuarantined } = options;
    this.#births = new Births({
      loop,
      clock,
      forward: options.forward,
      claim: (...asked) => this.#claim(...asked),
      refuse: (...asked) => this.#refuse(...asked),
    });
    this.#failures = new Failures({
      loop,
      clock,
      onQuarantined,
      activation: this.#activation,
      go: (...asked) => this.#go(...asked),
      unstepped: (...asked) => this.#unstepped(...asked),
      claim: (...asked) => this.#claim(...asked),
      migrate: (...asked) => this.#migrate(...asked),
    });
  }

  /** A live-shaped snapshot of a record, migrated in memory; throws when this machine cannot read it. */
  restore(definition: Definition, record: ActorRecord): AnyMachineSnapshot {
    return this.#activation.restore(definition, record);
  }

  /** Takes a delivery; returns a promise only when something must be read first. */
  take(cell: Cell, delivery: Delivery): Promise<void> | undefined {
    const { content } = delivery;
    if (content.type === 'create' && !cell.loaded) this.#activation.fillVacant(cell);
    const ready = cell.loaded && !cell.tombstone && delivery.inboxKey === undefined;
    const collects = content.type === 'timer' && content.timer.ref.sendId === kernelEvents.retention;
    if (!ready || collects) return this.#prepare(cell, delivery, collects);
    return this.#unlessSeen(cell, delivery);
  }

  /** An event with an id is applied once (K15). A store that reads at once costs no promise here. */
  #unlessSeen(cell: Cell, delivery: Delivery): Promise<void> | undefined {
    if (!delivery.dedupe || delivery.eventId === undefined) return this.#step(cell, delivery);
    const key = keys.dedupe(cell.address, delivery.eventId);
    const goOn = (seen: string | undefined): Promise<void> | undefined => {
      if (seen === undefined) return this.#step(cell, delivery);
      void this.#duplicate(key, Number(seen), delivery);
      return undefined;
    };
    const seen = this.#loop.read(key);
    return seen instanceof Promise ? seen.then(goOn) : goOn(seen);
  }

  async #prepare(cell: Cell, delivery: Delivery, collects: boolean): Promise<void> {
    const { inboxKey } = delivery;
    // Recovery and the sender's commit may both hand over a row: whoever comes second finds it gone.
    if (inboxKey !== undefined && !(await isThere(this.#loop, inboxKey))) {
      const outcome = { seq: 0, accepted: false, deduplicated: true };
      void this.#afterRecord(cell, delivery, () => delivery.resolve(outcome));
      return;
    }
    if (!cell.loaded || cell.tombstone) await this.#activate(cell);
    const { record } = cell;
    if (collects && record?.status !== 'active' && this.#isArmed(record, delivery)) {
      await this.#collect(cell, delivery);
      return;
    }
    await this.#unlessSeen(cell, delivery);
  }

  #isArmed(record: ActorRecord | undefined, { content }: Delivery): boolean {
    return content.type === 'timer' && record?.timers.some(({ id }) => id === content.timer.ref.id) === true;
  }

  /**
   * Reads an actor; one of an older version becomes one of the present version in a step of its own (K12).
   */
  async #activate(cell: Cell): Promise<void> {
    const found = await this.#activation.load(cell);
    if (found.type === 'unreadable') this.#failures.standStill(cell, undefined, found.error);
    if (found.type === 'older') await this.#migrate(cell, found);
  }

  async #migrate(cell: Cell, older: Older, by?: string): Promise<void> {
    const { record, envelope, migrated, before } = older;
    const { address, definition } = cell;
    const { snapshot, actions } = migrated;
    cell.indexed = before;
    const delivery = nobody(by);
    try {
      const indexed = indexedBy(definition, snapshot, { address, ord: record.ord });
      const special: Special = { migrated: keptBy(migrated, record, definition) };
      const event = { type: kernelEvents.migrated };
      const result = { snapshot, actions };
      const made: Made = { event, envelope, consumed: {}, ord: record.ord, result, indexed, special };
      const holder = await this.#claim(cell, delivery, made);
      if (holder !== undefined) throw notUnique(holder);
    } catch (error) {
      this.#failures.standStill(cell, undefined, error);
    }
  }

  /** A duplicate settles with the original's commit (K15). */
  async #duplicate(key: string, seq: number, delivery: Delivery): Promise<void> {
    try {
      await this.#loop.settled(key);
      delivery.resolve({ seq, accepted: true, deduplicated: true });
    } catch (error) {
      delivery.reject(error);
    }
  }

  #step(cell: Cell, delivery: Delivery): Promise<void> | undefined {
    const { record } = cell;
    const { content } = delivery;
    if (content.type === 'create') return this.#births.create(cell, delivery, content);
    if (record === undefined) return this.#missing(cell, delivery);
    if (content.type === 'touch') return this.#refuse(cell, delivery, record.seq);
    if (content.type === 'operator') return this.#failures.operate(cell, record, delivery, content);
    if (record.quarantine !== undefined) return this.#failures.standsStill(cell, record, delivery);
    return this.#go(cell, record, delivery);
  }

  /** An event for an actor that is there and goes. */
  #go(cell: Cell, record: ActorRecord, delivery: Delivery): Promise<void> | undefined {
    const { content } = delivery;
    const consumed = consumes(cell.address, record, delivery);
    if (consumed === undefined || record.status !== 'active') return this.#refuse(cell, delivery, record.seq);
    if (content.type === 'damaged') return this.#failures.damaged(cell, delivery);
    const envelope = this.#envelope(cell, record, delivery, consumed);
    const taken: Taken = { event: eventOf(content, consumed), envelope, consumed, ord: record.ord };
    const kernelStep = kernelStepOf(content, consumed, envelope);
    if (kernelStep !== undefined) {
      const { event, actions } = kernelStep;
      return this.#unstepped(cell, delivery, { ...taken, event }, actions);
    }
    if (cell.definition.reads === undefined) return this.#apply(cell, delivery, taken);
    return showRows(this.#loop, cell, taken.event, {
      goOn: (rows) =>
        this.#apply(cell, delivery, rows ? { ...taken, envelope: { ...envelope, rows } } : taken),
      unknown: () => this.#refuse(cell, delivery, record.seq),
      threw: (error) => this.#failures.failed(cell, delivery, taken, error),
      damaged: (error) => this.#failures.standStill(cell, { delivery, event: taken.event }, error),
    });
  }

  /** A step that asked for what had to be read is taken again: nothing of it has happened (V1). */
  #apply(cell: Cell, delivery: Delivery, taken: Taken, seen?: StepView): Promise<void> | undefined {
    const { definition, snapshot, address, record } = cell;
    const { event, envelope, ord } = taken;
    const view = seen ?? new StepView(this.#loop, address, envelope.seq, record?.parent);
    const again = (): Promise<void> | undefined => {
      // It may wait for what is handed over after it.
      delivery.taken();
      return view.pending?.then(() => this.#apply(cell, delivery, taken, view));
    };
    const refusal = refusalOf(delivery.check, snapshot, envelope);
    if (refusal !== undefined) {
      void this.#afterRecord(cell, delivery, () => delivery.reject(refusal.error));
      return undefined;
    }
    let made: Made;
    try {
      if (snapshot === undefined) throw new Error(`${address} is not active`);
      const stepped = nextStep(definition.steppable, snapshot, { ...event, $: envelope }, view);
      if (view.pending !== undefined) return again();
      const result = delivery.content.type === 'stop' ? stopped(stepped) : stepped;
      const failed = result.snapshot.status === 'error' && handlesErrors(definition);
      if (failed) return this.#failures.failed(cell, delivery, taken, result.snapshot.error);
      const indexed = indexedBy(definition, result.snapshot, { address, ord });
      const { consumed, parent, source } = taken;
      const special = toldBy(view, taken.special);
      made = { event, envelope, consumed, ord, parent, source, special, result, indexed };
    } catch (error) {
      if (view.pending !== undefined) return again();
      return this.#failures.failed(cell, delivery, taken, error);
    }
    return this.#claim(cell, delivery, made)?.then((holder) =>
      holder === undefined ? undefined : this.#conflict(cell, delivery, taken, holder),
    );
  }

  /** A step of the kernel's own: the machine does not see it. */
  #unstepped(
    cell: Cell,
    delivery: Delivery,
    taken: Taken,
    actions: readonly StepAction[],
    patch?: Partial<AnyMachineSnapshot>,
  ): Promise<void> | undefined {
    const { snapshot: present, record, indexed } = cell;
    const unreadable = present === undefined;
    const base = present ?? unread(record?.snapshot ?? null);
    const snapshot = patch === undefined ? base : ({ ...base, ...patch } as AnyMachineSnapshot);
    const special: Special = { ...taken.special, ...(unreadable && { unreadable }) };
    const made: Made = { ...taken, result: { snapshot, actions }, indexed, special };
    const arrives = patch === undefined && record?.quarantine?.imported === true;
    const changed = (patch !== undefined || arrives) && !unreadable;
    const now = changed ? indexedOrNot(cell, snapshot, taken.ord) : indexed;
    return this.#claim(cell, delivery, { ...made, indexed: now })?.then(async (holder) => {
      // Whoever was imported stands still until its key is free: in no index, nobody would find it. Others
      // end, or go on, whoever has the key they would be found by.
      if (holder !== undefined && arrives) throw notUnique(holder);
      if (holder !== undefined) await this.#claim(cell, delivery, made);
    });
  }

  #claim(cell: Cell, delivery: Delivery, made: Made): Promise<string | undefined> | undefined {
    const stage = (): Promise<void> | undefined => this.#stage(cell, delivery, made);
    return this.#uniques.claim({ address: cell.address, before: cell.indexed, next: made.indexed, stage });
  }

  /** A promise when the step threw: what is done about it comes before any other. */
  #stage(cell: Cell, delivery: Delivery, made: Made): Promise<void> | undefined {
    const stage = this.#loop.begin();
    const { special } = made;
    let after: After;
    try {
      after = writeTurn(stage, cell, turnOf(made, delivery, cell.snapshot));
    } catch (error) {
      if (cell.record === undefined) return this.#births.stillborn(cell, delivery, error);
      // It is the actor that cannot go on, not an event that it cannot take.
      if (special?.migrated !== undefined) return this.#failures.standStill(cell, undefined, error);
      return this.#failures.failed(cell, delivery, made, error);
    }
    cell.record = after.record;
    cell.bytes = after.bytes;
    cell.paging = after.paging;
    cell.snapshot = special?.unreadable === true ? undefined : after.snapshot;
    cell.indexed = made.indexed;
    stage.after = () => this.#options.onCommitted(cell, after, delivery);
    stage.failed = delivery.reject;
    this.#loop.add(stage);
    return undefined;
  }

  #envelope(
    cell: Cell,
    record: ActorRecord | undefined,
    delivery: Delivery,
    consumed: Consumed | undefined,
  ): EventEnvelope {
    return envelopeFor(cell.address, record, delivery, consumed?.timer, this.#clock.now());
  }

  /** The adopted key belongs to another actor: an effect hears of it as an error, a caller as NOT_UNIQUE. */
  #conflict(cell: Cell, delivery: Delivery, taken: Taken, holder: string): Promise<void> | undefined {
    const error = notUnique(holder);
    const { content, inboxKey } = delivery;
    if (content.type === 'stream' || (content.type === 'event' && inboxKey === undefined)) throw error;
    // Nobody waits for it: thrown, it would be left where it is, and be overtaken.
    if (content.type !== 'result') return this.#failures.failed(cell, delivery, taken, error);
    const child = content.event['actorId'];
    if (typeof child !== 'string' || taken.event.type.startsWith('xstate.error.'))
      return this.#failures.failed(cell, delivery, taken, error);
    return this.#apply(cell, delivery, { ...taken, event: errorEvent(child, errorToJson(error)) });
  }

  #missing(cell: Cell, delivery: Delivery): Promise<void> | undefined {
    const { content } = delivery;
    const asked = content.type === 'event' || content.type === 'operator';
    if (delivery.inboxKey === undefined && asked) {
      throw new HoldfastError('ACTOR_NOT_FOUND', `there is no ${cell.address}`);
    }
    return this.#refuse(cell, delivery, 0);
  }

  /** Refused: its leftover row, if it has one, is removed so that it is not found again. */
  #refuse(cell: Cell, delivery: Delivery, seq: number, deduplicated = false): Promise<void> | undefined {
    const { content, inboxKey } = delivery;
    const leftover = content.type === 'timer' ? timerKey(cell.address, content.timer.ref) : inboxKey;
    const outcome = { seq, accepted: false, deduplicated };
    if (leftover === undefined) {
      void this.#afterRecord(cell, delivery, () => delivery.resolve(outcome));
      return undefined;
    }
    const stage = this.#loop.begin();
    stage.delete(leftover);
    if (cell.record === undefined && content.type === 'event' && content.from === undefined)
      writeDeadLetter(stage, cell.address, content.event as unknown as JsonEvent, this.#clock.now());
    this.#add(stage, delivery, outcome);
    return undefined;
  }

  #add(stage: Stage, delivery: Delivery, outcome: Outcome): void {
    stage.after = () => delivery.resolve(outcome);
    stage.failed = delivery.reject;
    this.#loop.add(stage);
  }

  /** An answer about a step that is staged waits for that step's commit. */
  #afterRecord(cell: Cell, delivery: Delivery, settle: () => void): Promise<void> {
    return this.#loop.settled(keys.record(cell.address)).then(settle).catch(delivery.reject);
  }

  async #collect(cell: Cell, delivery: Delivery): Promise<void> {
    const { record, address } = cell;
    if (record === undefined) return;
    const snapshot = cell.snapshot ?? unread(record.snapshot);
    const rows = await rowsOf(this.#loop, address);
    const stage = this.#loop.begin();
    const after = writeCollection(stage, { ...cell, record, snapshot }, rows, this.#clock.now());
    cell.record = undefined;
    cell.snapshot = undefined;
    cell.paging = undefined;
    cell.indexed = after.indexed;
    cell.tombstone = cell.definition.tombstoneMs > 0;
    stage.after = () => this.#options.onCommitted(cell, after, delivery);
    stage.failed = delivery.reject;
    this.#loop.add(stage);
  }
}

/** Transition logic has no end of its own. */
function stopped(result: StepResult): StepResult {
  if (result.snapshot.status !== 'active') return result;
  return { ...result, snapshot: { ...result.snapshot, status: 'stopped' } as AnyMachineSnapshot };
}

/** What an actor is found by at an end that its machine did not make; by nothing when that cannot be told. */
function indexedOrNot({ definition, address }: Cell, snapshot: AnyMachineSnapshot, ord: string): Indexed {
  try {
    return indexedBy(definition, snapshot, { address, ord });
  } catch {
    return NOTHING_INDEXED;
  }
}

/** XState's own end in an error is a failure where somebody is to restart or stop the actor. */
function handlesErrors({ supervision: { onFailure } }: Definition): boolean {
  return onFailure === 'restart' || onFailure === 'stop';
}

/** For steps that nobody waits for. */
function nobody(by?: string): Delivery {
  const ignore = (): void => undefined;
  const settle = { resolve: ignore, reject: ignore, taken: ignore };
  return deliveryOf({ content: { type: 'touch' }, source: 'kernel', by, dedupe: false }, settle);
}
