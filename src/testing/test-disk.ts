/**
 * The disk of a test runtime: what is read and written is counted, and a process can die at a write.
 *
 * Callers: the test runtime. Invariant: who dies `before-commit` leaves nothing of that commit, who dies
 * `after-commit` all of it; either way the one who wrote never learns which.
 */
import { HoldfastError } from '../errors.js';
import type { MemoryDisk } from '../store/index.js';
import type { Activity } from './test-activity.js';

export type CrashMoment = 'before-commit' | 'after-commit';

export interface TestDisk {
  /** For `openMemoryStore`. */
  readonly disk: MemoryDisk;
  /** Commits begun since the disk was wrapped. */
  readonly commitCount: () => number;
  /** Calls `die` at that moment of the next commit, which then fails. Returns what takes that back. */
  readonly dieAt: (moment: CrashMoment, die: () => void) => () => void;
}

export function testDisk(inner: MemoryDisk, activity: Activity): TestDisk {
  let commitCount = 0;
  let dying: { readonly moment: CrashMoment; readonly die: () => void } | undefined;
  const reach = (moment: CrashMoment): void => {
    if (dying?.moment !== moment) return;
    const { die } = dying;
    dying = undefined;
    die();
    throw new HoldfastError('STORE_FAILED', `the process was killed ${moment}`);
  };
  const attach: MemoryDisk['attach'] = async () => {
    const database = await inner.attach();
    const counted = <T>(work: Promise<T>): Promise<T> => activity.during('kernel', work);
    const write: typeof database.write = async (rows) => {
      commitCount += 1;
      reach('before-commit');
      await database.write(rows);
      reach('after-commit');
    };
    return {
      ...database,
      getMany: (wanted) => counted(database.getMany(wanted)),
      read: (scan) => counted(database.read(scan)),
      write: (rows) => counted(write(rows)),
    };
  };
  return {
    disk: { ...inner, attach },
    commitCount: () => commitCount,
    dieAt: (moment, die) => {
      dying = { moment, die };
      return () => {
        dying = undefined;
      };
    },
  };
}
