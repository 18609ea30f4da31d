/**
 * An inspector with a port of its own, on loopback.
 *
 * Owns: the server. Callers: the CLI. Invariants:
 *  1  It listens on 127.0.0.1 alone.
 *  2  When `close` resolves, nothing listens and no connection is left.
 */
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { HoldfastError } from '../errors.js';
import type { Inspector } from './inspector.js';

export interface ListeningInspector {
  /** With the token in it. */
  readonly url: string;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';

/**
 * `open` makes it, once its port is known; 0 asks for any free one. Throws INVALID_OPTIONS for a taken
 * one.
 */
export async function startInspector(
  port: number,
  open: (port: number) => Inspector,
): Promise<ListeningInspector> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const message = `port: ${HOST}:${port} cannot be listened on (${error.message})`;
      reject(new HoldfastError('INVALID_OPTIONS', message, { cause: error }));
    });
    server.listen({ host: HOST, port }, resolve);
  });
  const address = server.address();
  const own = typeof address === 'object' && address !== null ? address.port : port;
  const inspector = open(own);
  const listener = getRequestListener((request) => inspector.fetch(request), {
    overrideGlobalObjects: false,
  });
  server.on('request', (request, response) => void listener(request, response));
  server.on('upgrade', (request, socket, head) => inspector.upgrade(request, socket, head));
  return {
    url: `http://${HOST}:${own}${inspector.path}`,
    close: () => {
      inspector.close();
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
