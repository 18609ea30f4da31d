/**
 * Where the session commands do their work.
 *
 * Callers: the session commands. Invariant: in-directory.ts's.
 */
import { sessionsAt, type ControlSessions } from '../control/index.js';
import { inDirectory } from './in-directory.js';

/** Runs `work` on the sessions of a directory and gives it back. Throws what `openOffline` throws. */
export async function atSessions<T>(
  directory: string,
  work: (sessions: ControlSessions, isRunning: boolean) => Promise<T>,
): Promise<T> {
  return inDirectory(directory, {
    running: ({ sessions }) => work(sessions, true),
    closed: ({ sessions }) => work(sessionsAt(sessions), false),
  });
}
