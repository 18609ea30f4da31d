/**
 * What is on the other side of a webhook: a local server that keeps what it was sent, and answers as told.
 *
 * Callers: the tests of this folder and test/referees. Invariant: it is closed when its test ends.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { onTestFinished } from 'vitest';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** Resolves with the n-th thing that arrives, from 1. */
  nth(n: number): Promise<Received>;
}

/** The status and body to answer with; `never` leaves the sender waiting. */
type Answer = (
  received: Received,
  n: number,
) => { readonly status: number; readonly body?: string } | 'never';

const WAIT_MS = 50_000;

export async function receiver(answer: Answer = () => ({ status: 204 })): Promise<Receiver> {
  const received: Received[] = [];
  const waiting: { readonly n: number; readonly resolve: (one: Received) => void }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const one = { path: request.url ?? '/', headers: request.headers, body };
      received.push(one);
      const said = answer(one, received.length);
      if (said !== 'never') response.writeHead(said.status).end(said.body);
      for (const { n, resolve } of waiting) if (n === received.length) resolve(one);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    received,
    nth: (n) => {
      const past = received[n - 1];
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((resolve, reject) => {
        waiting.push({ n, resolve });
        AbortSignal.timeout(WAIT_MS).addEventListener('abort', () => {
          reject(new Error(`${received.length} of ${n} arrived`));
        });
      });
    },
  };
}
