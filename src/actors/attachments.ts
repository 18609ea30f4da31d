/**
 * Attachments: images that users give beside their words, kept by content for as long as an actor holds them.
 *
 * An actor holds a file by the action `file.hold` (kernel/holding.ts). Before that, whoever brings a file or
 * names one that is there has it in a lease, which lasts until the step that holds it is on disk.
 *
 *   during ─▶ put, has ─▶ send (file.hold) ─▶ committed ─▶ end of the lease: not held? removed
 *
 * Owns: the directory `attachments/`. Below `parts/` lie files that are not whole yet, and an empty file
 * under the name of each that nobody may hold yet: what a crash left is found without reading all names.
 * Callers: the façade of sessions, runtime.ts (`recover`), backups (`paused`). Invariants:
 *  1  A file in a lease is not removed, nor any while a backup is taken.
 *  2  A file is removed only when no row refers to it, staged ones and those on disk: a release that is not
 *     on disk yet frees nothing (K1).
 *  3  A file is held first by a step that is sent within a lease on it.
 *  4  What nobody held when the process died goes at the next open, whatever its age: the directory has one
 *     process, so no other can be about to hold it.
 */
import { strict as assert } from 'node:assert';
import { lstatSync, rmSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../errors.js';
import { newId } from '../ids.js';
import type { Logger } from '../log.js';
import { partsBelow, partsIn, placeWhole, receiveImage, sweepParts } from '../providers/index.js';
import type { ImageSource } from '../providers/index.js';
import { rangeOf } from '../store/keys.js';
import type { Store } from '../store/store.js';
import type { Kernel } from './kernel/index.js';

/** A file of the directory's attachments. Plain JSON. */
export interface AttachmentRef {
  /** Its name: `<sha256>.<extension>`. */
  readonly attachment: string;
  /** By its content. */
  readonly mime: string;
  readonly bytes: number;
}

/** Files that stay while the work that has it is not done. */
export interface AttachmentLease {
  /**
   * Brings an image to disk; the same content twice is one file. Throws INVALID_INPUT for what is no PNG,
   * JPEG, WebP, GIF or AVIF by its content, not `mime` where that is given, of more than 64 MiB, or not
   * readable; STORE_FULL, STORE_UNWRITABLE and STORE_FAILED when the directory takes no file. Nothing is
   * then left.
   */
  put(source: ImageSource, options?: { readonly mime?: string | undefined }): Promise<AttachmentRef>;
  /** True when there is such a file; it then stays. False for a name that cannot be one's. */
  has(name: string): boolean;
}

export interface AttachmentsOptions {
  /** Absolute. */
  readonly directory: string;
  readonly kernel: Kernel;
  readonly store: Pick<Store, 'scan'>;
  readonly log: Logger;
  /** What the disk said, as one of our codes. */
  readonly faultOf: (error: unknown, directory: string) => HoldfastError;
}

/** Adds a file to a lease. */
type Take = (name: string) => void;

const FILE_NAME = /^[0-9a-f]{64}\.\w+$/;

export class Attachments {
  readonly directory: string;
  readonly #options: AttachmentsOptions;
  /** How many leases there are on a file. */
  readonly #leases = new Map<string, number>();
  /** The newest look for holders of a file; a lease on it ends the look. */
  readonly #looks = new Map<string, symbol>();
  /** Files to be looked at when nothing is paused any more. */
  readonly #waiting = new Set<string>();
  #pauses = 0;

  constructor(options: AttachmentsOptions) {
    this.directory = options.directory;
    this.#options = options;
    options.kernel.onUnreferenced((file) => {
      if (this.exists(file)) void this.#settle(file);
    });
  }

  /**
   * Runs `work`, whose files stay until it has settled; those that nobody holds by then are removed. By
   * then the step that holds them is on disk, or will never be taken.
   */
  async during<T>(work: (lease: AttachmentLease) => Promise<T>): Promise<T> {
    const names = new Set<string>();
    const puts: Promise<unknown>[] = [];
    let isOver = false;
    const take: Take = (name) => {
      assert.ok(!isOver, 'a lease of attachments was used after its end');
      if (names.has(name)) return;
      names.add(name);
      this.#leases.set(name, (this.#leases.get(name) ?? 0) + 1);
      this.#looks.delete(name);
    };
    try {
      return await work({
        put: (source, { mime } = {}) => {
          const put = this.#put(source, mime, take);
          puts.push(put);
          return put;
        },
        has: (name) => {
          if (FILE_NAME.test(name)) take(name);
          return this.exists(name);
        },
      });
    } finally {
      isOver = true;
      // Work that gave up after one of several: what the others bring is to be given back, too.
      await Promise.allSettled(puts);
      await Promise.all([...names].map((name) => this.#giveBack(name)));
    }
  }

  /** Removes nothing while `work` runs. */
  async paused<T>(work: () => Promise<T>): Promise<T> {
    this.#pauses += 1;
    try {
      return await work();
    } finally {
      this.#pauses -= 1;
      if (this.#pauses === 0) {
        const waiting = [...this.#waiting];
        this.#waiting.clear();
        for (const name of waiting) void this.#settle(name);
      }
    }
  }

  /** Where a file lies, or would. Throws INVALID_INPUT for a name that cannot be one's. */
  pathOf(name: string): string {
    if (FILE_NAME.test(name)) return join(this.directory, name);
    throw new HoldfastError('INVALID_INPUT', `${JSON.stringify(name)} is no attachment's name`);
  }

  /** True when there is such a file now. Use a lease's `has` where it is to stay. */
  exists(name: string): boolean {
    if (!FILE_NAME.test(name)) return false;
    return lstatSync(join(this.directory, name), { throwIfNoEntry: false })?.isFile() === true;
  }

  /** Removes what a process that died left behind: half files, and files that nobody held yet. */
  async recover(): Promise<void> {
    for (const name of await partsIn(this.directory)) if (FILE_NAME.test(name)) await this.#settle(name);
    await sweepParts(this.directory);
  }

  async #put(source: ImageSource, mime: string | undefined, take: Take): Promise<AttachmentRef> {
    try {
      await mkdir(partsBelow(this.directory), { recursive: true });
      return await this.#bring(source, mime, take);
    } catch (error) {
      throw error instanceof assert.AssertionError ? error : this.#options.faultOf(error, this.directory);
    }
  }

  async #bring(source: ImageSource, mime: string | undefined, take: Take): Promise<AttachmentRef> {
    const parts = partsBelow(this.directory);
    const part = join(parts, `${newId('attachment')}.part`);
    try {
      const { name, ...image } = await receiveImage(source, part);
      if (mime !== undefined && mime !== image.mime) {
        throw new HoldfastError(
          'INVALID_INPUT',
          `an attachment is ${image.mime}, and was said to be ${mime}`,
        );
      }
      take(name);
      await writeFile(join(parts, name), '');
      await placeWhole(part, this.directory, name);
      return { attachment: name, mime: image.mime, bytes: image.bytes };
    } finally {
      await rm(part, { force: true });
    }
  }

  async #giveBack(name: string): Promise<void> {
    const others = (this.#leases.get(name) ?? 1) - 1;
    if (others > 0) {
      this.#leases.set(name, others);
      return;
    }
    this.#leases.delete(name);
    await this.#settle(name);
  }

  /** Removes a file that nobody holds; of one that somebody does, the mark that nobody may. Never throws. */
  async #settle(name: string): Promise<void> {
    // Who has it in a lease settles it.
    if (this.#leases.has(name)) return;
    const look = Symbol(name);
    this.#looks.set(name, look);
    try {
      const isHeld = await this.#isHeld(name);
      // Synchronous from here on. A lease that began since ends in a look of its own.
      if (this.#looks.get(name) !== look) return;
      this.#looks.delete(name);
      if (this.#pauses > 0) {
        this.#waiting.add(name);
        return;
      }
      if (!isHeld) rmSync(join(this.directory, name), { force: true });
      rmSync(join(partsBelow(this.directory), name), { force: true });
    } catch (error) {
      this.#options.log.warn({ err: error, file: name }, 'attachment.remove.failed');
    }
  }

  /**
   * Staged rows first: one that is staged as deleted is on disk still, and what is staged later has a
   * lease.
   */
  async #isHeld(name: string): Promise<boolean> {
    const { kernel, store } = this.#options;
    if (await kernel.reader.isReferenced(name)) return true;
    return (await store.scan({ ...rangeOf('a', name), limit: 1 })).length > 0;
  }
}
