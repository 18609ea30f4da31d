/**
 * When a step throws, and while an actor stands still: supervision, quarantine, and the operator's ways out.
 *
 * Callers: the stepper. Invariants:
 *  F1  Nothing of a step that threw is committed but what its supervision says (K14).
 *  F2  While an actor stands still callers are refused, and the runtime's own deliveries wait on disk,
 *      bounded.
 *  F3  `resume` takes the delivery at the head again, of a new version too; `skip` drops it; `dismiss`
 *      removes the actor, and its parent hears of it.
 *  F4  A stop that throws ends its actor: its parent has left it, and nobody would end it later.
 */
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate';
import type { Clock } from '../../clock.js';
import { HoldfastError, isHoldfastError } from '../../errors.js';
import type { JsonEvent } from '../../json.js';
import { limits } from '../../limits.js';
import { budgetExceeded, withFailure, type RestartBudget } from '../../machines/index.js';
import { withoutSecrets } from '../../secret-shapes.js';
import { keys, rangeOf } from '../../store/keys.js';
import type { Activation, Older } from './activation.js';
import { writeDeadLetter } from './belongings.js';
import { deliveryOf } from './cell.js';
import type { Cell, Content, Delivery, OperatorContent, Parcel } from './cell.js';
import type { CommitLoop } from './commit-loop.js';
import { consumes } from './consuming.js';
import { scanPast } from './damage.js';
import type { Definition } from './definition.js';
import { errorToJson } from './effect-run.js';
import { envelopeFor, withEnvelope } from './envelope.js';
import { indexedBy, NOTHING_INDEXED } from './indexed.js';
import { DISMISSED, kernelEvents } from './kernel-events.js';
import { listQuarantined, quarantine } from './quarantine.js';
import type { ActorRecord, InboxRow, ShownRows } from './record.js';
import { initialStep, type StepAction } from './step.js';
import { StepView, toldBy } from './step-view.js';
import type { Consumed, Made, Special, Taken } from './turn-shapes.js';

type Pending = Promise<void> | undefined;

export interface FailuresOptions {
  readonly loop: CommitLoop;
  readonly clock: Clock;
  readonly activation: Activation;
  readonly onQuarantined: (definition: Definition, record: ActorRecord, address: string) => void;
  /** Takes a delivery as if the actor did not stand still. */
  readonly go: (cell: Cell, record: ActorRecord, delivery: Delivery) => Pending;
  readonly unstepped: (
    cell: Cell,
    delivery: Delivery,
    taken: Taken,
    actions: readonly StepAction[],
    patch?: Partial<AnyMachineSnapshot>,
  ) => Pending;
  readonly claim: (cell: Cell, delivery: Delivery, made: Made) => Promise<string | undefined> | undefined;
  /** `by`: the operator who let it go on. */
  readonly migrate: (cell: Cell, older: Older, by: string) => Promise<void>;
}

const STOPPED = { status: 'stopped' } as Partial<AnyMachineSnapshot>;

/** Restarts of an actor that names no budget. */
const BUDGET_DEFAULT: RestartBudget = { failuresMax: 3, periodMs: 60_000 };

/** What an actor could not take. */
interface Head {
  readonly delivery: Delivery;
  readonly event: AnyEventObject;
  readonly rows?: ShownRows | undefined;
}

export class Failures {
  readonly #options: FailuresOptions;

  constructor(options: FailuresOptions) {
    this.#options = options;
  }

