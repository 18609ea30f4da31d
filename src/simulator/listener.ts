/**
 * One port that the simulator listens on.
 *
 * Owns: the server. Callers: server.ts, which has two. Invariant: `close` cuts every connection and resolves
 * when all are gone.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

export class Listener {
  readonly #server: Server;
  #port = 0;
  #url = '';

  constructor(accept: (request: IncomingMessage, response: ServerResponse) => void) {
    this.#server = createServer(accept);
  }

  get port(): number {
    return this.#port;
  }

  /** Without a slash at its end. */
  get url(): string {
    return this.#url;
  }

  async listen(port: number, host: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
    this.#port = address.port;
    this.#url = `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
  }

  async close(): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeAllConnections();
    await stopped;
  }
}
