/**
 * Files that are named by their content, and which of them rows refer to.
 *
 * Callers: the copy, the doctor. Invariant: one page of rows is in memory, and each file is met once.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { limits } from '../limits.js';
import { partsOf, rangeAfter, rangeOf } from './keys.js';
import type { StoreView } from './store.js';

/** The folders of a directory that hold them. */
export const CONTENT_FOLDERS = ['artifacts', 'attachments'] as const;
export type ContentFolder = (typeof CONTENT_FOLDERS)[number];

/** The SHA-256 in a file's name, which is that and an extension; undefined for any other name. */
export function sha256In(name: string): string | undefined {
  return /^([0-9a-f]{64})(?:\.\w+)?$/.exec(name)?.[1];
}

/** A file that is referred to, and one of those who do. */
export interface ReferredFile {
  readonly folder: ContentFolder;
  readonly name: string;
  readonly address: string;
}

/** Their rows lie file by file. */
export async function* filesReferredTo(view: StoreView): AsyncGenerator<ReferredFile, void, undefined> {
  const whole = rangeOf('a');
  let range = whole;
  let previous: string | undefined;
  let met = new Set<ContentFolder>();
  for (;;) {
    const page = await view.scanStored({ ...range, limit: limits.scanPageRows });
    const last = page.at(-1);
    if (last === undefined) return;
    for (const [key] of page) {
      const [name = '', address = '', hold] = partsOf(key);
      // What an actor holds by name is an attachment; what its machine refers to, an artifact.
      const folder = hold === undefined ? 'artifacts' : 'attachments';
      if (name !== previous) met = new Set();
      previous = name;
      if (met.has(folder)) continue;
      met.add(folder);
      yield { folder, name, address };
    }
    range = rangeAfter(whole, last[0]);
  }
}

/** The SHA-256 of a file's content, in hex. */
export async function hashOf(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, { signal });
  return hash.digest('hex');
}
