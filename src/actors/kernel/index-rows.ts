/**
 * The rows of declared indexes as such: read on from a place, found by their next part, taken out when nobody
 * is behind them.
 *
 * Callers: façades that keep the head of an index at hand. Invariants:
 *  1  Reading sees staged rows (C3), and a damaged one like any other: all that is told of it is in its key.
 *  2  A row is taken out in the turn of its actor, who is not there: nobody can be created meanwhile.
 */
import { keys, partsOf, rangeOf } from '../../store/keys.js';
import { deliveryOf } from './cell.js';
import type { CommitLoop } from './commit-loop.js';
import { isThere, scanPast } from './damage.js';
import type { Mailboxes } from './mailboxes.js';

export class IndexRows {
  readonly #loop: CommitLoop;
  readonly #mailboxes: Mailboxes;

  constructor(loop: CommitLoop, mailboxes: Mailboxes) {
    this.#loop = loop;
    this.#mailboxes = mailboxes;
  }

  /**
   * The first `limit` rows below `parts` that come after all those whose further parts are `place`, none for
   * the first: their declared parts, the address last.
   */
  async after(
    index: string,
    parts: readonly string[],
    place: readonly string[],
    limit: number,
  ): Promise<readonly (readonly string[])[]> {
    const { gte, lt } = rangeOf('q', index, ...parts);
    const from = place.length === 0 ? gte : rangeOf('q', index, ...parts, ...place).lt;
    const rows = await scanPast(this.#loop, { gte: from, lt, limit });
    return rows.map(([key]) => partsOf(key).slice(1));
  }

  /** The part that comes next below `parts`, after `part` where that is given; undefined at the end. */
  async nextPart(index: string, parts: readonly string[], part?: string): Promise<string | undefined> {
    const [row] = await this.after(index, parts, part === undefined ? [] : [part], 1);
    return row?.[parts.length];
  }

  /** Takes a row out whose actor is not there; false when it is. Resolves once that is on disk. */
  unlist(index: string, parts: readonly string[], address: string): Promise<boolean> {
    const loop = this.#loop;
    return new Promise((resolve, reject) => {
      const take = async (): Promise<void> => {
        if (await isThere(loop, keys.record(address))) {
          resolve(false);
          return;
        }
        const stage = loop.begin();
        stage.delete(keys.index(index, parts, address));
        stage.after = () => resolve(true);
        stage.failed = reject;
        loop.add(stage);
      };
      const parcel = { content: { type: 'turn', take }, source: 'kernel', dedupe: false } as const;
      this.#mailboxes.enqueue(address, deliveryOf(parcel, { resolve: nothing, reject, taken: nothing }));
    });
  }
}

function nothing(): void {
  // It settles by itself.
}
