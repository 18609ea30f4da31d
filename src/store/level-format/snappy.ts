/**
 * Snappy's decompression, for the blocks of tables.
 *
 * Pure. Callers: table-format.ts. Invariant: bytes that are no snappy block throw `MalformedBytes`; the
 * output is never longer than what the block says, nor than `BLOCK_BYTES_MAX`.
 */
import { uncompressSync } from 'snappy';
import { ByteReader, MalformedBytes } from './byte-reader.js';

/** LevelDB's blocks are of some 4 KiB, or as large as one row. */
const BLOCK_BYTES_MAX = 1 << 28;

export function decompressed(compressed: Buffer): Buffer {
  // The library makes room for as much as the block says.
  if (new ByteReader(compressed).varint() > BLOCK_BYTES_MAX) throw new MalformedBytes('a block is too large');
  try {
    return Buffer.from(uncompressSync(compressed));
  } catch {
    throw new MalformedBytes('a block is no snappy block');
  }
}
