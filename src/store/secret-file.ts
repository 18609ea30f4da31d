/**
 * The secret of a directory's runtime, where its owner gave none: made once, read by its owner alone.
 *
 * Owns: `<directory>/secret`. Callers: the assembly, which holds the directory and asks once at a time; the
 * copies of a directory. Invariant: the file is whole or not there, and nobody but its owner may read it.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../errors.js';
import { newId } from '../ids.js';
import { syncDirectory } from './directory.js';
import { codeOf, fileFault } from './store-fault.js';

export const SECRET = 'secret';
const SECRET_BYTES = 32;
const SECRET_CHARS_MIN = 32;

/** Reads the secret, or makes it. Throws STORE_CORRUPTED, STORE_UNWRITABLE or STORE_FULL. */
export async function secretBelow(directory: string): Promise<string> {
  const file = join(directory, SECRET);
  const known = await readSecret(file);
  if (known !== undefined) return known;
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const temporary = join(directory, `.${newId('holdfast-')}.tmp`);
  try {
    await writeFile(temporary, `${secret}\n`, { mode: 0o600, flag: 'wx', flush: true });
    await rename(temporary, file);
    await syncDirectory(directory);
    return secret;
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileFault(error, file);
  }
}

/** Copies it, where there is one: what is sealed in a store can be read with its secret alone. */
export async function copySecret(from: string, to: string): Promise<void> {
  const secret = await readSecret(join(from, SECRET));
  if (secret === undefined) return;
  await writeFile(join(to, SECRET), `${secret}\n`, { mode: 0o600, flag: 'wx', flush: true });
}

async function readSecret(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw fileFault(error, file);
  });
  const secret = text?.trim();
  if (secret === undefined || secret.length >= SECRET_CHARS_MIN) return secret;
  // A key made of next to nothing could be guessed, and would seal what is not readable later.
  throw new HoldfastError('STORE_CORRUPTED', `${file} has fewer than ${SECRET_CHARS_MIN} characters`);
}
