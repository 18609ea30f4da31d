/**
 * The control server: the door through which other processes talk to a running runtime.
 *
 * Listens on `<directory>/control.sock`, mode 0600; where a socket cannot be, on a loopback port whose URL
 * and token are in `<directory>/control.json`, mode 0600.
 *
 * Owns: those two files while it runs. Callers: runtime.ts, which holds the directory's lock by then, so what
 * an earlier process left there is ours to replace. Invariants:
 *  1  When `startControlServer` resolves, the door is open and only this user may go through it.
 *  2  When `close` resolves, nothing listens, no connection is left and the file is gone.
 *  3  A close lets calls under way finish for one second, long polls end at once.
 */
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { systemClock, type Clock } from '../clock.js';
import { HoldfastError } from '../errors.js';
import { newId } from '../ids.js';
import { limits } from '../limits.js';
import type { Logger } from '../log.js';
import { CONTROL_FILE, CONTROL_SOCKET, socketServes } from './place.js';
import type { ControlledRuntime } from './port.js';
import { controlRoutes, type Guard } from './routes.js';

export interface ControlServer {
  /** The path of the socket, or the URL on loopback. */
  readonly address: string;
  /** Ends every connection. Closing twice is harmless. */
  close(): Promise<void>;
}

export interface ControlServerOptions {
  /** Default: the socket where it can serve, loopback otherwise. */
  readonly over?: 'socket' | 'loopback';
  readonly clock?: Clock;
}

/** Opens the door. Throws CONTROL_FAILED when neither a socket nor a loopback port can be had. */
export async function startControlServer(
  runtime: ControlledRuntime,
  directory: string,
  log: Logger,
  options: ControlServerOptions = {},
): Promise<ControlServer> {
  const { clock = systemClock } = options;
  const parts: Parts = { runtime, directory, log, clock };
  const over = options.over ?? (socketServes(join(directory, CONTROL_SOCKET)) ? 'socket' : 'loopback');
  try {
    await forget(directory);
    return over === 'socket' ? await onSocket(parts) : await onLoopback(parts);
  } catch (error) {
    const why = `the control door of ${directory} cannot be opened; "control: false" does without it`;
    throw new HoldfastError('CONTROL_FAILED', why, { cause: error });
  }
}

interface Parts {
  readonly runtime: ControlledRuntime;
  readonly directory: string;
  readonly log: Logger;
  readonly clock: Clock;
}

async function onSocket(parts: Parts): Promise<ControlServer> {
  const path = join(parts.directory, CONTROL_SOCKET);
  const server = new Listening(parts);
  try {
    await server.listen({ path });
    await chmod(path, 0o600);
  } catch (error) {
    await server.close();
    // Some file systems (network shares, 9p) hold no sockets; the loopback port serves there as well.
    parts.log.warn({ err: error, path }, 'control.socket.failed');
    return onLoopback(parts);
  }
  server.address = path;
  return server;
}

async function onLoopback(parts: Parts): Promise<ControlServer> {
  const token = newId('control');
  let hosts: readonly string[] = [];
  const server = new Listening(parts, { token, hosts: () => hosts });
  try {
    const port = await server.listen({ host: '127.0.0.1', port: 0 });
    hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
    server.address = `http://127.0.0.1:${port}`;
    await writeWhole(join(parts.directory, CONTROL_FILE), JSON.stringify({ url: server.address, token }));
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

/** Renamed into place, so that a reader never sees half a token, and 0600 from its first byte. */
async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.${newId('part')}`;
  try {
    await writeFile(temporary, `${text}\n`, { mode: 0o600, flag: 'wx' });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Removes both files, our own or those of a process that was killed. */
async function forget(directory: string): Promise<void> {
  for (const name of [CONTROL_SOCKET, CONTROL_FILE]) await rm(join(directory, name), { force: true });
}

class Listening implements ControlServer {
  address = '';
  readonly #parts: Parts;
  readonly #server: Server;
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(parts: Parts, guard?: Guard) {
    const { runtime, clock, log } = parts;
    this.#parts = parts;
    const closing = this.#closing.signal;
    const app = controlRoutes({ runtime, clock, log, closing, ...(guard === undefined ? {} : { guard }) });
    // An embedded library leaves the globals of its host alone.
    const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
    this.#server = createServer((request, response) => void listener(request, response));
  }

  /** Resolves with the port; 0 for a socket. */
  async listen(options: { path: string } | { host: string; port: number }): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(options, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.#server.on('error', (error) => this.#parts.log.error({ err: error }, 'control.failed'));
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      // A server that never listened says so; it is closed all the same.
      this.#server.close(() => resolve());
    });
    this.#closing.abort();
    const { clock, directory } = this.#parts;
    const cancel = clock.schedule(limits.controlCloseTimeoutMs, () => this.#server.closeAllConnections());
    await stopped;
    cancel();
    await forget(directory);
  }
}
