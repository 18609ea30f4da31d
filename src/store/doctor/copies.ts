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
import { copyFile, link, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HoldfastError } from '../../errors.js';
import { syncDirectory } from '../directory.js';
import { fileFault } from '../store-fault.js';
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
 * Copies all of a directory, onto the disk, to `<directory>.before-repair-<n>`: it has that name once it is
 * whole. Throws STORE_FULL or STORE_UNWRITABLE where there is no room or no permission; nothing is left of
 * the copy then. The directory is held: a copy that was not finished is that of a repair that died.
 */
export async function copyAside(directory: string): Promise<string> {
  const copy = await freeName(directory);
  const unfinished = `${copy}.unfinished`;
  try {
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished);
    await copyTree(directory, unfinished, directory);
    await rename(unfinished, copy);
    await syncDirectory(dirname(copy));
    return copy;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw fileFault(error, copy);
  }
}

async function freeName(directory: string): Promise<string> {
  const taken = new Set(await readdir(dirname(directory)));
  for (let number = 1; number <= COPIES_MAX; number += 1) {
    const name = `${basename(directory)}.before-repair-${number}`;
    if (!taken.has(name)) return join(dirname(directory), name);
  }
  throw new HoldfastError('STORE_UNWRITABLE', `there are ${COPIES_MAX} copies of ${directory} already`);
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
