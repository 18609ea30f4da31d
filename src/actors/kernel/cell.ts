/**
 * A cell: one actor in memory, with the events that wait for it; and the bounded set of cells.
 *
 * Callers: the kernel. Invariant: a cell with waiting or running work is never dropped; idle ones go least
 * recently used first, and cost nothing but a read when they are needed again.
 */
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate';
import { splitAddress } from '../../ids.js';
import type { Json, JsonEvent } from '../../json.js';
import { limits } from '../../limits.js';
import type { StepCheck, StepFence } from './asking.js';
import type { Definition } from './definition.js';
import type { Paging } from './paging.js';
import type { ActorRecord, ParentRef } from './record.js';
import type { DueTimer } from './timers.js';
import { NOTHING_INDEXED, type Indexed } from './indexed.js';

/** What became of a delivery. */
export interface Outcome {
  /** The step that consumed it; for a duplicate the original's. */
  readonly seq: number;
  /** False: refused, and nothing was written: a fenced result, a stale timer, a finished actor. */
  readonly accepted: boolean;
  readonly deduplicated: boolean;
}

/** The same for who sits in this process. */
export interface StepOutcome extends Outcome {
  /** The actor right after that step, live: to be read, not changed. Of steps taken now alone. */
  readonly snapshot?: AnyMachineSnapshot | undefined;
}

/** How an operator ends a quarantine. */
export type WayOut = 'resume' | 'skip' | 'dismiss';

export interface OperatorContent {
  readonly type: 'operator';
  readonly what: WayOut;
  readonly fence?: StepFence | undefined;
}

export type Content =
  | {
      readonly type: 'create';
      readonly input: Json | undefined;
      readonly payloads?: Readonly<Record<string, Json>>;
      readonly parent?: ParentRef;
    }
  | {
      readonly type: 'event';
      readonly event: AnyEventObject;
      /** From a child: the `ChildRef` it is fenced by. */
      readonly from?: string;
      /** Not before this time: it waits as a timer. */
      readonly at?: number;
      /** Rows for the step to write. */
      readonly payloads?: Readonly<Record<string, Json>>;
    }
  | { readonly type: 'timer'; readonly timer: DueTimer }
  /** The end of an effect: consumes its row. */
  | { readonly type: 'result'; readonly effectId: string; readonly event: JsonEvent }
  /** What an effect sent while it runs: taken as long as its row is there. */
  | { readonly type: 'stream'; readonly effectId: string; readonly event: JsonEvent }
  /** The parent stopped it. */
  | { readonly type: 'stop' }
  /** Nothing but an activation, which migrates an older actor. */
  | { readonly type: 'touch' }
  /** An inbox row that cannot be read. */
  | { readonly type: 'damaged' }
  | OperatorContent
  /** Somebody's turn alone with the actor: no step is taken meanwhile. It settles by itself. */
  | { readonly type: 'turn'; readonly take: (cell: Cell) => Promise<void> };

export interface Delivery {
  readonly content: Content;
  readonly source: string;
  readonly traceparent?: string | undefined;
  /** The operator who let it be taken again. */
  readonly by?: string | undefined;
  /** Given by the sender; deduplicated against the `x` rows when `dedupe` is set. */
  readonly eventId?: string | undefined;
  readonly dedupe: boolean;
  /** How long its id is known once it was taken; default `limits.dedupeTtlMs`. */
  readonly idKeptMs?: number | undefined;
  /** The inbox row this came from: removed by the step that consumes it. */
  readonly inboxKey?: string | undefined;
  /** May refuse the event. Held in memory alone: what stands at a head has none. */
  readonly check?: StepCheck | undefined;
  readonly resolve: (outcome: StepOutcome) => void;
  readonly reject: (error: unknown) => void;
  /** Called once the delivery is staged, refused or failed: it waits no longer. */
  readonly taken: () => void;
}

