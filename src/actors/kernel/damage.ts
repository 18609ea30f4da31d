/**
 * Rows that cannot be read: a wrong checksum, or a text that is no JSON. One of them stops what is its own,
 * never the reading of others (K14).
 *
 * Callers: whoever reads what a crash left. Invariant: what stands in the way of reading at all, a disk that
 * fails for one, is thrown as ever.
 */
import { HoldfastError, isHoldfastError } from '../../errors.js';
import { isPlainObject } from '../../json.js';
import { compareKeys, rangeAfter } from '../../store/keys.js';
import type { Entry, Range, ScanOptions } from '../../store/store.js';
import type { CommitLoop } from './commit-loop.js';

type Rows = Pick<CommitLoop, 'read' | 'scan'>;

/** A key, and its row's text; undefined when the row is damaged. */
export type Scanned = readonly [key: string, text: string | undefined];

/** One page of a range that a row with a wrong checksum does not stop. */
export async function scanPast(rows: Pick<Rows, 'scan'>, options: ScanOptions): Promise<readonly Scanned[]> {
  const { gte, lt, limit, reverse = false } = options;
  try {
    return await rows.scan({ gte, lt, limit, reverse });
  } catch (error) {
    const key = isHoldfastError(error, 'STORE_CORRUPTED') ? error.details['key'] : undefined;
    if (typeof key !== 'string' || !isWithin(key, options)) throw error;
    const [below, above] = [{ gte, lt: key }, rangeAfter({ gte, lt }, key)];
    const [near, far] = reverse ? [above, below] : [below, above];
    const before = await scanPast(rows, { ...near, limit, reverse });
    const left = limit - before.length - 1;
    if (left < 0) return before;
    const after = left === 0 ? [] : await scanPast(rows, { ...far, limit: left, reverse });
    return [...before, [key, undefined], ...after];
  }
}

/** The row a text stands for; undefined when it is damaged. Its shape is trusted: we wrote it. */
export function rowOf<Row>([, text]: Scanned | Entry): Row | undefined {
  if (text === undefined) return undefined;
  try {
    const row: unknown = JSON.parse(text);
    return isPlainObject(row) ? (row as Row) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The same for a row that must be readable. Throws STORE_CORRUPTED. */
export function parsedRow<Row>(key: string, text: string): Row {
  const row = rowOf<Row>([key, text]);
  if (row !== undefined) return row;
  const message = `the row ${JSON.stringify(key)} is no JSON object`;
  throw new HoldfastError('STORE_CORRUPTED', message, { details: { key } });
}

/** A row by its key; undefined when there is none, or none that can be read. */
export async function readable<Row>(rows: Pick<Rows, 'read'>, key: string): Promise<Row | undefined> {
  try {
    const text = await rows.read(key);
    return text === undefined ? undefined : rowOf<Row>([key, text]);
  } catch (error) {
    if (isHoldfastError(error, 'STORE_CORRUPTED')) return undefined;
    throw error;
  }
}

/** True when there is a row of that key, damaged or not. */
export async function isThere(rows: Pick<Rows, 'read'>, key: string): Promise<boolean> {
  try {
    return (await rows.read(key)) !== undefined;
  } catch (error) {
    if (isHoldfastError(error, 'STORE_CORRUPTED')) return true;
    throw error;
  }
}

function isWithin(key: string, range: Range): boolean {
  return compareKeys(key, range.gte) >= 0 && compareKeys(key, range.lt) < 0;
}
