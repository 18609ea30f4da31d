/**
 * A database that is closed and opened again every so often while it is read from end to end: LevelDB maps
 * each table that it reads into memory and lets none of them go.
 *
 * Callers: the doctor's examination. Invariants:
 *  1  Reads come one after another; a rest is between two of them, never in the midst of one.
 *  2  What is mapped at a time is what was read since the last rest, however large the database is.
 *  3  No snapshot of it is held over a read: a rest would end it.
 */
import type { Database } from '../database.js';
import type { Entry } from '../store.js';

/** Characters read between two rests. */
const CHARS_BETWEEN = 15_000_000;

/** `open` opens it, now and after each rest. */
export async function restingDatabase(
  open: () => Promise<Database>,
  charsBetween: number = CHARS_BETWEEN,
): Promise<Database> {
  let database = await open();
  let left = charsBetween;
  const rest = async (): Promise<void> => {
    if (left > 0) return;
    await database.close();
    database = await open();
    left = charsBetween;
  };
  const count = (entries: Entry[]): Entry[] => {
    for (const [key, value] of entries) left -= key.length + value.length;
    return entries;
  };
  return {
    get: (key) => database.get(key),
    getMany: async (wanted) => {
      await rest();
      const found = await database.getMany(wanted);
      for (const value of found) left -= value?.length ?? 0;
      return found;
    },
    read: async (options) => {
      await rest();
      return count(await database.read(options));
    },
    write: (rows) => database.write(rows),
    snapshot: () => database.snapshot(),
    close: () => database.close(),
  };
}
