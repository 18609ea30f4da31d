/**
 * Looking: every read of actors, journals, indexes, payloads and histories, staged rows included (C3), but
 * where it says otherwise.
 *
 * Callers: the façades, the CLI, the tests. It changes nothing.
 */
import { HoldfastError } from '../../errors.js';
import { isPlainObject, type Json } from '../../json.js';
import { splitAddress } from '../../ids.js';
import { limits } from '../../limits.js';
import { compareKeys, keys, partsOf, rangeAfter, rangeOf, type RowLetter } from '../../store/keys.js';
import type { Entry, Range, Store } from '../../store/store.js';
import { withSnapshot, type Rows } from './amortized.js';
import type { CommitLoop } from './commit-loop.js';
import { commitTimesIn, type CommitTimes } from './commit-times.js';
import { isThere, parsedRow, readable, rowOf, scanPast, type Scanned } from './damage.js';
import type { Definition } from './definition.js';
import { unpaged } from './page-rows.js';
import { pagesOf } from './pages.js';
import type { ActorRecord, EffectRow, HistoryEntry, JournalEntry } from './record.js';

/** One page of a listing; `cursor` continues it and is absent at the end. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly cursor?: string;
}

export interface PageOptions {
  /** What an earlier page returned. */
  readonly cursor?: string | undefined;
  /** 1 to 1,000; default 100. */
  readonly limit?: number | undefined;
  readonly newestFirst?: boolean | undefined;
}

/** An actor as a listing finds it. */
export interface FoundRecord {
  readonly address: string;
  /** Undefined when its row is damaged. */
  readonly record: ActorRecord | undefined;
}

/** Whether a listing wants it. */
type Matches = (found: FoundRecord) => boolean | Promise<boolean>;

type DefinitionOf = (kind: string) => Definition | undefined;

const PAGE_DEFAULT = 100;

/** Records looked at in one scan: a selective filter need not read a row a time, nor a short page all. */
const RECORDS_A_SCAN = 100;

export class Reader {
  readonly #loop: CommitLoop;
  /** Without what is staged: for what is shown with nobody's record to wait for (K1). */
  readonly #disk: Rows;
  readonly #store: Store;
  readonly #definitionOf: DefinitionOf;

  constructor(loop: CommitLoop, store: Store, definitionOf: DefinitionOf) {
    this.#loop = loop;
    this.#disk = rowsIn(store);
    this.#store = store;
    this.#definitionOf = definitionOf;
  }

  async record(address: string): Promise<ActorRecord | undefined> {
    const text = await this.#loop.read(keys.record(address));
    return this.#whole(address, text, this.#loop);
  }

  /** A record that was found without its snapshot, as the machines of `definition` make it. */
  whole(
    definition: Definition,
    { address, record }: { address: string; record: ActorRecord },
  ): Promise<ActorRecord> {
    return withSnapshot(this.#loop, definition, address, record);
  }

  /** A record, whatever is with its snapshot, once it is on disk (K1). Throws STORE_CORRUPTED. */
  async recordOnDisk(address: string): Promise<ActorRecord | undefined> {
    const key = keys.record(address);
    const text = await this.#loop.read(key);
    await this.#loop.settled(key);
    return text === undefined ? undefined : parsedRow<ActorRecord>(key, text);
  }

  /** The record as it is on disk, without what is staged. */
  async committed(store: Store, address: string): Promise<ActorRecord | undefined> {
    const text = await store.get(keys.record(address));
    return this.#whole(address, text, rowsIn(store));
  }

  /** With its snapshot, as far as this process knows the machine that makes it. */
  async #whole(address: string, text: string | undefined, rows: Rows): Promise<ActorRecord | undefined> {
    const record = parseRecord(text);
    const definition = this.#definitionOf(splitAddress(address).kind);
    if (record === undefined || definition === undefined) return record;
    return withSnapshot(rows, definition, address, record);
  }

  async payload(address: string, name: string): Promise<Json | undefined> {
    const text = await this.#loop.read(keys.payload(address, name));
    return text === undefined ? undefined : (JSON.parse(text) as Json);
  }

  /** The same, as it is on disk. */
  async payloadOnDisk(address: string, name: string): Promise<Json | undefined> {
    const key = keys.payload(address, name);
    const text = await this.#disk.read(key);
    return text === undefined ? undefined : (JSON.parse(text) as Json);
  }

  /** Addresses found by an index, in its order; `parts` may be a prefix of the declared ones. */
  async byIndex(index: string, parts: readonly string[], options: PageOptions = {}): Promise<Page<string>> {
    const page = await this.#page('q', [index, ...parts], options);
    return { ...page, items: page.items.map(addressIn) };
  }

