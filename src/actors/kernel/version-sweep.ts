/**
 * After a deploy: actors of older versions become ones of the present version, without waiting for an event.
 * A timeout that a new version gives to a state must reach those who sleep in it already.
 *
 * Owns: nothing; what it does is one activation after another. Callers: the kernel, once a kind has been
 * recovered. Invariants:
 *  1  It runs beside everything else, a few actors at a time, and costs nothing when all are of one version.
 *  2  It may end at any point: the next open finds by the counts what is left.
 */
import type { Logger } from '../../log.js';
import { limits } from '../../limits.js';
import { keys, partsOf, rangeAfter } from '../../store/keys.js';
import type { Entry, Range } from '../../store/store.js';
import type { CommitLoop } from './commit-loop.js';
import type { Counts } from './counts.js';
import type { Definition } from './definition.js';
import { migrationPath } from './migration.js';
import type { ActorRecord } from './record.js';

export interface VersionSweepOptions {
  readonly loop: CommitLoop;
  readonly counts: Counts;
  readonly log: Logger;
  /** Activates an actor; resolves when that is staged. */
  readonly touch: (address: string) => Promise<void>;
  readonly isOver: () => boolean;
}

/** Records read at once: a page of parsing keeps the event loop for about a millisecond. */
const AT_ONCE = 32;

export class VersionSweep {
  readonly #options: VersionSweepOptions;

  constructor(options: VersionSweepOptions) {
    this.#options = options;
  }

  /** Resolves when every actor of the kind that has a way was activated, or it was over; never rejects. */
  async sweep(definition: Definition): Promise<void> {
    const { log, isOver } = this.#options;
    const { kind, version } = definition;
    if (!this.#hasOlder(definition)) return;
    try {
      const migrated = await this.#sweepAll(definition);
      log.info({ kind, version, migrated }, 'kernel.migrated');
    } catch (error) {
      if (!isOver()) log.error({ err: error, kind }, 'kernel.migrate');
    }
  }

  #hasOlder(definition: Definition): boolean {
    return this.#options.counts
      .of(definition.kind)
      .some((row) => row.version !== definition.version && !row.finished && leads(definition, row));
  }

  async #sweepAll(definition: Definition): Promise<number> {
    const { loop, touch, isOver } = this.#options;
    const { kind } = definition;
    let range: Range = { gte: keys.record(`${kind}/`), lt: keys.record(`${kind}0`) };
    let touched = 0;
    while (!isOver()) {
      const page = await loop.scan({ ...range, limit: AT_ONCE });
      const older = page.filter((entry) => isOlder(definition, entry));
      await Promise.all(older.map(([key]) => touch(addressIn(key))));
      const last = older.at(-1)?.[0];
      // Not faster than the disk: what is staged is in memory.
      if (last !== undefined && loop.pending > limits.commitRowsMax) await loop.settled(last);
      touched += older.length;
      const end = page.at(-1);
      if (page.length < AT_ONCE || end === undefined) break;
      range = rangeAfter(range, end[0]);
    }
    return touched;
  }
}

function leads(definition: Definition, stored: Pick<ActorRecord, 'version' | 'hash'>): boolean {
  return migrationPath(definition, stored) !== undefined;
}

function isOlder(definition: Definition, [, text]: Entry): boolean {
  const record = JSON.parse(text) as ActorRecord;
  if (record.version === definition.version || record.status !== 'active') return false;
  return record.quarantine === undefined && leads(definition, record);
}

function addressIn(recordKey: string): string {
  return partsOf(recordKey)[0] ?? '';
}
