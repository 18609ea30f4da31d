/**
 * Reading a store that nobody writes to, whatever is damaged in it: a row that cannot be read is told apart
 * from one that is not there.
 *
 * Owns: the pages in memory, and what is said of the progress. Callers: this folder. Invariants:
 *  R1  A walk holds one page, of about a megabyte; keys that make no sense are set aside, never handed on.
 *  R2  Nothing is read a row at a time but where a batch had damaged rows in it.
 */
import { isHoldfastError } from '../../errors.js';
import { limits } from '../../limits.js';
import { keyOf, rangeAfter } from '../../store/keys.js';
import type { Range, ScanOptions, Store } from '../../store/store.js';
import { scanPast, type Scanned } from '../kernel/damage.js';
import { isKey } from './row-keys.js';

export type ReadableRows = Pick<Store, 'get' | 'getMany' | 'scan'>;

export interface ReadingOptions {
  readonly signal?: AbortSignal;
  /** Called after each page and batch with the number of rows read so far. */
  readonly onProgress?: (rows: number) => void;
}

/** A row that is there and fails its checksum. */
export const DAMAGED = Symbol('damaged');

/** A row's text, that it is damaged, or that there is none. */
export type Found = string | typeof DAMAGED | undefined;

export type ReadRow = readonly [key: string, found: Found];

export function lengthOf(found: Found): number {
  return typeof found === 'string' ? found.length : 0;
}

const PAGE_BYTES = 1_048_576;
const PAGE_ROWS_MIN = 16;

export class Reading {
  readonly #rows: ReadableRows;
  readonly #options: ReadingOptions;
  #read = 0;
  /** The keys that made no sense. */
  readonly strays = new Set<string>();

  constructor(rows: ReadableRows, options: ReadingOptions) {
    this.#rows = rows;
    this.#options = options;
  }

  /** The pages of a range, oldest first, without the keys that make no sense. */
  async *pages(whole: Range): AsyncGenerator<readonly ReadRow[], void, undefined> {
    let range = whole;
    let limit: number = PAGE_ROWS_MIN;
    for (;;) {
      const page = await this.#page({ ...range, limit });
      yield page
        .filter(([key]) => this.#makesSense(key))
        .map(([key, text]): ReadRow => [key, text ?? DAMAGED]);
      const last = page.at(-1);
      if (page.length < limit || last === undefined) return;
      range = rangeAfter(range, last[0]);
      limit = nextLimit(page);
    }
  }

  /** The same row by row, for ranges that are no walk through a letter of many millions. */
  async *rows(whole: Range): AsyncGenerator<ReadRow, void, undefined> {
    for await (const page of this.pages(whole)) yield* page;
  }

  /** The rows of some keys, in one read. */
  async many(wanted: Iterable<string>): Promise<ReadonlyMap<string, Found>> {
    const found = new Map<string, Found>();
    const keys = [...new Set(wanted)];
    for (let from = 0; from < keys.length; from += limits.scanPageRows) {
      const some = keys.slice(from, from + limits.scanPageRows);
      const rows = await this.#some(some);
      for (const [index, key] of some.entries()) found.set(key, rows[index]);
      this.#count(some.length);
    }
    return found;
  }

  /** True when a range has a row, damaged or not. */
  async hasAny(range: Range): Promise<boolean> {
    return (await this.#page({ ...range, limit: 1 })).length > 0;
  }

  async #page(options: ScanOptions): Promise<readonly Scanned[]> {
    const page = await scanPast(this.#rows, options);
    this.#count(page.length);
    return page;
  }

  async #some(keys: readonly string[]): Promise<readonly Found[]> {
    try {
      return await this.#rows.getMany(keys);
    } catch (error) {
      if (!isHoldfastError(error, 'STORE_CORRUPTED')) throw error;
    }
    const found: Found[] = [];
    for (const key of keys) found.push(await this.#one(key));
    return found;
  }

  async #one(key: string): Promise<Found> {
    try {
      return await this.#rows.get(key);
    } catch (error) {
      if (isHoldfastError(error, 'STORE_CORRUPTED')) return DAMAGED;
      throw error;
    }
  }

  #makesSense(key: string): boolean {
    if (isKey(key)) return true;
    this.strays.add(key);
    return false;
  }

  #count(rows: number): void {
    this.#read += rows;
    this.#options.onProgress?.(this.#read);
    this.#options.signal?.throwIfAborted();
  }
}

/** As many rows as made a page of the wanted size, going by the last one. */
function nextLimit(page: readonly Scanned[]): number {
  const bytes = page.reduce((sum, [key, text]) => sum + key.length + (text?.length ?? 0), 0);
  const rows = Math.floor((PAGE_BYTES * page.length) / Math.max(1, bytes));
  return Math.min(Math.max(rows, PAGE_ROWS_MIN), limits.scanPageRows);
}

type ActorLetter = 's' | 'j' | 'c' | 'p' | 'i' | 'x';

/** Rows of one letter in the order of their addresses, the next one at hand. */
export class Cursor {
  readonly letter: ActorLetter;
  readonly #pages: AsyncGenerator<readonly ReadRow[], void, undefined>;
  #page: readonly ReadRow[] = [];
  #index = 0;
  #ended = false;
  /** Whose the next row is; undefined at the end. Valid after `ready`. */
  address: string | undefined;

  constructor(reading: Reading, letter: ActorLetter, range: Range) {
    this.letter = letter;
    this.#pages = reading.pages(range);
  }

  /** Undefined when the next row is at hand, or there is none: no promise for most rows. */
  ready(): Promise<void> | undefined {
    if (this.#index < this.#page.length || this.#ended) return undefined;
    return this.#load();
  }

  /** The next row. Call when `address` is one. */
  take(): ReadRow {
    const row = this.#page[this.#index] ?? [keyOf(this.letter), undefined];
    this.#index += 1;
    this.#look();
    return row;
  }

  async #load(): Promise<void> {
    do {
      const next = await this.#pages.next();
      this.#ended = next.done === true;
      this.#page = next.value ?? [];
      this.#index = 0;
    } while (!this.#ended && this.#page.length === 0);
    this.#look();
  }

  #look(): void {
    const key = this.#page[this.#index]?.[0];
    const end = key?.indexOf('\0', 2) ?? -1;
    this.address = key?.slice(2, end < 0 ? undefined : end);
  }
}
