/**
 * The ordered database under a store, as six functions, and their making from any abstract-level database.
 *
 * Owns: the shape of Level calls (chained batches, `getSync`, `nextv`). Callers: level-store.ts,
 * memory-store.ts; row-store.ts uses the interface alone.
 * Invariants: rows are in stored form (see codec.ts); an iterator is always closed; a write is one batch.
 */
import type { Entry, Row, ScanOptions } from './store.js';

export interface Database {
  readonly get: (key: string) => string | undefined;
  readonly getMany: (keys: readonly string[]) => Promise<(string | undefined)[]>;
  readonly read: (options: ScanOptions) => Promise<Entry[]>;
  readonly write: (rows: readonly Row[]) => Promise<void>;
  /** The database as it is now, whatever is written later. */
  readonly snapshot: () => DatabaseSnapshot;
  readonly close: () => Promise<void>;
}

export interface DatabaseSnapshot {
  readonly read: (options: ScanOptions) => Promise<Entry[]>;
  /** The first rows of a range, as many as the read-ahead holds; none when there are none. */
  readonly readSome: (options: ScanOptions) => Promise<Entry[]>;
  /** Waits for reads under way; closing twice is harmless. */
  readonly close: () => Promise<void>;
}

/** What we use of an abstract-level database with utf8 keys and values. */
export interface LevelLike {
  getSync(key: string): string | undefined;
  getMany(keys: string[]): Promise<(string | undefined)[]>;
  batch(): LevelBatch;
  iterator(options: LevelIteratorOptions): LevelIterator;
  snapshot(): LevelSnapshot;
  close(): Promise<void>;
}

interface LevelSnapshot {
  ref(): void;
  unref(): void;
  close(): Promise<void>;
}

interface LevelBatch {
  put(key: string, value: string): unknown;
  del(key: string): unknown;
  write(options: { readonly sync: boolean }): Promise<void>;
}

interface LevelIteratorOptions extends ScanOptions {
  readonly highWaterMarkBytes: number;
  readonly snapshot: LevelSnapshot | undefined;
}

interface LevelIterator {
  nextv(size: number): Promise<[string, string][]>;
  close(): Promise<void>;
}

/** Bytes an iterator fetches ahead: 5 times as fast as the default of 16 KiB. */
const READ_AHEAD_BYTES = 1_048_576;
const READ_ROWS = 2_000;

/**
 * `sync` holds for every write: LevelDB does not make earlier unsynced writes durable with a later synced
 * one.
 */
export function levelDatabase(db: LevelLike, options: { readonly sync: boolean }): Database {
  return {
    get: (key) => db.getSync(key),
    getMany: (keys) => db.getMany([...keys]),
    read: (scan) => readPage(db, scan),
    write: async (rows) => {
      const batch = db.batch();
      for (const row of rows) {
        if (row.value === undefined) batch.del(row.key);
        else batch.put(row.key, row.value);
      }
      await batch.write({ sync: options.sync });
    },
    snapshot: () => {
      const snapshot = db.snapshot();
      return {
        read: (scan) => readPage(db, scan, { snapshot }),
        readSome: (scan) => readPage(db, scan, { snapshot, reads: 1 }),
        close: () => snapshot.close(),
      };
    },
    close: () => db.close(),
  };
}

interface Reading {
  readonly snapshot?: LevelSnapshot;
  /** How often it may ask its iterator for more. Default: until the page is full. */
  readonly reads?: number;
}

async function readPage(db: LevelLike, scan: ScanOptions, reading: Reading = {}): Promise<Entry[]> {
  const { gte, lt, limit, reverse = false } = scan;
  const { snapshot, reads = Number.POSITIVE_INFINITY } = reading;
  const highWaterMarkBytes = READ_AHEAD_BYTES;
  const iterator = db.iterator({ gte, lt, limit, reverse, highWaterMarkBytes, snapshot });
  const entries: Entry[] = [];
  try {
    for (let read = 0; read < reads && entries.length < limit; read += 1) {
      const some = await iterator.nextv(Math.min(limit - entries.length, READ_ROWS));
      if (some.length === 0) break;
      entries.push(...some);
    }
  } finally {
    await iterator.close();
  }
  return entries;
}
