/**
 * What the rows of a pool say of it, for one that is known by its rows alone.
 *
 * Callers: the outbox. Invariant: a damaged row is logged and passed over.
 */
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { rangeAfter, rangeOf } from '../../store/keys.js';
import type { Range } from '../../store/store.js';
import type { CommitLoop } from './commit-loop.js';
import { rowOf, scanPast } from './damage.js';
import type { EffectRow } from './record.js';

/** What the effects of a pool run; undefined when none of its rows can be read. */
export async function sourceOfPool(
  { loop, log }: { readonly loop: CommitLoop; readonly log: Logger },
  kind: string,
  pool: string,
): Promise<string | undefined> {
  let range: Range = rangeOf('o', kind, pool);
  for (let limit = 1; ; limit = limits.scanPageRows) {
    const page = await scanPast(loop, { ...range, limit });
    for (const scanned of page) {
      const row = rowOf<EffectRow>(scanned);
      if (row !== undefined) return row.src;
      log.error({ key: scanned[0] }, 'effect.damaged');
    }
    const last = page.at(-1);
    if (page.length < limit || last === undefined) return undefined;
    range = rangeAfter(range, last[0]);
  }
}
