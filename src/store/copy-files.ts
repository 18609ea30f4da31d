/**
 * The artifact files of a copy: those that the copied moment refers to, linked where the file system lets us.
 *
 * A link costs neither room nor time, and is as good as a copy: a file is named by what is in it, is never
 * written again, and when one side lets it go the other keeps it. Owns: nothing. Callers: copy.ts.
 * Invariants: each file once, one name in memory at a time; a name from a damaged row leads nowhere else; a
 * file that is missing stops nothing.
 */
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, link, lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../limits.js';
import { partsOf, rangeAfter, rangeOf } from './keys.js';
import { codeOf } from './store-fault.js';
import type { StoreView } from './store.js';

export interface CopyFilesOptions {
  readonly from: string;
  readonly to: string;
  /** Reads each file, and leaves out one that is not what its name says. */
  readonly verified: boolean;
  readonly signal: AbortSignal;
}

export interface CopiedFiles {
  readonly count: number;
  readonly bytes: number;
  /** Files that are not there, or not what their names say: how many, and the first of them. */
  readonly missingCount: number;
  readonly missing: readonly string[];
}

/** A file's name: the SHA-256 of its content, and an extension. */
const FILE_NAME = /^([0-9a-f]{64})(?:\.\w+)?$/;

export async function copyFiles(view: StoreView, options: CopyFilesOptions): Promise<CopiedFiles> {
  let count = 0;
  let bytes = 0;
  let missingCount = 0;
  const missing: string[] = [];
  for await (const name of filesReferredTo(view)) {
    options.signal.throwIfAborted();
    const size = await copyOne(name, options);
    if (size === undefined) {
      missingCount += 1;
      if (missing.length < limits.copyNamesMax) missing.push(name);
    } else {
      count += 1;
      bytes += size;
    }
  }
  return { count, bytes, missingCount, missing };
}

/** Their rows lie file by file, so that each is met once. */
async function* filesReferredTo(view: StoreView): AsyncGenerator<string, void, undefined> {
  const whole = rangeOf('a');
  let range = whole;
  let previous: string | undefined;
  for (;;) {
    const page = await view.scanStored({ ...range, limit: limits.scanPageRows });
    const last = page.at(-1);
    if (last === undefined) return;
    for (const [key] of page) {
      const [name = ''] = partsOf(key);
      if (name !== previous) yield name;
      previous = name;
    }
    range = rangeAfter(whole, last[0]);
  }
}

/** The file's size; undefined when there is no such file. */
async function copyOne(name: string, options: CopyFilesOptions): Promise<number | undefined> {
  const [, sha256] = FILE_NAME.exec(name) ?? [];
  if (sha256 === undefined) return undefined;
  const from = join(options.from, name);
  const found = await lstat(from).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found?.isFile() !== true) return undefined;
  if (options.verified && (await hashOf(from, options.signal)) !== sha256) return undefined;
  await linkOrCopy(from, join(options.to, name));
  return found.size;
}

async function hashOf(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { signal })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  const linked = await link(from, to).then(
    () => true,
    // Another device, a file system without links, too many of them: whatever it was, a copy tells more.
    () => false,
  );
  if (linked) return;
  await copyFile(from, to, constants.COPYFILE_EXCL);
  const handle = await open(to, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
