/**
 * The directory of a store and its marker file, which says whose it is and whether it was ever finished.
 *
 *   (none) ──▶ creating ──▶ ready     creating: a crash may have left any part; the next open goes on
 *   (none) ──────────────▶ backup     a moment of another store: looked at, copied from, never run
 *
 * Owns: `holdfast.json`, the sub-directories, the decision whether a directory is ours.
 * Callers: level-store.ts, copy-target.ts, the examination of a directory. Invariants:
 *  D1 the marker is replaced as a whole (temporary file, fsync, rename, fsync of the directory);
 *  D2 a directory that is refused is left exactly as it was found;
 *  D3 LevelDB may create a database only while the marker says `creating`, or where a copy is made, which
 *     gets its marker last: until then it is nobody's directory.
 */
import { mkdir, open, readFile, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { HoldfastError } from '../errors.js';
import { newId } from '../ids.js';
import { claimInProcess } from './process-claim.js';
import { olderFormat, STORE_FORMAT, type StorePurpose } from './row-store.js';
import { codeOf, fileFault } from './store-fault.js';

export const MARKER = 'holdfast.json';
const APPLICATION = 'holdfast';
export const SUBDIRECTORIES = ['artifacts', 'attachments'];

/** Files that do not make a directory somebody else's. The last is a marker that never got its name. */
const HARMLESS = /^(?:\.DS_Store|\.gitignore|\.gitkeep|\.keep|\.holdfast-[\w-]+\.tmp)$/;

const STATES = ['creating', 'ready', 'backup'] as const;
export type DirectoryState = (typeof STATES)[number];

/** A directory that is ours, held against other opens in this process until it is released. */
export interface ClaimedDirectory {
  readonly path: string;
  readonly databasePath: string;
  readonly state: DirectoryState;
  readonly release: () => void;
}

/**
 * Claims `directory` for a store, creating it when it is missing or empty and `purpose` is `run`. Throws
 * `STORE_FOREIGN`, `STORE_FORMAT_NEWER`, `STORE_CORRUPTED`, `STORE_UNWRITABLE`, `STORE_FULL` or
 * `STORE_LOCKED`; to look at a directory that holds no store is `INVALID_OPTIONS`.
 */
export async function claimDirectory(directory: string, purpose: StorePurpose): Promise<ClaimedDirectory> {
  const path = resolve(directory);
  try {
    const created = purpose === 'run' ? await mkdir(path, { recursive: true }) : undefined;
    const found = await stat(path).catch((error: unknown) => {
      const code = codeOf(error);
      throw code === 'ENOENT' || code === 'ENOTDIR' ? nothingThere(path) : error;
    });
    if (!found.isDirectory()) throw foreign(path, 'it is a file');
    const release = claimInProcess(`${found.dev}:${found.ino}`, path);
    try {
      const state = (await readMarker(path)) ?? (await begin(path, purpose, created));
      if (state === 'backup' && purpose === 'run') throw isBackup(path);
      return { path, databasePath: join(path, 'db'), state, release };
    } catch (error) {
      release();
      throw error;
    }
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw foreign(path, 'it is a file');
    throw fileFault(error, path);
  }
}

/** Makes what a usable directory has beside the database, and says `ready` if it was being created. */
export async function completeDirectory(claimed: ClaimedDirectory): Promise<void> {
  try {
    for (const name of SUBDIRECTORIES) await mkdir(join(claimed.path, name), { recursive: true });
    if (claimed.state === 'creating') await writeMarker(claimed.path, 'ready');
  } catch (error) {
    throw fileFault(error, claimed.path);
  }
}

/**
 * The marker's state, undefined when there is none. Throws STORE_FOREIGN, STORE_CORRUPTED,
 * STORE_FORMAT_NEWER or STORE_FORMAT_OLDER.
 */
export async function readMarker(path: string): Promise<DirectoryState | undefined> {
  const file = join(path, MARKER);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  const marker = parseMarker(text, file);
  if (marker.application !== APPLICATION) throw foreign(path, `its ${MARKER} is not ours`);
  const { format } = marker;
  if (typeof format === 'number' && format > STORE_FORMAT) {
    throw new HoldfastError(
      'STORE_FORMAT_NEWER',
      `${path} is in format ${format}, this holdfast knows up to ${STORE_FORMAT}`,
    );
  }
  if (Number.isInteger(format) && Number(format) < STORE_FORMAT) throw olderFormat(path, Number(format));
  const state = STATES.find((one) => one === marker['state']);
  if (format !== STORE_FORMAT || state === undefined) {
    throw new HoldfastError('STORE_CORRUPTED', `${file} is malformed`);
  }
  return state;
}

function parseMarker(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    const marker: unknown = JSON.parse(text);
    if (typeof marker === 'object' && marker !== null) return { ...marker };
  } catch (error) {
    throw new HoldfastError('STORE_CORRUPTED', `${file} is not JSON`, { cause: error });
  }
  throw new HoldfastError('STORE_CORRUPTED', `${file} is not a JSON object`);
}

/** Starts a store in a directory without a marker, if nobody else's files are there. */
async function begin(path: string, purpose: StorePurpose, created: string | undefined): Promise<'creating'> {
  const strangers = (await readdir(path)).filter((name) => !HARMLESS.test(name));
  if (strangers.length > 0) throw foreign(path, `it holds ${strangers.slice(0, 3).join(', ')}`);
  if (purpose === 'look') throw nothingThere(path);
  try {
    await writeMarker(path, 'creating');
    if (created !== undefined) await syncDirectories(path, created);
  } catch (error) {
    if (created !== undefined) await removeEmpty(path, created);
    throw error;
  }
  return 'creating';
}

/** `copied` says, to people, which moment of a store lies here. */
export async function writeMarker(
  path: string,
  state: DirectoryState,
  copied?: { readonly at: number; readonly commit: number },
): Promise<void> {
  const marker = { application: APPLICATION, format: STORE_FORMAT, state, copied };
  const temporary = join(path, `.${newId('holdfast-')}.tmp`);
  try {
    await writeSynced(temporary, `${JSON.stringify(marker)}\n`);
    await rename(temporary, join(path, MARKER));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(path);
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes new directories durable: each one's name lies in its parent. `created` is the topmost new one. */
async function syncDirectories(path: string, created: string): Promise<void> {
  for (let at = path; at.length >= created.length; at = dirname(at)) await syncDirectory(dirname(at));
}

export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Takes back the directories that a failed creation made; one that is not empty any more stays. */
async function removeEmpty(path: string, created: string): Promise<void> {
  for (let at = path; at.length >= created.length; at = dirname(at)) {
    try {
      await rmdir(at);
    } catch (error) {
      if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'ENOENT') return;
      throw error;
    }
  }
}

export function foreign(path: string, why: string): HoldfastError {
  return new HoldfastError('STORE_FOREIGN', `${path} is not a holdfast directory: ${why}`);
}

function isBackup(path: string): HoldfastError {
  const why = 'is a backup, a moment of a life that went on: restore it into a directory of its own';
  return new HoldfastError('STORE_FOREIGN', `${path} ${why}`);
}

function nothingThere(path: string): HoldfastError {
  return new HoldfastError('INVALID_OPTIONS', `directory: ${path} holds no store yet`);
}
