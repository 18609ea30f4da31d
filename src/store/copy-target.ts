/**
 * The directory a copy of a store is made in: claimed, filled, and only at the very end a store.
 *
 *   (nothing or empty) ──▶ `db/` and no marker ──▶ synced ──▶ marker
 *
 * Owns: what it made in that directory, until it is finished. Callers: copy.ts. Invariants:
 *  G1 without its marker no open takes the directory for a store (D3), so a crash leaves nothing usable;
 *  G2 making `db` is the claim: of two copies into one directory, the second is refused;
 *  G3 a copy that is given up leaves nothing behind, and what was there before is never touched.
 */
import { mkdir, readdir, realpath, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { HoldfastError } from '../errors.js';
import { MARKER, SUBDIRECTORIES, syncDirectory, writeMarker, type DirectoryState } from './directory.js';
import { SECRET } from './secret-file.js';
import { codeOf, fileFault } from './store-fault.js';

export interface CopyTarget {
  readonly path: string;
  readonly databasePath: string;
  /** Makes everything durable, then the marker. */
  readonly finish: (state: DirectoryState, copied: { at: number; commit: number }) => Promise<void>;
  /** Takes back everything that was made. */
  readonly discard: () => Promise<void>;
}

/**
 * Claims `directory`, new or empty, for a copy of the store in `source`. Throws INVALID_INPUT for one
 * inside the source, without a parent or behind a link that leads nowhere, STORE_FOREIGN for one that is
 * not empty, STORE_UNWRITABLE, STORE_FULL.
 */
export async function claimTarget(directory: string, source: string): Promise<CopyTarget> {
  if (directory === '' || directory.includes('\0')) throw invalid('a path is needed');
  const path = resolve(directory);
  try {
    await mustBeOutside(path, source);
    const created = await makeEmpty(path);
    const target = targetAt(path, created);
    await claim(target.databasePath, path, created);
    try {
      for (const name of SUBDIRECTORIES) await mkdir(join(path, name));
    } catch (error) {
      await target.discard();
      throw error;
    }
    return target;
  } catch (error) {
    throw fileFault(error, path);
  }
}

async function mustBeOutside(path: string, source: string): Promise<void> {
  const parent = await realPath(dirname(path));
  if (parent === undefined) throw invalid(`${dirname(path)} does not exist`);
  if (!(await stat(parent)).isDirectory()) throw invalid(`${dirname(path)} is no directory`);
  const real = (await realPath(path)) ?? join(parent, basename(path));
  const inside = `${real}${sep}`.startsWith(`${await realpath(source)}${sep}`);
  if (inside) throw invalid(`${path} lies inside the store that is copied`);
}

async function realPath(path: string): Promise<string | undefined> {
  return realpath(path).catch((error: unknown) => {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'ELOOP') throw invalid(`${path} is a link to itself`);
    throw error;
  });
}

/** True when it was made; false when it was there, and empty. */
async function makeEmpty(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  const names = await readdir(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOTDIR') throw taken(path, 'it is a file');
    throw codeOf(error) === 'ENOENT' ? invalid(`${path} is a link to nothing`) : error;
  });
  if (names.length > 0) throw taken(path, `it holds ${names.slice(0, 3).join(', ')}`);
  return false;
}

async function claim(databasePath: string, path: string, created: boolean): Promise<void> {
  try {
    await mkdir(databasePath);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw taken(path, 'another copy is being made in it');
    if (created) await rmdir(path);
    throw error;
  }
}

function targetAt(path: string, created: boolean): CopyTarget {
  const databasePath = join(path, 'db');
  const parts = [databasePath, ...SUBDIRECTORIES.map((name) => join(path, name))];
  return {
    path,
    databasePath,
    finish: async (state, copied) => {
      try {
        for (const part of [...parts, path, dirname(path)]) await syncDirectory(part);
        await writeMarker(path, state, copied);
      } catch (error) {
        throw fileFault(error, path);
      }
    },
    discard: async () => {
      // The fault that led here is the one to tell; what cannot be removed has no marker.
      const made = [join(path, MARKER), join(path, SECRET), ...parts];
      await Promise.allSettled(made.map((part) => rm(part, { recursive: true, force: true })));
      if (created) await Promise.allSettled([rmdir(path)]);
    },
  };
}

function taken(path: string, why: string): HoldfastError {
  return new HoldfastError('STORE_FOREIGN', `${path} is not empty: ${why}`);
}

function invalid(why: string): HoldfastError {
  return new HoldfastError('INVALID_INPUT', `directory: ${why}`, { details: { field: 'directory' } });
}
