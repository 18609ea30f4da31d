/**
 * The routes of workers in other processes: enqueue, claim, and end what was claimed.
 *
 *   POST /v1/work                         POST /v1/work/{claim,heartbeat,done,fail,requeue}
 *   GET  /v1/work/:id
 *
 * Owns: nothing. Callers: routes.ts, work-door.ts. Invariants: those of routes.ts; and
 *  1  A claim waits for its caller alone: it is given back at once where the caller is gone before it has the
 *     whole answer. A caller that is gone later loses it when its time is over.
 *  2  Payloads and results pass as they are.
 */
import type { Context, Hono } from 'hono';
import type { Clock } from '../clock.js';
import { isHoldfastError } from '../errors.js';
import type { ClaimedWork, NewWork, WorkFace } from '../index.js';
import { isPlainObject } from '../json.js';
import type { Logger } from '../log.js';
import { bodyOf, respond } from './answer.js';
import { accepted } from './input.js';
import { workAt } from './work-acts.js';
import { claimBody, doneFrom, failureFrom, heartbeatBody, requeueBody } from './work-input.js';
import {
  claimedWorkWire,
  enqueuedWorkWire,
  heldWire,
  itemsWire,
  newWorkWire,
  workItemWire,
} from './work-wire.js';

export interface WorkerDoor {
  readonly work: WorkFace;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when the door closes: claims that wait end at once. */
  readonly closing: AbortSignal;
}

export function workerRoutes(app: Hono, door: WorkerDoor): void {
  const { work } = door;
  app.post('/v1/work', async (c) => enqueue(c, work));
  app.post('/v1/work/claim', async (c) => {
    const items = await claimed(c, door);
    giveBackWhenGone(c, door, items);
    return respond(c, itemsWire(claimedWorkWire).toWire({ items }));
  });
  app.post('/v1/work/heartbeat', async (c) => {
    const { token, ttlMs } = accepted(heartbeatBody, await bodyOf(c));
    const expiresAt = await work.heartbeat(token, ttlMs === undefined ? {} : { ttlMs });
    return respond(c, heldWire.toWire({ expiresAt }));
  });
  app.post('/v1/work/done', async (c) => {
    const { token, result } = doneFrom(await bodyOf(c));
    await work.done(token, result);
    return respond(c, {});
  });
  app.post('/v1/work/fail', async (c) => {
    const { token, error, options } = failureFrom(await bodyOf(c));
    await work.fail(token, error, options);
    return respond(c, {});
  });
  app.post('/v1/work/requeue', async (c) => {
    await work.requeue(accepted(requeueBody, await bodyOf(c)).token);
    return respond(c, {});
  });
  app.get('/v1/work/:id', async (c) => respond(c, workItemWire.toWire(await work.get(c.req.param('id')))));
}

/** One item, or `{items}`. The façade checks what is in them: what it takes is `unknown` until then. */
async function enqueue(c: Context, work: WorkFace): Promise<Response> {
  const body = await bodyOf(c);
  if (isPlainObject(body) && 'items' in body) {
    const { items } = itemsWire(newWorkWire).fromWire(body, '') as { readonly items: readonly NewWork[] };
    return respond(c, itemsWire(enqueuedWorkWire).toWire({ items: await work.enqueueMany(items) }), 201);
  }
  const enqueued = await workAt(work).enqueue(newWorkWire.fromWire(body, '') as NewWork);
  return respond(c, enqueuedWorkWire.toWire(enqueued), enqueued.deduplicated ? 200 : 201);
}

/** What is ready, or the first item that becomes so while the caller waits. */
async function claimed(c: Context, door: WorkerDoor): Promise<readonly ClaimedWork[]> {
  const { work, clock, closing } = door;
  const { kinds, max, waitMs, workerId, ttlMs } = accepted(claimBody, await bodyOf(c));
  const options = ttlMs === undefined ? { workerId } : { workerId, ttlMs };
  const ready = await work.claimMany(kinds, max, options);
  if (ready.length > 0 || waitMs === 0) return ready;
  const patience = new AbortController();
  const cancel = clock.schedule(waitMs, () => patience.abort());
  const signal = AbortSignal.any([patience.signal, closing, c.req.raw.signal]);
  try {
    const item = await work.claimWhenReady(kinds, { ...options, signal });
    return item === undefined ? [] : [item];
  } finally {
    cancel();
  }
}

/** The signal of a request fires when its connection ends before the answer was written. */
function giveBackWhenGone(c: Context, { work, log }: WorkerDoor, items: readonly ClaimedWork[]): void {
  const { signal } = c.req.raw;
  const giveBack = (): void => {
    for (const { id, token } of items) {
      work.requeue(token).catch((error: unknown) => {
        // Ended by its holder after all, or taken away meanwhile: nothing is to be given back.
        if (!isHoldfastError(error, 'STALE_CLAIM')) log.warn({ err: error, workId: id }, 'work.kept');
      });
    }
  };
  if (signal.aborted) giveBack();
  else if (items.length > 0) signal.addEventListener('abort', giveBack, { once: true });
}
