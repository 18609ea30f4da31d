/**
 * Where the work commands do their work.
 *
 * Callers: the work commands. Invariant: in-directory.ts's.
 */
import { workAt, type WorkActs } from '../control/index.js';
import { inDirectory } from './in-directory.js';

/** Runs `act` on the work of a directory and gives it back. Throws what `openOffline` throws. */
export async function atWork<T>(
  directory: string,
  act: (work: WorkActs, isRunning: boolean) => Promise<T>,
): Promise<T> {
  return inDirectory(directory, {
    running: ({ work }) => act(work, true),
    closed: ({ work }) => act(workAt(work), false),
  });
}
