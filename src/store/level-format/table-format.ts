/**
 * A table of LevelDB: sorted rows in checked blocks, an index of the blocks, a footer. LevelDB (opened as we
 * open it) checks no block it reads; a flipped byte in a key would put a row under another name.
 *
 * Pure. Callers: the file examiner, the repair. Invariant: a table without findings is byte for byte what
 * LevelDB wrote, but for bytes that nothing reads.
 */
import { ByteReader, MalformedBytes, varintOf } from './byte-reader.js';
import { maskedCrc } from './crc32c.js';
import { decompressed } from './snappy.js';

const FOOTER_BYTES = 48;
const TRAILER_BYTES = 5;
const MAGIC = Buffer.from('57fb808b247547db', 'hex');
const SEQUENCE_BYTES = 8;

interface Handle {
  readonly offset: number;
  readonly size: number;
}

type BlockEntry = readonly [key: Buffer, value: Buffer];

export interface TableState {
  /** What is wrong, a sentence each; none: the table is whole. */
  readonly damage: readonly string[];
  readonly blocks: number;
  readonly blocksDamaged: number;
}

/** Checks every block of the table. */
export function checkTable(bytes: Buffer): TableState {
  const damage: string[] = [];
  let blocks = 0;
  try {
    const { meta, index } = footerOf(bytes);
    for (const [, value] of entriesOf(blockAt(bytes, index))) {
      blocks += 1;
      const fault = faultAt(bytes, handleIn(value));
      if (fault !== undefined) damage.push(fault);
    }
    const blocksDamaged = damage.length;
    for (const [, value] of entriesOf(blockAt(bytes, meta))) {
      const fault = faultAt(bytes, handleIn(value));
      if (fault !== undefined) damage.push(`its filter: ${fault}`);
    }
    return { damage, blocks, blocksDamaged };
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error;
    return { damage: [...damage, error.message], blocks, blocksDamaged: damage.length };
  }
}

/**
 * The table without its damaged blocks and its filter; undefined when its index cannot be read: then nothing
 * of it can. Every other block stays where it is; the index alone is written anew.
 */
export function mendedTable(bytes: Buffer): Buffer | undefined {
  try {
    const { index } = footerOf(bytes);
    const whole = entriesOf(blockAt(bytes, index)).filter(
      ([, value]) => faultAt(bytes, handleIn(value)) === undefined,
    );
    if (whole.length === 0) return undefined;
    const kept = bytes.subarray(0, index.offset);
    const meta = blockOf([]);
    const newIndex = blockOf(whole);
    const metaHandle = { offset: kept.length, size: meta.length - TRAILER_BYTES };
    const indexHandle = { offset: kept.length + meta.length, size: newIndex.length - TRAILER_BYTES };
    return Buffer.concat([kept, meta, newIndex, footer(metaHandle, indexHandle)]);
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}

/** The number of the newest write in the table; 0 when it cannot be read. */
export function newestWrite(bytes: Buffer): number {
  let newest = 0;
  try {
    for (const [, value] of entriesOf(blockAt(bytes, footerOf(bytes).index))) {
      for (const [key] of entriesOf(blockAt(bytes, handleIn(value)))) {
        if (key.length < SEQUENCE_BYTES) throw new MalformedBytes('a key is too short');
        // Sequence and kind share 8 bytes; the kind is the lowest.
        newest = Math.max(newest, Number(key.readBigUInt64LE(key.length - SEQUENCE_BYTES) >> 8n));
      }
    }
    return newest;
  } catch (error) {
    if (error instanceof MalformedBytes) return newest;
    throw error;
  }
}

function footerOf(bytes: Buffer): { readonly meta: Handle; readonly index: Handle } {
  const at = bytes.length - FOOTER_BYTES;
  if (at < 0 || !bytes.subarray(-MAGIC.length).equals(MAGIC)) throw new MalformedBytes('it has no footer');
  const reader = new ByteReader(bytes, at);
  const meta = { offset: reader.varint(), size: reader.varint() };
  return { meta, index: { offset: reader.varint(), size: reader.varint() } };
}

function footer(meta: Handle, index: Handle): Buffer {
  const numbers = [meta.offset, meta.size, index.offset, index.size].map(varintOf);
  const handles = Buffer.concat(numbers);
  return Buffer.concat([handles, Buffer.alloc(FOOTER_BYTES - MAGIC.length - handles.length), MAGIC]);
}

function handleIn(value: Buffer): Handle {
  const reader = new ByteReader(value);
  return { offset: reader.varint(), size: reader.varint() };
}

function faultAt(bytes: Buffer, { offset, size }: Handle): string | undefined {
  const end = offset + size;
  if (end + TRAILER_BYTES > bytes.length) return `the block at byte ${offset} is cut off`;
  if (bytes.readUInt32LE(end + 1) === maskedCrc(bytes, offset, end + 1)) return undefined;
  return `the block at byte ${offset} fails its checksum`;
}

function blockAt(bytes: Buffer, handle: Handle): Buffer {
  const fault = faultAt(bytes, handle);
  if (fault !== undefined) throw new MalformedBytes(fault);
  const end = handle.offset + handle.size;
  const content = bytes.subarray(handle.offset, end);
  return bytes.readUInt8(end) === 1 ? decompressed(content) : content;
}

/** Each key shares a beginning with the one before it. */
function entriesOf(block: Buffer): BlockEntry[] {
  if (block.length < 4) throw new MalformedBytes('a block is too short');
  const end = block.length - 4 - 4 * block.readUInt32LE(block.length - 4);
  if (end < 0) throw new MalformedBytes('a block has more restarts than bytes');
  const reader = new ByteReader(block.subarray(0, end));
  const entries: BlockEntry[] = [];
  let key = Buffer.alloc(0);
  while (!reader.ended) {
    const shared = reader.varint();
    const fresh = reader.varint();
    const length = reader.varint();
    if (shared > key.length) throw new MalformedBytes('a key shares more than there is');
    key = Buffer.concat([key.subarray(0, shared), reader.take(fresh)]);
    entries.push([key, reader.take(length)]);
  }
  return entries;
}

/** An uncompressed block with its trailer; every entry is a restart. */
function blockOf(entries: readonly BlockEntry[]): Buffer {
  const parts: Buffer[] = [];
  const restarts: number[] = [];
  let at = 0;
  for (const [key, value] of entries) {
    restarts.push(at);
    const entry = Buffer.concat([varintOf(0), varintOf(key.length), varintOf(value.length), key, value]);
    parts.push(entry);
    at += entry.length;
  }
  if (restarts.length === 0) restarts.push(0);
  const tail = Buffer.alloc(4 * restarts.length + 4 + TRAILER_BYTES);
  restarts.forEach((restart, index) => tail.writeUInt32LE(restart, 4 * index));
  tail.writeUInt32LE(restarts.length, 4 * restarts.length);
  const block = Buffer.concat([...parts, tail]);
  const crcAt = block.length - 4;
  block.writeUInt32LE(maskedCrc(block, 0, crcAt), crcAt);
  return block;
}
