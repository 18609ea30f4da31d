/**
 * What went wrong below the store, as one of our codes: for reads, for opening a database, for files.
 *
 * Owns: the only reading of LevelDB's and the file system's error codes and words. Callers: the store room.
 * Invariant: an error that is ours already passes unchanged; every other one becomes the `cause` of ours.
 */
import { HoldfastError, type ErrorCode } from '../errors.js';

const UNWRITABLE_FILE = new Set(['EACCES', 'EROFS', 'ENOTDIR', 'EPERM']);
const FULL_FILE = new Set(['ENOSPC', 'EDQUOT']);

/** LevelDB keeps the words of strerror and no number. */
const UNWRITABLE_WORDS = /Permission denied|Read-only file system|Operation not permitted/;
const FULL_WORDS = /No space left on device|quota exceeded/i;

/** A failed read of an open database. */
export function storeFault(error: unknown, what: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  return new HoldfastError(readCode(codeOf(error)), what, { cause: error });
}

function readCode(code: string | undefined): ErrorCode {
  if (code === 'LEVEL_CORRUPTION') return 'STORE_CORRUPTED';
  const closed = code === 'LEVEL_DATABASE_NOT_OPEN' || code === 'LEVEL_ITERATOR_NOT_OPEN';
  return closed ? 'RUNTIME_CLOSED' : 'STORE_FAILED';
}

/** A failed write of an open database: what it wrote may or may not be there. */
export function writeFault(error: unknown, what: string): HoldfastError {
  return new HoldfastError(isFull(error) ? 'STORE_FULL' : 'STORE_FAILED', what, { cause: error });
}

/** A database that would not open. Level wraps the reason: `LEVEL_DATABASE_NOT_OPEN` with it as the cause. */
export function openFault(error: unknown, directory: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const reason = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = codeOf(reason);
  const words = reason instanceof Error ? reason.message : String(reason);
  const of = `the database in ${directory}`;
  if (code === 'LEVEL_LOCKED') return new HoldfastError('STORE_LOCKED', `${of} is held`, { cause: error });
  if (isFull(reason)) return new HoldfastError('STORE_FULL', `${of} has no room: ${words}`, { cause: error });
  if (UNWRITABLE_WORDS.test(words) || (code !== undefined && UNWRITABLE_FILE.has(code))) {
    return new HoldfastError('STORE_UNWRITABLE', `${of} cannot be written: ${words}`, { cause: error });
  }
  // A table that is shorter than its manifest says is an "Invalid argument" of LevelDB's.
  if (code === 'LEVEL_CORRUPTION' || /No such file|does not exist|\.ldb: Invalid argument/.test(words)) {
    return new HoldfastError('STORE_CORRUPTED', `${of} is damaged: ${words}`, { cause: error });
  }
  return new HoldfastError('STORE_FAILED', `${of} would not open: ${words}`, { cause: error });
}

/** A file or directory of ours that could not be read or written. */
export function fileFault(error: unknown, directory: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const code = codeOf(error);
  if (isFull(error)) return new HoldfastError('STORE_FULL', `${directory} has no room`, { cause: error });
  const unwritable = code !== undefined && UNWRITABLE_FILE.has(code);
  return new HoldfastError(
    unwritable ? 'STORE_UNWRITABLE' : 'STORE_FAILED',
    `${directory} cannot be used (${code ?? String(error)})`,
    { cause: error },
  );
}

function isFull(error: unknown): boolean {
  return FULL_FILE.has(codeOf(error) ?? '') || (error instanceof Error && FULL_WORDS.test(error.message));
}

/** The `code` of a system or Level error. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
