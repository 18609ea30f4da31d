/**
 * LevelDB's log format, in which its logs (`*.log`) and manifests are written: blocks of 32 KiB with records,
 * each in one or more checked parts.
 *
 * Pure. Callers: manifest.ts, the file examiner, the repair. Invariants: a record is whole or not given; what
 * is not given is told in `damage`, but for a last record that was cut off, as a death in mid-write does.
 */
import { maskedCrc } from './crc32c.js';

const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;
const FULL = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

export interface LogDamage {
  /** Where in the file. */
  readonly at: number;
  readonly bytes: number;
  readonly why: string;
}

export interface LogContent {
  readonly records: readonly Buffer[];
  readonly damage: readonly LogDamage[];
  /** The last record was cut off. */
  readonly torn: boolean;
}

interface Part {
  readonly type: number;
  readonly payload: Buffer;
  readonly end: number;
}

export function readLog(bytes: Buffer): LogContent {
  const records: Buffer[] = [];
  const damage: LogDamage[] = [];
  let begun: Buffer[] | undefined;
  let begunAt = 0;
  let torn = false;
  let at = 0;
  while (at < bytes.length) {
    const blockEnd = Math.min(bytes.length, at - (at % BLOCK_BYTES) + BLOCK_BYTES);
    const part = partAt(bytes, at, blockEnd);
    if (part === 'padding') {
      at = blockEnd;
      continue;
    }
    if (part === 'torn') {
      torn = true;
      break;
    }
    if (typeof part === 'string') {
      damage.push({ at, bytes: blockEnd - at, why: part });
      begun = undefined;
      at = blockEnd;
      continue;
    }
    const starts = part.type === FULL || part.type === FIRST;
    if (starts === (begun !== undefined)) {
      const why = starts ? 'a record has no end' : 'a record has no beginning';
      // The rest of a record whose beginning is told already, or one that a new writer began anew.
      damage.push({ at: starts ? begunAt : at, bytes: part.end - (starts ? begunAt : at), why });
      begun = undefined;
    }
    if (part.type === FIRST) {
      begun = [part.payload];
      begunAt = at;
    } else if (part.type === FULL) records.push(part.payload);
    else if (begun !== undefined) {
      begun.push(part.payload);
      if (part.type === LAST) {
        records.push(Buffer.concat(begun));
        begun = undefined;
      }
    }
    at = part.end;
  }
  return { records, damage, torn: torn || begun !== undefined };
}

function partAt(bytes: Buffer, at: number, blockEnd: number): Part | string {
  const left = blockEnd - at;
  const last = blockEnd === bytes.length;
  if (left < HEADER_BYTES) return last && blockEnd % BLOCK_BYTES !== 0 ? 'torn' : 'padding';
  const length = bytes.readUInt16LE(at + 4);
  const type = bytes.readUInt8(at + 6);
  const end = at + HEADER_BYTES + length;
  // A loss of power leaves zeros where the newest bytes were to be. LevelDB skips them, and the rest of their
  // block, without a word.
  if (type === 0 && length === 0 && bytes.readUInt32LE(at) === 0)
    return isBlank(bytes, at) ? 'torn' : 'zeros are in the place of a record';
  if (end > blockEnd) {
    const torn = last && isType(type) && !isWholeAround(bytes, at);
    return torn ? 'torn' : 'the length of a record leads beyond its block';
  }
  if (bytes.readUInt32LE(at) !== maskedCrc(bytes, at + 6, end)) return 'a record fails its checksum';
  if (!isType(type)) return `a record is of an unknown type ${type}`;
  return { type, payload: bytes.subarray(at + HEADER_BYTES, end), end };
}

function isType(type: number): boolean {
  return type >= FULL && type <= LAST;
}

/** True when nothing but zeros follows. */
function isBlank(bytes: Buffer, at: number): boolean {
  const rest = bytes.subarray(at);
  return rest.equals(Buffer.alloc(rest.length));
}

/**
 * True when a record that seems to be cut off by the end of the file is not: it is whole with another length,
 * or whole records follow. LevelDB takes a damaged length for a death in mid-write, and drops all behind it
 * without a word.
 */
function isWholeAround(bytes: Buffer, at: number): boolean {
  if (bytes.readUInt32LE(at) === maskedCrc(bytes, at + 6, bytes.length)) return true;
  for (let from = at + HEADER_BYTES; from + HEADER_BYTES <= bytes.length; from += 1) {
    const type = bytes.readUInt8(from + 6);
    const end = from + HEADER_BYTES + bytes.readUInt16LE(from + 4);
    if (!isType(type) || end > bytes.length) continue;
    if (bytes.readUInt32LE(from) === maskedCrc(bytes, from + 6, end)) return true;
  }
  return false;
}

/** A log of these records: what a damaged one is replaced with. */
export function logOf(records: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  const put = (bytes: Buffer): void => {
    parts.push(bytes);
    at += bytes.length;
  };
  for (const record of records) {
    let rest = record;
    let isFirst = true;
    for (;;) {
      const left = BLOCK_BYTES - (at % BLOCK_BYTES);
      if (left < HEADER_BYTES) {
        put(Buffer.alloc(left));
        continue;
      }
      // Where the header alone fits, LevelDB begins with an empty part, too.
      const taken = Math.min(rest.length, left - HEADER_BYTES);
      const isLast = taken === rest.length;
      put(partOf(rest.subarray(0, taken), typeOf(isFirst, isLast)));
      if (isLast) break;
      rest = rest.subarray(taken);
      isFirst = false;
    }
  }
  return Buffer.concat(parts);
}

function typeOf(first: boolean, last: boolean): number {
  if (first) return last ? FULL : FIRST;
  return last ? LAST : MIDDLE;
}

function partOf(payload: Buffer, type: number): Buffer {
  const part = Buffer.alloc(HEADER_BYTES + payload.length);
  part.writeUInt16LE(payload.length, 4);
  part.writeUInt8(type, 6);
  payload.copy(part, HEADER_BYTES);
  part.writeUInt32LE(maskedCrc(part, 6, part.length), 0);
  return part;
}