  /** How many an index finds on disk; `limits.scanPageRows` are counted. */
  async countIndexed(index: string): Promise<number> {
    return (await scanPast(this.#disk, { ...rangeOf('q', index), limit: limits.scanPageRows })).length;
  }

  /** The declared parts of index rows, the address last, in their order. */
  async indexParts(
    index: string,
    parts: readonly string[],
    options: PageOptions = {},
  ): Promise<Page<readonly string[]>> {
    const page = await this.#page('q', [index, ...parts], options);
    return { ...page, items: page.items.map(([key]) => partsOf(key).slice(1)) };
  }

  /** The actor that holds a unique index key. */
  async byUnique(index: string, parts: readonly string[]): Promise<string | undefined> {
    const text = await this.#loop.read(keys.index(index, parts, ''));
    return text === undefined ? undefined : String(JSON.parse(text));
  }

  /** Addresses of a kind, by id. */
  async byKind(kind: string, options: PageOptions = {}): Promise<Page<string>> {
    const page = await this.#pageOf(kindRange(kind), options);
    return { ...page, items: page.items.map(([key]) => partsOf(key)[0] ?? '') };
  }

  /**
   * One page of a kind's records that satisfy `matches`, by id, once they are on disk. It looks at
   * `limits.scanPageRows` records at most: a page may be shorter than its limit, empty even, and have a
   * cursor.
   */
  async records(kind: string, matches: Matches, options: PageOptions = {}): Promise<Page<FoundRecord>> {
    const { cursor } = options;
    const limit = pageLimit(options);
    const whole = kindRange(kind);
    const items: FoundRecord[] = [];
    let last = cursor === undefined ? undefined : cursorKey(cursor, whole);
    for (let examined = 0; examined < limits.scanPageRows; examined += RECORDS_A_SCAN) {
      const range = last === undefined ? whole : rangeAfter(whole, last);
      const rows = await scanPast(this.#loop, { ...range, limit: RECORDS_A_SCAN });
      for (const [key, text] of rows) {
        last = key;
        const found = { address: partsOf(key)[0] ?? '', record: parseRecord(text) };
        if (await matches(found)) items.push(found);
        if (items.length === limit) return this.#onDisk({ items, cursor: encodeCursor(key) });
      }
      if (rows.length < RECORDS_A_SCAN) return this.#onDisk({ items });
    }
    return this.#onDisk(last === undefined ? { items } : { items, cursor: encodeCursor(last) });
  }

  /** The same of the records that an index finds, in its order. */
  async indexedRecords(
    index: string,
    parts: readonly string[],
    matches: Matches,
    options: PageOptions = {},
  ): Promise<Page<FoundRecord>> {
    const { cursor, newestFirst: reverse = false } = options;
    const limit = pageLimit(options);
    const whole = rangeOf('q', index, ...parts);
    const items: FoundRecord[] = [];
    let last = cursor === undefined ? undefined : cursorKey(cursor, whole);
    for (let examined = 0; examined < limits.scanPageRows; examined += RECORDS_A_SCAN) {
      const range = last === undefined ? whole : continued(whole, last, reverse);
      const rows = await scanPast(this.#loop, { ...range, limit: RECORDS_A_SCAN, reverse });
      for (const row of rows) {
        const [key] = row;
        last = key;
        const found = await this.#lookUp(addressIn(row));
        if (found !== undefined && (await matches(found))) items.push(found);
        if (items.length === limit) return this.#onDisk({ items, cursor: encodeCursor(key) });
      }
      if (rows.length < RECORDS_A_SCAN) return this.#onDisk({ items });
    }
    return this.#onDisk(last === undefined ? { items } : { items, cursor: encodeCursor(last) });
  }

  /** One record, as a listing finds it, once it is on disk; undefined when there is none. */
  async find(address: string): Promise<FoundRecord | undefined> {
    const found = await this.#lookUp(address);
    await this.#loop.settled(keys.record(address));
    return found;
  }

  async #lookUp(address: string): Promise<FoundRecord | undefined> {
    const key = keys.record(address);
    const record = await readable<ActorRecord>(this.#loop, key);
    if (record !== undefined) return { address, record };
    return (await isThere(this.#loop, key)) ? { address, record } : undefined;
  }

  /** The page, once what it shows is committed (K1). */
  async #onDisk(page: Page<FoundRecord>): Promise<Page<FoundRecord>> {
    await Promise.all(page.items.map(({ address }) => this.#loop.settled(keys.record(address))));
    return page;
  }

  async journal(address: string): Promise<JournalEntry[]> {
    return (await this.#all('j', address)).map(([, value]) => JSON.parse(value) as JournalEntry);
  }

  /** The same, once all of it is on disk (K1). */
  async journalOnDisk(address: string): Promise<JournalEntry[]> {
    const entries = await this.journal(address);
    await this.#loop.settled(keys.record(address));
    return entries;
  }

  /** Kept steps from `first` to `last`, both included; a row that cannot be read is left out. */
  async entries(address: string, first: number, last: number): Promise<JournalEntry[]> {
    const range = { gte: keys.journal(address, first), lt: keys.journal(address, last + 1) };
    const found: JournalEntry[] = [];
    for await (const page of pagesOf((options) => scanPast(this.#loop, options), range)) {
      for (const row of page) {
        const entry = rowOf<JournalEntry>(row);
        if (entry !== undefined) found.push(entry);
      }
    }
    return found;
  }

  /** When commits were written; those whose time is not kept, or was never told, are left out. */
  commitTimes(commits: Iterable<number>): Promise<CommitTimes> {
    return commitTimesIn(this.#store, commits);
  }

  /** The rows on disk of a record's effects; those that are gone, or cannot be read, are left out. */
  async effects(address: string, record: ActorRecord): Promise<EffectRow[]> {
    const { kind } = splitAddress(address);
    const found: EffectRow[] = [];
    for (const { pool, ord } of record.effects) {
      const row = await readable<EffectRow>(this.#disk, keys.effect(kind, pool, ord));
      if (row !== undefined) found.push(row);
    }
    return found;
  }

  /** How many events wait for an actor on disk; `limits.scanPageRows` are counted. */
  async waiting(address: string): Promise<number> {
    return (await scanPast(this.#disk, { ...rangeOf('i', address), limit: limits.scanPageRows })).length;
  }

  async checkpoint(address: string, seq: number): Promise<ActorRecord | undefined> {
    const key = keys.checkpoint(address, seq);
    const text = await this.#loop.read(key);
    const checkpoint = text === undefined ? undefined : parsedRow<ActorRecord>(key, text);
    return checkpoint && (await unpaged(this.#loop, address, checkpoint)).record;
  }

  /** A session's history on disk, oldest first unless asked otherwise; what cannot be read is left out. */
  async history(session: string, options: PageOptions = {}): Promise<Page<HistoryEntry>> {
    const page = await this.#pageOf(rangeOf('h', session), options, this.#disk);
    return { ...page, items: page.items.flatMap((row) => rowOf<HistoryEntry>(row) ?? []) };
  }

  async isReferenced(file: string): Promise<boolean> {
    return (await this.#loop.scan({ ...rangeOf('a', file), limit: 1 })).length > 0;
  }

  async #all(letter: RowLetter, ...parts: readonly string[]): Promise<Entry[]> {
    const found: Entry[] = [];
    const range = rangeOf(letter, ...parts);
    for await (const page of pagesOf((options) => this.#loop.scan(options), range)) found.push(...page);
    return found;
  }

  #page(letter: RowLetter, parts: readonly string[], options: PageOptions): Promise<Page<Scanned>> {
    return this.#pageOf(rangeOf(letter, ...parts), options);
  }

  async #pageOf(range: Range, options: PageOptions, rows: Rows = this.#loop): Promise<Page<Scanned>> {
    const limit = pageLimit(options);
    const reverse = options.newestFirst === true;
    const from =
      options.cursor === undefined ? range : continued(range, cursorKey(options.cursor, range), reverse);
    const items = await scanPast(rows, { ...from, limit, reverse });
    const last = items.at(-1);
    return items.length < limit || last === undefined ? { items } : { items, cursor: encodeCursor(last[0]) };
  }
}

function rowsIn(store: Store): Rows {
  return { read: (key) => store.get(key), scan: (range) => store.scan(range) };
}

/** Whom an index row finds: its key says it too, but for a key that is unique. */
function addressIn([key, text]: Scanned): string {
  const own = partsOf(key).at(-1) ?? '';
  return own === '' && text !== undefined ? String(JSON.parse(text)) : own;
}

function pageLimit({ limit = PAGE_DEFAULT }: PageOptions): number {
  return Math.min(Math.max(1, limit), limits.scanPageRows);
}

function kindRange(kind: string): Range {
  return { gte: keys.record(`${kind}/`), lt: keys.record(`${kind}0`) };
}

function continued(range: Range, key: string, reverse: boolean): Range {
  return reverse ? { gte: range.gte, lt: key } : rangeAfter(range, key);
}

function encodeCursor(key: string): string {
  return Buffer.from(key).toString('base64url');
}

/** Cursors come from outside: one that leads out of its listing would show rows of another. */
function cursorKey(cursor: string, range: Range): string {
  const key = Buffer.from(cursor, 'base64url').toString();
  if (within(key, range)) return key;
  throw new HoldfastError('INVALID_INPUT', '"cursor": this listing never returned it', {
    details: { field: 'cursor' },
  });
}

function within(key: string, range: Range): boolean {
  return compareKeys(key, range.gte) >= 0 && compareKeys(key, range.lt) < 0;
}

function parseRecord(text: string | undefined): ActorRecord | undefined {
  if (text === undefined) return undefined;
  const record: unknown = JSON.parse(text);
  return isPlainObject(record) ? (record as unknown as ActorRecord) : undefined;
}
