/**
 * What expires, and the buckets that name it: dedupe rows, tombstones, dead letters. A payload that expires
 * goes with its actor at the latest: nobody misses it, and nobody asks for it here.
 *
 * Both sides may be many millions, in different orders. They are compared by numbers made from their keys,
 * a few million at a time, in as many passes as that takes.
 *
 * Callers: examination.ts. Invariants:
 *  V1  In memory are the numbers of one pass: 32 MB at most.
 *  V2  A row that some bucket names is never said to be unnamed. Two keys of one number (one in 10^15 pairs)
 *      hide each other: then an unnamed row is not seen.
 *  V3  Named rows are asked for one by one only where fewer were met than are named.
 */
import { hash } from 'node:crypto';
import { limits } from '../../limits.js';
import { keys, partsOf, rangeOf } from '../../store/keys.js';
import type { Range } from '../../store/store.js';
import { hourOf } from '../kernel/belongings.js';
import { isPayload } from '../kernel/expiring.js';
import type { Reading } from './reading.js';
import { DEAD_LETTERS } from './row-keys.js';
import { expiringIn, recordIn } from './row-shapes.js';
import type { RowFinding, RowFindings, Scene } from './scene.js';
import type { Tally } from './tally.js';

const NUMBER_SIZE = 2 ** 48;
const UNNAMED_AT_ONCE = 1_000;

/** Rows that go when their hour has come. */
const EXPIRING: readonly Range[] = [rangeOf('x'), rangeOf('q', DEAD_LETTERS)];

type IsMine = (number: number) => boolean;

export async function* checkExpiry(scene: Scene): RowFindings {
  const { reading, dedupeKeysMax } = scene;
  let named = 0;
  for await (const names of buckets(reading)) named += names.length;
  const passes = Math.max(1, Math.ceil(named / dedupeKeysMax));
  let met = 0;
  for (let pass = 0; pass < passes; pass += 1) {
    const isMine: IsMine = (number) => Math.floor((number / NUMBER_SIZE) * passes) === pass;
    met += yield* unnamed(scene, await numbersOf(reading, named, isMine), isMine);
  }
  if (met < named) yield* forgotten(reading);
}

/** What each bucket names. */
async function* buckets(reading: Reading): AsyncGenerator<readonly string[], void, undefined> {
  for await (const [, found] of reading.rows(rangeOf('e')))
    yield (expiringIn(found) ?? []).filter((key) => !isPayload(key));
}

/** The numbers of the keys that the buckets name, sorted. */
async function numbersOf(reading: Reading, named: number, isMine: IsMine): Promise<Float64Array> {
  const numbers = new Float64Array(named);
  let length = 0;
  for await (const names of buckets(reading)) {
    for (const number of names.map(numberOf).filter(isMine)) {
      numbers[length] = number;
      length += 1;
    }
  }
  return numbers.subarray(0, length).sort();
}

/** Rows that ought to expire and that no bucket names. Returns how many are named. */
async function* unnamed(
  { reading, tally }: Scene,
  numbers: Float64Array,
  isMine: IsMine,
): AsyncGenerator<RowFinding, number, undefined> {
  let met = 0;
  for (const range of EXPIRING) {
    for await (const page of reading.pages(range)) {
      const found: string[] = [];
      for (const [key] of page) {
        const number = numberOf(key);
        if (!isMine(number)) continue;
        if (has(numbers, number)) met += 1;
        else found.push(key);
      }
      for (let from = 0; from < found.length; from += UNNAMED_AT_ONCE)
        yield unsweptFinding(found.slice(from, from + UNNAMED_AT_ONCE), tally);
    }
  }
  return met;
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
async function* forgotten(reading: Reading): RowFindings {
  for await (const names of buckets(reading)) {
    const wanted = names.filter((key) => key.startsWith('x\0'));
    const found = await reading.many(wanted);
    const gone = wanted.filter((key) => found.get(key) === undefined);
    const records = await reading.many(gone.map((key) => keys.record(addressIn(key))));
    for (const key of gone) {
      const address = addressIn(key);
      const seq = recordIn(records.get(keys.record(address)))?.seq ?? 0;
      const what = `${address}: that it took an event is not remembered`;
      yield { code: 'DEDUPE_MISSING', what, address, key, mend: [{ key, value: String(seq) }] };
    }
  }
}

function addressIn(key: string): string {
  return partsOf(key)[0] ?? '';
}

function has(numbers: Float64Array, wanted: number): boolean {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return numbers[low] === wanted;
}

/** 48 bits of a key's SHA-256. */
function numberOf(key: string): number {
  return Number.parseInt(hash('sha256', key, 'hex').slice(0, 12), 16);
}
