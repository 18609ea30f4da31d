/**
 * The shelf: ready items of one kind, the first of its queue, at hand in claim order.
 *
 * Owns: what is known of the head of the queue. Callers: shelves.ts. Invariants:
 *  H1  Up to its frontier the shelf has every ready item that nobody took, staged ones included; what lies
 *      beyond is on disk alone. So the first here is the first there is.
 *  H2  It is read on from the frontier: rows of items that were claimed lie before, and are never passed.
 *  H3  What becomes ready, or is so no more, while a page is read counts after the page.
 *  H4  It holds `limits.workShelfMax` items: one more, and the last goes back to the disk.
 */
import { limits } from '../../limits.js';
import type { Kernel } from '../kernel/index.js';
import { comparePlaces, queueRow, workIndexes, type QueuePlace } from './work-index.js';

export interface ReadyItem {
  readonly kind: string;
  readonly address: string;
  readonly place: QueuePlace;
}

/** Up to a place, nothing yet, or everything there is. */
type Frontier = QueuePlace | 'start' | 'end';

export class Shelf {
  readonly #kind: string;
  readonly #indexRows: Kernel['indexRows'];
  /** In claim order, all up to the frontier. */
  readonly #items: ReadyItem[] = [];
  #frontier: Frontier = 'start';
  #reading: Promise<void> | undefined;
  /** What came while a page was read, beyond the frontier: the newest of each item. */
  readonly #meanwhile = new Map<string, { readonly item: ReadyItem; readonly isReady: boolean }>();

  constructor(kind: string, indexRows: Kernel['indexRows']) {
    this.#kind = kind;
    this.#indexRows = indexRows;
  }

  /** The first in claim order; undefined when none is at hand. */
  get first(): ReadyItem | undefined {
    return this.#items[0];
  }

  /** True when nothing is at hand and there may be more on disk. */
  get mustRead(): boolean {
    return this.#items.length === 0 && this.#frontier !== 'end';
  }

  /** True when nothing is ready at all. */
  get isEmpty(): boolean {
    return this.#items.length === 0 && this.#frontier === 'end';
  }

  takeFirst(): void {
    this.#items.shift();
  }

  /** An item is ready. */
  add(item: ReadyItem): void {
    if (this.#isBeyond(item.place)) {
      this.#later(item, true);
      return;
    }
    const at = this.#indexOf(item.place);
    if (this.#items[at]?.address === item.address) return;
    this.#items.splice(at, 0, item);
    if (this.#items.length <= limits.workShelfMax) return;
    this.#items.pop();
    this.#frontier = this.#items.at(-1)?.place ?? this.#frontier;
  }

  /** It is ready no more. */
  remove(item: ReadyItem): void {
    if (this.#isBeyond(item.place)) {
      this.#later(item, false);
      return;
    }
    const at = this.#indexOf(item.place);
    if (this.#items[at]?.address === item.address) this.#items.splice(at, 1);
  }

  /** Reads on: one page. Who comes while it is read waits for the same. */
  read(): Promise<void> {
    this.#reading ??= this.#readPage().finally(() => {
      this.#reading = undefined;
      this.#meanwhile.clear();
    });
    return this.#reading;
  }

  async #readPage(): Promise<void> {
    const from = this.#frontier;
    if (from === 'end') return;
    const place = from === 'start' ? [] : [from.priority, from.ord];
    const { workShelfPage: limit } = limits;
    const rows = await this.#indexRows.after(workIndexes.queue, [this.#kind, 'ready'], place, limit);
    // What was added meanwhile has pushed the frontier back: the page does not follow on it any more.
    if (this.#frontier !== from) return;
    const found = rows.map((parts) => queueRow(parts));
    this.#items.push(...found);
    this.#frontier = rows.length < limit ? 'end' : (found.at(-1)?.place ?? 'end');
    for (const { item, isReady } of [...this.#meanwhile.values()]) {
      if (isReady) this.add(item);
      else this.remove(item);
    }
  }

  #later(item: ReadyItem, isReady: boolean): void {
    if (this.#reading !== undefined) this.#meanwhile.set(item.address, { item, isReady });
  }

  #isBeyond(place: QueuePlace): boolean {
    const frontier = this.#frontier;
    if (frontier === 'start') return true;
    return frontier !== 'end' && comparePlaces(place, frontier) > 0;
  }

  /** Where it is, or would be. */
  #indexOf(place: QueuePlace): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const item = this.#items[middle];
      if (item !== undefined && comparePlaces(item.place, place) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
