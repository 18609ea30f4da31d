/**
 * What LevelDB's files tell without opening them. LevelDB itself is too forgiving: it replaces a database
 * whose CURRENT is missing, drops damaged log records with no more than a line in its diary (LOG), and does
 * without a log that is gone.
 *
 * Callers: level-store.ts, the doctor's examination. Invariants: reads only; `LOCK` is never touched
 * (closing it would free the process's lock).
 */
import { createReadStream } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { HoldfastError } from '../errors.js';
import type { DirectoryState } from './directory.js';
import { MalformedBytes } from './level-format/byte-reader.js';
import { readLog } from './level-format/log-format.js';
import { readManifest } from './level-format/manifest.js';
import { codeOf } from './store-fault.js';

const DATA_FILE = /\.(?:ldb|sst|log)$/;
const LOG_FILE = /\.log$/;
/** What CURRENT says. */
export const CURRENT_TEXT = /^(MANIFEST-\d+)\n$/;
const DAMAGE = /Corruption|dropping/;
const LINE_LENGTH_SHOWN = 200;

/**
 * Refuses files that LevelDB would overwrite or choke on: those of a finished store that are incomplete, or
 * data without CURRENT.
 */
export async function checkDatabaseFiles(path: string, state: DirectoryState): Promise<void> {
  const names = await namesIn(path);
  if (!names.includes('CURRENT')) {
    if (state === 'creating' && !names.some((name) => DATA_FILE.test(name))) return;
    throw damaged(`${join(path, 'CURRENT')} is missing`);
  }
  const manifest = CURRENT_TEXT.exec(await readFile(join(path, 'CURRENT'), 'utf8'))?.[1];
  if (manifest === undefined) throw damaged(`${join(path, 'CURRENT')} is garbled`);
  if (!names.includes(manifest)) throw damaged(`${join(path, manifest)} is missing`);
}

/**
 * Refuses a database whose diary tells of dropped or damaged data. Called before opening (the diary of the
 * last run, so that a refusal lasts) and after it (what this recovery had to drop).
 */
export async function checkDiary(path: string): Promise<void> {
  const names = await namesIn(path);
  for (const name of ['LOG.old', 'LOG']) {
    if (!names.includes(name)) continue;
    const line = await firstDamage(join(path, name));
    if (line !== undefined) throw damaged(`LevelDB reports in ${join(path, name)}: ${line}`);
  }
}

/**
 * Refuses a database whose logs are damaged. LevelDB would drop what is behind the damage: with a line in its
 * diary, or without a word where the last record's length is wrong, which it takes for a death in mid-write.
 */
export async function checkLogs(path: string): Promise<void> {
  for (const name of (await namesIn(path)).filter((each) => LOG_FILE.test(each))) {
    const file = join(path, name);
    const [first] = readLog(await bytesOf(file)).damage;
    if (first !== undefined) throw damaged(`${file} is damaged at byte ${first.at}: ${first.why}`);
  }
}

/**
 * Refuses a database without the log that its manifest goes on with, which LevelDB takes for an empty one:
 * what was acknowledged since the last table was in it. A manifest that was cut short names a log of before.
 */
export async function checkNewestLog(path: string): Promise<void> {
  const awaited = await awaitedLog(path);
  if (awaited === 0 || hasLog(await namesIn(path), awaited)) return;
  // Whoever holds the database may have begun another log meanwhile, and has told the manifest before.
  if ((await awaitedLog(path)) === awaited) throw damaged(`log ${awaited} in ${path} is missing`);
}

/** The number of the first log that is not in the tables; 0 for none, or where LevelDB itself refuses. */
async function awaitedLog(path: string): Promise<number> {
  const current = (await bytesOf(join(path, 'CURRENT'))).toString();
  const name = CURRENT_TEXT.exec(current)?.[1];
  if (name === undefined) return 0;
  try {
    return readManifest(await bytesOf(join(path, name))).logNumber;
  } catch (error) {
    if (error instanceof MalformedBytes) return 0;
    throw error;
  }
}

function hasLog(names: readonly string[], number: number): boolean {
  return names.some((name) => LOG_FILE.test(name) && Number.parseInt(name, 10) === number);
}

/** Nothing where the file has gone meanwhile: whoever holds the database has put it into a table. */
async function bytesOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

/** The first line of a diary that tells of lost data. */
export async function firstDamage(file: string): Promise<string | undefined> {
  for await (const line of damageIn(file)) return line;
  return undefined;
}

/** The lines of a diary that tell of lost data. */
export async function* damageIn(file: string): AsyncGenerator<string, void, undefined> {
  const input = createReadStream(file);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  try {
    for await (const line of lines) {
      if (DAMAGE.test(line)) yield line.slice(0, LINE_LENGTH_SHOWN);
    }
  } finally {
    lines.close();
    input.destroy();
  }
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function damaged(what: string): HoldfastError {
  return new HoldfastError('STORE_CORRUPTED', what);
}
