/**
 * One open store per directory and process, checked before LevelDB hears of it.
 *
 * LevelDB 1.20 refuses a second open in one process, but on its way out closes a descriptor of the lock file,
 * and POSIX then drops the lock of the *first* open: another process could join in, and two writers share a
 * database. So a second open must never reach LevelDB.
 *
 * Owns: the only state shared by a whole process. It lives under a registered symbol of the global object and
 * not in this module, because the lock it protects is the process's own: two copies of the package must see
 * each other.
 * Callers: level-store.ts. Invariant: `claim` and its release are synchronous, so no second claim comes in
 * between.
 */
import { HoldfastError } from '../errors.js';

const REGISTRY = Symbol.for('holdfast.openDirectories');

/**
 * Claims the directory known by `identity` (device and inode) or throws `STORE_LOCKED`. Returns its release.
 */
export function claimInProcess(identity: string, directory: string): () => void {
  const claimed = registry();
  if (claimed.has(identity)) {
    throw new HoldfastError('STORE_LOCKED', `this process has ${directory} open already`);
  }
  claimed.add(identity);
  return () => {
    claimed.delete(identity);
  };
}

function registry(): Set<unknown> {
  const present: unknown = Reflect.get(globalThis, REGISTRY);
  if (present instanceof Set) return present;
  const fresh = new Set<unknown>();
  Reflect.set(globalThis, REGISTRY, fresh);
  return fresh;
}
