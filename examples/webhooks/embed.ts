/**
 * The hooks of a runtime inside a server that is there anyway: Hono's, and one of Node's own.
 *
 * Callers: docs/guide-webhooks.md shows it, test/runtime/webhooks-guide.test.ts runs it.
 */
import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { webhookChannel } from 'holdfast/channels';
import type { Channel } from 'holdfast/channels';
import type { Runtime } from 'holdfast';

export function inHono(runtime: Runtime): Hono {
  const app = new Hono();
  app.post('/hooks/*', (c) => runtime.fetch(c.req.raw));
  app.get('/', (c) => c.text('the rest of the app'));
  return app;
}

export function inNode(runtime: Runtime): Server {
  const hooks = getRequestListener((request) => runtime.fetch(request));
  return createServer((request, response) => {
    // Before anything that reads the body: a signature is over its bytes.
    if (request.url?.startsWith('/hooks/') === true) void hooks(request, response);
    else response.end('the rest of the app');
  });
}

export function signedChannel(url: string, secrets: readonly string[]): Channel {
  return webhookChannel({ url, signing: { secret: secrets } });
}
