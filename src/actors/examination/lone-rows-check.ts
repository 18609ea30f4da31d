/**
 * Rows that no other row tells of: they are judged by themselves.
 *
 * Callers: examination.ts, last of all. Invariant: keys that make no sense are told of once, however often
 * they were met.
 */
import type { FindingCode } from '../../findings.js';
import { partsOf, rangeOf } from '../../store/keys.js';
import type { Range } from '../../store/store.js';
import type { Found, Reading } from './reading.js';
import { DEAD_LETTERS, LETTERS } from './row-keys.js';
import { deadLetterIn, dwellIn, expiringIn, historyIn } from './row-shapes.js';
import { removing, type RowFindings } from './scene.js';

interface LoneRows {
  readonly range: Range;
  readonly read: (found: Found) => unknown;
  readonly code: FindingCode;
  readonly what: string;
  /** Whose it is. */
  readonly addressIn?: (key: string) => string | undefined;
}

const LONE: readonly LoneRows[] = [
  {
    range: rangeOf('e'),
    read: expiringIn,
    code: 'EXPIRY_UNREADABLE',
    what: 'a list of what expires in an hour cannot be read',
  },
  {
    range: rangeOf('q', DEAD_LETTERS),
    read: deadLetterIn,
    code: 'DEAD_LETTER_UNREADABLE',
    what: 'an event that nobody could take cannot be read',
    addressIn: (key) => partsOf(key).at(-1),
  },
  {
    range: rangeOf('h'),
    read: historyIn,
    code: 'HISTORY_UNREADABLE',
    what: 'an entry of a history cannot be read',
  },
  {
    range: rangeOf('b'),
    read: dwellIn,
    code: 'DWELL_UNREADABLE',
    what: 'how long actors stayed in a state cannot be read',
  },
];

export async function* checkLoneRows(reading: Reading): RowFindings {
  for (const { range, read, code, what, addressIn } of LONE) {
    for await (const [key, found] of reading.rows(range)) {
      if (read(found) !== undefined) continue;
      const address = addressIn?.(key);
      yield removing(code, key, address === undefined ? what : `${address}: ${what}`, address);
    }
  }
  yield* unknownRows(reading);
  for (const key of reading.strays) {
    const letter = key.slice(0, 1);
    const parts = partsOf(key).length;
    const what = `a row of the letter ${letter}, its key in ${parts} parts, that no reader would ask for`;
    yield removing('ROW_KEY', key, what);
  }
}

/** Rows of no letter that is known: a newer holdfast's, or somebody else's. */
async function* unknownRows(reading: Reading): RowFindings {
  const known = [...LETTERS, 'm', 'k'].toSorted();
  const starts = ['\0', ...known.map((letter) => `${letter}\x01`)];
  const ends = [...known.map((letter) => `${letter}\0`), '\u{10ffff}'];
  for (const [index, gte] of starts.entries()) {
    for await (const [key] of reading.rows({ gte, lt: ends[index] ?? gte }))
      yield { code: 'ROW_UNKNOWN', what: 'nobody here knows what it is', key };
  }
}
