/**
 * The shelves: ready items of every kind that is asked for, and who waits for one.
 *
 * Owns: the shelves, the kinds with ready items, the waiters. Callers: claims.ts, work.ts. Invariants:
 *  V1  Taking is one synchronous turn: two callers never get the same item.
 *  V2  Of several kinds the first item in claim order comes first, as if they were one queue.
 *  V3  For each item that becomes ready one waiter is woken; one that needs it no more wakes the next.
 *  V4  Shelves are bounded in number: the one that was not asked for the longest goes, and is read again.
 */
import { limits } from '../../limits.js';
import { workStatus, type WorkItemContext } from '../../machines/index.js';
import type { CommittedStep, Kernel } from '../kernel/index.js';
import { Shelf, type ReadyItem } from './shelf.js';
import { comparePlaces, placeOf, workIndexes } from './work-index.js';

/** Looks of one `take` at shelves that others empty at the same time. */
const LOOKS_MAX = 1_000;

/** Kinds to take from; undefined: all. */
export type Kinds = readonly string[] | undefined;

interface Waiting {
  /** Resolves when an item of one of the kinds may be ready. */
  readonly woken: Promise<void>;
  /** To be called in any case: it hands on a wake-up that it had and did not need. */
  readonly end: (isServed: boolean) => void;
}

interface Waiter {
  readonly kinds: Kinds;
  readonly wake: (kind: string) => void;
}

export class Shelves {
  readonly #indexRows: Kernel['indexRows'];
  /** The least recently asked for first (V4). */
  readonly #shelves = new Map<string, Shelf>();
  /** Kinds with ready items; undefined until somebody asks for all kinds. */
  #ready: Set<string> | undefined;
  /** The index knows kinds that had no room in the set. */
  #hasMore = false;
  #finding: Promise<void> | undefined;
  readonly #waiters = new Set<Waiter>();

  constructor(kernel: Pick<Kernel, 'indexRows'>) {
    this.#indexRows = kernel.indexRows;
  }

  /** Told of every step of an item that is on disk. */
  onStep({ address, record, snapshot }: CommittedStep): void {
    // One that was dismissed since nobody could read it has none, and is on no shelf.
    const { input } = Object(snapshot.context) as Partial<WorkItemContext>;
    if (input === undefined) return;
    const item: ReadyItem = { kind: input.kind, address, place: placeOf(snapshot, record.ord) };
    if (snapshot.status === 'active' && workStatus(snapshot) === 'ready') this.add(item);
    else this.#shelves.get(input.kind)?.remove(item);
  }

  /** An item is ready, or was taken and could not be claimed. */
  add(item: ReadyItem): void {
    this.#shelves.get(item.kind)?.add(item);
    this.#noteKind(item.kind);
    this.#wake(item.kind);
  }

  /** Takes the first item in claim order off its shelf; undefined: none is ready. */
  async take(kinds: Kinds): Promise<ReadyItem | undefined> {
    for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
      const wanted = kinds ?? (await this.#readyKinds());
      const shelves = wanted.map((kind) => this.#shelf(kind));
      const unread = shelves.filter(({ mustRead }) => mustRead);
      if (unread.length === 0) return this.#takeFirst(shelves);
      await Promise.all(unread.map((shelf) => shelf.read()));
    }
    return undefined;
  }

  /** Waits from now on: what becomes ready after this call is not missed. */
  wait(kinds: Kinds): Waiting {
    let wokenFor: string | undefined;
    let resolve: () => void = nothing;
    const woken = new Promise<void>((settle) => {
      resolve = settle;
    });
    const waiter: Waiter = {
      kinds,
      wake: (kind) => {
        wokenFor = kind;
        resolve();
      },
    };
    this.#waiters.add(waiter);
    const end = (isServed: boolean): void => {
      this.#waiters.delete(waiter);
      resolve();
      if (isServed && wokenFor !== undefined) this.#wake(wokenFor);
    };
    return { woken, end };
  }

  /** Wakes everybody: there will be no more items. */
  wakeAll(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const { wake } of waiters) wake('');
  }

  /** In the same turn as the look at the shelves (V1, V2). */
  #takeFirst(shelves: readonly Shelf[]): ReadyItem | undefined {
    let best: { readonly shelf: Shelf; readonly item: ReadyItem } | undefined;
    for (const shelf of shelves) {
      const { first } = shelf;
      if (first === undefined) continue;
      if (best === undefined || comparePlaces(first.place, best.item.place) < 0)
        best = { shelf, item: first };
    }
    best?.shelf.takeFirst();
    return best?.item;
  }

  #shelf(kind: string): Shelf {
    const shelf = this.#shelves.get(kind) ?? new Shelf(kind, this.#indexRows);
    this.#shelves.delete(kind);
    this.#shelves.set(kind, shelf);
    if (this.#shelves.size <= limits.workShelvesMax) return shelf;
    const [oldest = kind] = this.#shelves.keys();
    this.#shelves.delete(oldest);
    return shelf;
  }

  /** Kinds that may have ready items; those known to have none are left out until one is told of. */
  async #readyKinds(): Promise<readonly string[]> {
    for (const kind of this.#ready ?? [])
      if (this.#shelves.get(kind)?.isEmpty === true) this.#ready?.delete(kind);
    if (this.#ready === undefined || (this.#ready.size === 0 && this.#hasMore))
      this.#finding ??= this.#find();
    await this.#finding;
    return [...(this.#ready ?? [])];
  }

  async #find(): Promise<void> {
    try {
      await this.#findKinds();
    } catch (error) {
      // What was found is not all there is: who asks next looks again.
      this.#ready = undefined;
      throw error;
    } finally {
      this.#finding = undefined;
    }
  }

  /** One seek a kind, and one for its first ready item. */
  async #findKinds(): Promise<void> {
    // Noted from now on: what becomes ready meanwhile is not missed.
    this.#ready ??= new Set();
    this.#hasMore = false;
    const { queue } = workIndexes;
    let kind = await this.#indexRows.nextPart(queue, []);
    while (kind !== undefined && !this.#hasMore) {
      const [row] = await this.#indexRows.after(queue, [kind, 'ready'], [], 1);
      if (row !== undefined) this.#noteKind(kind);
      kind = await this.#indexRows.nextPart(queue, [], kind);
    }
  }

  #noteKind(kind: string): void {
    if (this.#ready === undefined || this.#ready.has(kind)) return;
    if (this.#ready.size < limits.workShelvesMax) this.#ready.add(kind);
    else this.#hasMore = true;
  }

  #wake(kind: string): void {
    for (const waiter of this.#waiters) {
      if (waiter.kinds !== undefined && !waiter.kinds.includes(kind)) continue;
      this.#waiters.delete(waiter);
      waiter.wake(kind);
      return;
    }
  }
}

function nothing(): void {
  // Replaced at once.
}
