/**
 * The store over any ordered database: what LevelStore and MemoryStore share, which is nearly everything.
 *
 * Owns: the checks of a commit, the codec on the way in and out, the commit chain, the generation, the
 * lifecycle.
 * Callers: level-store.ts and memory-store.ts, which open and lock a database and hand it over; the doctor's
 * examination, which opens a copy in spite of damage.
 *
 * Invariants (S1 to S5, S7 and S8 of store.ts), and:
 *  R1 at most one write is in flight; a second `commit` meanwhile is a caller's bug;
 *  R2 a refused commit writes nothing and harms nothing; a failed one ends all writing;
 *  R3 every write goes through the chain, the store's own rows included: opening to run is a commit of its
 *     own.
 */
import { strict as assert } from 'node:assert';
import { HoldfastError, isHoldfastError, isWriteFailure } from '../errors.js';
import { limits } from '../limits.js';
import { linkRows, nextLink, verifyChain, type ChainFault, type Link } from './chain.js';
import { decodeValue, encodeRow } from './codec.js';
import type { Database } from './database.js';
import { rangeOf, keys } from './keys.js';
import { RecordSeqs, seqOfRecord } from './record-seqs.js';
import { RowViews } from './row-views.js';
import type { Commit, Entry, Expectation, Row, ScanOptions, Store, StoreView } from './store.js';
import { storeFault, writeFault } from './store-fault.js';

/** The format of the rows. Raise it when an older holdfast must not touch them any more. */
export const STORE_FORMAT = 2;

/** `run` raises the generation; `look` raises nothing and commits with epoch 0. */
export type StorePurpose = 'run' | 'look';

export interface RowStoreOptions {
  readonly database: Database;
  readonly purpose: StorePurpose;
  /**
   * True while the place is being created: an empty database then becomes a store. Otherwise it is a loss.
   */
  readonly mayBeEmpty: boolean;
  /** Default: limits.chainRowsKept. */
  readonly chainRowsKept?: number | undefined;
}

/** What an open would refuse: told to whoever looks in spite of it. */
export interface StoreFault {
  readonly code: ChainFault['code'] | 'FORMAT_MISSING';
  readonly what: string;
}

/** Verifies what is there and opens it. On failure the database is left open: its opener closes it. */
export async function openRowStore(options: RowStoreOptions): Promise<Store> {
  const { database, purpose } = options;
  const link = await verifyChain(database.read).catch((error: unknown) => {
    throw storeFault(error, 'the commit chain cannot be read');
  });
  const empty = link.number === 0;
  if (empty && !options.mayBeEmpty) {
    throw new HoldfastError('STORE_CORRUPTED', 'the database is empty although it held a store');
  }
  if (!empty) readFormat(database);
  const previous = empty ? 0 : readGeneration(database);
  const generation = purpose === 'run' ? previous + 1 : 0;
  const store = new RowStore(options, generation, link);
  const rows: Row[] = empty ? [{ key: keys.meta('format'), value: String(STORE_FORMAT) }] : [];
  if (empty || purpose === 'run') rows.push({ key: keys.meta('generation'), value: String(generation) });
  if (rows.length > 0) await store.commit({ number: link.number + 1, rows, expect: [] });
  return store;
}

/**
 * Opens a database to look at it in spite of what is wrong with its chain and its own rows: that is told to
 * `hear`, and nothing is written. Still refused is another format: its rows would be misread.
 */
export async function openInSpite(database: Database, hear: (fault: StoreFault) => void): Promise<Store> {
  const link = await verifyChain(database.read, hear);
  for (const read of [readFormat, readGeneration]) {
    try {
      read(database);
    } catch (error) {
      if (!isHoldfastError(error, 'STORE_CORRUPTED')) throw error;
      const row = read === readFormat ? 'format' : 'generation';
      hear({ code: 'FORMAT_MISSING', what: `the row of the ${row} is missing or malformed` });
    }
  }
  return new RowStore({ database, purpose: 'look', mayBeEmpty: false }, 0, link);
}

/** A directory of before: told apart from a damaged one. */
export function olderFormat(what: string, format: number): HoldfastError {
  const message = `${what} is in format ${format}, this holdfast knows ${STORE_FORMAT}`;
  return new HoldfastError('STORE_FORMAT_OLDER', message);
}

/** Refuses rows of another format. The row is there since the first commit, as the generation's is. */
function readFormat(database: Database): void {
  const format = readMeta(database, 'format');
  if (format < STORE_FORMAT) throw olderFormat('the database', format);
  if (format > STORE_FORMAT) {
    throw new HoldfastError(
      'STORE_FORMAT_NEWER',
      `the rows are in format ${format}, this holdfast knows up to ${STORE_FORMAT}`,
    );
  }
}

function readGeneration(database: Database): number {
  return readMeta(database, 'generation');
}

function readMeta(database: Database, name: string): number {
  const key = keys.meta(name);
  const stored = database.get(key);
  const value = stored === undefined ? Number.NaN : Number(decodeValue(stored, key));
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new HoldfastError('STORE_CORRUPTED', `the row ${JSON.stringify(key)} is missing or malformed`);
  }
  return value;
}

/** Where a store is in its life. */
type Phase =
  | { readonly at: 'open' }
  | { readonly at: 'committing'; readonly work: Promise<void> }
  | { readonly at: 'failed'; readonly cause: unknown }
  | { readonly at: 'closed'; readonly done: Promise<void> };

class RowStore implements Store {
  readonly generation: number;
  readonly #database: Database;
  readonly #rowsKept: number;
  readonly #seqs = new RecordSeqs();
  readonly #views: RowViews;
  #link: Link;
  #phase: Phase = { at: 'open' };

