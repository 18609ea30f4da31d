/**
 * The store on disk: LevelDB in `<directory>/db`, made safe where LevelDB is forgiving.
 *
 * Owns: opening and locking, LevelDB's options, the durability policy. Callers: runtime.ts, the doors, tests.
 * Invariants (S1 to S6 of store.ts), and:
 *  L1 every write of one open has the same durability: LevelDB does not order synced after unsynced ones;
 *  L2 a database is created only while the marker says so (D3), and refused when its diary tells of lost
 *     data;
 *  L3 an open that fails gives the lock back. A refusal by the marker or the files leaves them as they were;
 *     only a lock held by another process is noticed by LevelDB itself, which by then has begun a new diary
 *     file.
 */
import { Level } from 'level';
import { HoldfastError } from '../errors.js';
import { levelDatabase, type Database } from './database.js';
import { claimDirectory, completeDirectory, type ClaimedDirectory } from './directory.js';
import { checkDatabaseFiles, checkDiary, checkLogs, checkNewestLog } from './level-files.js';
import { openRowStore, type StorePurpose } from './row-store.js';
import { fileFault, openFault } from './store-fault.js';
import type { Store } from './store.js';

export interface LevelStoreOptions {
  /** Created when missing, with `purpose: 'run'`. Its artifacts and attachments lie in it too. */
  readonly directory: string;
  /**
   * `power` (default): a commit is synced, and survives a power cut. `process`: it survives the death of the
   * process only, and is several times faster on slow disks.
   */
  readonly durability?: 'power' | 'process';
  /**
   * `run` (default) raises the generation. `look` takes the lock, raises nothing, and commits with epoch 0.
   */
  readonly purpose?: StorePurpose;
  /** Rows of the commit chain to keep. Default: limits.chainRowsKept. */
  readonly chainRowsKept?: number;
}

/** Fewer and larger flushes than LevelDB's 4 MiB; a log of this size replays in about 0.1 s. */
const WRITE_BUFFER_BYTES = 16 * 1_048_576;

/** Opens, and with `run` creates, the store in a directory. Every refusal is a STORE_ code of errors.ts. */
export async function openLevelStore(options: LevelStoreOptions): Promise<Store> {
  checkOptions(options);
  const { purpose = 'run', durability = 'power' } = options;
  const claimed = await claimDirectory(options.directory, purpose);
  try {
    const database = await openDatabase(claimed, durability === 'power');
    try {
      await checkDiary(claimed.databasePath);
      const { chainRowsKept } = options;
      const mayBeEmpty = claimed.state === 'creating';
      const store = await openRowStore({ database, purpose, mayBeEmpty, chainRowsKept });
      await completeDirectory(claimed);
      return store;
    } catch (error) {
      await database.close();
      throw error;
    }
  } catch (error) {
    claimed.release();
    throw fileFault(error, claimed.path);
  }
}

function checkOptions({ directory, chainRowsKept }: LevelStoreOptions): void {
  if (directory === '' || directory.includes('\0')) {
    throw new HoldfastError('INVALID_OPTIONS', 'directory: a path is needed');
  }
  if (chainRowsKept !== undefined && (!Number.isSafeInteger(chainRowsKept) || chainRowsKept < 1)) {
    throw new HoldfastError('INVALID_OPTIONS', 'chainRowsKept: 1 or more');
  }
}

/** The database of a claimed directory. Closing it releases the claim. */
async function openDatabase(claimed: ClaimedDirectory, sync: boolean): Promise<Database> {
  const { databasePath, state } = claimed;
  await checkDatabaseFiles(databasePath, state);
  await checkDiary(databasePath);
  await checkNewestLog(databasePath);
  await checkLogs(databasePath);
  const opened = await openLevelDatabase(databasePath, { sync, createIfMissing: state === 'creating' });
  const close = async (): Promise<void> => {
    await opened.close();
    claimed.release();
  };
  return { ...opened, close };
}

/**
 * LevelDB in a folder, with its lock, and nothing looked at or checked. Throws what openFault makes of it.
 */
export async function openLevelDatabase(
  path: string,
  options: { readonly sync: boolean; readonly createIfMissing: boolean },
): Promise<Database> {
  const { sync, createIfMissing } = options;
  const level = new Level<string, string>(path, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
  try {
    await level.open({ createIfMissing, writeBufferSize: WRITE_BUFFER_BYTES });
    return { ...levelDatabase(level, { sync }), get: safeGet(level) };
  } catch (error) {
    await level.close();
    throw openFault(error, path);
  }
}

/** Keys up to this size go through the buffer that classic-level shares with its binding. */
const SHARED_KEY_BYTES = 4_096;
const UTF8_BYTES_PER_UNIT_MAX = 3;

/**
 * `getSync`, around a fault of classic-level 3.0.0: it writes the key into a shared buffer and enlarges that
 * when the key fills it exactly, but a key whose last character does not fit is cut short, and *another key's
 * value* returned. So the buffer is enlarged first, and longer keys are passed as bytes.
 */
function safeGet(level: Level<string, string>): (key: string) => string | undefined {
  level.getSync('k'.repeat(SHARED_KEY_BYTES));
  return (key) => {
    if (key.length * UTF8_BYTES_PER_UNIT_MAX <= SHARED_KEY_BYTES) return level.getSync(key);
    return level.getSync<Buffer, string>(Buffer.from(key), { keyEncoding: 'buffer' });
  };
}
