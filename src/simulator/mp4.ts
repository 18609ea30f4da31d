/**
 * An MP4 writer: `ftyp moov free mdat [free]`, one H.264 track with a constant frame rate, no edit list.
 *
 * Callers: artifacts.ts. Invariants:
 *  M1  `moov` comes before `mdat`: a player may start before the end of the file has come.
 *  M2  Times in the headers are zero (1904): the bytes depend on the content alone.
 */
import type { Access } from './h264.js';

export interface Movie {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly sequenceParameters: Uint8Array;
  readonly pictureParameters: Uint8Array;
  readonly frames: readonly Access[];
}

/** Bytes of one box beside its content. */
export const BOX_FRAME_BYTES = 8;
const IDENTITY_MATRIX = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

/** The file; `note` goes into a `free` box before the media, `padding` into one after it, if any. */
export function encodeMp4(movie: Movie, note: string, padding: Uint8Array): Uint8Array {
  const ftyp = box('ftyp', ascii('isom'), u32(0x200), ascii('isomavc1mp41'));
  const free = box('free', Buffer.from(note, 'utf8'));
  const samples = movie.frames.map((frame) => Buffer.concat([u32(frame.nal.length), frame.nal]));
  const sizes = samples.map((sample) => sample.length);
  // The offset has a fixed width, so the length of moov does not depend on it.
  const moovBytes = moov(movie, sizes, 0).length;
  const mediaOffset = ftyp.length + moovBytes + free.length + BOX_FRAME_BYTES;
  return Buffer.concat([
    ftyp,
    moov(movie, sizes, mediaOffset),
    free,
    box('mdat', ...samples),
    ...(padding.length > 0 ? [box('free', padding)] : []),
  ]);
}

function moov(movie: Movie, sizes: readonly number[], mediaOffset: number): Uint8Array {
  const duration = u32(movie.frames.length);
  const timescale = u32(movie.framesPerSecond);
  const mvhd = full('mvhd', 0, u32(0, 0), timescale, duration, u32(0x10000), u16(0x100, 0), u32(0, 0));
  const matrix = u32(...IDENTITY_MATRIX);
  const tkhd = full('tkhd', 3, u32(0, 0, 1, 0), duration, u32(0, 0), u16(0, 0, 0, 0), matrix);
  return box(
    'moov',
    extended(mvhd, matrix, u32(0, 0, 0, 0, 0, 0), u32(2)),
    box(
      'trak',
      extended(tkhd, u32(movie.width * 0x10000, movie.height * 0x10000)),
      box(
        'mdia',
        // 0x55c4 is "und" in packed ISO 639-2.
        full('mdhd', 0, u32(0, 0), timescale, duration, u16(0x55c4, 0)),
        full('hdlr', 0, u32(0), ascii('vide'), u32(0, 0, 0), ascii('video\0')),
        box(
          'minf',
          full('vmhd', 1, u16(0, 0, 0, 0)),
          box('dinf', full('dref', 0, u32(1), full('url ', 1))),
          sampleTable(movie, sizes, mediaOffset),
        ),
      ),
    ),
  );
}

function sampleTable(movie: Movie, sizes: readonly number[], mediaOffset: number): Uint8Array {
  const keys = movie.frames.flatMap((frame, index) => (frame.key ? [index + 1] : []));
  const sps = movie.sequenceParameters;
  const pps = movie.pictureParameters;
  const avcC = box(
    'avcC',
    Uint8Array.of(1, 66, 0xc0, 30, 0xff, 0xe1),
    u16(sps.length),
    sps,
    Uint8Array.of(1),
    u16(pps.length),
    pps,
  );
  const avc1 = box(
    'avc1',
    u16(0, 0, 0, 1),
    u32(0, 0, 0, 0),
    u16(movie.width, movie.height),
    u32(0x480000, 0x480000, 0),
    u16(1),
    Buffer.alloc(32),
    u16(24, 0xffff),
    avcC,
  );
  return box(
    'stbl',
    full('stsd', 0, u32(1), avc1),
    full('stts', 0, u32(1, sizes.length, 1)),
    full('stss', 0, u32(keys.length, ...keys)),
    full('stsc', 0, u32(1, 1, sizes.length, 1)),
    full('stsz', 0, u32(0, sizes.length, ...sizes)),
    full('stco', 0, u32(1, mediaOffset)),
  );
}

function box(name: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  return Buffer.concat([u32(content.length + BOX_FRAME_BYTES), ascii(name), content]);
}

/** A box with version 0 and flags. */
function full(name: string, flags: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return box(name, u32(flags), ...parts);
}

/** A box with more content at its end. */
function extended(head: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.concat([head, ...parts]);
  bytes.writeUInt32BE(bytes.length, 0);
  return bytes;
}

function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

function u16(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

function u32(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}
