/**
 * A file that is not whole yet: hashed while it is written, and, under a name, found again by the next
 * attempt.
 *
 *   <name>.part   the bytes        <name>.note   where they came from, how many are on disk, their hash
 *
 * Owns: these two files. Callers: the download, inline-file.ts; parts.ts lists and removes what is left over.
 * Invariants:
 *  F1  A note tells of bytes that were synced before it was written, and of their hash: what a power cut or
 *      anybody else has made of them is found out, and the file begins anew.
 *  F2  Only bytes with a strong validator are noted: others could not be gone on with.
 *  F3  A note appears whole or not at all, and never survives its bytes' final name for longer than a crash.
 *  F4  One part has one writer at a time: whoever calls sees to that.
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../ids.js';
import { limits } from '../limits.js';
import { partsBelow, placeWhole } from './parts.js';
import type { PartSource } from './ranges.js';
import { errorCode } from './redact.js';
import { asNumber, asObject, asText, readObject } from './wire.js';

const READ_BYTES = 262_144;

export class PartFile {
  readonly #directory: string;
  readonly #path: string;
  readonly #notePath: string | undefined;
  readonly #file: FileHandle;
  #hash: Hash = createHash('sha256');
  #head = new Head();
  #bytes = 0;
  #notedBytes = 0;
  #source: PartSource | undefined;
  #isPlaced = false;

  /**
   * Opens the part of that name below a directory of finished files, with what an earlier attempt has noted
   * of it; without a name, a new one that nobody will find again. Rejects with what the disk says.
   */
  static async open(directory: string, name?: string): Promise<PartFile> {
    const below = partsBelow(directory);
    await mkdir(below, { recursive: true });
    const path = join(below, `${name ?? newId('download')}.part`);
    const notePath = name === undefined ? undefined : join(below, `${name}.note`);
    const file = await open(path, 'a+').then(async (made) => {
      // `a+` makes it where it is missing; positions count only in a file that was not opened to append.
      await made.close();
      return open(path, 'r+');
    });
    const part = new PartFile(directory, path, notePath, file);
    try {
      await part.#recall();
    } catch (error) {
      await file.close();
      throw error;
    }
    return part;
  }

  private constructor(directory: string, path: string, notePath: string | undefined, file: FileHandle) {
    this.#directory = directory;
    this.#path = path;
    this.#notePath = notePath;
    this.#file = file;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The first `limits.sniffBytes` of them. */
  get head(): Uint8Array {
    return this.#head.bytes;
  }

  /** What there is comes from here; undefined when it cannot be gone on with. */
  get source(): PartSource | undefined {
    return this.#source;
  }

  /** True when a body of this length is there already. */
  get isWhole(): boolean {
    return this.#bytes > 0 && this.#source?.totalBytes === this.#bytes;
  }

  /** Empty again. `source`: where the bytes that follow come from, if they may be gone on with. */
  async begin(source: PartSource | undefined): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.#head = new Head();
    this.#bytes = 0;
    this.#notedBytes = 0;
    this.#source = this.#notePath === undefined ? undefined : source;
  }

  /** The total length, told after the beginning. */
  learn(totalBytes: number): void {
    if (this.#source !== undefined) this.#source = { ...this.#source, totalBytes };
  }

  /**
   * Adds bytes; `atOnce` holds the whole process up meanwhile. True with the chunk that makes the head whole.
   */
  async append(chunk: Uint8Array, atOnce: boolean): Promise<boolean> {
    for (let from = 0; from < chunk.byteLength;) {
      const [restBytes, at] = [chunk.byteLength - from, this.#bytes + from];
      if (atOnce) from += writeSync(this.#file.fd, chunk, from, restBytes, at);
      else from += (await this.#file.write(chunk, from, restBytes, at)).bytesWritten;
    }
    this.#hash.update(chunk);
    this.#bytes += chunk.byteLength;
    if (this.#bytes - this.#notedBytes >= limits.downloadNoteBytes) await this.#note();
    return this.#head.add(chunk);
  }

  /** Syncs it. */
  async sync(): Promise<{ readonly sha256: string; readonly bytes: number }> {
    await this.#file.sync();
    return { sha256: this.#hash.copy().digest('hex'), bytes: this.#bytes };
  }

  /** Gives what was synced its final name. */
  async place(name: string): Promise<void> {
    await placeWhole(this.#path, this.#directory, name);
    this.#isPlaced = true;
  }

  /**
   * Ends this attempt. `keep`: the next one goes on from here, if it can; otherwise nothing is left. Never
   * rejects: a part that cannot be noted is dropped.
   */
  async end(fate: 'keep' | 'drop'): Promise<void> {
    const isKept = !this.#isPlaced && fate === 'keep' && (await this.#noted());
    // What cannot be closed or removed is swept with its job, or at the next open.
    await this.#file.close().catch(() => undefined);
    if (isKept) return;
    if (!this.#isPlaced) await rm(this.#path, { force: true }).catch(() => undefined);
    if (this.#notePath !== undefined) await rm(this.#notePath, { force: true }).catch(() => undefined);
  }

  async #noted(): Promise<boolean> {
    if (this.#source === undefined || this.#bytes === 0) return false;
    return this.#note().then(
      () => true,
      () => false,
    );
  }

  /** F1, F3. */
  async #note(): Promise<void> {
    if (this.#source === undefined || this.#notePath === undefined) return;
    const note = { ...this.#source, ...(await this.sync()) };
    const temporary = `${this.#notePath}.new`;
    await writeFile(temporary, JSON.stringify(note));
    await rename(temporary, this.#notePath);
    this.#notedBytes = this.#bytes;
  }

  /** Takes up what is noted, if it is true; otherwise begins anew. */
  async #recall(): Promise<void> {
    const note = this.#notePath === undefined ? undefined : await readNote(this.#notePath);
    if (note !== undefined && (await this.#reread(note.bytes)) === note.sha256) {
      await this.#file.truncate(note.bytes);
      this.#notedBytes = note.bytes;
      this.#source = note.source;
      return;
    }
    await this.begin(undefined);
  }

  /** The hash of the first so many bytes; undefined when there are fewer. */
  async #reread(bytes: number): Promise<string | undefined> {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    while (this.#bytes < bytes) {
      const wanted = Math.min(READ_BYTES, bytes - this.#bytes);
      const { bytesRead } = await this.#file.read(buffer, 0, wanted, this.#bytes);
      if (bytesRead === 0) return undefined;
      const chunk = buffer.subarray(0, bytesRead);
      this.#hash.update(chunk);
      this.#head.add(chunk);
      this.#bytes += bytesRead;
    }
    return this.#hash.copy().digest('hex');
  }
}

interface Note {
  readonly source: PartSource;
  readonly bytes: number;
  readonly sha256: string;
}

/** Undefined when there is none that can be used. */
async function readNote(path: string): Promise<Note | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return '';
    throw error;
  });
  const found = readObject(text);
  const validator = asObject(found?.['validator']);
  const [value, header] = [asText(validator?.['value']), validator?.['header']];
  const [bytes, sha256] = [asNumber(found?.['bytes']), asText(found?.['sha256'])];
  const totalBytes = asNumber(found?.['totalBytes']);
  if (value === undefined || bytes === undefined || bytes <= 0 || sha256 === undefined) return undefined;
  if (header !== 'etag' && header !== 'last-modified') return undefined;
  const source = {
    validator: { header, value },
    ...(totalBytes === undefined ? {} : { totalBytes }),
  } as const;
  return { source, bytes, sha256 };
}

/** The first bytes of a stream of chunks. */
class Head {
  readonly #buffer = new Uint8Array(limits.sniffBytes);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** True once: with the chunk that fills it. */
  add(chunk: Uint8Array): boolean {
    const room = this.#buffer.byteLength - this.#length;
    if (room === 0) return false;
    const taken = chunk.subarray(0, room);
    this.#buffer.set(taken, this.#length);
    this.#length += taken.byteLength;
    return this.#length === this.#buffer.byteLength;
  }
}
