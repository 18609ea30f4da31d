/**
 * The commit chain: one small row per commit that proves, at open, that no commit is missing.
 *
 * LevelDB's recovery drops a damaged log record and says so only in its LOG; whole actors would vanish in
 * silence. Each commit writes `k/<number>` with a digest of its batch and a hash over the chain so far.
 *
 * Callers: row-store.ts, chain-restart.ts. Invariants:
 *  C1 the kept numbers are gapless and end at the last commit;
 *  C2 each kept link hashes the one before it, so a link cannot be replaced alone;
 *  C3 a link names the oldest one kept with it: losing the front is a gap too, whatever the limit was.
 */
import { HoldfastError, isHoldfastError } from '../errors.js';
import { sha256Hex } from '../ids.js';
import { limits } from '../limits.js';
import { timedDigest } from './commit-time.js';
import { carriedChecksum, checksumOf, decodeValue, encodeValue } from './codec.js';
import { keys, rangeAfter, rangeOf } from './keys.js';
import type { Entry, Row, ScanOptions } from './store.js';

export interface Link {
  readonly number: number;
  /** CRC-32 over the keys and value checksums of the batch; with it, when that was written. */
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

/** The link of the next commit, whose batch holds these encoded rows and began to be written `at`. */
export function nextLink(previous: Link, encodedRows: readonly Row[], rowsKept: number, at?: number): Link {
  const number = previous.number + 1;
  const digest = timedDigest(digestOf(encodedRows), at);
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

/**
 * What is wrong with the chain. `CHAIN_GAP`: commits are missing; `CHAIN_LINK`: a link is not what it was.
 */
export interface ChainFault {
  readonly code: 'CHAIN_GAP' | 'CHAIN_LINK';
  readonly what: string;
}

/**
 * Reads and checks every kept link; gives the newest, or GENESIS. `read` gives pages of stored rows.
 * A fault is told to `hear`, by default by throwing STORE_CORRUPTED.
 */
export async function verifyChain(
  read: (options: ScanOptions) => Promise<Entry[]>,
  hear: (fault: ChainFault) => void = refuse,
): Promise<Link> {
  const whole = rangeOf('k');
  let range = whole;
  let first: Link | undefined;
  let last: Link = GENESIS;
  for (;;) {
    const page = await read({ ...range, limit: limits.scanPageRows });
    for (const [key, stored] of page) {
      const link = readLink(key, stored, hear);
      if (first !== undefined) checkFollows(last, link, hear);
      first ??= link;
      last = link;
    }
    const end = page.at(-1);
    if (end === undefined || page.length < limits.scanPageRows) break;
    range = rangeAfter(whole, end[0]);
  }
  if (first !== undefined) checkFront(first, last, hear);
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

/** A link that cannot be read hears of itself once: nothing can be said of what it hangs on. */
const UNREADABLE = 'unreadable';

function checkFollows(previous: Link, link: Link, hear: (fault: ChainFault) => void): void {
  if (link.number !== previous.number + 1) {
    hear({ code: 'CHAIN_GAP', what: `commits ${previous.number + 1} to ${link.number - 1} are missing` });
  } else if (
    previous.chain !== UNREADABLE &&
    link.chain !== UNREADABLE &&
    link.chain !== chainOf(previous.chain, link.number, link.digest)
  ) {
    hear({ code: 'CHAIN_LINK', what: `commit ${link.number} does not follow commit ${previous.number}` });
  }
}

function checkFront(first: Link, last: Link, hear: (fault: ChainFault) => void): void {
  if (last.chain === UNREADABLE || first.chain === UNREADABLE) return;
  if (first.number !== last.oldest) {
    hear({ code: 'CHAIN_GAP', what: `commits ${last.oldest} to ${first.number - 1} are missing` });
  } else if (first.number === 1 && first.chain !== chainOf(GENESIS.chain, 1, first.digest)) {
    hear({ code: 'CHAIN_LINK', what: 'commit 1 does not start the chain' });
  }
}

function readLink(key: string, stored: string, hear: (fault: ChainFault) => void): Link {
  const number = Number.parseInt(key.slice(2), 16);
  try {
    const link = parseLink(number, decodeValue(stored, key));
    if (link !== undefined) return link;
  } catch (error) {
    if (hear === refuse || !isHoldfastError(error, 'STORE_CORRUPTED')) throw error;
  }
  hear({ code: 'CHAIN_LINK', what: `the row of commit ${number} is malformed` });
  return { number, digest: '', chain: UNREADABLE, oldest: number };
}

function parseLink(number: number, text: string): Link | undefined {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || !('digest' in value && 'chain' in value))
    return undefined;
  const { digest, chain } = value;
  const oldest = 'oldest' in value ? value.oldest : undefined;
  const whole = typeof digest === 'string' && typeof chain === 'string' && typeof oldest === 'number';
  return whole ? { number, digest, chain, oldest } : undefined;
}

function refuse({ what }: ChainFault): never {
  throw new HoldfastError('STORE_CORRUPTED', `the commit chain is broken: ${what}`);
}
