/**
 * Puts a repaired database in the place of the old one.
 *
 *   scratch/db ──▶ db.repaired      whole and on the disk; the old one is still there
 *   db ──▶ scratch/old              from here on no database is open to anyone ...
 *   db.repaired ──▶ db              ... until here; a death in between is finished by the next repair
 *
 * Callers: the repair. Invariant: at every moment the directory holds the old database or the whole new one.
 */
import { link, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../directory.js';
import { codeOf } from '../store-fault.js';
import { padded, syncFile, tableNumber } from './copies.js';
import { REPAIRED, type Hold } from './hold.js';

/** `made` is a closed database in the scratch folder. */
export async function replaceDatabase({ directory, scratch }: Hold, made: string): Promise<void> {
  const database = join(directory, 'db');
  const repaired = join(directory, REPAIRED);
  await tidy(made);
  await keepLock(database, made);
  for (const name of await readdir(made)) if (name !== 'LOCK') await syncFile(join(made, name));
  await syncDirectory(made);
  await rm(repaired, { recursive: true, force: true });
  await rename(made, repaired);
  await syncDirectory(directory);
  await rename(database, join(scratch, 'old')).catch(ignoreMissing);
  await rename(repaired, database);
  await syncDirectory(directory);
}

/** What an earlier repair left when it died: its database gets its place, or goes where it is not needed. */
export async function finishReplacing({ directory }: Hold): Promise<void> {
  const names = await readdir(directory);
  if (!names.includes(REPAIRED)) return;
  const repaired = join(directory, REPAIRED);
  if (names.includes('db')) await rm(repaired, { recursive: true, force: true });
  else await rename(repaired, join(directory, 'db'));
  await syncDirectory(directory);
}

/** As LevelDB would have it: its own names for tables, and a diary that tells of no damage. */
async function tidy(path: string): Promise<void> {
  const names = await readdir(path);
  for (const name of names) {
    if (/^(?:LOG|LOG\.old|LOCK)$/.test(name)) await rm(join(path, name));
    const number = name.endsWith('.sst') ? tableNumber(name) : undefined;
    if (number === undefined) continue;
    const table = `${padded(number)}.ldb`;
    // LevelDB made one of this number, and reads that.
    if (names.includes(table)) await rm(join(path, name));
    else await rename(join(path, name), join(path, table));
  }
}

/**
 * The lock goes along by another name, so that the directory stays held while its database is replaced.
 * Where links cannot be, the last steps go without.
 */
async function keepLock(from: string, to: string): Promise<void> {
  await link(join(from, 'LOCK'), join(to, 'LOCK')).catch((error: unknown) => {
    if (!['ENOENT', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(error) ?? '')) throw error;
  });
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}
