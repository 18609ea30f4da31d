/**
 * Where commands do their work: in the process that holds a directory, or in the directory itself when nobody
 * does.
 *
 * Owns: the connection or the lock, while the work lasts. Callers: the commands' desks. Invariant: in a
 * directory that nobody holds no generation begins, so that claims stay as they were.
 */
import { connectControl, type ControlClient } from '../control/index.js';
import { openOffline, silentLogger, type OfflineRuntime } from '../index.js';

export interface Places<T> {
  readonly running: (client: ControlClient) => Promise<T>;
  readonly closed: (offline: OfflineRuntime) => Promise<T>;
}

/** Does the one or the other and gives the directory back. Throws what `openOffline` throws. */
export async function inDirectory<T>(directory: string, { running, closed }: Places<T>): Promise<T> {
  const client = await connectControl(directory);
  if (client !== undefined) {
    try {
      return await running(client);
    } finally {
      await client.close();
    }
  }
  const offline = await openOffline({ directory, log: silentLogger });
  try {
    return await closed(offline);
  } finally {
    await offline.close();
  }
}
