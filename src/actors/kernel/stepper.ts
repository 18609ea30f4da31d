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
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate';
import type { Clock } from '../../clock.js';
import { HoldfastError } from '../../errors.js';
import type { Json } from '../../json.js';
import { keys, partsOf } from '../../store/keys.js';
import type { Cell, Delivery } from './cell.js';
import { rowsOf, tombstoneKey, writeCollection } from './collect.js';
import type { CommitLoop } from './commit-loop.js';
import type { Definition } from './definition.js';
import { errorToJson } from './effect-run.js';
import { eventOf, originOf, randomOf, withEnvelope } from './envelope.js';
import { quarantine } from './quarantine.js';
import { indexedBy, type Indexed } from './indexed.js';
import type { ActorRecord, EventEnvelope } from './record.js';
import { initialStep, nextStep, restored, type StepResult } from './step.js';
import { RETENTION_EVENT, timerKey, writeTurn, type After, type Consumed } from './turn.js';
import { Uniques } from './uniques.js';

export interface StepperOptions {
  readonly loop: CommitLoop;
  readonly clock: Clock;
  readonly onCommitted: (cell: Cell, after: After, delivery: Delivery) => void;
}

/** A delivery on its way into a step. */
interface Taken {
  /** Without `$`. */
  readonly event: AnyEventObject;
  readonly envelope: EventEnvelope;
  readonly consumed: Consumed;
  /** The order of the actor's creation. */
  readonly ord: string;
}

/** The same, stepped. */
interface Made extends Taken {
  readonly result: StepResult;
  readonly indexed: Indexed;
}

export class Stepper {
  readonly #loop: CommitLoop;
  readonly #clock: Clock;
  readonly #onCommitted: StepperOptions['onCommitted'];
  readonly #uniques: Uniques;

  constructor(options: StepperOptions) {
    this.#loop = options.loop;
    this.#clock = options.clock;
    this.#onCommitted = options.onCommitted;
    this.#uniques = new Uniques(options.loop);
  }

  /** A live-shaped snapshot of a record; throws ACTOR_QUARANTINED when this machine cannot read it. */
  restore(definition: Definition, record: ActorRecord): AnyMachineSnapshot {
    if (record.version !== definition.version) {
      const message = `it is of version ${record.version}, the machine of ${definition.version}`;
      throw new HoldfastError('ACTOR_QUARANTINED', message);
    }
    return restored(definition.steppable, record.snapshot);
  }

  /** Takes a delivery; returns a promise only when something must be read first. */
  take(cell: Cell, delivery: Delivery): Promise<void> | undefined {
    const { content } = delivery;
    const ready = cell.loaded && !cell.tombstone && delivery.inboxKey === undefined;
    const collects = content.type === 'timer' && content.timer.row.event['type'] === RETENTION_EVENT;
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
    if (inboxKey !== undefined && (await this.#loop.read(inboxKey)) === undefined) {
      void this.#afterRecord(cell, delivery, { seq: 0, accepted: false, deduplicated: true });
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

  async #activate(cell: Cell): Promise<void> {
    const text = await this.#loop.read(keys.record(cell.address));
    if (text === undefined) {
      const keeps = cell.definition.tombstoneMs > 0;
      cell.tombstone = keeps && (await this.#loop.read(tombstoneKey(cell.address))) !== undefined;
      cell.loaded = true;
      return;
    }
    const record = JSON.parse(text) as ActorRecord;
    const snapshot = this.restore(cell.definition, record);
    cell.record = record;
    cell.snapshot = snapshot;
    cell.indexed = indexedBy(cell.definition, snapshot, { address: cell.address, ord: record.ord });
    cell.loaded = true;
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
    if (content.type === 'create') return this.#create(cell, delivery);
    if (record === undefined) return this.#missing(cell, delivery);
    if (record.quarantine !== undefined) return this.#standsStill(cell, delivery);
    const consumed = this.#consumes(cell, record, delivery);
    if (consumed === undefined || record.status !== 'active') return this.#refuse(cell, delivery, record.seq);
    const envelope = this.#envelope(cell, record, delivery);
    return this.#apply(cell, delivery, { event: eventOf(delivery), envelope, consumed, ord: record.ord });
  }

  #apply(cell: Cell, delivery: Delivery, taken: Taken): Promise<void> | undefined {
    const { definition, snapshot, address } = cell;
    const { event, envelope, ord } = taken;
    let made: Made;
    try {
      if (snapshot === undefined) throw new Error(`${address} is not active`);
      const result = nextStep(definition.steppable, snapshot, { ...event, $: envelope });
      made = { ...taken, result, indexed: indexedBy(definition, result.snapshot, { address, ord }) };
    } catch (error) {
      this.#quarantine(cell, delivery, event, error);
      return undefined;
    }
    return this.#claim(cell, delivery, made)?.then((holder) => {
      if (holder !== undefined) return this.#conflict(cell, delivery, taken, holder);
      return undefined;
    });
  }

