/**
 * Copies of a directory's files: the scratch copy of a database that may be opened, and the copy of all that
 * a repair leaves beside the directory.
 *
 * Callers: the examination and the repair. Invariants:
 *  1  Tables are immutable and shared by hard links. In a scratch copy they carry LevelDB's older ending
 *     `.sst`, which it reads and never writes: a table it makes there can so not overwrite one of ours, even
 *     where a damaged manifest makes it give a number twice.
 *  2  `db/LOCK` is not opened: closing it would let the lock go.
 */
import { constants, type Dirent } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncDirectory } from '../directory.js';
import { codeOf, fileFault } from '../store-fault.js';
import { isScratch } from './hold.js';

const TABLE = /^(\d+)\.(?:ldb|sst)$/;
const NEEDED = /^(?:CURRENT|MANIFEST-\d+|\d+\.log)$/;
const COPIES_MAX = 1_000;

/** The number of a table by its file's name; undefined for other files. */
export function tableNumber(name: string): number | undefined {
  const digits = TABLE.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** A copy of a database for LevelDB to open. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const { name } = entry;
    if (entry.isDirectory()) continue;
    const number = tableNumber(name);
    if (number !== undefined) await linkOrCopy(join(from, name), join(to, `${padded(number)}.sst`));
    else if (NEEDED.test(name)) await copyFile(join(from, name), join(to, name));
  }
}

/** LevelDB's number of a file, as it stands in the file's name. */
export function padded(number: number): string {
  return String(number).padStart(6, '0');
}

/**
 * Copies all of a directory to `<directory>.before-repair-<n>`, onto the disk. Throws STORE_UNWRITABLE where
 * there is no room or no permission; nothing is left of the copy then.
 */
export async function copyAside(directory: string): Promise<string> {
  let copy: string | undefined;
  try {
    copy = await newCopy(directory);
    await copyTree(directory, copy, directory);
    await syncDirectory(dirname(copy));
    return copy;
  } catch (error) {
    if (copy !== undefined) await rm(copy, { recursive: true, force: true });
    throw fileFault(error, copy ?? dirname(directory));
  }
}

async function newCopy(directory: string): Promise<string> {
  for (let number = 1; number <= COPIES_MAX; number += 1) {
    const path = join(dirname(directory), `${basename(directory)}.before-repair-${number}`);
    try {
      await mkdir(path);
      return path;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
  throw new Error(`there are ${COPIES_MAX} copies of ${directory} already`);
}

async function copyTree(from: string, to: string, root: string): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (from === root && isScratch(entry.name)) continue;
    if (entry.isDirectory() || (from === root && isLinkedFolder(entry))) {
      await mkdir(target);
      await copyTree(source, target, root);
    } else if (entry.isFile() && entry.name !== 'LOCK') await copyEntry(entry, source, target);
  }
  await syncDirectory(to);
}

/** A folder of ours that somebody put on another disk. Other links are not ours, and may lead in circles. */
function isLinkedFolder(entry: Dirent): boolean {
  return entry.isSymbolicLink() && ['db', 'artifacts', 'attachments'].includes(entry.name);
}

/** Tables and content-named files never change: they are shared. Of the rest each gets its own. */
async function copyEntry(entry: Dirent, source: string, target: string): Promise<void> {
  const immutable = tableNumber(entry.name) !== undefined || /^[0-9a-f]{64}\b/.test(entry.name);
  if (immutable) return linkOrCopy(source, target);
  await copyFile(source, target);
  await syncFile(target);
}

async function linkOrCopy(source: string, target: string): Promise<void> {
  try {
    await link(source, target);
  } catch {
    // Another file system, or one without links: where a copy fails too, that is the error.
    await copyFile(source, target, constants.COPYFILE_FICLONE);
    await syncFile(target);
  }
}

export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
