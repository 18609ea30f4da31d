/**
 * The inspector in a server of your own: below `/inspector`, for those whom the server has let in.
 *
 * Nothing listens for it beside that server. test/inspector/embedded.test.ts runs it.
 */
import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Runtime } from 'holdfast';
import { Hono } from 'hono';

/** `isStaff` is your own check of who asks. */
export function serverOf(runtime: Runtime, isStaff: (request: Request) => boolean): Server {
  const inspector = runtime.inspector({
    basePath: '/inspector',
    hosts: ['agents.example.com'],
    allowActions: true,
  });
  const app = new Hono();
  // Who is let in gets the token once; from then on it is a cookie that only the inspector's pages send.
  app.get('/admin', (c) => (isStaff(c.req.raw) ? c.redirect(inspector.path) : c.text('not you', 403)));
  app.all('/inspector/*', (c) => inspector.fetch(c.req.raw));
  app.get('/', (c) => c.text('the rest of the app'));

  const listener = getRequestListener(app.fetch);
  const server = createServer((request, response) => void listener(request, response));
  // Frames for Stately's inspector, over WebSockets.
  server.on('upgrade', (request, socket, head) => inspector.upgrade(request, socket, head));
  return server;
}
