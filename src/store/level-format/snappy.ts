/**
 * Snappy's decompression, for the blocks of tables.
 *
 * Pure. Callers: table-format.ts. Invariant: bytes that are no snappy block throw `MalformedBytes`; the
 * output is as long as the block says, and never longer than `BLOCK_BYTES_MAX`.
 */
import { snappyUncompress } from 'hysnappy';
import { ByteReader, MalformedBytes } from './byte-reader.js';

/** LevelDB's blocks are of some 4 KiB, or as large as one row. */
const BLOCK_BYTES_MAX = 1 << 28;

export function decompressed(compressed: Buffer): Buffer {
  const length = new ByteReader(compressed).varint();
  if (length > BLOCK_BYTES_MAX) throw new MalformedBytes('a block is too large');
  try {
    return Buffer.from(snappyUncompress(compressed, length));
  } catch {
    throw new MalformedBytes('a block is no snappy block');
  }
}
