/**
 * The commit chain: one small row per commit that proves, at open, that no commit is missing.
 *
 * LevelDB's recovery drops a damaged log record and says so only in its LOG; whole actors would vanish in
 * silence. Each commit writes `k/<number>` with a digest of its batch and a hash over the chain so far.
 *
 * Callers: row-store.ts. Invariants:
 *  C1 the kept numbers are gapless and end at the last commit;
 *  C2 each kept link hashes the one before it, so a link cannot be replaced alone;
 *  C3 a link names the oldest one kept with it: losing the front is a gap too, whatever the limit was.
 */
import { HoldfastError } from '../errors.js';
import { sha256Hex } from '../ids.js';
import { limits } from '../limits.js';
import { carriedChecksum, checksumOf, decodeValue, encodeValue } from './codec.js';
import { keys, rangeAfter, rangeOf } from './keys.js';
import type { Entry, Row, ScanOptions } from './store.js';

export interface Link {
  readonly number: number;
  /** CRC-32 over the keys and value checksums of the batch. */
  readonly digest: string;
  /** 128 bits of SHA-256 over the previous chain, the number and the digest. */
  readonly chain: string;
  /** The oldest link kept once this one is written. */
  readonly oldest: number;
}

/** What an empty store hangs its first link on. */
export const GENESIS: Link = { number: 0, digest: '', chain: '', oldest: 1 };

/** Links that may leave with one commit: more than one only after `chainRowsKept` was lowered. */
const LINKS_DROPPED_MAX = 8;

/** The link of the next commit, whose batch holds these encoded rows. */
export function nextLink(previous: Link, encodedRows: readonly Row[], rowsKept: number): Link {
  const number = previous.number + 1;
  const digest = digestOf(encodedRows);
  const wanted = Math.max(1, number - rowsKept + 1);
  const oldest = Math.min(Math.max(previous.oldest, wanted), previous.oldest + LINKS_DROPPED_MAX);
  return { number, digest, chain: chainOf(previous.chain, number, digest), oldest };
}

/** The encoded rows that put `link` after `previous`: itself, and the deletion of those that fall out. */
export function linkRows(previous: Link, link: Link): Row[] {
  const { digest, chain, oldest } = link;
  const rows: Row[] = [
    { key: keys.chain(link.number), value: encodeValue(JSON.stringify({ digest, chain, oldest })) },
  ];
  for (let number = previous.oldest; number < oldest; number += 1) {
    rows.push({ key: keys.chain(number), value: undefined });
  }
  return rows;
}

/** Reads and checks every kept link; gives the newest, or GENESIS. `read` gives pages of stored rows. */
export async function verifyChain(read: (options: ScanOptions) => Promise<Entry[]>): Promise<Link> {
  const whole = rangeOf('k');
  let range = whole;
  let first: Link | undefined;
  let last: Link = GENESIS;
  for (;;) {
    const page = await read({ ...range, limit: limits.scanPageRows });
    for (const [key, stored] of page) {
      const link = parseLink(key, decodeValue(stored, key));
      if (first !== undefined) checkFollows(last, link);
      first ??= link;
      last = link;
    }
    const end = page.at(-1);
    if (end === undefined || page.length < limits.scanPageRows) break;
    range = rangeAfter(whole, end[0]);
  }
  if (first !== undefined) checkFront(first, last);
  return last;
}

/**
 * One checksum over the joined text: a call of `crc32` for each of a batch's rows would cost more than their
 * sums.
 */
function digestOf(encodedRows: readonly Row[]): string {
  let text = '';
  for (const { key, value } of encodedRows) {
    text += `${key}\0${value === undefined ? '-' : carriedChecksum(value)}\0`;
  }
  return checksumOf(text);
}

function chainOf(previousChain: string, number: number, digest: string): string {
  return sha256Hex(`${previousChain}/${number}/${digest}`).slice(0, 32);
}

function checkFollows(previous: Link, link: Link): void {
  if (link.number !== previous.number + 1) {
    throw broken(`commits ${previous.number + 1} to ${link.number - 1} are missing`);
  }
  if (link.chain !== chainOf(previous.chain, link.number, link.digest)) {
    throw broken(`commit ${link.number} does not follow commit ${previous.number}`);
  }
}

function checkFront(first: Link, last: Link): void {
  if (first.number !== last.oldest) {
    throw broken(`commits ${last.oldest} to ${first.number - 1} are missing`);
  }
  if (first.number === 1 && first.chain !== chainOf(GENESIS.chain, 1, first.digest)) {
    throw broken('commit 1 does not start the chain');
  }
}

function parseLink(key: string, text: string): Link {
  const number = Number.parseInt(key.slice(2), 16);
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && 'digest' in value && 'chain' in value) {
    const { digest, chain } = value;
    const oldest = 'oldest' in value ? value.oldest : undefined;
    if (typeof digest === 'string' && typeof chain === 'string' && typeof oldest === 'number') {
      return { number, digest, chain, oldest };
    }
  }
  throw broken(`the row of commit ${number} is malformed`);
}

function broken(what: string): HoldfastError {
  return new HoldfastError('STORE_CORRUPTED', `the commit chain is broken: ${what}`);
}
