/**
 * A PNG writer: truecolour, 8 bits a channel, no interlace, one IDAT.
 *
 * Callers: artifacts.ts. Invariants:
 *  G1  Every chunk has its length and CRC; any PNG reader shows the picture.
 *  G2  The pixels are stored, not compressed (deflate level 0), so that the bytes do not change with the zlib
 *      version of the process.
 */
import { crc32, deflateSync } from 'node:zlib';

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** RGB triples, row by row: `width * height * 3` bytes. */
  readonly rgb: Uint8Array;
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Bytes of one chunk beside its data: length, name, CRC. */
export const CHUNK_FRAME_BYTES = 12;

/** The file: the picture, then a tEXt chunk a pair in `texts`, then `padding` in a private chunk, if any. */
export function encodePng(
  picture: Picture,
  texts: Readonly<Record<string, string>>,
  padding: Uint8Array,
): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(picture.width, 0);
  header.writeUInt32BE(picture.height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const rowBytes = picture.width * 3;
  const rows = Buffer.alloc((rowBytes + 1) * picture.height);
  for (let y = 0; y < picture.height; y += 1) {
    rows.set(picture.rgb.subarray(y * rowBytes, (y + 1) * rowBytes), y * (rowBytes + 1) + 1);
  }
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    ...Object.entries(texts).map(([key, text]) => chunk('tEXt', Buffer.from(`${key}\0${text}`, 'latin1'))),
    chunk('IDAT', deflateSync(rows, { level: 0 })),
    // Ancillary, private, safe to copy: readers skip what they do not know.
    ...(padding.length > 0 ? [chunk('hfPd', padding)] : []),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

function chunk(name: string, data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(data.length + CHUNK_FRAME_BYTES);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(name, 4, 'latin1');
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, data.length + 8)), data.length + 8);
  return bytes;
}
