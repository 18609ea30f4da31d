/**
 * Makes a copy of a database one that LevelDB opens without dropping what could be kept.
 *
 * Callers: the examination. Invariants:
 *  1  It works on a scratch copy alone. Files shared with the directory are replaced, never written into.
 *  2  LevelDB's own repair believes every log record and every block: damaged ones are taken out before it.
 *  3  After a repair all tables lie in one level and an older row may hide a newer one until they are merged:
 *     `compact` comes before the first read.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { HoldfastError } from '../../errors.js';
import { logOf, readLog } from '../level-format/log-format.js';
import { mendedTable } from '../level-format/table-format.js';
import { openFault } from '../store-fault.js';
import { padded } from './copies.js';
import type { MendingPlan } from './database-survey.js';

export async function mendCopy(path: string, plan: MendingPlan): Promise<void> {
  for (const name of plan.logsDamaged) {
    const file = join(path, name);
    await writeFile(file, logOf(readLog(await readFile(file)).records));
  }
  for (const number of plan.tablesDamaged) {
    const file = join(path, `${padded(number)}.sst`);
    const mended = mendedTable(await readFile(file));
    await rm(file);
    if (mended !== undefined) await writeFile(file, mended);
  }
  if (plan.rebuild) {
    for (const number of plan.tablesGivenUp) await rm(join(path, `${padded(number)}.sst`));
    await rebuild(path);
  } else if (plan.current !== undefined) await writeFile(join(path, 'CURRENT'), plan.current);
}

/** Makes a manifest and CURRENT from the tables and logs in a folder. */
async function rebuild(path: string): Promise<void> {
  try {
    await levelRepair(path);
    await compact(path);
  } catch (error) {
    throw openFault(error, path);
  }
  await rm(join(path, 'lost'), { recursive: true, force: true });
}

/** `level` hands on classic-level's class, but not the types of what browsers do not have. */
async function levelRepair(path: string): Promise<void> {
  await called(Reflect.get(Level, 'repair'), Level, [path]);
}

async function compact(path: string): Promise<void> {
  const level = new Level<string, string>(path, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
  await level.open({ createIfMissing: false });
  try {
    await called(Reflect.get(level, 'compactRange'), level, ['\0', '\u{10ffff}']);
  } finally {
    await level.close();
  }
}

async function called(method: unknown, self: unknown, words: readonly string[]): Promise<void> {
  if (typeof method !== 'function') {
    throw new HoldfastError('STORE_FAILED', 'this LevelDB cannot repair a database');
  }
  await Reflect.apply(method, self, words);
}
