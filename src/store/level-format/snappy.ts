/**
 * Snappy's decompression, for the blocks of tables.
 *
 * Pure. Callers: table-format.ts. Invariant: bytes that are no snappy block throw `MalformedBytes`; the
 * output is never longer than what the block says, nor than `BLOCK_BYTES_MAX`.
 */
import { ByteReader, MalformedBytes } from './byte-reader.js';

/** LevelDB's blocks are of some 4 KiB, or as large as one row. */
const BLOCK_BYTES_MAX = 1 << 28;

export function decompressed(compressed: Buffer): Buffer {
  const reader = new ByteReader(compressed);
  const length = reader.varint();
  if (length > BLOCK_BYTES_MAX) throw new MalformedBytes('a block is too large');
  const out = Buffer.alloc(length);
  let written = 0;
  while (!reader.ended) {
    const tag = reader.take(1).readUInt8();
    if ((tag & 3) === 0) {
      const literal = reader.take(literalLength(reader, tag >> 2));
      if (written + literal.length > length) throw new MalformedBytes('a block is longer than it says');
      written += literal.copy(out, written);
    } else {
      const { offset, count } = copyOf(reader, tag);
      if (offset === 0 || offset > written || written + count > length) {
        throw new MalformedBytes('a block refers beyond itself');
      }
      // Byte by byte: a copy may overlap what it writes.
      for (let end = written + count; written < end; written += 1) {
        out.writeUInt8(out.readUInt8(written - offset), written);
      }
    }
  }
  if (written !== length) throw new MalformedBytes('a block is shorter than it says');
  return out;
}

function literalLength(reader: ByteReader, code: number): number {
  if (code < 60) return code + 1;
  const bytes = code - 59;
  return reader.take(bytes).readUIntLE(0, bytes) + 1;
}

function copyOf(reader: ByteReader, tag: number): { readonly offset: number; readonly count: number } {
  const count = (tag >> 2) + 1;
  if ((tag & 3) === 2) return { offset: reader.take(2).readUInt16LE(), count };
  if ((tag & 3) === 3) return { offset: reader.take(4).readUInt32LE(), count };
  return { offset: ((tag >> 5) << 8) | reader.take(1).readUInt8(), count: ((tag >> 2) & 7) + 4 };
}
