/**
 * The store in memory: the same rows, checks and refusals as on disk, for tests and for work that may be
 * lost.
 *
 * A `MemoryDisk` is the place: it outlives the stores opened on it, so a test closes one, or cuts its power,
 * and opens the next. Owns: the simulated faults of that disk. Callers: tests, the testing room.
 * Invariants (S1 to S8 of store.ts); after `cutPower` the old store can neither read nor write any more.
 */
import { strict as assert } from 'node:assert';
import { MemoryLevel } from 'memory-level';
import { HoldfastError } from '../errors.js';
import { levelDatabase, type Database } from './database.js';
import { openRowStore, type StorePurpose } from './row-store.js';
import type { Row, Store } from './store.js';

/** Fails the next write: before anything is written, or after everything is. */
export type WriteFault = 'nothingWritten' | 'allWritten';

export interface MemoryDisk {
  /**
   * Takes the disk away from whoever has it open, as a SIGKILL would. What was committed stays; with
   * `losing`, the newest so many writes do not, as when a machine loses its power before it has flushed them.
   * A disk of durability `power` loses none, and one of `process` as many as it remembers (64).
   */
  readonly cutPower: (options?: { readonly losing?: number }) => void;
  readonly failNextWrite: (fault: WriteFault) => void;
  /** Changes a stored value behind the store's back. `change` gets and gives the stored form. */
  readonly corrupt: (key: string, change: (stored: string) => string | undefined) => Promise<void>;
  /** The database for its next holder. Throws `STORE_LOCKED` while another one has it. */
  readonly attach: () => Promise<Database>;
}

export interface MemoryDiskOptions {
  /** `power` (default): a write that was answered survives everything. `process`: not a loss of power. */
  readonly durability?: 'power' | 'process';
}

export interface MemoryStoreOptions {
  /** Default: a new, empty one. */
  readonly disk?: MemoryDisk;
  /** Default: `run`. */
  readonly purpose?: StorePurpose;
  /** Rows of the commit chain to keep. Default: limits.chainRowsKept. */
  readonly chainRowsKept?: number;
}

export async function openMemoryStore(options: MemoryStoreOptions = {}): Promise<Store> {
  const { disk = createMemoryDisk(), purpose = 'run', chainRowsKept } = options;
  const database = await disk.attach();
  try {
    return await openRowStore({ database, purpose, mayBeEmpty: true, chainRowsKept });
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Writes that a disk of durability `process` can still lose. */
const UNFLUSHED_MAX = 64;

/** An empty disk, held by nobody. */
export function createMemoryDisk({ durability = 'power' }: MemoryDiskOptions = {}): MemoryDisk {
  const level = new MemoryLevel<string, string>({ keyEncoding: 'utf8', valueEncoding: 'utf8' });
  const whole = levelDatabase(level, { sync: false });
  let holder: symbol | undefined;
  let fault: WriteFault | undefined;
  /** The write under way. The next holder waits for it: whatever the last one wrote, it must see. */
  let writing: Promise<unknown> = Promise.resolve();
  const unflushed = new Unflushed(whole, durability === 'power' ? 0 : UNFLUSHED_MAX);

  const write: Database['write'] = async (rows) => {
    const failing = fault;
    fault = undefined;
    if (failing !== 'nothingWritten') {
      unflushed.remember(rows);
      const work = whole.write(rows);
      writing = Promise.allSettled([work]);
      await work;
    }
    if (failing !== undefined) throw new Error(`simulated write fault (${failing})`);
  };

  const attach = async (): Promise<Database> => {
    if (holder !== undefined) throw new HoldfastError('STORE_LOCKED', 'the memory disk is held');
    const me = Symbol('holder');
    holder = me;
    await level.open();
    await writing;
    const mustHold = (): void => {
      if (holder !== me) throw new HoldfastError('STORE_FAILED', 'the memory disk lost its power');
    };
    return {
      ...heldReads(whole, mustHold),
      write: async (rows) => {
        mustHold();
        await write(rows);
        mustHold();
      },
      close: async () => {
        if (holder === me) holder = undefined;
      },
    };
  };

  return {
    attach,
    cutPower: ({ losing = 0 } = {}) => {
      const lost = unflushed.take(losing);
      holder = undefined;
      if (lost.length > 0) writing = writing.then(() => whole.write(lost));
    },
    failNextWrite: (next) => {
      fault = next;
    },
    corrupt: async (key, change) => {
      const stored = whole.get(key);
      await whole.write([{ key, value: stored === undefined ? undefined : change(stored) }]);
    },
  };
}

/** What undoes the newest writes of a disk. */
class Unflushed {
  readonly #disk: Database;
  readonly #max: number;
  /** Oldest first. */
  readonly #writes: (readonly Row[])[] = [];

  constructor(disk: Database, max: number) {
    this.#disk = disk;
    this.#max = max;
  }

  /** Call before the rows are written. */
  remember(rows: readonly Row[]): void {
    if (this.#max === 0) return;
    this.#writes.push(rows.map(({ key }) => ({ key, value: this.#disk.get(key) })));
    if (this.#writes.length > this.#max) this.#writes.shift();
  }

  /** The rows that undo so many writes; those are remembered no more. */
  take(count: number): readonly Row[] {
    const known = this.#writes.length;
    assert.ok(count <= known, `${count} writes cannot be lost, ${known} can`);
    return this.#writes
      .splice(known - count)
      .reverse()
      .flat();
  }
}

/** What can be read of a disk while it is held. */
function heldReads(
  disk: Database,
  mustHold: () => void,
): Pick<Database, 'get' | 'getMany' | 'read' | 'snapshot'> {
  const held = <Asked, Found>(read: (asked: Asked) => Promise<Found>) => {
    return async (asked: Asked): Promise<Found> => {
      mustHold();
      return await read(asked);
    };
  };
  return {
    get: (key) => {
      mustHold();
      return disk.get(key);
    },
    getMany: held(disk.getMany),
    read: held(disk.read),
    snapshot: () => {
      mustHold();
      const { read, readSome, close } = disk.snapshot();
      return { read: held(read), readSome: held(readSome), close };
    },
  };
}
