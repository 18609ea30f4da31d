/**
 * Files that are not whole yet, and how one becomes whole: everything or nothing, even after a power cut.
 *
 * Owns: the folder `parts` below a directory of content-addressed files. Callers: the download,
 * image-file.ts, `actors/attachments.ts`, runtime.ts. Invariant: a file has its final name only once all of
 * it is on disk.
 */
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from './redact.js';

const PARTS = 'parts';

/** The folder of files that are not whole yet. */
export function partsBelow(directory: string): string {
  return join(directory, PARTS);
}

/**
 * Gives a file that is on disk its final name, then syncs the directory: without that a power cut could
 * forget the name. Doing it twice is harmless where the name is the content's.
 */
export async function placeWhole(part: string, directory: string, name: string): Promise<void> {
  await rename(part, join(directory, name));
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The names in the folder. */
export async function partsIn(directory: string): Promise<readonly string[]> {
  return await readdir(partsBelow(directory)).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
}

/** Removes what a process that died left behind. Returns how many files went. */
export async function sweepParts(directory: string): Promise<number> {
  const names = await partsIn(directory);
  for (const name of names) await rm(join(partsBelow(directory), name), { force: true });
  return names.length;
}
