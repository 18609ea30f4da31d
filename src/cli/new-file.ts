/**
 * Files that commands write for their users.
 *
 * Callers: capsule.ts. Invariant: a file that is there stays as it is, unless overwriting was asked for.
 */
import { writeFile } from 'node:fs/promises';
import { HoldfastError } from '../errors.js';

/** Throws INVALID_INPUT when there is such a file, or none can be written there. */
export async function writeNew(path: string, text: string, overwrites: boolean): Promise<void> {
  try {
    await writeFile(path, text, { flag: overwrites ? 'w' : 'wx' });
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    const why =
      code === 'EEXIST' ? 'is there already; --force overwrites it' : `cannot be written (${String(code)})`;
    throw new HoldfastError('INVALID_INPUT', `"out": ${path} ${why}`, {
      details: { field: 'out' },
      cause: error,
    });
  }
}
