/**
 * The doctor: examines a directory that nobody holds, file by file and row by row, and repairs it on request.
 *
 *   hold ─▶ files ─▶ rows ─▶ artifacts ─▶ (copying ─▶ mending ─▶ replacing ─▶ tidying ─▶ all of it again)
 *
 * Owns: the order of an examination and of a repair. Callers: users, the CLI. Invariants:
 *  1  Without `repair` every file of the directory is as it was, whatever happens.
 *  2  A repair copies the whole directory first. It may die at any moment and be begun again.
 *  3  Findings are kept up to `limits.findingsKept`; all are counted, and told to `onFinding`.
 */
import { examineRows, type RowFinding } from './actors/examination/index.js';
import { checkDoctorOptions, definitionsOf, type DoctorOptions, type Stage } from './doctor-options.js';
import { findingKinds, type Finding, type FindingCode } from './findings.js';
import { limits } from './limits.js';
import {
  compareKeys,
  copyAside,
  examineArtifacts,
  examineDirectory,
  holdDirectory,
  repairDirectory,
  type Examination,
  type Hold,
  type Row,
  type Store,
} from './store/index.js';

/**
 * `litter`: nothing but what is harmless. `damaged`: something contradicts something. `lossy`: it is lost.
 */
export type HealthVerdict = 'healthy' | 'litter' | 'damaged' | 'lossy';

export interface Health {
  readonly verdict: HealthVerdict;
  /** The first of them, `limits.findingsKept` at most. */
  readonly findings: readonly Finding[];
  /** How many of each code, the others included. */
  readonly byCode: Readonly<Partial<Record<FindingCode, number>>>;
  /** What was read. Rows that cannot be read are not in it. */
  readonly counts: { readonly actors: number; readonly rows: number };
}

/** What was found. After a repair: what is left, with what there was before. */
export interface DoctorReport extends Health {
  readonly repaired: boolean;
  /** Where the directory was copied to before it was repaired. */
  readonly copy?: string;
  /** What was found before the repair. */
  readonly before?: Health;
}

/**
 * Examines a directory; with `repair`, mends what can be mended and examines it again. Throws STORE_LOCKED
 * while somebody holds it, STORE_FOREIGN, STORE_FORMAT_NEWER, STORE_FORMAT_OLDER, STORE_UNWRITABLE,
 * STORE_FULL, INVALID_OPTIONS (also where no store is), INVALID_DEFINITION, and the signal's reason.
 */
export async function examine(options: DoctorOptions): Promise<DoctorReport> {
  checkDoctorOptions(options);
  const definitions = definitionsOf(options.machines ?? []);
  options.onStage?.('holding');
  const hold = await holdDirectory(options.directory);
  try {
    return await new Visit(options, definitions, hold).make();
  } finally {
    await hold.release();
  }
}

class Visit {
  readonly #options: DoctorOptions;
  readonly #definitions: ReturnType<typeof definitionsOf>;
  readonly #hold: Hold;

  constructor(options: DoctorOptions, definitions: ReturnType<typeof definitionsOf>, hold: Hold) {
    this.#options = options;
    this.#definitions = definitions;
    this.#hold = hold;
  }

