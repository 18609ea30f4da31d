/**
 * What the files of a database tell, read without LevelDB: each one's own checksums, and whether they belong
 * together.
 *
 * Callers: the examination. Reads only, and never `LOCK`. Invariant: what is wrong is a finding and has its
 * place in the plan; a database without findings is one that LevelDB recovers without dropping anything.
 */
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding, FindingCode } from '../../findings.js';
import { CURRENT_TEXT, damageIn } from '../level-files.js';
import { MalformedBytes } from '../level-format/byte-reader.js';
import { readLog } from '../level-format/log-format.js';
import { readManifest, writesIn, type Manifest } from '../level-format/manifest.js';
import { checkTable, newestWrite } from '../level-format/table-format.js';
import { padded, tableNumber } from './copies.js';

/** What makes a copy of the database one that opens. */
export interface MendingPlan {
  /** The text CURRENT should have. */
  readonly current?: string;
  /** LevelDB makes a new manifest from what tables there are. */
  readonly rebuild: boolean;
  readonly tablesDamaged: readonly number[];
  /** Tables that the manifest has given up: they must not come back when it is made anew. */
  readonly tablesGivenUp: readonly number[];
  readonly logsDamaged: readonly string[];
}

export interface DatabaseSurvey {
  readonly findings: readonly Finding[];
  readonly plan: MendingPlan;
}

/** The numbers of the oldest and the newest write. */
interface Writes {
  readonly first: number;
  readonly last: number;
}

const KNOWN = /^(?:CURRENT|LOCK|LOG|LOG\.old|MANIFEST-\d+|\d+\.(?:log|ldb|sst|dbtmp))$/;
/** Lines of a diary that are told one by one. */
const LINES_TOLD_MAX = 100;

/** `folder` is what the database is called in its directory. */
export async function surveyDatabase(path: string, folder: string): Promise<DatabaseSurvey> {
  return await new Survey(path, folder).take();
}

class Survey {
  readonly #path: string;
  readonly #folder: string;
  readonly #findings: Finding[] = [];
  readonly #tablesDamaged: number[] = [];
  readonly #tablesGivenUp: number[] = [];
  readonly #logsDamaged: string[] = [];
  #rebuild = false;

  constructor(path: string, folder: string) {
    this.#path = path;
    this.#folder = folder;
  }

