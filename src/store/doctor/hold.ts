/**
 * A directory held by its doctor: LevelDB's own lock is taken, and no file of the directory is touched.
 *
 *   <directory>/.doctor-<id>/   scratch: made here, and gone at `release` (or at the next hold after a kill)
 *       lock/                   a throw-away database whose LOCK is the real one by another name
 *
 * Owns: the lock and the scratch folder. Callers: the examination. Invariants:
 *  1  POSIX locks belong to a file, not to its name, and go with the first descriptor that is closed: nothing
 *     here opens `db/LOCK`, and claimInProcess keeps every other open of this process away.
 *  2  The only name that may be added is `db/LOCK` where it was missing: two holders would each make their
 *     own.
 */
import { link, mkdir, readdir, rm, stat, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HoldfastError } from '../../errors.js';
import { newId } from '../../ids.js';
import { foreign } from '../directory.js';
import { openLevelDatabase } from '../level-store.js';
import { claimInProcess } from '../process-claim.js';
import { codeOf, fileFault } from '../store-fault.js';

export interface Hold {
  readonly directory: string;
  /** A folder on the same file system for whatever is made meanwhile. */
  readonly scratch: string;
  /** Calling it twice is harmless. */
  readonly release: () => Promise<void>;
}

/** What a repair calls the new database until it has the old one's place. */
export const REPAIRED = 'db.repaired';

const SCRATCH = /^\.doctor-[\w-]+$/;

/** True for the name of a scratch folder. */
export function isScratch(name: string): boolean {
  return SCRATCH.test(name);
}

/**
 * Holds a directory until `release`. Throws STORE_LOCKED, STORE_UNWRITABLE, STORE_FOREIGN for a file, and
 * INVALID_OPTIONS where nothing is.
 */
export async function holdDirectory(directory: string): Promise<Hold> {
  const path = resolve(directory);
  const found = await stat(path).catch((error: unknown) => {
    throw codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR'
      ? new HoldfastError('INVALID_OPTIONS', `directory: ${path} holds no store yet`)
      : fileFault(error, path);
  });
  if (!found.isDirectory()) {
    throw foreign(path, 'it is a file');
  }
  const release = claimInProcess(`${found.dev}:${found.ino}`, path);
  try {
    return await holdClaimed(path, release);
  } catch (error) {
    release();
    throw fileFault(error, path);
  }
}

async function holdClaimed(directory: string, unclaim: () => void): Promise<Hold> {
  const names = await readdir(directory);
  const scratch = join(directory, `.${newId('doctor-')}`);
  const database = [join(directory, 'db'), join(directory, REPAIRED)].find((path) =>
    names.some((name) => join(directory, name) === path),
  );
  // Somebody else's directory is not written to, not even for a moment.
  if (database === undefined && !names.includes('holdfast.json')) {
    throw new HoldfastError('INVALID_OPTIONS', `directory: ${directory} holds no store`);
  }
  await mkdir(scratch);
  const removeScratch = (): Promise<void> => rm(scratch, { recursive: true, force: true });
  try {
    const unlock = database === undefined ? undefined : await lock(database, join(scratch, 'lock'));
    for (const name of names.filter(isScratch)) {
      await rm(join(directory, name), { recursive: true, force: true });
    }
    const release = async (): Promise<void> => {
      await removeScratch();
      await unlock?.();
      unclaim();
    };
    return { directory, scratch, release };
  } catch (error) {
    await removeScratch();
    throw error;
  }
}

/** Takes the lock of a database through a database of our own. Gives back what lets it go. */
async function lock(database: string, path: string): Promise<() => Promise<void>> {
  await mkdir(path);
  const real = join(database, 'LOCK');
  const own = join(path, 'LOCK');
  // A file system without hard links, or a `db` on another one.
  await link(real, own).catch(() => symlink(real, own));
  try {
    return (await openLevelDatabase(path, { sync: false, createIfMissing: true })).close;
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'STORE_LOCKED') throw error;
    // Our own database is refused because the real one is held: an operator knows only that one.
    throw new HoldfastError('STORE_LOCKED', `the database in ${database} is held`, { cause: error });
  }
}