  /** A step threw, or led to an error that its supervision handles. */
  failed(cell: Cell, delivery: Delivery, taken: Taken, error: unknown): Pending {
    const { record, definition } = cell;
    // What was done about a failure has failed itself: an operator must look.
    if (record === undefined || taken.special?.failure !== undefined)
      return this.standStill(cell, headFor(delivery, taken), error);
    const failure = { event: taken.event as JsonEvent, error: errorToJson(error) };
    const { onFailure, budget = BUDGET_DEFAULT } = definition.supervision;
    if (delivery.content.type === 'stop')
      return this.#options.unstepped(cell, delivery, { ...taken, special: { failure } }, [], STOPPED);
    // Without that list the actor is older than the policy, and what it began from was not kept.
    if (onFailure === 'restart' && record.restarts !== undefined) {
      const restarts = withFailure(record.restarts, taken.envelope.at, budget);
      if (!budgetExceeded(restarts, budget))
        return this.#restart(cell, record, delivery, taken, { failure, restarts });
    }
    const escalates = record.parent !== undefined && onFailure !== 'quarantine';
    if (onFailure !== 'stop' && !escalates) return this.standStill(cell, headFor(delivery, taken), error);
    const patch = onFailure === 'stop' ? STOPPED : { status: 'error', error: failure.error };
    return this.#options.unstepped(
      cell,
      refusedLater(cell.address, delivery, error),
      { ...taken, special: { failure } },
      [],
      patch as Partial<AnyMachineSnapshot>,
    );
  }

  #restart(
    cell: Cell,
    record: ActorRecord,
    delivery: Delivery,
    taken: Taken,
    special: Special,
    seen?: StepView,
  ): Pending {
    const { address, definition } = cell;
    const { loop } = this.#options;
    const { input, parent, ord } = record;
    const event: AnyEventObject = { type: 'xstate.init', input };
    const view = seen ?? new StepView(loop, address, taken.envelope.seq, parent, systemIdsOf(record));
    const again = (): Pending =>
      view.pending?.then(() => this.#restart(cell, record, delivery, taken, special, view));
    try {
      const result = initialStep(definition.steppable, withEnvelope(input, taken.envelope), view);
      if (view.pending !== undefined) return again();
      const indexed = indexedBy(definition, result.snapshot, { address, ord });
      const told = refusedLater(address, delivery, special.failure?.error);
      const made = { ...taken, event, source: 'supervisor', special: toldBy(view, special), result, indexed };
      return this.#options.claim(cell, told, made)?.then((holder) => {
        if (holder === undefined) return undefined;
        const held = new HoldfastError('NOT_UNIQUE', `${holder} holds a key of its beginning`);
        return this.standStill(cell, headFor(delivery, taken), held);
      });
    } catch (error) {
      if (view.pending !== undefined) return again();
      return this.standStill(cell, headFor(delivery, taken), error);
    }
  }

  /** From here on the actor stands still, with what it could not take at its head. */
  standStill(cell: Cell, failed: Head | undefined, error: unknown): undefined {
    const { loop, clock, onQuarantined } = this.#options;
    const { record, address, definition } = cell;
    if (record === undefined) throw this.#unreadable(address, error);
    const stage = loop.begin();
    const cause = { at: clock.now(), error };
    const head = failed && { event: failed.event, rows: failed.rows, parcel: parcelOf(failed.delivery) };
    const next = quarantine(stage, address, record, head === undefined ? cause : { ...cause, failed: head });
    cell.record = next;
    if (record.quarantine === undefined) cell.waiting = undefined;
    const what = error instanceof Error ? `${error.name}: ` : '';
    const message = `${address}: ${what}${next.quarantine?.message ?? 'unknown'}`;
    const refusal = new HoldfastError('ACTOR_QUARANTINED', message, { cause: error });
    stage.after = () => {
      onQuarantined(definition, next, address);
      failed?.delivery.reject(refusal);
    };
    if (failed !== undefined) stage.failed = failed.delivery.reject;
    loop.add(stage);
    return undefined;
  }

  /** Of a damaged record nothing can be kept but that it is: whoever lists who stands still finds it. */
  #unreadable(address: string, error: unknown): unknown {
    if (!isHoldfastError(error, 'STORE_CORRUPTED')) return error;
    const { loop } = this.#options;
    const stage = loop.begin();
    listQuarantined(stage, address);
    loop.add(stage);
    return new HoldfastError('ACTOR_QUARANTINED', `${address} cannot be read`, { cause: error });
  }

  /** What came for it cannot be read: an operator must know what was lost. */
  damaged(cell: Cell, delivery: Delivery): undefined {
    const error = new HoldfastError('STORE_CORRUPTED', 'something that was sent to it cannot be read');
    return this.standStill(cell, { delivery, event: { type: kernelEvents.damaged } }, error);
  }

  /** A delivery for an actor that stands still (F2). */
  standsStill(cell: Cell, record: ActorRecord, delivery: Delivery): Pending {
    const { content, inboxKey } = delivery;
    switch (content.type) {
      case 'stop':
        return this.#end(cell, record, delivery, { type: kernelEvents.stopped });
      case 'result':
        if (inboxKey === undefined) return this.#keepResult(cell, delivery, content.effectId, content.event);
        break;
      case 'stream':
        delivery.resolve({ seq: record.seq, accepted: false, deduplicated: false });
        return undefined;
      default:
        if (inboxKey === undefined) return this.#refuse(cell.address, record, delivery);
    }
    return this.#wait(cell, record, delivery);
  }

  operate(cell: Cell, record: ActorRecord, delivery: Delivery, { what, fence }: OperatorContent): Pending {
    const { quarantine: reason } = record;
    if (reason === undefined)
      throw new HoldfastError('ACTOR_NOT_QUARANTINED', `${cell.address} does not stand still`);
    fence?.(record.seq + 1);
    const { head } = reason;
    if (reason.redacted === true && what !== 'dismiss') throw standIns(cell.address);
    if (reason.imported === true) cell.indexed = NOTHING_INDEXED;
    switch (what) {
      case 'resume':
        return this.#resume(cell, record, delivery, head);
      case 'skip': {
        if (head === undefined || cell.snapshot === undefined) throw standing(cell.address, record, delivery);
        const consumed = consumes(cell.address, record, headDelivery(head, delivery)) ?? {};
        const event = { type: kernelEvents.skipped, event: reason.event };
        return this.#options.unstepped(
          cell,
          delivery,
          this.#taken(cell, record, delivery, event, consumed),
          [],
        );
      }
      case 'dismiss':
        return this.#end(cell, record, delivery, { type: kernelEvents.dismissed, reason: reason.message });
    }
  }

  #resume(cell: Cell, record: ActorRecord, delivery: Delivery, head: Parcel | undefined): Pending {
    if (cell.snapshot === undefined) {
      const { quarantine: _reason, ...rest } = record;
      const found = this.#options.activation.read(cell, rest);
      if (found.type === 'unreadable') throw standing(cell.address, record, delivery);
      if (record.quarantine?.imported === true) cell.indexed = NOTHING_INDEXED;
      if (found.type === 'older')
        return this.#migrateAgain(cell, record, delivery, { ...found, before: cell.indexed });
    }
    const again = this.#headAgain(cell, record, delivery, head);
    return again === undefined
      ? this.#resumed(cell, record, delivery)
      : this.#options.go(cell, record, again);
  }

  /** What stands at the head, unless it is fenced by now. */
  #headAgain(cell: Cell, record: ActorRecord, delivery: Delivery, head: Parcel | undefined) {
    const again = head && headDelivery(head, delivery);
    if (again === undefined || record.status !== 'active') return undefined;
    return consumes(cell.address, record, again) && again;
  }

  /**
   * The migration's own step ends the quarantine: it is written over the record that stands still. The head
   * is kept nowhere else, so it comes right after.
   */
  async #migrateAgain(cell: Cell, record: ActorRecord, delivery: Delivery, found: Older): Promise<void> {
    await this.#options.migrate(cell, { ...found, record }, delivery.source);
    const migrated = cell.record ?? record;
    if (migrated.quarantine !== undefined) throw standing(cell.address, migrated, delivery);
    const again = this.#headAgain(cell, migrated, delivery, record.quarantine?.head);
    if (again !== undefined) return this.#options.go(cell, migrated, again);
    await this.#options.loop.settled(keys.record(cell.address));
    delivery.resolve({ seq: migrated.seq, accepted: true, deduplicated: false });
  }

  #resumed(cell: Cell, record: ActorRecord, delivery: Delivery): Pending {
    const taken = this.#taken(cell, record, delivery, { type: kernelEvents.resumed }, {});
    return this.#options.unstepped(cell, delivery, taken, []);
  }

  #end(cell: Cell, record: ActorRecord, delivery: Delivery, event: AnyEventObject): Pending {
    const { inboxKey } = delivery;
    const consumed = inboxKey === undefined ? {} : { inboxKey };
    const taken = this.#taken(cell, record, delivery, event, consumed);
    const dismissed = event.type === kernelEvents.dismissed && record.parent !== undefined;
    const patch = dismissed ? { status: 'error', error: DISMISSED } : STOPPED;
    return this.#options.unstepped(cell, delivery, taken, [], patch as Partial<AnyMachineSnapshot>);
  }

  #taken(
    cell: Cell,
    record: ActorRecord,
    delivery: Delivery,
    event: AnyEventObject,
    consumed: Consumed,
  ): Taken {
    const now = this.#options.clock.now();
    const envelope = envelopeFor(cell.address, record, delivery, undefined, now);
    return { event, envelope, consumed, ord: record.ord };
  }

  /** Nobody hears of a quarantine that is not on disk (K1). */
  async #refuse(address: string, record: ActorRecord, delivery: Delivery): Promise<void> {
    await this.#options.loop.settled(keys.record(address));
    throw standing(address, record, delivery);
  }

  /** An effect's end is worth keeping: it may have cost money. */
  #keepResult(cell: Cell, delivery: Delivery, effectId: string, event: JsonEvent): undefined {
    const { loop } = this.#options;
    const stage = loop.begin();
    const { source } = delivery;
    const id = `${cell.address}/${effectId}`;
    const row: InboxRow = { type: 'result', effectId, event, id, source };
    stage.put(keys.inbox(cell.address, stage.nextOrd()), row);
    stage.after = () => delivery.resolve({ seq: 0, accepted: false, deduplicated: false });
    stage.failed = delivery.reject;
    loop.add(stage);
    return undefined;
  }

  /** Its inbox row stays; beyond the bound it becomes a dead letter. */
  async #wait(cell: Cell, record: ActorRecord, delivery: Delivery): Promise<void> {
    const { loop, clock } = this.#options;
    const { content, inboxKey } = delivery;
    const outcome = { seq: record.seq, accepted: false, deduplicated: false };
    // The end of a child comes once for each, and never again: it is kept whatever else waits.
    const isBounded = content.type === 'event' && !isEnd(content);
    if (inboxKey === undefined || !isBounded || !(await this.#isTooMany(cell, inboxKey))) {
      delivery.resolve(outcome);
      return;
    }
    const stage = loop.begin();
    stage.delete(inboxKey);
    writeDeadLetter(stage, cell.address, content.event as JsonEvent, clock.now());
    stage.after = () => delivery.resolve(outcome);
    stage.failed = delivery.reject;
    loop.add(stage);
  }

  /** Counts a row once, however often it is handed over; what is on disk counts when the actor is read. */
  async #isTooMany(cell: Cell, inboxKey: string): Promise<boolean> {
    const { standingStillMax: limit } = limits;
    const { gte } = rangeOf('i', cell.address);
    const older = cell.waiting ?? {
      rows: (await scanPast(this.#options.loop, { gte, lt: inboxKey, limit })).length,
      newest: '',
    };
    if (inboxKey <= older.newest) return false;
    cell.waiting = { rows: Math.min(older.rows + 1, limit), newest: inboxKey };
    return older.rows >= limit;
  }
}