/** What to deliver, before anybody waits for it. */
export type Parcel = Omit<Delivery, 'resolve' | 'reject' | 'taken'>;

/** Of one shape whatever it carries: every step reads it, and engines are slow on objects of many shapes. */
export function deliveryOf(parcel: Parcel, settle: Pick<Delivery, 'resolve' | 'reject' | 'taken'>): Delivery {
  const { content, source, traceparent, by, eventId, dedupe, idKeptMs, inboxKey, check } = parcel;
  const { resolve, reject, taken } = settle;
  return {
    content,
    source,
    traceparent,
    by,
    eventId,
    dedupe,
    idKeptMs,
    inboxKey,
    check,
    resolve,
    reject,
    taken,
  };
}

export interface Cell {
  readonly address: string;
  readonly definition: Definition;
  readonly queue: Delivery[];
  busy: boolean;
  loaded: boolean;
  /** True when the actor is gone and its id is still taken. */
  tombstone: boolean;
  record: ActorRecord | undefined;
  snapshot: AnyMachineSnapshot | undefined;
  /** Of a paged context: what of it is on disk. */
  paging: Paging | undefined;
  indexed: Indexed;
  /** Its record as JSON text, about. */
  bytes: number;
  /** Inbox rows that wait while it stands still, and the newest of them; undefined when not counted. */
  waiting: { readonly rows: number; readonly newest: string } | undefined;
}

/** How many actors with nothing to do stay in memory. */
export interface MemoryLimits {
  /** Default 10,000. */
  readonly actorsMax?: number;
  /** Of their records as JSON text; what they take in memory is a small multiple. Default 64 MiB. */
  readonly bytesMax?: number;
}

export class Cells {
  readonly #cells = new Map<string, Cell>();
  /** Those with nothing to do, in order of last use: the first is the least recently used. */
  readonly #idle = new Set<Cell>();
  #idleBytes = 0;
  readonly #actorsMax: number;
  readonly #bytesMax: number;

  constructor(memory: MemoryLimits = {}) {
    this.#actorsMax = memory.actorsMax ?? limits.activeActorsMax;
    this.#bytesMax = memory.bytesMax ?? limits.activeBytesMax;
  }

  get size(): number {
    return this.#cells.size;
  }

  /** The cell of an actor, made when it is not in memory. */
  get(address: string, definition: Definition): Cell {
    const known = this.#cells.get(address);
    if (known !== undefined) return known;
    const cell: Cell = {
      address,
      definition,
      queue: [],
      busy: false,
      loaded: false,
      tombstone: false,
      record: undefined,
      snapshot: undefined,
      paging: undefined,
      indexed: NOTHING_INDEXED,
      bytes: 0,
      waiting: undefined,
    };
    this.#cells.set(address, cell);
    return cell;
  }

  peek(address: string): Cell | undefined {
    return this.#cells.get(address);
  }

  /** From here on the cell works and stays. */
  work(cell: Cell): void {
    cell.busy = true;
    if (this.#idle.delete(cell)) this.#idleBytes -= cell.bytes;
  }

  /**
   * Marks a cell as just used and idle, and drops the idle ones beyond the bounds. A finished actor goes at
   * once: all it waits for is its removal, and keeping it costs every step in garbage collection.
   */
  rest(cell: Cell): void {
    cell.busy = false;
    if (cell.record !== undefined && cell.record.status !== 'active') {
      this.#cells.delete(cell.address);
      return;
    }
    this.#idle.add(cell);
    this.#idleBytes += cell.bytes;
    for (const oldest of this.#idle) {
      if (this.#idle.size <= this.#actorsMax && this.#idleBytes <= this.#bytesMax) return;
      this.#idle.delete(oldest);
      this.#idleBytes -= oldest.bytes;
      this.#cells.delete(oldest.address);
    }
  }
}

export function kindOf(address: string): string {
  return splitAddress(address).kind;
}
