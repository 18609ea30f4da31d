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
import { keys, partsOf, rangeOf } from '../../store/keys.js';
import type { Parcel } from './cell.js';
import type { CommitLoop } from './commit-loop.js';
import type { Counts } from './counts.js';
import { readable, scanPast } from './damage.js';
import type { Definition } from './definition.js';
import type { Mailboxes } from './mailboxes.js';
import { migrationPath } from './migration.js';
import { pagesOf } from './pages.js';
import { QUARANTINE_INDEX } from './quarantine.js';
import type { FoundRecord, Reader } from './reader.js';
import type { ActorRecord } from './record.js';

export interface VersionSweepOptions {
  readonly loop: CommitLoop;
  readonly counts: Counts;
  readonly log: Logger;
  readonly mailboxes: Mailboxes;
  readonly reader: Pick<Reader, 'records'>;
}

/** Nothing but an activation, which migrates. */
const TOUCH: Parcel = { content: { type: 'touch' }, source: 'kernel', dedupe: false };

/** Migrations at once: they share a commit, and keep the event loop for a few milliseconds. */
const AT_ONCE = 64;

export class VersionSweep {
  readonly #options: VersionSweepOptions;

  constructor(options: VersionSweepOptions) {
    this.#options = options;
  }

  /** Resolves when every actor of the kind that has a way was activated, or it was over; never rejects. */
  async sweep(definition: Definition): Promise<void> {
    const { log } = this.#options;
    const { kind, version } = definition;
    if (!this.#hasOlder(definition)) return;
    try {
      const migrated = await this.#sweepAll(definition);
      log.info({ kind, version, migrated }, 'kernel.migrated');
    } catch (error) {
      if (!this.#isOver()) log.error({ err: error, kind }, 'kernel.migrate');
    }
  }

  /** Whoever stood still because of its version alone may go on now that the machine has changed. */
  async resumeUnknown(kind: string): Promise<void> {
    const { loop } = this.#options;
    const range = rangeOf('q', QUARANTINE_INDEX, kind);
    for await (const page of pagesOf((options) => scanPast(loop, options), range)) {
      for (const [key] of page) await this.#resume(partsOf(key).at(-1) ?? '');
    }
  }

  async #resume(address: string): Promise<void> {
    const { loop, mailboxes } = this.#options;
    const key = keys.record(address);
    const reason = (await readable<ActorRecord>(loop, key))?.quarantine;
    if (reason?.code !== 'VERSION_UNKNOWN' && reason?.code !== 'MIGRATION_FAILED') return;
    const content = { type: 'operator', what: 'resume' } as const;
    await mailboxes.taken(address, { content, source: 'kernel', dedupe: false });
  }

  #isOver(): boolean {
    const { mailboxes } = this.#options;
    return mailboxes.draining || mailboxes.ended !== undefined;
  }

  #hasOlder(definition: Definition): boolean {
    return this.#options.counts
      .of(definition.kind)
      .some((row) => row.version !== definition.version && !row.finished && leads(definition, row));
  }

  async #sweepAll(definition: Definition): Promise<number> {
    const { mailboxes, reader } = this.#options;
    const older = ({ record }: FoundRecord): boolean => record !== undefined && isOlder(definition, record);
    let cursor: string | undefined;
    let touched = 0;
    do {
      const page = await reader.records(definition.kind, older, { cursor, limit: AT_ONCE });
      // Settled when what came of it is on disk: the sweep is no faster than that.
      await Promise.all(page.items.map(({ address }) => mailboxes.deliver(address, TOUCH)));
      touched += page.items.length;
      ({ cursor } = page);
    } while (cursor !== undefined && !this.#isOver());
    return touched;
  }
}

function leads(definition: Definition, stored: Pick<ActorRecord, 'version' | 'hash'>): boolean {
  return migrationPath(definition, stored) !== undefined;
}

function isOlder(definition: Definition, record: ActorRecord): boolean {
  if (record.version === definition.version || record.status !== 'active') return false;
  return record.quarantine === undefined && leads(definition, record);
}