  async make(): Promise<DoctorReport> {
    const examination = await this.#opened();
    let before: Health;
    let copy: string;
    try {
      const mends = new Mends(this.#options.repair === true);
      const tally = new Tally(this.#options.onFinding);
      await this.#examine(examination, tally, mends);
      before = tally.health();
      if (this.#options.repair !== true || !isMendable(tally, mends)) return { ...before, repaired: false };
      this.#stage('copying');
      copy = await copyAside(this.#hold.directory);
      this.#stage('mending');
      const mended = await this.#mendRows(examination, mends);
      await repairDirectory(this.#hold, examination, {
        mended,
        orphans: tally.orphans,
        onStage: (stage) => this.#stage(stage),
      });
    } finally {
      await examination.close();
    }
    return { ...(await this.#afterwards()), repaired: true, copy, before };
  }

  /** The directory as it is now. */
  async #afterwards(): Promise<Health> {
    const again = await this.#opened();
    try {
      const left = new Tally();
      await this.#examine(again, left, new Mends(false));
      return left.health();
    } finally {
      await again.close();
    }
  }

  async #opened(): Promise<Examination> {
    this.#stage('files');
    return await examineDirectory(this.#hold);
  }

  #stage(stage: Stage): void {
    this.#options.signal?.throwIfAborted();
    this.#options.onStage?.(stage);
  }

  async #examine({ findings, rows }: Examination, tally: Tally, mends: Mends): Promise<void> {
    const { deep = false, signal } = this.#options;
    for (const finding of findings) tally.add(finding);
    if (rows === undefined) return;
    this.#stage('rows');
    await this.#examineRows(rows, tally, mends);
    this.#stage('artifacts');
    const view = await rows.view();
    try {
      const options = { deep, signal };
      for await (const finding of examineArtifacts(this.#hold.directory, view, options)) tally.add(finding);
    } finally {
      await view.close();
    }
  }

  async #examineRows(rows: Store, tally: Tally, mends: Mends): Promise<void> {
    const { deep = false, signal, onProgress } = this.#options;
    const options = {
      machines: this.#definitions,
      deep,
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    };
    for await (const finding of examineRows(tally.counting(rows), options)) {
      tally.add(finding);
      mends.add(finding);
    }
  }

  /** Writes what mends rows into the copy, round by round, until nothing more comes. */
  async #mendRows(examination: Examination, first: Mends): Promise<boolean> {
    const { rows } = examination;
    if (rows === undefined) return false;
    let mends = first;
    let round = 0;
    for (; mends.any && round < limits.mendRoundsMax; round += 1) {
      await mends.write(rows);
      mends = new Mends(true);
      await this.#examineRows(rows, new Tally(), mends);
    }
    return round > 0;
  }
}

/** Rows that mend what was found, to be written once the walk through the rows is over. */
class Mends {
  readonly #wanted: boolean;
  readonly #rows = new Map<string, string | undefined>();

  constructor(wanted: boolean) {
    this.#wanted = wanted;
  }

  get any(): boolean {
    return this.#rows.size > 0;
  }

  /** Those of one finding together; what is too much for one round comes in the next. */
  add({ mend = [] }: RowFinding): void {
    if (!this.#wanted || this.#rows.size > limits.mendRowsMax) return;
    for (const { key, value } of mend) this.#rows.set(key, value);
  }

  async write(store: Store): Promise<void> {
    const rows: Row[] = Array.from(this.#rows, ([key, value]) => ({ key, value }));
    for (let at = 0; at < rows.length; at += limits.commitRowsMax) {
      const some = rows.slice(at, at + limits.commitRowsMax);
      await store.commit({ number: store.lastCommit + 1, rows: some, expect: [] });
    }
  }
}

/** What one examination found and read. */
class Tally {
  readonly #onFinding: ((finding: Finding) => void) | undefined;
  readonly #kept: Finding[] = [];
  readonly #byCode = new Map<FindingCode, number>();
  readonly #newest = new Map<string, string>();
  /** Files that nothing needs, relative to the directory. */
  readonly orphans: string[] = [];
  #actors = 0;
  #rows = 0;

  constructor(onFinding?: (finding: Finding) => void) {
    this.#onFinding = onFinding;
  }

  get codes(): readonly FindingCode[] {
    return [...this.#byCode.keys()];
  }

  add({ code, what, address, key, file }: Finding): void {
    const finding: Finding = {
      code,
      what,
      ...(address === undefined ? {} : { address }),
      ...(key === undefined ? {} : { key }),
      ...(file === undefined ? {} : { file }),
    };
    this.#byCode.set(code, (this.#byCode.get(code) ?? 0) + 1);
    if (this.#kept.length < limits.findingsKept) this.#kept.push(finding);
    const { severity, repair } = kindOf(code);
    if (severity === 'litter' && repair !== undefined && file !== undefined) this.orphans.push(file);
    this.#onFinding?.(finding);
  }

  /** The same rows; each row that a scan gives is counted once, since scans of a letter only go forward. */
  counting(rows: Store): Pick<Store, 'get' | 'getMany' | 'scan'> {
    return {
      get: (key) => rows.get(key),
      getMany: (wanted) => rows.getMany(wanted),
      scan: async (options) => {
        const page = await rows.scan(options);
        if (options.reverse !== true) for (const [key] of page) this.#count(key);
        return page;
      },
    };
  }

  #count(key: string): void {
    const letter = key.slice(0, 1);
    const newest = this.#newest.get(letter);
    if (newest !== undefined && compareKeys(key, newest) <= 0) return;
    this.#newest.set(letter, key);
    this.#rows += 1;
    if (letter === 's') this.#actors += 1;
  }

  health(): Health {
    return {
      verdict: verdictOf(this.codes),
      findings: this.#kept,
      byCode: Object.fromEntries([...this.#byCode].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      counts: { actors: this.#actors, rows: this.#rows },
    };
  }
}

function kindOf(code: FindingCode): { readonly severity: string; readonly repair?: string } {
  return findingKinds[code];
}

function isMendable({ codes }: Tally, mends: Mends): boolean {
  return mends.any || codes.some((code) => kindOf(code).repair !== undefined);
}

function verdictOf(codes: readonly FindingCode[]): HealthVerdict {
  const severities = new Set(codes.map((code) => kindOf(code).severity));
  if (severities.has('loss')) return 'lossy';
  if (severities.has('damage')) return 'damaged';
  return severities.has('litter') ? 'litter' : 'healthy';
}
