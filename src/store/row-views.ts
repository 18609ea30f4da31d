/**
 * Views of a row store: snapshots of its database, read through the codec or as they are (S7).
 *
 * Owns: the snapshots, until each is closed or the store is. Callers: row-store.ts. Invariants:
 *  V1 a view belongs to one moment: its commit number is read from its own snapshot, since the store's may be
 *     that of a commit whose writing has not been answered yet;
 *  V2 every snapshot is closed, at the latest with the store: LevelDB keeps all it shows on disk.
 */
import { strict as assert } from 'node:assert';
import { HoldfastError } from '../errors.js';
import { limits } from '../limits.js';
import { decodeValue } from './codec.js';
import type { Database, DatabaseSnapshot } from './database.js';
import { partsOf, rangeOf } from './keys.js';
import type { Entry, ScanOptions, StoreView } from './store.js';
import { storeFault } from './store-fault.js';

export class RowViews {
  readonly #database: Database;
  readonly #open = new Set<DatabaseSnapshot>();

  constructor(database: Database) {
    this.#database = database;
  }

  async open(): Promise<StoreView> {
    if (this.#open.size >= limits.storeViewsMax) {
      throw new HoldfastError('STORE_BUSY', `${limits.storeViewsMax} views of the store are open`);
    }
    const snapshot = this.#snapshot();
    try {
      const [newest] = await this.#read(snapshot, snapshot.read, NEWEST_LINK);
      const [number = '0'] = newest === undefined ? [] : partsOf(newest[0]);
      return this.#view(snapshot, Number.parseInt(number, 16));
    } catch (error) {
      await this.#end(snapshot);
      throw error;
    }
  }

  /** Ends them all: a read that comes later is refused, one under way is waited for. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((snapshot) => this.#end(snapshot)));
  }

  #snapshot(): DatabaseSnapshot {
    try {
      const snapshot = this.#database.snapshot();
      this.#open.add(snapshot);
      return snapshot;
    } catch (error) {
      throw storeFault(error, 'the store cannot be viewed');
    }
  }

  #view(snapshot: DatabaseSnapshot, lastCommit: number): StoreView {
    return {
      lastCommit,
      scan: async (options) => {
        const entries = await this.#read(snapshot, snapshot.read, options);
        return entries.map(([key, stored]) => [key, decodeValue(stored, key)]);
      },
      scanStored: (options) => this.#read(snapshot, snapshot.readSome, options),
      close: () => this.#end(snapshot),
    };
  }

  async #read(
    snapshot: DatabaseSnapshot,
    read: DatabaseSnapshot['read'],
    options: ScanOptions,
  ): Promise<Entry[]> {
    if (!this.#open.has(snapshot)) throw new HoldfastError('RUNTIME_CLOSED', 'the view is closed');
    assert.ok(Number.isSafeInteger(options.limit) && options.limit >= 1, 'a scan asks for 1 row or more');
    return await read(options).catch((error: unknown) => {
      throw storeFault(error, 'a range cannot be read');
    });
  }

  async #end(snapshot: DatabaseSnapshot): Promise<void> {
    this.#open.delete(snapshot);
    await snapshot.close();
  }
}

const NEWEST_LINK: ScanOptions = { ...rangeOf('k'), limit: 1, reverse: true };
