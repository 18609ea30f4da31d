/**
 * One actor's rows, out of this store and into another: what capsules are made of.
 *
 * Owns: nothing. Callers: the capsule room, through the kernel. Invariants:
 *  E1  What is read is of one moment and on disk: no step of the actor is taken meanwhile (K1).
 *  E2  A damaged row hides no other: it is named among the gaps. Without its record an actor is nothing.
 *  E3  An actor comes in by one commit, and stands still: no timer is in the due index, no index leads to it,
 *      its effects wait (K14).
 *  E4  Nothing here reaches an actor of the store it came from: parents, children and ids of effects are its
 *      own.
 */
import type { Clock } from '../../clock.js';
import { HoldfastError } from '../../errors.js';
import { splitAddress } from '../../ids.js';
import { keys } from '../../store/keys.js';
import { deliveryOf, type Cell } from './cell.js';
import { tombstoneKey } from './collect.js';
import type { CommitLoop } from './commit-loop.js';
import type { Counts } from './counts.js';
import { isThere } from './damage.js';
import type { Definition } from './definition.js';
import { readRows, type ActorRows } from './exporting.js';
import { NOTHING_INDEXED } from './indexed.js';
import { writeArrival, type Arrival } from './importing.js';
import type { Mailboxes } from './mailboxes.js';

export interface TransferOptions {
  readonly loop: CommitLoop;
  readonly clock: Clock;
  readonly counts: Counts;
  readonly mailboxes: Mailboxes;
  readonly definitionOf: (kind: string) => Definition | undefined;
  /** There are effects of that kind which nobody was told of. */
  readonly found: (definition: Definition) => Promise<void>;
}

export class Transfer {
  readonly #options: TransferOptions;
  /** Arrivals of kinds that nobody steps come one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: TransferOptions) {
    this.#options = options;
  }

  /**
   * An actor's rows; undefined when there is no such actor. Throws STORE_CORRUPTED when its record cannot be
   * read, RUNTIME_CLOSED.
   */
  async read(address: string): Promise<ActorRows | undefined> {
    const { loop, counts } = this.#options;
    const rows = await this.#alone(address, () => readRows(loop, address));
    const read = rows === undefined ? [] : keysOf(address, rows);
    await Promise.all([keys.record(address), ...read].map((key) => loop.settled(key)));
    if (rows === undefined) return undefined;
    const { version, hash } = rows.record;
    const shape = counts.shape(splitAddress(address).kind, version, hash);
    return shape === undefined ? rows : { ...rows, shape };
  }

  /**
   * Puts an actor into the store; resolves when it is on disk. Throws ADDRESS_TAKEN, CAPSULE_UNFIT for a
   * structure that is another one here, RUNTIME_CLOSED, STORE_FAILED.
   */
  async write(arrival: Arrival): Promise<void> {
    const { mailboxes } = this.#options;
    const { address } = arrival;
    if (mailboxes.draining) throw new HoldfastError('RUNTIME_CLOSED', 'the runtime is closing');
    const committed = await this.#alone(address, async (cell) => {
      await this.#checkFree(address);
      // Wrapped: the actor's turn is over once it is staged.
      return { promise: this.#stage(arrival, cell) };
    });
    await committed.promise;
    const definition = this.#definitionOf(address);
    if (definition !== undefined && arrival.rows.outbox.length > 0) await this.#options.found(definition);
  }

  /** Does something while no step of the actor is taken. `cell` is undefined where nobody steps its kind. */
  async #alone<T>(address: string, work: (cell: Cell | undefined) => Promise<T>): Promise<T> {
    const { mailboxes } = this.#options;
    if (mailboxes.ended !== undefined) throw mailboxes.ended;
    if (this.#definitionOf(address) !== undefined) return this.#inTurn(address, work);
    const turn = this.#last.then(() =>
      this.#definitionOf(address) === undefined ? work(undefined) : this.#inTurn(address, work),
    );
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  #inTurn<T>(address: string, work: (cell: Cell) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const take = (cell: Cell): Promise<void> => work(cell).then(resolve);
      const parcel = { content: { type: 'turn', take }, source: 'kernel', dedupe: false } as const;
      this.#options.mailboxes.enqueue(
        address,
        deliveryOf(parcel, { resolve: nothing, reject, taken: nothing }),
      );
    });
  }

  async #checkFree(address: string): Promise<void> {
    const { loop } = this.#options;
    const taken = (await isThere(loop, keys.record(address))) || (await isThere(loop, tombstoneKey(address)));
    if (!taken) return;
    throw new HoldfastError('ADDRESS_TAKEN', `there is ${address}, or it was`, { details: { address } });
  }

  /** In one turn of the event loop; the promise is that of its commit. */
  #stage(arrival: Arrival, cell: Cell | undefined): Promise<void> {
    const { loop, clock, counts } = this.#options;
    const { address, rows } = arrival;
    if (cell === undefined && this.#definitionOf(address) !== undefined)
      throw new HoldfastError('ADDRESS_TAKEN', `the kind of ${address} was defined meanwhile`);
    this.#checkStructure(arrival);
    const stage = loop.begin();
    const { version, hash } = rows.record;
    if (rows.shape !== undefined) counts.define(splitAddress(address).kind, version, hash, rows.shape);
    writeArrival(stage, arrival, clock.now());
    if (cell !== undefined) forget(cell);
    return new Promise((resolve, reject) => {
      stage.after = resolve;
      stage.failed = reject;
      loop.add(stage);
    });
  }

  /** One version has one structure for as long as actors of it are stored (K12). */
  #checkStructure({ address, rows }: Arrival): void {
    const { version, hash } = rows.record;
    const { kind } = splitAddress(address);
    const definition = this.#definitionOf(address);
    const differs = (other: { readonly version: string; readonly hash: string }): boolean =>
      other.version === version && other.hash !== hash;
    const isOther =
      (definition !== undefined && differs(definition)) || this.#options.counts.of(kind).some(differs);
    if (!isOther) return;
    const message = `version ${version} of ${kind} has another structure here than in the capsule`;
    throw new HoldfastError('CAPSULE_UNFIT', `${message}; import it into an empty directory`);
  }

  #definitionOf(address: string): Definition | undefined {
    return this.#options.definitionOf(splitAddress(address).kind);
  }
}

/** Of rows that others write, with commits of their own: senders, and who runs its effects. */
function keysOf(address: string, { record, inbox }: ActorRows): readonly string[] {
  const { kind } = splitAddress(address);
  return [
    ...inbox.map(({ ord }) => keys.inbox(address, ord)),
    ...record.effects.map(({ pool, ord }) => keys.effect(kind, pool, ord)),
  ];
}

/** Whatever the cell knew was that nobody is there. */
function forget(cell: Cell): void {
  cell.loaded = false;
  cell.tombstone = false;
  cell.record = undefined;
  cell.snapshot = undefined;
  cell.paging = undefined;
  cell.indexed = NOTHING_INDEXED;
  cell.waiting = undefined;
}

function nothing(): void {
  // It settles by itself.
}
