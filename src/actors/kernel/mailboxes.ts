/**
 * Mailboxes: every delivery waits here for its actor's turn.
 *
 * Owns: the actors in memory, and the order in which each takes what came for it. Callers: the kernel.
 * Invariants:
 *  M1  An actor's deliveries are taken one at a time, in arrival order (K2).
 *  M2  What comes from outside may be turned away, by a full mailbox, by commits that are behind, by a close;
 *      what the runtime asked for itself may not (K11).
 *  M3  After `end` everything is refused with its error (K4).
 */
import { HoldfastError, isHoldfastError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { Cells, deliveryOf, kindOf } from './cell.js';
import type { Cell, Delivery, MemoryLimits, Parcel, StepOutcome } from './cell.js';
import type { Definition } from './definition.js';
import type { KernelWatch } from './watching.js';

export interface MailboxesOptions {
  readonly log: Logger;
  readonly memory?: MemoryLimits | undefined;
  readonly watch?: KernelWatch | undefined;
  /** Throws KIND_UNKNOWN. */
  readonly definitionOf: (kind: string) => Definition;
  /** Steps that are staged and not on disk. */
  readonly pendingSteps: () => number;
  /** Takes one delivery; a promise when something must be read first. */
  readonly take: (cell: Cell, delivery: Delivery) => Promise<void> | undefined;
}

export class Mailboxes {
  readonly #options: MailboxesOptions;
  readonly #cells: Cells;
  #draining = false;
  #ended: HoldfastError | undefined;

  constructor(options: MailboxesOptions) {
    this.#options = options;
    this.#cells = new Cells(options.memory);
  }

  /** Why nothing is taken any more; undefined as long as it is. */
  get ended(): HoldfastError | undefined {
    return this.#ended;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** From here on nothing from outside is taken. */
  drain(): void {
    this.#draining = true;
  }

  end(error: HoldfastError): HoldfastError {
    this.#ended ??= error;
    return this.#ended;
  }

  /** Throws where so many steps more would be too many ahead of the disk, and when nothing more is taken. */
  admitMany(count: number): void {
    this.#checkOpen();
    const pending = this.#options.pendingSteps();
    if (pending + count <= limits.pendingStepsMax) return;
    throw new HoldfastError('COMMITS_BEHIND', `${count} steps more than the ${pending} not on disk yet`);
  }

  /** Delivers; settles with the delivery. */
  deliver(address: string, parcel: Parcel): Promise<StepOutcome> {
    // One promise a step: this is the hot path. What the executor throws rejects it.
    return new Promise((resolve, reject) => {
      this.enqueue(address, deliveryOf(parcel, { resolve, reject, taken: nothing }));
    });
  }

  /** Delivers and resolves as soon as the actor has taken or refused it; failures are the log's. */
  taken(address: string, parcel: Parcel): Promise<void> {
    return new Promise((taken) => {
      const reject = (error: unknown): void => {
        taken();
        if (!isHoldfastError(error, 'RUNTIME_CLOSED'))
          this.#options.log.warn({ err: error, address }, 'delivery.failed');
      };
      this.enqueue(address, deliveryOf(parcel, { resolve: nothing, reject, taken }));
    });
  }

  /** The same for who settles by itself. */
  enqueue(address: string, delivery: Delivery): void {
    try {
      if (this.#ended !== undefined) throw this.#ended;
      const definition = this.#options.definitionOf(kindOf(address));
      if (isOutside(delivery.source)) this.#admit(address);
      const cell = this.#cells.get(address, definition);
      cell.queue.push(this.#traced(delivery));
      if (cell.busy) return;
      this.#cells.work(cell);
      this.#empty(cell);
    } catch (error) {
      delivery.reject(error);
    }
  }

  /** With the trace of whoever sends it, unless it names one. */
  #traced(delivery: Delivery): Delivery {
    const { watch } = this.#options;
    const { source } = delivery;
    if (watch === undefined || delivery.traceparent !== undefined) return delivery;
    // What the runtime asks for within a caller's call, or an effect's, is that one's, too.
    if (source !== 'runtime' && !isOutside(source)) return delivery;
    const traceparent = watch.traceparent();
    return traceparent === undefined ? delivery : { ...delivery, traceparent };
  }

  #checkOpen(): void {
    if (this.#draining) throw new HoldfastError('RUNTIME_CLOSED', 'the runtime is closing');
  }

  #admit(address: string): void {
    this.#checkOpen();
    const waiting = this.#cells.peek(address)?.queue.length ?? 0;
    if (waiting >= limits.mailboxMax)
      throw new HoldfastError('MAILBOX_FULL', `${waiting} events wait for ${address}`);
    const pending = this.#options.pendingSteps();
    if (pending >= limits.pendingStepsMax)
      throw new HoldfastError('COMMITS_BEHIND', `${pending} steps are not on disk yet`);
  }

  /** Takes what waits, in order; a promise is made only where something must be read first. */
  #empty(cell: Cell): void {
    for (let next = cell.queue.shift(); next !== undefined; next = cell.queue.shift()) {
      const pending = this.#take(cell, next);
      if (pending !== undefined) {
        void pending.finally(() => this.#empty(cell));
        return;
      }
    }
    this.#cells.rest(cell);
  }

  #take(cell: Cell, next: Delivery): Promise<void> | undefined {
    try {
      if (this.#ended !== undefined) throw this.#ended;
      const { content } = next;
      const pending = content.type === 'turn' ? content.take(cell) : this.#options.take(cell, next);
      if (pending !== undefined) return pending.catch(next.reject).finally(next.taken);
    } catch (error) {
      next.reject(error);
    }
    next.taken();
    return undefined;
  }
}

function isOutside(source: string): boolean {
  return source === 'user' || source === 'provider' || source.startsWith('operator:');
}

function nothing(): void {
  // For those who wait for something else.
}