function isEnd({ from, event }: Extract<Content, { type: 'event' }>): boolean {
  return from !== undefined && !event.type.startsWith('xstate.snapshot.');
}

/** Those that an actor which begins anew gives back. */
function systemIdsOf({ effects, children = [] }: ActorRecord): readonly string[] {
  return [...effects, ...children].flatMap(({ systemId }) => (systemId === undefined ? [] : [systemId]));
}

function headFor(delivery: Delivery, { event, envelope }: Taken): Head {
  return { delivery, event, rows: envelope.rows };
}

function parcelOf(delivery: Delivery): Parcel {
  const { content, source, traceparent, eventId, dedupe, inboxKey } = delivery;
  return { content, source, traceparent, eventId, dedupe, inboxKey };
}

/** What stands at the head, to be settled as the operator's wish is. */
function headDelivery(head: Parcel, { source: by, resolve, reject, taken }: Delivery): Delivery {
  return deliveryOf({ ...head, by }, { resolve, reject, taken });
}

function standing(address: string, { quarantine: reason }: ActorRecord, { source }: Delivery): HoldfastError {
  const message = `${address} stands still: ${reason?.message ?? 'unknown'}`;
  return new HoldfastError('ACTOR_QUARANTINED', message, { details: { address, source } });
}

/** It would go on with texts that stand for secrets. */
function standIns(address: string): HoldfastError {
  const message = `${address} was imported from a redacted capsule`;
  return new HoldfastError('CAPSULE_REDACTED', message, { details: { address } });
}

/** The event was consumed, but not as its sender hoped. */
function refusedLater(address: string, delivery: Delivery, error: unknown): Delivery {
  const what = error instanceof Error ? error.message : String(JSON.stringify(error));
  const message = `${address} threw on it: ${withoutSecrets(what)}`;
  const refuse = (): void => delivery.reject(new HoldfastError('ACTOR_FAILED', message, { cause: error }));
  return { ...delivery, resolve: refuse };
}
