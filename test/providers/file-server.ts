/**
 * A server of one file that knows ranges, and what it does wrong when told to.
 *
 * Callers: the tests of downloads. Invariant: without a mischief it does what RFC 9110 says.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { listen, type LocalServer } from './local-server.js';

export interface FileServer {
  file: Buffer;
  /** Undefined: none is sent. */
  etag: string | undefined;
  /** Other headers of every answer with bytes. */
  headers: Readonly<Record<string, string>>;
  /** Called first; true when it has answered. */
  mischief: (request: IncomingMessage, response: ServerResponse, count: number) => boolean;
  readonly url: string;
  readonly server: LocalServer;
  /** `Range` of every request so far, in order. */
  readonly ranges: () => readonly (string | undefined)[];
}

export const etagOf = (bytes: Buffer): string =>
  `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`;

export async function serveFile(file: Buffer): Promise<FileServer> {
  const server = await listen((request, response) => {
    if (served.mischief(request, response, server.received.length)) return;
    send(served, request, response);
  });
  const served: FileServer = {
    file,
    etag: etagOf(file),
    headers: {},
    mischief: () => false,
    url: server.url,
    server,
    ranges: () => server.received.map(({ headers }) => headers.range),
  };
  return served;
}

/** Answers as it should; `until`: the connection is cut after so many bytes of the body. */
export function send(
  served: FileServer,
  request: IncomingMessage,
  response: ServerResponse,
  until = Infinity,
): void {
  const { file, etag, headers } = served;
  const told = { ...(etag === undefined ? {} : { etag }), ...headers };
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  const condition = request.headers['if-range'];
  const isSame = condition === etag || condition === headers['last-modified'];
  if (asked === undefined || !isSame) {
    cut(response.writeHead(200, { ...told, 'content-length': file.byteLength }), file, until);
    return;
  }
  const start = Number(asked);
  if (start >= file.byteLength) {
    response.writeHead(416, { 'content-range': `bytes */${file.byteLength}` }).end();
    return;
  }
  const rest = file.subarray(start);
  const range = `bytes ${start}-${file.byteLength - 1}/${file.byteLength}`;
  cut(
    response.writeHead(206, { ...told, 'content-range': range, 'content-length': rest.byteLength }),
    rest,
    until,
  );
}

function cut(response: ServerResponse, body: Buffer, until: number): void {
  if (until >= body.byteLength) response.end(body);
  else response.write(body.subarray(0, until), () => response.destroy());
}