  #create(cell: Cell, delivery: Delivery): Promise<void> | undefined {
    const { content, inboxKey } = delivery;
    if (content.type !== 'create') return undefined;
    if (cell.record !== undefined) return this.#refuse(cell, delivery, 1, true);
    if (cell.tombstone) return this.#refuse(cell, delivery, 0, true);
    const { address, definition } = cell;
    const envelope = this.#envelope(cell, undefined, delivery);
    const result = initialStep(definition.steppable, withEnvelope(content.input, envelope));
    // Who was asked for by another actor's step is in the order of the asking, whenever it gets its turn.
    const ord = inboxKey === undefined ? this.#loop.nextOrd() : (partsOf(inboxKey)[1] ?? '');
    const indexed = indexedBy(definition, result.snapshot, { address, ord });
    const event: AnyEventObject = { type: 'xstate.init', input: content.input };
    const consumed: Consumed = inboxKey === undefined ? {} : { inboxKey };
    return this.#claim(cell, delivery, { event, envelope, consumed, ord, result, indexed })?.then(
      (holder) => {
        if (holder !== undefined) throw notUnique(holder);
      },
    );
  }

  #claim(cell: Cell, delivery: Delivery, made: Made): Promise<string | undefined> | undefined {
    const { address, indexed: before } = cell;
    const stage = (): void => this.#stage(cell, delivery, made);
    return this.#uniques.claim({ address, before, next: made.indexed, stage });
  }

  #stage(cell: Cell, delivery: Delivery, made: Made): void {
    const stage = this.#loop.begin();
    const { content, source, traceparent } = delivery;
    const payloads = content.type === 'create' ? content.payloads : undefined;
    let after: After;
    try {
      after = writeTurn(stage, cell, { ...made, source, traceparent, payloads, earlier: cell.snapshot });
    } catch (error) {
      if (cell.record === undefined) throw error;
      this.#quarantine(cell, delivery, made.event, error);
      return;
    }
    cell.record = after.record;
    cell.snapshot = after.snapshot;
    cell.indexed = made.indexed;
    stage.after = () => this.#onCommitted(cell, after, delivery);
    stage.failed = delivery.reject;
    this.#loop.add(stage);
  }

  /** The rows a delivery consumes, or undefined when its own row is not there any more: it is fenced. */
  #consumes(cell: Cell, record: ActorRecord, delivery: Delivery): Consumed | undefined {
    const { content, inboxKey } = delivery;
    switch (content.type) {
      case 'timer': {
        const timer = record.timers.find(({ id }) => id === content.timer.ref.id);
        return timer && { timer };
      }
      case 'result': {
        const effect = record.effects.find(({ id }) => id === content.effectId);
        return effect && { effect };
      }
      default: {
        if (inboxKey !== undefined) return { inboxKey };
        if (!delivery.dedupe || delivery.eventId === undefined) return {};
        return { dedupeKey: keys.dedupe(cell.address, delivery.eventId) };
      }
    }
  }

  #envelope(cell: Cell, record: ActorRecord | undefined, delivery: Delivery): EventEnvelope {
    const { content } = delivery;
    const seq = (record?.seq ?? 0) + 1;
    const id = delivery.eventId ?? originOf(content) ?? `${cell.address}/${seq}`;
    const dueAt = content.type === 'timer' ? { dueAt: content.timer.ref.dueAt } : {};
    return {
      at: Math.max(this.#clock.now(), record?.at ?? 0),
      id,
      seq,
      random: randomOf(cell.address, seq),
      ...dueAt,
    };
  }

  /** The adopted key belongs to another actor: an effect hears of it as an error, a caller as NOT_UNIQUE. */
  #conflict(cell: Cell, delivery: Delivery, taken: Taken, holder: string): Promise<void> | undefined {
    const error = notUnique(holder);
    const { content } = delivery;
    if (content.type !== 'result') throw error;
    const child = content.event['actorId'];
    if (typeof child !== 'string' || taken.event.type.startsWith('xstate.error.')) {
      this.#quarantine(cell, delivery, taken.event, error);
      return undefined;
    }
    const event = { type: `xstate.error.actor.${child}`, error: errorToJson(error), actorId: child };
    return this.#apply(cell, delivery, { ...taken, event });
  }

  #missing(cell: Cell, delivery: Delivery): Promise<void> | undefined {
    if (delivery.inboxKey === undefined && delivery.content.type === 'event') {
      throw new HoldfastError('ACTOR_NOT_FOUND', `there is no ${cell.address}`);
    }
    return this.#refuse(cell, delivery, 0);
  }

  #standsStill(cell: Cell, delivery: Delivery): Promise<void> | undefined {
    const reason = cell.record?.quarantine?.message ?? 'unknown';
    throw new HoldfastError('ACTOR_QUARANTINED', `${cell.address} stands still: ${reason}`, {
      details: { address: cell.address, source: delivery.source },
    });
  }

  /** Refused: its leftover row, if it has one, is removed so that it is not found again. */
  #refuse(cell: Cell, delivery: Delivery, seq: number, deduplicated = false): Promise<void> | undefined {
    const { content, inboxKey } = delivery;
    const leftover =
      content.type === 'timer' ? timerKey(cell.definition.kind, cell.address, content.timer.ref) : inboxKey;
    const outcome = { seq, accepted: false, deduplicated };
    if (leftover === undefined) {
      void this.#afterRecord(cell, delivery, outcome);
      return undefined;
    }
    const stage = this.#loop.begin();
    stage.delete(leftover);
    if (cell.record === undefined && content.type === 'event') {
      stage.put(keys.index('dead-letter', [stage.nextOrd()], cell.address), { event: content.event as Json });
    }
    stage.after = () => delivery.resolve(outcome);
    stage.failed = delivery.reject;
    this.#loop.add(stage);
    return undefined;
  }

  /** An answer about a step that is staged waits for that step's commit. */
  async #afterRecord(
    cell: Cell,
    delivery: Delivery,
    outcome: Parameters<Delivery['resolve']>[0],
  ): Promise<void> {
    try {
      await this.#loop.settled(keys.record(cell.address));
      delivery.resolve(outcome);
    } catch (error) {
      delivery.reject(error);
    }
  }

  #quarantine(cell: Cell, delivery: Delivery, event: AnyEventObject, error: unknown): void {
    const stage = this.#loop.begin();
    cell.record = quarantine(stage, cell, { event, source: delivery.source, at: this.#clock.now(), error });
    const refusal = new HoldfastError('ACTOR_QUARANTINED', `${cell.address}: ${String(error)}`, {
      cause: error,
    });
    stage.after = () => delivery.reject(refusal);
    stage.failed = delivery.reject;
    this.#loop.add(stage);
  }

  async #collect(cell: Cell, delivery: Delivery): Promise<void> {
    const { record, snapshot, address } = cell;
    if (record === undefined || snapshot === undefined) return;
    const rows = await rowsOf(this.#loop, address);
    const stage = this.#loop.begin();
    const after = writeCollection(stage, { ...cell, record, snapshot }, rows, this.#clock.now());
    cell.record = undefined;
    cell.snapshot = undefined;
    cell.indexed = after.indexed;
    cell.tombstone = cell.definition.tombstoneMs > 0;
    stage.after = () => this.#onCommitted(cell, after, delivery);
    stage.failed = delivery.reject;
    this.#loop.add(stage);
  }
}

function notUnique(holder: string): HoldfastError {
  return new HoldfastError('NOT_UNIQUE', `${holder} holds that key already`);
}
