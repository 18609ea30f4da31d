/**
 * Backups of a directory, while it runs or lies still, and the way back from one.
 *
 * Owns: the backups under way. Callers: the assembly; users, through `restore`. Invariants:
 *  1  No artifact file and no attachment is removed from before the moment is taken until its copy is whole.
 *  2  When `Backups.close` resolves none is under way, and those that were have left nothing.
 *  3  What is restored repeats no paid call by itself: each outstanding effect counts as begun.
 */
import { resolve } from 'node:path';
import type { ArtifactFiles } from './actors/artifact-files.js';
import type { Attachments } from './actors/attachments.js';
import { interruptEffects } from './actors/kernel/index.js';
import { systemClock, type Clock } from './clock.js';
import { HoldfastError } from './errors.js';
import { newId } from './ids.js';
import { copyStore, openLevelStore, type CopyReport, type Store } from './store/index.js';

export interface BackupOptions {
  /** Ends it with the signal's reason; nothing of the copy is then left. */
  readonly signal?: AbortSignal;
  /** Called after each page with how many rows are copied; files are copied after them. */
  readonly onProgress?: (rows: number) => void;
}

/** A restore, as a copy; it is of a backup in which every row was whole. */
export interface RestoreReport extends Omit<CopyReport, 'damagedRows' | 'damaged'> {
  /** Effects that were outstanding in that moment: whether they were done since is asked, not assumed. */
  readonly effects: number;
}

interface BackupParts {
  /** The directory that is backed up. */
  readonly directory: string;
  readonly store: Store;
  readonly files: ArtifactFiles;
  readonly attachments: Attachments;
  readonly clock: Clock;
}

/** The backups of one open directory. */
export class Backups {
  readonly #parts: BackupParts;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  constructor(parts: BackupParts) {
    this.#parts = parts;
  }

  /** See `Runtime.backup`. */
  async take(target: string, { signal, onProgress }: BackupOptions = {}): Promise<CopyReport> {
    const closing = this.#closing.signal;
    const either = signal === undefined ? closing : AbortSignal.any([signal, closing]);
    const { files, attachments } = this.#parts;
    // The names of fetches are addresses, which this is none of.
    const work = files.during(
      newId('backup'),
      () => attachments.paused(() => this.#copy(target, either, onProgress)),
      () => false,
    );
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    this.#closing.abort(new HoldfastError('RUNTIME_CLOSED', 'the runtime is closed'));
    await Promise.allSettled(this.#running);
  }

  async #copy(
    target: string,
    signal: AbortSignal,
    onProgress: BackupOptions['onProgress'],
  ): Promise<CopyReport> {
    signal.throwIfAborted();
    const { store, directory: source, clock } = this.#parts;
    const view = await store.view();
    try {
      const how = { purpose: { type: 'backup' }, signal, onProgress } as const;
      return await copyStore({ view, source, target, at: clock.now(), ...how });
    } finally {
      await view.close();
    }
  }
}

/**
 * Makes a directory that can be run of a backup, or of any directory nobody holds, and leaves that as it is.
 * `directory` is new or empty, and its parent exists. Effects that were outstanding count as begun: `manual`
 * ones end as interrupted, `probe` ones ask first, since the life that the backup is of may have done them.
 * Throws INVALID_OPTIONS where no store is, INVALID_INPUT, STORE_CORRUPTED when any row of the backup is
 * damaged, STORE_FOREIGN, STORE_LOCKED, STORE_UNWRITABLE, STORE_FULL and STORE_FORMAT_NEWER or _OLDER; then
 * nothing is made.
 */
export async function restore(
  backup: string,
  directory: string,
  options: BackupOptions = {},
): Promise<RestoreReport> {
  const source = resolve(backup);
  const signal = options.signal ?? new AbortController().signal;
  const store = await openLevelStore({ directory: source, purpose: 'look' });
  try {
    const view = await store.view();
    let effects = 0;
    const amend = async (copy: Store): Promise<void> => {
      effects = await interruptEffects(copy, systemClock);
    };
    const {
      damaged: _none,
      damagedRows: _zero,
      ...report
    } = await copyStore({
      view,
      source,
      target: directory,
      at: systemClock.now(),
      purpose: { type: 'restore', amend },
      signal,
      onProgress: options.onProgress,
    });
    return { ...report, effects };
  } finally {
    await store.close();
  }
}
