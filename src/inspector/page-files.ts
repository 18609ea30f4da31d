/**
 * The built page: the files of `dist/inspector/page`.
 *
 * Owns: nothing. Callers: inspector.ts. Invariants:
 *  1  A name is looked up among the files that are there; no path is made of it.
 *  2  What has a hash in its name is kept for ever, all else is asked for again each time.
 */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../errors.js';
import { sha256Hex } from '../ids.js';

const MEDIA: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};

/** Vite's: `assets/main-BxT3k9Qz.js`. */
const HASHED = /^assets\/.+-[\w-]{8}\.\w+$/;

/** The same from `src` and from `dist`: the page is built into one place. */
const BUILT = fileURLToPath(new URL('../../dist/inspector/page', import.meta.url));

/**
 * `name` is without a leading slash; undefined when there is no such file. Throws INSPECTOR_UNBUILT when
 * there is no page at all.
 */
export async function pageFile(
  request: Request,
  name: string,
  directory = BUILT,
): Promise<Response | undefined> {
  const files = await filesIn(directory);
  if (!files.has('index.html'))
    throw new HoldfastError('INSPECTOR_UNBUILT', `${directory} has no page of the inspector`);
  const path = files.get(name);
  if (path === undefined) return undefined;
  const bytes = await readFile(path);
  const etag = `"${sha256Hex(bytes).slice(0, 32)}"`;
  const headers = {
    etag,
    'content-type': MEDIA[extname(name)] ?? 'application/octet-stream',
    'cache-control': HASHED.test(name) ? 'private, max-age=31536000, immutable' : 'no-cache',
  };
  const isKnown = request.headers.get('if-none-match') === etag;
  return new Response(isKnown ? null : bytes, { status: isKnown ? 304 : 200, headers });
}

/** By their names below the directory, with slashes. */
async function filesIn(directory: string): Promise<ReadonlyMap<string, string>> {
  try {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const paths = entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
    return new Map(paths.map((path) => [relative(directory, path).split(sep).join('/'), path]));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map();
    throw error;
  }
}
