/**
 * Marks every outstanding effect of a store as started, where what became of it since is not known: in a
 * moment that was restored, while the life it was taken from went on.
 *
 * A `manual` effect then ends as interrupted and a `probe` one asks first, as after a crash (K7), though it
 * may not have begun when the moment was taken: it may have been done, and paid for, since.
 *
 * Owns: nothing. Callers: backup.ts, on a store that nobody runs. Invariants: a mark that is there stays; the
 * marks of a store are written in commits of one page each, in the order of their keys.
 */
import type { Clock } from '../../clock.js';
import { keys, rangeOf } from '../../store/keys.js';
import type { Row, Store } from '../../store/store.js';
import { pagesOf } from './pages.js';
import type { EffectRow } from './record.js';

/** Resolves with how many effects were outstanding. */
export async function interruptEffects(store: Store, clock: Clock): Promise<number> {
  // That of the next run: nobody died while the effect ran, so no restart budget counts it as a failure.
  const epoch = Number(await store.get(keys.meta('generation'))) + 1;
  const started = { at: clock.now(), epoch, attempt: 0 };
  let outstanding = 0;
  for await (const page of pagesOf((options) => store.scan(options), rangeOf('o'))) {
    const rows: Row[] = [];
    for (const [key, text] of page) {
      const row = JSON.parse(text) as EffectRow;
      if (row.started === undefined) rows.push({ key, value: JSON.stringify({ ...row, started }) });
    }
    outstanding += page.length;
    if (rows.length === 0) continue;
    await store.commit({ number: store.lastCommit + 1, rows, expect: [], at: clock.now() });
  }
  return outstanding;
}