  constructor(options: RowStoreOptions, generation: number, link: Link) {
    this.#database = options.database;
    this.#views = new RowViews(options.database);
    this.#rowsKept = options.chainRowsKept ?? limits.chainRowsKept;
    this.generation = generation;
    this.#link = link;
  }

  get lastCommit(): number {
    return this.#link.number;
  }

  get(key: string): string | undefined {
    this.#mustBeOpen();
    const stored = this.#read(key);
    return stored === undefined ? undefined : decodeValue(stored, key);
  }

  async getMany(wanted: readonly string[]): Promise<(string | undefined)[]> {
    this.#mustBeOpen();
    const stored = await this.#database.getMany(wanted).catch((error: unknown) => {
      throw storeFault(error, 'rows cannot be read');
    });
    return wanted.map((key, index) => {
      const value = stored[index];
      return value === undefined ? undefined : decodeValue(value, key);
    });
  }

  async scan(options: ScanOptions): Promise<Entry[]> {
    this.#mustBeOpen();
    assert.ok(Number.isSafeInteger(options.limit) && options.limit >= 1, 'a scan asks for 1 row or more');
    const entries = await this.#database.read(options).catch((error: unknown) => {
      throw storeFault(error, 'a range cannot be read');
    });
    return entries.map(([key, stored]) => [key, decodeValue(stored, key)]);
  }

  async commit(commit: Commit): Promise<void> {
    this.#mustBeOpen();
    if (this.#phase.at === 'failed') {
      throw writeFault(this.#phase.cause, 'an earlier commit failed, so none can follow');
    }
    assert.ok(this.#phase.at === 'open', 'one commit at a time (R1)');
    const work = this.#apply(commit);
    this.#phase = { at: 'committing', work };
    try {
      await work;
      this.#settle({ at: 'open' });
    } catch (error) {
      this.#settle(isWriteFailure(error) ? { at: 'failed', cause: error.cause } : { at: 'open' });
      throw error;
    }
  }

  async view(): Promise<StoreView> {
    this.#mustBeOpen();
    return await this.#views.open();
  }

  close(): Promise<void> {
    if (this.#phase.at === 'closed') return this.#phase.done;
    const work = this.#phase.at === 'committing' ? this.#phase.work : Promise.resolve();
    // The commit's own caller hears of its failure; closing goes on regardless.
    const done = Promise.allSettled([work, this.#views.close()]).then(() => this.#database.close());
    this.#phase = { at: 'closed', done };
    return done;
  }

  /** The end of a commit. A close that came meanwhile stands. */
  #settle(phase: Phase): void {
    if (this.#phase.at === 'committing') this.#phase = phase;
  }

  async #apply(commit: Commit): Promise<void> {
    if (commit.number !== this.lastCommit + 1) {
      throw refused(`commit ${commit.number} does not follow commit ${this.lastCommit}`);
    }
    if (commit.at !== undefined && !Number.isFinite(commit.at)) {
      throw refused(`commit ${commit.number} has no time: ${commit.at}`);
    }
    for (const expectation of commit.expect) {
      if (expectation.epoch !== this.generation) {
        throw refused(`epoch ${expectation.epoch} of ${expectation.address} is not ${this.generation}`);
      }
      const seq = this.#seqs.get(expectation.address) ?? (await this.#readSeq(expectation.address));
      checkSeq(expectation, seq);
    }
    const encoded = commit.rows.map(encodeRow);
    const link = nextLink(this.#link, encoded, this.#rowsKept, commit.at);
    encoded.push(...linkRows(this.#link, link));
    try {
      await this.#database.write(encoded);
    } catch (error) {
      throw writeFault(error, `commit ${commit.number} could not be written`);
    }
    this.#link = link;
    this.#seqs.learn(commit.rows);
  }

  /**
   * The seq on disk: the record's, or that of the newest journal entry where snapshots are written seldom.
   */
  async #readSeq(address: string): Promise<number> {
    const key = keys.record(address);
    const stored = this.#read(key);
    if (stored === undefined) return 0;
    const seq = seqOfRecord(decodeValue(stored, key));
    if (seq === undefined) {
      throw new HoldfastError('STORE_CORRUPTED', `the record ${JSON.stringify(key)} has no seq`);
    }
    // Entries have no gaps: without the next there is none behind it. A look costs 5 us, a scan 35.
    if (this.#read(keys.journal(address, seq + 1)) === undefined) return seq;
    const journal = { ...rangeOf('j', address), limit: 1, reverse: true };
    const [newest] = await this.#database.read(journal).catch((error: unknown) => {
      throw storeFault(error, `the journal of ${address} cannot be read`);
    });
    const journalSeq = newest === undefined ? 0 : Number.parseInt(newest[0].slice(-12), 16);
    return Math.max(seq, journalSeq);
  }

  #read(key: string): string | undefined {
    try {
      return this.#database.get(key);
    } catch (error) {
      throw storeFault(error, `the row ${JSON.stringify(key)} cannot be read`);
    }
  }

  #mustBeOpen(): void {
    if (this.#phase.at === 'closed') throw new HoldfastError('RUNTIME_CLOSED', 'the store is closed');
  }
}

function checkSeq(expectation: Expectation, seq: number): void {
  if (expectation.expectedSeq === seq) return;
  throw refused(`${expectation.address} is at seq ${seq}, not ${expectation.expectedSeq}`);
}

function refused(why: string): HoldfastError {
  return new HoldfastError('COMMIT_REFUSED', why);
}
