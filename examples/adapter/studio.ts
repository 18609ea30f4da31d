/** Brush, as its documentation has it, on a free port of this machine: for trying the adapter. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** One pixel, which is all it paints. */
const PAINTING = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

export interface Studio {
  readonly url: string;
  /** Paintings that were paid for, by whose reference. */
  readonly billed: readonly string[];
  close(): void;
}

export async function openStudio(): Promise<Studio> {
  const billed: string[] = [];
  const server = createServer((request, response) => void answer(request, response, billed));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, billed, close: () => server.close() };
}

async function answer(request: IncomingMessage, response: ServerResponse, billed: string[]): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://studio');
  const say = (status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  if (pathname === '/files/1.png') {
    response.writeHead(200, { 'content-type': 'image/png' }).end(PAINTING);
  } else if (request.headers.authorization !== 'Bearer any') {
    say(401, { reason: 'who are you?' });
  } else if (request.method === 'POST') {
    const { client_ref: key } = JSON.parse(await text(request)) as { readonly client_ref: string };
    billed.push(key);
    say(201, { id: `p${billed.length}`, state: 'wet' });
  } else if (searchParams.has('client_ref')) {
    say(200, { paintings: billed.map((key, index) => ({ id: `p${index + 1}`, client_ref: key })) });
  } else {
    const url = `http://${request.headers.host ?? ''}/files/1.png`;
    say(200, { id: pathname.split('/').at(-1), state: 'dry', url });
  }
}
