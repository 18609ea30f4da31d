/**
 * Where the session commands do their work: in the process that holds the directory, or in the directory
 * itself when nobody does.
 *
 * Owns: the connection or the lock, while the work lasts. Callers: the session commands. Invariant: in a
 * directory that nobody holds no generation begins, so that claims stay as they were.
 */
import { connectControl, sessionsAt, type ControlSessions } from '../control/index.js';
import { openOffline, silentLogger } from '../index.js';

/** Runs `work` on the sessions of a directory and gives it back. Throws what `openOffline` throws. */
export async function atSessions<T>(
  directory: string,
  work: (sessions: ControlSessions, isRunning: boolean) => Promise<T>,
): Promise<T> {
  const client = await connectControl(directory);
  if (client !== undefined) {
    try {
      return await work(client.sessions, true);
    } finally {
      await client.close();
    }
  }
  const offline = await openOffline({ directory, log: silentLogger });
  try {
    return await work(sessionsAt(offline.sessions), false);
  } finally {
    await offline.close();
  }
}
