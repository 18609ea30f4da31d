/**
 * Begins the chain of commits anew where it is broken, and with it the store's own rows.
 *
 * Callers: the repair. Invariants:
 *  1  It is one batch: the old chain is gone and the new one is there, or neither.
 *  2  Commit numbers rise by so much that no number was ever given before: the order of everything created
 *     comes from them, and the newest commits may be among the lost ones.
 *  3  So does the generation, where its row was lost: an old epoch must stay old.
 */
import { limits } from '../../limits.js';
import { linkRows, nextLink, verifyChain, type Link } from '../chain.js';
import { decodeValue, encodeRow } from '../codec.js';
import type { Database } from '../database.js';
import { keys, rangeAfter, rangeOf } from '../keys.js';
import { STORE_FORMAT } from '../row-store.js';
import type { Range, Row } from '../store.js';

/** More commits than a store ever makes; 65,000 repairs are within the 48 bits of a number. */
const NUMBER_LEAP = 2 ** 32;
/** More generations than there can be: each is an open. */
const GENERATION_LEAP = 2 ** 32;

/** The row that tells of it. */
const REPAIRED = 'repaired';

/** `rows` and the first link of a new chain, in place of the old one. */
export async function beginChainAnew(database: Database): Promise<void> {
  const last = await verifyChain(database.read, () => undefined);
  const number = last.number + NUMBER_LEAP;
  const rows: Row[] = [
    { key: keys.meta('format'), value: String(STORE_FORMAT) },
    { key: keys.meta('generation'), value: String(generationOf(database)) },
    { key: keys.meta(REPAIRED), value: JSON.stringify({ commit: number, before: last.number }) },
  ];
  const encoded = rows.map(encodeRow);
  const before: Link = { number: number - 1, digest: '', chain: '', oldest: number };
  const link = nextLink(before, encoded, limits.chainRowsKept);
  for await (const key of keysIn(database, rangeOf('k'))) encoded.push({ key, value: undefined });
  await database.write([...encoded, ...linkRows(before, link)]);
}

function generationOf(database: Database): number {
  const key = keys.meta('generation');
  try {
    const stored = database.get(key);
    const generation = stored === undefined ? Number.NaN : Number(decodeValue(stored, key));
    if (Number.isSafeInteger(generation) && generation >= 0) return generation;
  } catch {
    // Its checksum is wrong: it is lost, as if it were missing.
  }
  return GENERATION_LEAP;
}

async function* keysIn(database: Database, whole: Range): AsyncGenerator<string> {
  let range = whole;
  for (;;) {
    const page = await database.read({ ...range, limit: limits.scanPageRows });
    for (const [key] of page) yield key;
    const end = page.at(-1);
    if (end === undefined || page.length < limits.scanPageRows) return;
    range = rangeAfter(whole, end[0]);
  }
}
