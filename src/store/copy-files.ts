/**
 * The artifact and attachment files of a copy: those that the copied moment refers to, linked where the
 * file system lets us.
 *
 * A link costs neither room nor time, and is as good as a copy: a file is named by what is in it, is never
 * written again, and when one side lets it go the other keeps it. Owns: nothing. Callers: copy.ts.
 * Invariants: each file once, one name in memory at a time; a name from a damaged row leads nowhere else; a
 * file that is missing stops nothing.
 */
import { constants } from 'node:fs';
import { copyFile, link, lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../limits.js';
import { filesReferredTo, hashOf, sha256In, type ContentFolder } from './content-files.js';
import { codeOf } from './store-fault.js';
import type { StoreView } from './store.js';

export interface CopyFilesOptions {
  /** The directory that is copied, and the copy. */
  readonly from: string;
  readonly to: string;
  /** Reads each file, and leaves out one that is not what its name says. */
  readonly verified: boolean;
  readonly signal: AbortSignal;
}

/** Of one folder. */
export interface CopiedFiles {
  readonly count: number;
  readonly bytes: number;
  /** Files that are not there, or not what their names say: how many, and the first of them. */
  readonly missingCount: number;
  readonly missing: readonly string[];
}

export async function copyFiles(
  view: StoreView,
  options: CopyFilesOptions,
): Promise<Readonly<Record<ContentFolder, CopiedFiles>>> {
  const copied = { artifacts: new FolderTally(), attachments: new FolderTally() };
  for await (const { folder, name } of filesReferredTo(view)) {
    options.signal.throwIfAborted();
    copied[folder].add(name, await copyOne(join(folder, name), sha256In(name), options));
  }
  return copied;
}

class FolderTally implements CopiedFiles {
  count = 0;
  bytes = 0;
  missingCount = 0;
  readonly missing: string[] = [];

  /** `size` is undefined for a file that is missing. */
  add(name: string, size: number | undefined): void {
    if (size === undefined) {
      this.missingCount += 1;
      if (this.missing.length < limits.copyNamesMax) this.missing.push(name);
    } else {
      this.count += 1;
      this.bytes += size;
    }
  }
}

/** The file's size; undefined when there is no such file. */
async function copyOne(
  path: string,
  sha256: string | undefined,
  options: CopyFilesOptions,
): Promise<number | undefined> {
  if (sha256 === undefined) return undefined;
  const from = join(options.from, path);
  const found = await lstat(from).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found?.isFile() !== true) return undefined;
  if (options.verified && (await hashOf(from, options.signal)) !== sha256) return undefined;
  await linkOrCopy(from, join(options.to, path));
  return found.size;
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
