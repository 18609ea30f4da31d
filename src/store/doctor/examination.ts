/**
 * One examination of a held directory: its marker, its files, its database as a scratch copy that opens.
 *
 *   marker ─▶ files of db/ ─▶ scratch copy, mended where it would not open ─▶ chain and own rows ─▶ `rows`
 *
 * Owns: the scratch copy of the database, until `close`. Callers: the doctor. Invariants:
 *  1  No file of the directory is written, renamed or removed here.
 *  2  Whatever can be looked at is looked at: a fault in front hides nothing behind it.
 *  3  Somebody else's directory, and one of another format, is refused with the error of an open.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isHoldfastError, type HoldfastError } from '../../errors.js';
import type { Finding } from '../../findings.js';
import type { Database } from '../database.js';
import { foreign, readMarker, type DirectoryState } from '../directory.js';
import { firstDamage } from '../level-files.js';
import { openLevelDatabase } from '../level-store.js';
import { openInSpite, type StoreFault } from '../row-store.js';
import type { Store } from '../store.js';
import { fileFault } from '../store-fault.js';
import { copyDatabase } from './copies.js';
import { surveyDatabase, type DatabaseSurvey } from './database-survey.js';
import { isScratch, REPAIRED, type Hold } from './hold.js';
import { mendCopy } from './mending.js';
import { restingDatabase } from './resting-database.js';

export interface Examination {
  readonly findings: readonly Finding[];
  /** The rows of the copy, open to be looked at and mended; undefined where no database can be had. */
  readonly rows: Store | undefined;
  /** The copy itself, and where it is. */
  readonly database: Database | undefined;
  readonly path: string;
  /** Closing twice is harmless. */
  readonly close: () => Promise<void>;
}

const KNOWN =
  /^(?:holdfast\.json|db|artifacts|attachments|secret|control\.(?:sock|json)|\.(?:DS_Store|git(?:ignore|keep)|keep))$/;
const TEMPORARY = /^\.holdfast-[\w-]+\.tmp$/;
const DATA_FILE = /\.(?:ldb|sst|log)$/;
/** Faults of the disk under the copy, not of what is copied. */
const NO_ROOM: ReadonlySet<string> = new Set(['STORE_FULL', 'STORE_UNWRITABLE']);
const FIRST_ROW = { gte: '\0', lt: '\u{10ffff}', limit: 1 };

/** What the marker says; or, where it cannot be believed, why not. */
type Marker = DirectoryState | 'missing' | HoldfastError;

/** Throws STORE_FOREIGN, STORE_FORMAT_NEWER or STORE_FORMAT_OLDER, and STORE_UNWRITABLE without room. */
export async function examineDirectory(hold: Hold): Promise<Examination> {
  try {
    return await new Examining(hold).examine();
  } catch (error) {
    throw fileFault(error, hold.directory);
  }
}

class Examining {
  readonly #hold: Hold;
  readonly #findings: Finding[] = [];
  readonly #copy: string;

  constructor(hold: Hold) {
    this.#hold = hold;
    this.#copy = join(hold.scratch, 'db');
  }

  async examine(): Promise<Examination> {
    const { directory } = this.#hold;
    const names = (await readdir(directory)).sort();
    const marker = await markerOf(directory);
    this.#names(names);
    const folder = ['db', REPAIRED].find((name) => names.includes(name));
    if (folder === undefined || (marker === 'creating' && (await isBlank(join(directory, folder))))) {
      return this.#withoutDatabase(marker);
    }
    const survey = await surveyDatabase(join(directory, folder), folder);
    this.#findings.push(...survey.findings);
    const database = await this.#open(join(directory, folder), survey);
    if (database === undefined) return this.#unreadable(marker);
    try {
      return await this.#look(database, marker);
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  #names(names: readonly string[]): void {
    for (const file of names) {
      if (TEMPORARY.test(file)) {
        this.#find({ code: 'MARKER_TEMPORARY', what: `${file} is a marker that never got its name`, file });
      } else if (file === REPAIRED) {
        this.#find({ code: 'DATABASE_SWAP', what: `${file}: a repair was cut off`, file });
      } else if (!KNOWN.test(file) && !isScratch(file)) {
        this.#find({ code: 'FILES_UNKNOWN', what: `${file} is not holdfast’s`, file });
      }
    }
  }

  #find(finding: Finding): void {
    this.#findings.push(finding);
  }

