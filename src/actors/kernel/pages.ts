/**
 * Walking a range of rows, page by page.
 *
 * Callers: the kernel's own files. Invariant: one page is in memory at a time, and the next is read only when
 * the walker is done with it.
 */
import { limits } from '../../limits.js';
import { rangeAfter } from '../../store/keys.js';
import type { Range, ScanOptions } from '../../store/store.js';

/** All pages of a range, as `scan` reads them; a scan that gets past damaged rows gives pages with gaps. */
export async function* pagesOf<Row extends readonly [key: string, text: string | undefined]>(
  scan: (options: ScanOptions) => Promise<readonly Row[]>,
  whole: Range,
): AsyncGenerator<readonly Row[], void, undefined> {
  let range = whole;
  for (;;) {
    const page = await scan({ ...range, limit: limits.scanPageRows });
    yield page;
    const last = page.at(-1);
    if (page.length < limits.scanPageRows || last === undefined) return;
    range = rangeAfter(range, last[0]);
  }
}
