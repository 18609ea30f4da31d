/**
 * The secret of a directory's runtime, where its owner gave none: made once, read by its owner alone.
 *
 * Owns: `<directory>/secret`. Callers: the assembly, which holds the directory. Invariant: the file is whole
 * or not there.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../ids.js';
import { syncDirectory } from './directory.js';
import { codeOf, fileFault } from './store-fault.js';

export const SECRET = 'secret';
const SECRET_BYTES = 32;

/** Reads the secret, or makes it. Throws STORE_UNWRITABLE or STORE_FULL. */
export async function secretBelow(directory: string): Promise<string> {
  const file = join(directory, SECRET);
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw fileFault(error, file);
  }
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
