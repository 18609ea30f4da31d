/**
 * An image that somebody here has, onto our disk: hashed while it is written, and judged by its content.
 *
 * Callers: `actors/attachments.ts`. Invariants: what is hashed is what is written, whatever happens to the
 * caller's bytes meanwhile; size is bounded; a fault of the source is INVALID_INPUT, one of our disk is
 * thrown as it came.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { types } from 'node:util';
import { HoldfastError } from '../errors.js';
import { isPlainObject } from '../json.js';
import { limits } from '../limits.js';
import { sniff } from './sniff.js';

/** The bytes themselves, or a file of this machine. */
export type ImageSource = Uint8Array | { readonly path: string };

export interface ReceivedImage {
  /** `<sha256>.<extension>`. */
  readonly name: string;
  /** By its content; an animated PNG is a PNG. */
  readonly mime: string;
  readonly bytes: number;
}

const CHUNK_BYTES = 262_144;

/**
 * Writes an image to `part`, a new file, and syncs it. Throws INVALID_INPUT for what is no PNG, JPEG, WebP,
 * GIF or AVIF, has more than `limits.imageBytesMax` bytes, or cannot be read; whoever calls removes the
 * part.
 */
export async function receiveImage(source: ImageSource, part: string): Promise<ReceivedImage> {
  const chunks = chunksOf(source);
  const hash = createHash('sha256');
  const heads: Buffer[] = [];
  let bytes = 0;
  const file = await open(part, 'wx');
  try {
    for await (const chunk of chunks) {
      if (bytes < limits.sniffBytes) heads.push(chunk);
      bytes += chunk.byteLength;
      if (bytes > limits.imageBytesMax) throw refused(`it has more than ${limits.imageBytesMax} bytes`);
      hash.update(chunk);
      await file.writeFile(chunk);
    }
    const sniffed = await sniff(Buffer.concat(heads).subarray(0, limits.sniffBytes), 'image');
    if (sniffed.type !== 'match') throw refused(`it is ${sniffed.mime ?? 'something unknown'}, and no image`);
    await file.sync();
    const { mime, extension } = sniffed;
    const name = `${hash.digest('hex')}.${extension}`;
    return { name, mime: mime === 'image/apng' ? 'image/png' : mime, bytes };
  } finally {
    await file.close();
  }
}

/** Checks the source itself before anything is made. */
function chunksOf(source: unknown): AsyncIterable<Buffer> {
  if (types.isUint8Array(source)) return copiesOf(source);
  if (isPlainObject(source) && typeof source['path'] === 'string') return contentOf(source['path']);
  throw refused('it is neither bytes nor a path');
}

async function* copiesOf(bytes: Uint8Array): AsyncGenerator<Buffer, void, undefined> {
  for (let from = 0; from < bytes.byteLength; from += CHUNK_BYTES) {
    yield Buffer.from(bytes.subarray(from, from + CHUNK_BYTES));
  }
}

async function* contentOf(path: string): AsyncGenerator<Buffer, void, undefined> {
  let file: FileHandle | undefined;
  try {
    // Opening a pipe would wait for a writer.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!(await file.stat()).isFile()) throw refused(`${path} is no file`);
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw error instanceof HoldfastError ? error : refused(`${path} cannot be read`, error);
  } finally {
    await file?.close();
  }
}

function refused(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('INVALID_INPUT', `an attachment is refused: ${why}`, { cause });
}
