/**
 * The kept steps of an actor, a page at a time.
 *
 * Callers: this folder. Invariant: a page ends at the step before `before`, or the newest, and has no hole
 * but where a row cannot be read.
 */
import { HoldfastError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { JournalEntry, Page } from '../kernel/index.js';
import type { ListSteps, StepLine } from './face.js';
import type { Scene } from './scene.js';
import { firstSeqOf, type Subject } from './subject.js';

/** Oldest first; the cursor is the `before` of the page of older ones. */
export async function entriesOf(
  { kernel }: Scene,
  { address, record }: Subject,
  { before, limit = limits.scanPageRows }: ListSteps,
): Promise<Page<JournalEntry>> {
  checkCount('before', before);
  checkCount('limit', limit, limits.scanPageRows);
  const kept = firstSeqOf(record);
  const last = Math.min(record.seq, (before ?? Infinity) - 1);
  const first = Math.max(kept, last - limit + 1);
  const items = first > last ? [] : await kernel.reader.entries(address, first, last);
  return first > kept && items.length > 0 ? { items, cursor: String(first) } : { items };
}

/** The same lines, with when their commits were written: one read for all of them. */
export async function withCommitTimes<Line extends Pick<StepLine, 'commit'>>(
  { kernel }: Scene,
  lines: readonly Line[],
): Promise<readonly (Line & Pick<StepLine, 'committedAt'>)[]> {
  const times = await kernel.reader.commitTimes(lines.map(({ commit }) => commit));
  return lines.map((line) => {
    const committedAt = times.get(line.commit);
    return committedAt === undefined ? line : { ...line, committedAt };
  });
}

/** Throws INVALID_INPUT unless it is absent, or a whole number from 1 on. */
export function checkCount(
  field: string,
  value: number | undefined,
  max: number = Number.MAX_SAFE_INTEGER,
): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1 && value <= max)) return;
  const range = max < Number.MAX_SAFE_INTEGER ? `1 to ${max}` : '1 or more';
  const message = `"${field}": is no whole number of ${range}`;
  throw new HoldfastError('INVALID_INPUT', message, { details: { field } });
}
