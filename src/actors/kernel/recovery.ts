/**
 * Recovery of one kind: what was in flight when the process ended goes on.
 *
 * Callers: the kernel, at start and when a kind is defined later (K14). Cost depends on what was in flight,
 * never on what exists: it reads inbox rows and one row a pool, and actor records after a new version
 * alone. Invariant: what an actor was sent before is handed over before what it is sent now. Until its
 * inbox has been read to the end, new rows wait there too: a child's creation may be on disk alone while
 * its parent goes on.
 */
import { splitAddress } from '../../ids.js';
import { keys, partsOf, rangeOf } from '../../store/keys.js';
import type { Range } from '../../store/store.js';
import type { CommitLoop } from './commit-loop.js';
import { rowOf, scanPast } from './damage.js';
import type { Definition } from './definition.js';
import type { Outbox } from './outbox.js';
import { pagesOf } from './pages.js';
import type { InboxRow } from './record.js';
import type { VersionSweep } from './version-sweep.js';

export interface RecoveryOptions {
  readonly loop: CommitLoop;
  readonly outbox: Outbox;
  /**
   * Gives an inbox row, undefined when it is damaged, to its actor; resolves when it was taken or refused.
   */
  readonly take: (address: string, key: string, row: InboxRow | undefined) => Promise<void>;
  readonly versions: VersionSweep;
}

export class Recovery {
  readonly #options: RecoveryOptions;
  /** Kinds whose inboxes have been read. */
  readonly #read = new Set<string>();
  /** Actors whose inbox is being read although their kind's have been. */
  readonly #reading = new Set<string>();
  /** Actors that were sent something in the meantime. */
  readonly #behind = new Set<string>();

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  async recover(definition: Definition): Promise<void> {
    const { kind } = definition;
    // "kind/" .. "kind0": "0" is the character after "/", so the range holds every address of the kind and no
    // other.
    try {
      await this.#inbox({ gte: keys.inbox(`${kind}/`, ''), lt: keys.inbox(`${kind}0`, '') });
      await this.#catchUp((address) => splitAddress(address).kind === kind);
    } finally {
      // Also when that failed: what is sent from now on must not wait for the next open.
      this.#read.add(kind);
    }
    await this.#options.outbox.recover(definition);
    await this.#options.versions.resumeUnknown(kind);
    // Beside everything else: it reads records, and there may be many.
    void this.#options.versions.sweep(definition);
  }

  /** What waits for one actor, oldest first. */
  async inboxOf(address: string): Promise<void> {
    this.#reading.add(address);
    this.#behind.add(address);
    try {
      await this.#catchUp((behind) => behind === address);
    } finally {
      this.#reading.delete(address);
    }
  }

  /** True when a row that has just been written is found by the reading that is under way or to come. */
  finds(address: string): boolean {
    if (this.#read.has(splitAddress(address).kind) && !this.#reading.has(address)) return false;
    this.#behind.add(address);
    return true;
  }

  /** Ends in the same turn as the last look that found nobody behind. */
  async #catchUp(isMine: (address: string) => boolean): Promise<void> {
    for (;;) {
      const behind = [...this.#behind].filter(isMine);
      if (behind.length === 0) return;
      for (const address of behind) {
        this.#behind.delete(address);
        await this.#inbox(rangeOf('i', address));
      }
    }
  }

  async #inbox(whole: Range): Promise<void> {
    const { loop, take } = this.#options;
    for await (const page of pagesOf((options) => scanPast(loop, options), whole)) {
      await Promise.all(
        page.map((scanned) => take(partsOf(scanned[0])[0] ?? '', scanned[0], rowOf<InboxRow>(scanned))),
      );
    }
  }
}
