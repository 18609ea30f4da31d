/**
 * Where a control server is found in its directory.
 *
 * Callers: server.ts, client.ts. Invariant: both sides decide alike.
 */
import { platform } from 'node:os';

export const CONTROL_SOCKET = 'control.sock';
/** `{url, token}` of a server on loopback, where a socket cannot serve. */
export const CONTROL_FILE = 'control.json';

/** `sun_path` holds 104 bytes on macOS, 108 on Linux, its closing NUL included. */
const SOCKET_PATH_BYTES_MAX = 100;

/** True when a Unix socket can be at that path on this system. */
export function socketServes(path: string): boolean {
  return platform() !== 'win32' && Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX;
}
