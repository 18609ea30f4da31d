/**
 * The files of `artifacts/` and `attachments/` against the rows that refer to them.
 *
 * Callers: the doctor. Reads only. Invariant: nothing is kept in memory but a page of rows and one name, so
 * that a million files are looked at in little more room than one.
 */
import type { Dirent } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../../findings.js';
import { CONTENT_FOLDERS, filesReferredTo, hashOf, sha256In } from '../content-files.js';
import { rangeOf } from '../keys.js';
import type { StoreView } from '../store.js';
import { codeOf } from '../store-fault.js';

export interface ArtifactOptions {
  /** Also reads every file, to compare its content with its name. */
  readonly deep: boolean;
  readonly signal?: AbortSignal | undefined;
}

const PARTS = 'parts';

export async function* examineArtifacts(
  directory: string,
  view: StoreView,
  options: ArtifactOptions,
): AsyncGenerator<Finding> {
  for (const folder of CONTENT_FOLDERS) {
    for await (const entry of entriesOf(join(directory, folder))) {
      options.signal?.throwIfAborted();
      yield* examineEntry(directory, folder, entry, view, options);
    }
    for await (const { name } of entriesOf(join(directory, folder, PARTS))) {
      const file = `${folder}/${PARTS}/${name}`;
      yield { code: 'ARTIFACT_UNFINISHED', what: `${file} was not finished`, file };
    }
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
  const sha256 = sha256In(name);
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
  for await (const { folder, name, address } of filesReferredTo(view)) {
    signal?.throwIfAborted();
    const file = `${folder}/${name}`;
    if (sha256In(name) === undefined || (await isThere(join(directory, file)))) continue;
    const what = `${file} is missing, and ${address} refers to it`;
    yield { code: 'ARTIFACT_MISSING', what, file, address };
  }
}

async function isThere(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  });
  return found?.isFile() === true;
}

async function* entriesOf(path: string): AsyncGenerator<Dirent> {
  const folder = await opendir(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  });
  if (folder !== undefined) yield* folder;
}
