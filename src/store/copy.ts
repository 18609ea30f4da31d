/**
 * One moment of a store, copied into a directory of its own: what a backup and a restore are.
 *
 * Rows go over in their stored form, checksums and commit chain with them, so that the copy proves itself
 * like any store. Owns: the copy until it is finished. Callers: backup.ts (the assembly's). Invariants:
 *  B1 the copy is the view's moment, all of it, or there is no copy (G1, G3);
 *  B2 one page is in memory at a time, and each is on disk before the next is read: the store that is copied
 *     never waits for more than a page;
 *  B3 a damaged row stops no backup, which is wanted most when something is damaged, and every restore, which
 *     would go on from it.
 */
import { HoldfastError } from '../errors.js';
import { limits } from '../limits.js';
import { decodeValue } from './codec.js';
import { claimTarget, type CopyTarget } from './copy-target.js';
import type { ContentFolder } from './content-files.js';
import { copyFiles, type CopiedFiles } from './copy-files.js';
import type { Database } from './database.js';
import { keys, rangeAfter } from './keys.js';
import { openLevelDatabase } from './level-store.js';
import { openRowStore } from './row-store.js';
import { copySecret } from './secret-file.js';
import type { Entry, Store, StoreView } from './store.js';
import { fileFault, writeFault } from './store-fault.js';

export interface CopyOptions {
  readonly view: StoreView;
  /** The directory of the store that is viewed. */
  readonly source: string;
  /** New or empty. */
  readonly target: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly purpose:
    | { readonly type: 'backup' }
    /** `amend` may commit to the copy before it becomes a store. */
    | { readonly type: 'restore'; readonly amend: (copy: Store) => Promise<void> };
  /** Ends it with the signal's reason. */
  readonly signal: AbortSignal;
  /** Called after each page with how many rows are copied. */
  readonly onProgress?: ((rows: number) => void) | undefined;
}

export interface CopyReport {
  /** The path of the copy. */
  readonly directory: string;
  /** The newest commit in it, and how often its store had been opened by then. */
  readonly commit: number;
  readonly generation: number;
  readonly actors: number;
  readonly rows: number;
  readonly artifacts: number;
  readonly attachments: number;
  /** Of rows, as they are stored, and of artifact and attachment files. */
  readonly bytes: number;
  /** Rows that fail their checksum, and the keys of the first 100 of them. */
  readonly damagedRows: number;
  readonly damaged: readonly string[];
  /** Artifact and attachment files that are not there, and the names of the first 100 of either. */
  readonly missingFiles: number;
  readonly missingArtifacts: readonly string[];
  readonly missingAttachments: readonly string[];
}

/**
 * Copies a view, which stays open. Throws what `claimTarget` throws, STORE_CORRUPTED, STORE_FULL,
 * STORE_FAILED, RUNTIME_CLOSED when the viewed store is closed, and the signal's reason; nothing of the copy
 * is then left.
 */
export async function copyStore(options: CopyOptions): Promise<CopyReport> {
  options.signal.throwIfAborted();
  const target = await claimTarget(options.target, options.source);
  try {
    return await fill(target, options);
  } catch (error) {
    await target.discard();
    throw options.signal.aborted ? error : fileFault(error, target.path);
  }
}

async function fill(target: CopyTarget, options: CopyOptions): Promise<CopyReport> {
  const { view, source, signal, purpose, at } = options;
  const tally = new Tally();
  await withDatabase(target.databasePath, async (database) => {
    await copyRows(options, database, tally);
    if (purpose.type === 'restore') await amended(database, purpose.amend);
  });
  const files = await copyFiles(view, {
    from: source,
    to: target.path,
    verified: purpose.type === 'restore',
    signal,
  });
  // Later than the view: whatever the view holds was sealed with a secret that was on disk by then.
  await copySecret(source, target.path);
  signal.throwIfAborted();
  const state = purpose.type === 'restore' ? 'ready' : 'backup';
  await target.finish(state, { at, commit: view.lastCommit });
  return tally.report(target.path, view, files);
}

async function withDatabase(path: string, work: (database: Database) => Promise<void>): Promise<void> {
  const database = await openLevelDatabase(path, { sync: true, createIfMissing: true });
  try {
    await work(database);
  } finally {
    await database.close();
  }
}

/** Every key: they begin with letters. */
const EVERYTHING = { gte: '\0', lt: '\x7f' };

async function copyRows(options: CopyOptions, database: Database, tally: Tally): Promise<void> {
  const { view, signal, purpose, onProgress } = options;
  let range = EVERYTHING;
  for (;;) {
    signal.throwIfAborted();
    const page = await view.scanStored({ ...range, limit: limits.scanPageRows });
    const last = page.at(-1);
    if (last === undefined) return;
    const damaged = tally.add(page);
    if (damaged !== undefined && purpose.type === 'restore') throw damaged;
    await database.write(page.map(([key, value]) => ({ key, value }))).catch((error: unknown) => {
      throw writeFault(error, 'the copy could not be written');
    });
    onProgress?.(tally.rows);
    range = rangeAfter(EVERYTHING, last[0]);
  }
}

/** As a store that is only looked at: no generation rises, and the chain is checked on the way. */
async function amended(database: Database, amend: (copy: Store) => Promise<void>): Promise<void> {
  const store = await openRowStore({ database, purpose: 'look', mayBeEmpty: false });
  await amend(store);
}

/** What was copied so far. */
class Tally {
  #rows = 0;
  #actors = 0;
  #bytes = 0;
  #generation = 0;
  #damagedRows = 0;
  readonly #damaged: string[] = [];

  get rows(): number {
    return this.#rows;
  }

  /** Counts a page; gives the first fault in it. */
  add(page: readonly Entry[]): HoldfastError | undefined {
    let fault: HoldfastError | undefined;
    for (const [key, stored] of page) {
      this.#rows += 1;
      this.#bytes += Buffer.byteLength(stored);
      if (key.startsWith('s\0')) this.#actors += 1;
      try {
        const text = decodeValue(stored, key);
        if (key === keys.meta('generation')) this.#generation = Number(text);
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        fault ??= error;
        this.#damagedRows += 1;
        if (this.#damaged.length < limits.copyNamesMax) this.#damaged.push(key);
      }
    }
    return fault;
  }

  report(
    directory: string,
    view: StoreView,
    { artifacts, attachments }: Readonly<Record<ContentFolder, CopiedFiles>>,
  ): CopyReport {
    return {
      directory,
      commit: view.lastCommit,
      generation: this.#generation,
      actors: this.#actors,
      rows: this.#rows,
      artifacts: artifacts.count,
      attachments: attachments.count,
      bytes: this.#bytes + artifacts.bytes + attachments.bytes,
      damagedRows: this.#damagedRows,
      damaged: this.#damaged,
      missingFiles: artifacts.missingCount + attachments.missingCount,
      missingArtifacts: artifacts.missing,
      missingAttachments: attachments.missing,
    };
  }
}
