/**
 * Capsules in files: one JSON value each.
 *
 * Callers: the testing room, the CLI. Invariant: nothing larger than `limits.capsuleBytesMax` is read.
 */
import { readFileSync, statSync } from 'node:fs';
import { HoldfastError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Capsule } from './capsule.js';
import { parseCapsule } from './parse.js';

/**
 * Reads and checks a capsule. Throws CAPSULE_INVALID, also where there is no such file, and CAPSULE_ALTERED.
 */
export function readCapsule(file: string | URL): Capsule {
  const name = String(file);
  try {
    const { size } = statSync(file);
    if (size > limits.capsuleBytesMax)
      throw invalid(`${name} has ${size} bytes, a capsule has ${limits.capsuleBytesMax} at most`);
    return parseCapsule(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw invalid(
      `${name} cannot be read (${error instanceof Error ? error.message : String(error)})`,
      error,
    );
  }
}

function invalid(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('CAPSULE_INVALID', message, { cause });
}
