/**
 * A disk that fails at one chosen commit, before or after it is written: what a process that dies there
 * leaves behind.
 *
 * Callers: tests that die at each commit of a life in turn. Invariant: nothing is written after that commit
 * until the disk is opened again.
 */
import { createMemoryDisk, type MemoryDisk } from '../../src/testing/index.js';

export interface DyingDisk {
  readonly disk: MemoryDisk;
  /** Fails the `nth` commit from now, 1 the next. */
  readonly dieAt: (moment: 'before' | 'after', nth: number) => void;
  readonly hasDied: () => boolean;
}

export function createDyingDisk(): DyingDisk {
  const inner = createMemoryDisk();
  let left = Infinity;
  let moment: 'before' | 'after' = 'before';
  let died = false;
  const attach: MemoryDisk['attach'] = async () => {
    const database = await inner.attach();
    const write: typeof database.write = async (rows) => {
      left -= 1;
      if (left !== 0) return database.write(rows);
      died = true;
      if (moment === 'after') await database.write(rows);
      throw new Error(`died ${moment} a commit`);
    };
    return { ...database, write };
  };
  return {
    disk: { ...inner, attach },
    dieAt: (when, nth) => {
      moment = when;
      left = nth;
    },
    hasDied: () => died,
  };
}
