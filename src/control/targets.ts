/**
 * Where the process that holds a directory may be listening.
 *
 * Pure but for reading `control.json`. Callers: client.ts, forward.ts. Invariant: the token of that file goes
 * to the address beside it alone.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { HoldfastError } from '../errors.js';
import { CONTROL_FILE, CONTROL_SOCKET, socketServes } from './place.js';

/** Somewhere a control server may listen. */
export interface Target {
  readonly address: string;
  readonly origin: string;
  readonly socketPath?: string;
  readonly token?: string;
}

/** Faults that mean that nobody listens there, rather than that somebody does not answer. */
const NOBODY: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR']);

const loopbackSchema = z.object({ url: z.url(), token: z.string().min(1) });

/** `directory` is absolute. Throws CONTROL_FAILED for a `control.json` that this user may not read. */
export async function targetsOf(directory: string): Promise<readonly Target[]> {
  const socketPath = join(directory, CONTROL_SOCKET);
  const loopback = await readLoopback(join(directory, CONTROL_FILE));
  const socket = { address: socketPath, origin: 'http://localhost', socketPath };
  const sockets: readonly Target[] = socketServes(socketPath) ? [socket] : [];
  return loopback === undefined ? sockets : [...sockets, loopback];
}

/** True for the fault of a call to a target where nobody listens. */
export function isNobody(error: unknown): boolean {
  return NOBODY.has(codeOf(error));
}

/** The code of a fault of the system; '' where it has none. */
export function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

async function readLoopback(file: string): Promise<Target | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new HoldfastError('CONTROL_FAILED', `${file} cannot be read`, { cause: error });
  }
  const parsed = loopbackSchema.safeParse(jsonOf(text));
  // A file that is not whole was left by a process that died while writing it: nobody listens there.
  if (!parsed.success) return undefined;
  const { url, token } = parsed.data;
  return { address: url, origin: url, token };
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
