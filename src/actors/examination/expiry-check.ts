/**
 * What expires, and the buckets that name it: dedupe rows, tombstones, dead letters.
 *
 * Both sides may be many millions, in different orders. They are compared by numbers made from their keys,
 * a few million at a time, in as many passes as that takes.
 *
 * Callers: examination.ts. Invariants:
 *  V1  In memory are the numbers of one pass: 32 MB at most.
 *  V2  A row that some bucket names is never said to be unnamed. Two keys of one number (one in 10^15 pairs)
 *      hide each other: then an unnamed row is not seen.
 */
import { hash } from 'node:crypto';
import { limits } from '../../limits.js';
import { keys, partsOf, rangeOf } from '../../store/keys.js';
import type { Range } from '../../store/store.js';
import { hourOf } from '../kernel/belongings.js';
import type { RowFinding } from './actor-case.js';
import { DEAD_LETTERS } from './owned-check.js';
import type { Reading } from './reading.js';
import { deadLetterIn, expiringIn, foundIn, recordIn } from './row-shapes.js';
import type { Tally } from './tally.js';

interface ExpiryScene {
  readonly reading: Reading;
  readonly tally: Tally;
  /** Keys in memory at a time. Default 4,000,000. */
  readonly keysMax?: number | undefined;
}

const KEYS_MAX = 4_000_000;
const NUMBER_SIZE = 2 ** 48;
const UNNAMED_AT_ONCE = 1_000;

/** Rows that go when their hour has come. */
const EXPIRING: readonly Range[] = [rangeOf('x'), rangeOf('q', DEAD_LETTERS)];

export async function* checkExpiry(scene: ExpiryScene): AsyncGenerator<RowFinding, void, undefined> {
  const { reading, keysMax = KEYS_MAX } = scene;
  let named = 0;
  for await (const page of reading.pages(rangeOf('e'))) {
    for (const scanned of page) {
      const [key] = scanned;
      const expiring = expiringIn(foundIn(scanned));
      named += expiring?.length ?? 0;
      if (expiring !== undefined) continue;
      const what = 'a list of what expires in an hour cannot be read';
      yield { code: 'EXPIRY_UNREADABLE', what, key, mend: [{ key, value: undefined }] };
    }
  }
  yield* deadLetters(reading);
  const passes = Math.max(1, Math.ceil(named / keysMax));
  for (let pass = 0; pass < passes; pass += 1) {
    const isMine = (number: number): boolean => Math.floor((number / NUMBER_SIZE) * passes) === pass;
    const numbers = await numbersOf(reading, named, isMine);
    const seen = new Uint8Array(numbers.length);
    yield* unnamed(scene, numbers, isMine, seen);
    if (numbers.some((_number, index) => seen[firstOf(numbers, index)] === 0))
      yield* forgotten(reading, numbers, isMine, seen);
  }
}

async function* deadLetters(reading: Reading): AsyncGenerator<RowFinding, void, undefined> {
  for await (const page of reading.pages(rangeOf('q', DEAD_LETTERS))) {
    for (const scanned of page) {
      const [key] = scanned;
      if (deadLetterIn(foundIn(scanned)) !== undefined) continue;
      const address = partsOf(key).at(-1) ?? '';
      const what = `${address}: an event that nobody could take cannot be read`;
      yield { code: 'DEAD_LETTER_UNREADABLE', what, address, key, mend: [{ key, value: undefined }] };
    }
  }
}

/** The numbers of the keys that the buckets name, sorted. */
async function numbersOf(
  reading: Reading,
  named: number,
  isMine: (number: number) => boolean,
): Promise<Float64Array> {
  const numbers = new Float64Array(named);
  let length = 0;
  for await (const page of reading.pages(rangeOf('e'))) {
    for (const scanned of page) {
      for (const key of expiringIn(foundIn(scanned)) ?? []) {
        const number = numberOf(key);
        if (!isMine(number)) continue;
        numbers[length] = number;
        length += 1;
      }
    }
  }
  return numbers.subarray(0, length).sort();
}

async function* unnamed(
  { reading, tally }: ExpiryScene,
  numbers: Float64Array,
  isMine: (number: number) => boolean,
  seen: Uint8Array,
): AsyncGenerator<RowFinding, void, undefined> {
  for (const range of EXPIRING) {
    for await (const page of reading.pages(range)) {
      const found = page
        .map(([key]) => key)
        .filter((key) => {
          const number = numberOf(key);
          if (!isMine(number)) return false;
          const index = indexOf(numbers, number);
          if (index !== undefined) seen[index] = 1;
          return index === undefined;
        });
      for (let from = 0; from < found.length; from += UNNAMED_AT_ONCE)
        yield unsweptFinding(found.slice(from, from + UNNAMED_AT_ONCE), tally);
    }
  }
}

/**
 * They expire when the last of them must have. The bucket's commit number is its own: 0 is no commit's, and
 * what was put there by an earlier repair is named once more by nobody.
 */
function unsweptFinding(unswept: readonly string[], { newestAt }: Tally): RowFinding {
  const [key = ''] = unswept;
  const lastMs = newestAt + Math.max(limits.deadLetterMs, limits.idempotencyTtlMs, limits.dedupeTtlMs);
  const what = `${unswept.length} rows that ought to expire never would, the first of ${partsOf(key)[0]}`;
  const bucket = keys.expiry(hourOf(lastMs), numberOf(key));
  return { code: 'DEDUPE_UNSWEPT', what, key, mend: [{ key: bucket, value: JSON.stringify(unswept) }] };
}

/** Dedupe rows that a bucket names and that are not there: what they remember is known all the same. */
async function* forgotten(
  reading: Reading,
  numbers: Float64Array,
  isMine: (number: number) => boolean,
  seen: Uint8Array,
): AsyncGenerator<RowFinding, void, undefined> {
  const isGone = (key: string): boolean => {
    const number = numberOf(key);
    const index = isMine(number) && key.startsWith('x\0') ? indexOf(numbers, number) : undefined;
    return index !== undefined && seen[index] === 0;
  };
  for await (const page of reading.pages(rangeOf('e'))) {
    for (const scanned of page) {
      const gone = (expiringIn(foundIn(scanned)) ?? []).filter(isGone);
      const records = await reading.many(gone.map((key) => keys.record(addressIn(key))));
      for (const key of gone) {
        const address = addressIn(key);
        const seq = recordIn(records.get(keys.record(address)))?.seq ?? 0;
        const what = `${address}: that it took an event is not remembered`;
        yield { code: 'DEDUPE_MISSING', what, address, key, mend: [{ key, value: String(seq) }] };
      }
    }
  }
}

function addressIn(key: string): string {
  return partsOf(key)[0] ?? '';
}

/** Of equal numbers the first stands for all. */
function firstOf(numbers: Float64Array, index: number): number {
  let first = index;
  while (first > 0 && numbers[first - 1] === numbers[index]) first -= 1;
  return first;
}

/** Where a number is first; undefined when it is not there. */
function indexOf(numbers: Float64Array, wanted: number): number | undefined {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return numbers[low] === wanted ? low : undefined;
}

/** 48 bits of a key's SHA-256. */
function numberOf(key: string): number {
  return Number.parseInt(hash('sha256', key, 'hex').slice(0, 12), 16);
}