  async take(): Promise<DatabaseSurvey> {
    const names: string[] = [];
    for (const entry of await readdir(this.#path, { withFileTypes: true })) {
      if (!KNOWN.test(entry.name)) this.#find('FILES_UNKNOWN', entry.name, 'is none of LevelDB’s');
      else if (entry.isDirectory()) this.#find('DATABASE_UNREADABLE', entry.name, 'is a folder');
      else names.push(entry.name);
    }
    names.sort();
    for (const name of ['LOG.old', 'LOG']) if (names.includes(name)) await this.#readDiary(name);
    const { manifest, current } = await this.#manifest(names);
    const logged = await this.#readLogs(names, manifest);
    await this.#readTables(names, manifest, logged);
    const plan: MendingPlan = {
      ...(current === undefined ? {} : { current }),
      rebuild: this.#rebuild,
      tablesDamaged: this.#tablesDamaged,
      tablesGivenUp: this.#tablesGivenUp,
      logsDamaged: this.#logsDamaged,
    };
    return { findings: this.#findings, plan };
  }

  #find(code: FindingCode, name: string, what: string): void {
    const file = `${this.#folder}/${name}`;
    this.#findings.push({ code, what: `${file} ${what}`, file });
  }

  /** LevelDB notes in its diary what an earlier recovery has dropped for good. */
  async #readDiary(name: string): Promise<void> {
    let told = 0;
    for await (const line of damageIn(join(this.#path, name))) {
      this.#find('LOG_DROPPED', name, `tells of lost data: ${line}`);
      told += 1;
      if (told === LINES_TOLD_MAX) return;
    }
  }

  /** The manifest that leads, and what CURRENT should say where it does not say it. */
  async #manifest(names: readonly string[]): Promise<{ manifest?: Manifest; current?: string }> {
    const named = await this.#namedManifest(names);
    if (named !== undefined) {
      const manifest = await this.#read(named);
      if (typeof manifest === 'object') return { manifest };
      this.#find('MANIFEST_DAMAGED', named, `is damaged: ${manifest}`);
      this.#rebuild = true;
      return {};
    }
    // Without CURRENT the newest manifest leads, if it can be read: it is the one CURRENT named, or its heir.
    const newest = names.filter((name) => name.startsWith('MANIFEST-')).at(-1);
    const manifest = newest === undefined ? undefined : await this.#read(newest);
    if (typeof manifest === 'object') return { manifest, current: `${newest}\n` };
    this.#rebuild = true;
    return {};
  }

  async #namedManifest(names: readonly string[]): Promise<string | undefined> {
    if (!names.includes('CURRENT')) {
      this.#find('CURRENT_MISSING', 'CURRENT', 'is missing');
      return undefined;
    }
    const named = CURRENT_TEXT.exec(await readFile(join(this.#path, 'CURRENT'), 'utf8'))?.[1];
    if (named === undefined) {
      this.#find('CURRENT_GARBLED', 'CURRENT', 'is garbled');
      return undefined;
    }
    if (names.includes(named)) return named;
    this.#find('MANIFEST_MISSING', named, 'is missing, and CURRENT names it');
    return undefined;
  }

  async #read(name: string): Promise<Manifest | string> {
    try {
      return readManifest(await readFile(join(this.#path, name)));
    } catch (error) {
      if (error instanceof MalformedBytes) return error.message;
      throw error;
    }
  }

  /** Gives the writes in the logs that are not in tables yet. */
  async #readLogs(names: readonly string[], manifest: Manifest | undefined): Promise<Writes> {
    const oldest = manifest?.logNumber ?? 0;
    const logs = names.filter((name) => name.endsWith('.log') && Number.parseInt(name, 10) >= oldest);
    if (oldest > 0 && !logs.some((name) => Number.parseInt(name, 10) === oldest)) {
      this.#find('LOG_MISSING', `${padded(oldest)}.log`, 'is missing: the last commits were in it');
    }
    let writes: Writes = { first: Number.POSITIVE_INFINITY, last: 0 };
    for (const name of logs) {
      const { records, damage } = readLog(await readFile(join(this.#path, name)));
      for (const { at, bytes, why } of damage) {
        this.#find('LOG_DAMAGED', name, `at byte ${at}: ${why}; ${bytes} bytes are lost`);
      }
      if (damage.length > 0) this.#logsDamaged.push(name);
      for (const record of records) {
        const { first, last } = writesIn(record) ?? writes;
        writes = { first: Math.min(writes.first, first), last: Math.max(writes.last, last) };
      }
    }
    return writes;
  }

  async #readTables(names: readonly string[], manifest: Manifest | undefined, logged: Writes): Promise<void> {
    const present = new Map(
      names.flatMap((name) => {
        const number = tableNumber(name);
        return number === undefined ? [] : [[number, name] as const];
      }),
    );
    for (const [number, size] of manifest?.tables ?? []) {
      const name = present.get(number);
      if (name === undefined) this.#find('TABLE_MISSING', `${padded(number)}.ldb`, 'is missing');
      else if ((await stat(join(this.#path, name))).size !== size) {
        this.#find('TABLE_DAMAGED', name, `is not of its ${size} bytes`);
        this.#tablesDamaged.push(number);
      } else continue;
      this.#rebuild = true;
    }
    const isKnown = (write: number): boolean =>
      write <= (manifest?.lastSequence ?? 0) || (write >= logged.first && write <= logged.last);
    for (const [number, name] of present) await this.#readTable(number, name, manifest, isKnown);
  }

  async #readTable(
    number: number,
    name: string,
    manifest: Manifest | undefined,
    isKnown: (write: number) => boolean,
  ): Promise<void> {
    const bytes = await readFile(join(this.#path, name));
    if (manifest !== undefined && !manifest.tables.has(number)) {
      // What LevelDB was making when it died, or had not removed yet; unless it holds what nothing else does.
      if (isKnown(newestWrite(bytes))) this.#tablesGivenUp.push(number);
      else {
        this.#find('DATABASE_CUT', name, 'is newer than the manifest, which was cut short');
        this.#rebuild = true;
      }
      return;
    }
    if (bytes.length === 0 && manifest === undefined) return;
    const { damage, blocks, blocksDamaged } = checkTable(bytes);
    const [first, ...more] = damage;
    if (first === undefined || this.#tablesDamaged.includes(number)) return;
    const others = more.length === 0 ? '' : `, and ${more.length} more`;
    const share = blocks === 0 ? '' : ` (${blocksDamaged} of ${blocks} blocks)`;
    this.#find('TABLE_DAMAGED', name, `is damaged: ${first}${others}${share}`);
    this.#tablesDamaged.push(number);
    this.#rebuild = true;
  }
}
