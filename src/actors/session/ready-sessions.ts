/**
 * Which sessions have a turn ready: hints while they fit in memory, the index where they do not.
 *
 * Owns: the hints. Callers: serve.ts. Invariants:
 *  1  However often a session is hinted at, it is here once; the oldest hint is taken first.
 *  2  What there is no room for is found again: the index is then read once more.
 */
import { splitAddress } from '../../ids.js';
import { limits } from '../../limits.js';
import type { Kernel } from '../kernel/index.js';
import { sessionIndexes } from './session-index.js';

export class ReadySessions {
  readonly #reader: Kernel['reader'];
  readonly #keys = new Set<string>();
  /** Where the index is to be read on; undefined when it has been read. */
  #scan: { readonly cursor: string | undefined } | undefined = FROM_THE_START;
  #hasMissed = false;

  constructor(reader: Kernel['reader']) {
    this.#reader = reader;
  }

  /** True while there may be sessions that are known to the index alone. */
  get hasMore(): boolean {
    return this.#scan !== undefined || this.#hasMissed;
  }

  note(key: string): void {
    if (this.#keys.size < limits.servedHintsMax) this.#keys.add(key);
    else if (!this.#keys.has(key)) this.#hasMissed = true;
  }

  /** It is not ready any more: when it is again, its turn comes after those of others. */
  forget(key: string): void {
    this.#keys.delete(key);
  }

  /** The oldest one that is not `busy`, which stays. */
  take(isBusy: (key: string) => boolean): string | undefined {
    for (const key of this.#keys) {
      if (isBusy(key)) continue;
      this.#keys.delete(key);
      return key;
    }
    return undefined;
  }

  /** From now on there may be more, whatever was read. */
  readAgain(): void {
    this.#hasMissed = true;
  }

  /** Reads on in the index: one page of it. Failing, it leaves off until it is to read again. */
  async readMore(): Promise<void> {
    const { cursor } = this.#scan ?? FROM_THE_START;
    if (cursor === undefined) this.#hasMissed = false;
    this.#scan = undefined;
    const limit = limits.scanPageRows;
    const page = await this.#reader.byIndex(sessionIndexes.ready, [], { cursor, limit });
    if (page.cursor !== undefined) this.#scan = { cursor: page.cursor };
    for (const address of page.items) this.note(splitAddress(address).id);
  }
}

const FROM_THE_START = { cursor: undefined } as const;
