/**
 * How actors begin: their first step, or why they could not take it.
 *
 * Callers: the stepper. Invariants:
 *  Y1  An actor begins once: a second creation under its id changes nothing and says so.
 *  Y2  One that another actor's step asked for and that cannot be made ends there: its parent hears of it
 *      (K8), a peer is a dead letter. A caller of our own is simply told.
 */
import type { Clock } from '../../clock.js';
import { HoldfastError } from '../../errors.js';
import type { JsonEvent, JsonObject } from '../../json.js';
import { keys, partsOf } from '../../store/keys.js';
import { writeDeadLetter, type Sent } from './belongings.js';
import type { Cell, Content, Delivery } from './cell.js';
import type { CommitLoop, Stage } from './commit-loop.js';
import { errorToJson } from './effect-run.js';
import { envelopeFor, withEnvelope } from './envelope.js';
import { indexedBy } from './indexed.js';
import { forAddress } from './journal.js';
import type { InboxRow, ParentRef } from './record.js';
import { initialStep } from './step.js';
import { StepView, toldBy } from './step-view.js';
import type { Consumed, Made } from './turn-shapes.js';

type Pending = Promise<void> | undefined;

export interface BirthsOptions {
  readonly loop: CommitLoop;
  readonly clock: Clock;
  readonly forward: (sent: Sent) => void;
  readonly claim: (cell: Cell, delivery: Delivery, made: Made) => Promise<string | undefined> | undefined;
  readonly refuse: (cell: Cell, delivery: Delivery, seq: number, deduplicated: boolean) => Pending;
}

export class Births {
  readonly #options: BirthsOptions;

  constructor(options: BirthsOptions) {
    this.#options = options;
  }

  create(
    cell: Cell,
    delivery: Delivery,
    content: Extract<Content, { type: 'create' }>,
    seen?: StepView,
  ): Pending {
    const { loop, clock, refuse, claim } = this.#options;
    if (cell.record !== undefined) return refuse(cell, delivery, 1, true);
    if (cell.tombstone) return refuse(cell, delivery, 0, true);
    const { address, definition } = cell;
    const { inboxKey } = delivery;
    const { parent, input } = content;
    const envelope = envelopeFor(address, undefined, delivery, undefined, clock.now());
    const view = seen ?? new StepView(loop, address, 1, parent);
    const again = (): Pending => {
      // It may wait for what is handed over after it.
      delivery.taken();
      return view.pending?.then(() => this.create(cell, delivery, content, view));
    };
    let made: Made;
    try {
      const result = initialStep(definition.steppable, withEnvelope(input, envelope), view);
      if (view.pending !== undefined) return again();
      // Who was asked for by another actor's step is in the order of the asking, whenever it gets its turn.
      const ord = inboxKey === undefined ? loop.nextOrd() : (partsOf(inboxKey)[1] ?? '');
      const indexed = indexedBy(definition, result.snapshot, { address, ord });
      const consumed: Consumed = inboxKey === undefined ? {} : { inboxKey };
      const event = { type: 'xstate.init', input };
      made = { event, envelope, consumed, ord, parent, result, indexed, special: toldBy(view, undefined) };
    } catch (error) {
      if (view.pending !== undefined) return again();
      return this.stillborn(cell, delivery, error);
    }
    return claim(cell, delivery, made)?.then((holder) => {
      if (holder !== undefined) return this.stillborn(cell, delivery, notUnique(holder));
      return undefined;
    });
  }

  /** It cannot be made (Y2). Throws `error` where a caller waits for it. */
  stillborn(cell: Cell, delivery: Delivery, error: unknown): undefined {
    const { loop, clock, forward } = this.#options;
    const { content, inboxKey } = delivery;
    if (inboxKey === undefined || content.type !== 'create') throw error;
    const stage = loop.begin();
    const { parent, input = null } = content;
    stage.delete(inboxKey);
    const sent = parent && tellOf(stage, cell.address, parent, error);
    if (sent === undefined) writeDeadLetter(stage, cell.address, { type: 'xstate.init', input }, clock.now());
    stage.after = () => {
      if (sent !== undefined) forward(sent);
      delivery.reject(error);
    };
    stage.failed = delivery.reject;
    loop.add(stage);
    return undefined;
  }
}

function tellOf(stage: Stage, address: string, parent: ParentRef, error: unknown): Sent {
  const event = errorEvent(parent.child, errorToJson(error));
  const id = `${address}/0:0`;
  const row: InboxRow = { type: 'event', event, from: parent.id, id, source: forAddress(address) };
  const key = keys.inbox(parent.address, stage.nextOrd());
  stage.put(key, row);
  return { to: parent.address, key, row };
}

export function errorEvent(child: string, error: JsonObject): JsonEvent {
  return { type: `xstate.error.actor.${child}`, error, actorId: child };
}

export function notUnique(holder: string): HoldfastError {
  return new HoldfastError('NOT_UNIQUE', `${holder} holds that key already`, { details: { holder } });
}