  #withoutDatabase(marker: Marker): Examination {
    if (refuses(marker)) throw marker;
    if (marker === 'creating') return this.#done(undefined, undefined);
    this.#judge(marker);
    this.#find({ code: 'DATABASE_MISSING', what: 'db is missing', file: 'db' });
    return this.#done(undefined, undefined);
  }

  #unreadable(marker: Marker): Examination {
    if (refuses(marker)) throw marker;
    this.#judge(marker);
    return this.#done(undefined, undefined);
  }

  /** The copy, open; undefined when nothing makes LevelDB open it. */
  async #open(from: string, { plan }: DatabaseSurvey): Promise<Database | undefined> {
    let reason = '';
    for (const rebuild of plan.rebuild ? [true] : [false, true]) {
      await rm(this.#copy, { recursive: true, force: true });
      await copyDatabase(from, this.#copy);
      try {
        // A manifest that LevelDB refuses is not asked which tables it has given up.
        const tablesGivenUp = rebuild && !plan.rebuild ? [] : plan.tablesGivenUp;
        await mendCopy(this.#copy, { ...plan, rebuild, tablesGivenUp });
        const options = { sync: true, createIfMissing: false };
        const database = await restingDatabase(() => openLevelDatabase(this.#copy, options));
        if (reason !== '') this.#find({ code: 'MANIFEST_DAMAGED', what: `LevelDB refuses it: ${reason}` });
        if (!rebuild) await this.#readDiary();
        return database;
      } catch (error) {
        if (!isHoldfastError(error) || NO_ROOM.has(error.code)) throw error;
        reason = wordsOf(error);
      }
    }
    this.#find({
      code: 'DATABASE_UNREADABLE',
      what: `LevelDB cannot open the database: ${reason}`,
      file: 'db',
    });
    return undefined;
  }

  /** What this very recovery had to drop, should our own look at the logs have missed it. */
  async #readDiary(): Promise<void> {
    const line = await firstDamage(join(this.#copy, 'LOG'));
    if (line === undefined || this.#findings.some(({ code }) => code === 'LOG_DAMAGED')) return;
    this.#find({ code: 'LOG_DAMAGED', what: `LevelDB recovers with a loss: ${line}`, file: 'db' });
  }

  async #look(database: Database, marker: Marker): Promise<Examination> {
    const [first] = await database.read(FIRST_ROW);
    if (first === undefined) {
      if (refuses(marker)) throw marker;
      if (marker === 'creating') return this.#done(undefined, database);
      this.#judge(marker);
      this.#find({
        code: 'DATABASE_EMPTY',
        what: 'the database is empty although it held a store',
        file: 'db',
      });
      return this.#done(undefined, database);
    }
    const faults: StoreFault[] = [];
    const rows = await openInSpite(database, (fault) => faults.push(fault));
    if (rows.lastCommit === 0) faults.push({ code: 'CHAIN_GAP', what: 'the whole chain is missing' });
    // A marker that is not believed needs the format row as its witness.
    const witnessed = !faults.some(({ code }) => code === 'FORMAT_MISSING');
    if (refuses(marker) && !witnessed) throw marker;
    // Without a marker it is ours by its rows alone.
    if (marker === 'missing' && !witnessed && rows.lastCommit === 0)
      throw foreign(this.#hold.directory, 'it has no marker, and its rows are not ours');
    this.#judge(marker);
    for (const fault of faults) this.#find(fault);
    return this.#done(rows, database);
  }

  #judge(marker: Marker): void {
    if (marker === 'ready' || marker === 'backup') return;
    const file = 'holdfast.json';
    if (marker === 'missing') this.#find({ code: 'MARKER_MISSING', what: `${file} is missing`, file });
    else if (marker === 'creating') {
      const what = `${file} says that the store is not finished, and it holds data`;
      this.#find({ code: 'MARKER_UNFINISHED', what, file });
    } else if (marker.code === 'STORE_CORRUPTED') {
      this.#find({ code: 'MARKER_GARBLED', what: `${file} cannot be read`, file });
    } else if (marker.code === 'STORE_FOREIGN') {
      this.#find({
        code: 'MARKER_FOREIGN',
        what: `${file} names something else, and the rows are ours`,
        file,
      });
    } else {
      const what = `${file} names another format than the rows have`;
      this.#find({ code: 'MARKER_FORMAT', what, file });
    }
  }

  #done(rows: Store | undefined, database: Database | undefined): Examination {
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => (closing ??= database?.close() ?? Promise.resolve());
    return { findings: this.#findings, rows, database, path: this.#copy, close };
  }
}

/** LevelDB's own words where it has some. */
function wordsOf(error: HoldfastError): string {
  const outer = error.cause instanceof Error ? error.cause : error;
  return outer.cause instanceof Error ? outer.cause.message : outer.message;
}

/** A marker that speaks of somebody else or of another format. */
function refuses(marker: Marker): marker is HoldfastError {
  return isHoldfastError(marker) && marker.code !== 'STORE_CORRUPTED';
}

async function markerOf(directory: string): Promise<Marker> {
  try {
    return (await readMarker(directory)) ?? 'missing';
  } catch (error) {
    if (isHoldfastError(error)) return error;
    throw error;
  }
}

/** Nothing was ever written there: a store that was only begun. */
async function isBlank(path: string): Promise<boolean> {
  const names = await readdir(path);
  return !names.includes('CURRENT') && !names.some((name) => DATA_FILE.test(name));
}
