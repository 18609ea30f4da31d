/**
 * The files of `artifacts/` and `attachments/` against the rows that refer to them.
 *
 * Callers: the doctor. Reads only. Invariant: nothing is kept in memory but a page of rows and one name, so
 * that a million files are looked at in little more room than one.
 */
import { createHash } from 'node:crypto';
import { createReadStream, type Dirent } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Finding } from '../../findings.js';
import { limits } from '../../limits.js';
import { partsOf, rangeAfter, rangeOf } from '../keys.js';
import type { StoreView } from '../store.js';
import { codeOf } from '../store-fault.js';

export interface ArtifactOptions {
  /** Also reads every file, to compare its content with its name. */
  readonly deep: boolean;
  readonly signal?: AbortSignal | undefined;
}

const FOLDERS = ['artifacts', 'attachments'];
const PARTS = 'parts';
/** A hash and an extension. */
const CONTENT_NAME = /^([0-9a-f]{64})(?:\.\w+)?$/;

export async function* examineArtifacts(
  directory: string,
  view: StoreView,
  options: ArtifactOptions,
): AsyncGenerator<Finding> {
  for (const folder of FOLDERS) {
    for await (const entry of entriesOf(join(directory, folder))) {
      options.signal?.throwIfAborted();
      yield* examineEntry(directory, folder, entry, view, options);
    }
  }
  for await (const unfinished of entriesOf(join(directory, 'artifacts', PARTS))) {
    const file = `artifacts/${PARTS}/${unfinished.name}`;
    yield { code: 'ARTIFACT_UNFINISHED', what: `${file} is a download that was cut off`, file };
  }
  yield* missing(directory, view, options);
}

async function* examineEntry(
  directory: string,
  folder: string,
  entry: Dirent,
  view: StoreView,
  options: ArtifactOptions,
): AsyncGenerator<Finding> {
  const { name } = entry;
  const file = `${folder}/${name}`;
  const sha256 = CONTENT_NAME.exec(name)?.[1];
  if (name === PARTS && entry.isDirectory()) return;
  if (sha256 === undefined || !entry.isFile()) {
    yield { code: 'FILES_UNKNOWN', what: `${file} is no artifact by its name`, file };
    return;
  }
  const [reference] = await view.scanStored({ ...rangeOf('a', name), limit: 1 });
  if (reference === undefined) {
    yield { code: 'ARTIFACT_ORPHAN', what: `${file} belongs to no actor`, file };
  }
  if (options.deep && (await hashOf(join(directory, file), options.signal)) !== sha256) {
    yield { code: 'ARTIFACT_CONTENT', what: `${file} is not the content of that name`, file };
  }
}

/** References to files that are not there. */
async function* missing(
  directory: string,
  view: StoreView,
  { signal }: ArtifactOptions,
): AsyncGenerator<Finding> {
  const whole = rangeOf('a');
  let range = whole;
  let looked: string | undefined;
  for (;;) {
    const page = await view.scanStored({ ...range, limit: limits.scanPageRows });
    const end = page.at(-1);
    if (end === undefined) return;
    for (const [key] of page) {
      signal?.throwIfAborted();
      const [name = '', address = ''] = partsOf(key);
      if (name === looked) continue;
      looked = name;
      if (!CONTENT_NAME.test(name) || (await isThere(directory, name))) continue;
      const file = `artifacts/${name}`;
      yield {
        code: 'ARTIFACT_MISSING',
        what: `${file} is missing, and ${address} refers to it`,
        file,
        address,
      };
    }
    range = rangeAfter(whole, end[0]);
  }
}

async function isThere(directory: string, name: string): Promise<boolean> {
  for (const folder of FOLDERS) {
    const found = await stat(join(directory, folder, name)).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
      throw error;
    });
    if (found?.isFile() === true) return true;
  }
  return false;
}

async function* entriesOf(path: string): AsyncGenerator<Dirent> {
  const folder = await opendir(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  });
  if (folder !== undefined) yield* folder;
}

async function hashOf(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, { signal });
  return hash.digest('hex');
}
