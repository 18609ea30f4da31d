/**
 * The routes of sessions: their queues, their modes and their histories.
 *
 *   GET  /v1/sessions                        GET    /v1/sessions/:key   /history   /mode
 *   GET  /v1/sessions/:key/batches   /:id    POST   /v1/sessions/:key/batches   /messages   /resume
 *   PUT  /v1/sessions/:key/mode              DELETE /v1/sessions/:key/batches/:id
 *                                            POST   /v1/sessions/:key/batches/:id/retry
 *
 * A key stands in a path URL-encoded.
 *
 * Owns: nothing. Callers: routes.ts. Invariants: those of routes.ts; and what users named passes unchanged.
 */
import type { Context, Hono } from 'hono';
import type { Enqueued, ModeChange } from '../index.js';
import { bodyOf, reply, respond } from './answer.js';
import { pageWire } from './codec.js';
import { accepted, batchesQuery, emptyBody, historyQuery, listingQuery, modeQuery } from './input.js';
import { sessionsAt, type SessionsFace } from './session-acts.js';
import type { ControlSessions, MessageAsk } from './session-port.js';
import {
  batchWire,
  enqueuedWire,
  messageWire,
  modeChangeWire,
  sessionWire,
  settingsWire,
  workFrom,
} from './session-wire.js';

export function sessionRoutes(app: Hono, face: SessionsFace): void {
  const sessions = sessionsAt(face);
  const at = '/v1/sessions/:key';
  app.get('/v1/sessions', async (c) =>
    respond(c, pageWire(sessionWire).toWire(await sessions.list(accepted(listingQuery, c.req.query())))),
  );
  app.get(at, async (c) => respond(c, sessionWire.toWire(await sessions.view(c.req.param('key')))));
  app.get(`${at}/history`, async (c) => {
    const page = accepted(historyQuery, c.req.query());
    return reply(c, await sessions.history(c.req.param('key'), page));
  });
  app.get(`${at}/mode`, async (c) => {
    const { channel } = accepted(modeQuery, c.req.query());
    return respond(c, settingsWire.toWire(await sessions.mode(c.req.param('key'), channel)));
  });
  app.put(`${at}/mode`, async (c) => {
    const change = modeChangeWire.fromWire(await bodyOf(c), '') as ModeChange;
    return respond(c, settingsWire.toWire(await sessions.setMode(c.req.param('key'), change)));
  });
  app.post(`${at}/resume`, async (c) => {
    accepted(emptyBody, await bodyOf(c));
    return respond(c, sessionWire.toWire(await sessions.resume(c.req.param('key'))));
  });
  workRoutes(app, sessions);
}

function workRoutes(app: Hono, sessions: ControlSessions): void {
  const all = '/v1/sessions/:key/batches';
  const one = '/v1/sessions/:key/batches/:id';
  app.get(all, async (c) => {
    const found = await sessions.batches(c.req.param('key'), accepted(batchesQuery, c.req.query()));
    return respond(c, pageWire(batchWire).toWire(found));
  });
  app.post(all, async (c) => {
    const body = await bodyOf(c);
    return enqueued(c, await sessions.enqueue(c.req.param('key'), workFrom(body)));
  });
  app.post('/v1/sessions/:key/messages', async (c) => {
    const asked = messageWire.fromWire(await bodyOf(c), '') as MessageAsk;
    return enqueued(c, await sessions.message(c.req.param('key'), asked));
  });
  app.get(one, async (c) => {
    const { key, id } = c.req.param();
    return respond(c, batchWire.toWire(await sessions.batch(key, id)));
  });
  app.delete(one, async (c) => {
    const { key, id } = c.req.param();
    return respond(c, batchWire.toWire(await sessions.cancel(key, id)));
  });
  app.post(`${one}/retry`, async (c) => {
    const { key, id } = c.req.param();
    accepted(emptyBody, await bodyOf(c));
    return respond(c, batchWire.toWire(await sessions.retry(key, id)));
  });
}

function enqueued(c: Context, done: Enqueued): Response {
  return respond(c, enqueuedWire.toWire(done), done.deduplicated ? 200 : 201);
}
