/**
 * The routes of those who look after work: listings, retries, cancels, schedules.
 *
 *   GET  /v1/work   /v1/work/counts
 *   POST /v1/work/{retry,cancel,reclaim}  POST   /v1/work/:id/{retry,cancel}
 *   GET  /v1/schedules                    GET    /v1/schedules/:name   /v1/schedules/:name/history
 *   PUT  /v1/schedules/:name              DELETE /v1/schedules/:name
 *   POST /v1/schedules/:name/{pause,resume,trigger}
 *
 * A name stands in a path URL-encoded.
 *
 * Owns: nothing. Callers: routes.ts. Invariants: those of routes.ts; and payloads pass as they are.
 */
import type { Hono } from 'hono';
import type { ScheduleOptions, ScheduleView, WorkFace, WorkSelection } from '../index.js';
import { bodyOf, respond } from './answer.js';
import { pageWire, same } from './codec.js';
import { accepted, emptyBody, listingQuery } from './input.js';
import { workAt } from './work-acts.js';
import { reclaimBody, workQuery } from './work-input.js';
import type { WorkActs } from './work-port.js';
import {
  bulkWire,
  itemsWire,
  scheduleOptionsWire,
  scheduleRunWire,
  scheduleWire,
  selectionWire,
  workCountsWire,
  workItemWire,
} from './work-wire.js';

export function workRoutes(app: Hono, face: WorkFace): void {
  const work = workAt(face);
  const bulk = { retry: work.retryMany, cancel: work.cancelMany } as const;
  app.get('/v1/work', async (c) =>
    respond(c, pageWire(workItemWire).toWire(await work.list(accepted(workQuery, c.req.query())))),
  );
  app.get('/v1/work/counts', async (c) => respond(c, workCountsWire.toWire(await work.counts())));
  app.post('/v1/work/reclaim', async (c) => {
    const { nowMs } = accepted(reclaimBody, await bodyOf(c));
    return respond(c, itemsWire(same).toWire({ items: await face.reclaimStale(nowMs) }));
  });
  for (const what of ['retry', 'cancel'] as const) {
    app.post(`/v1/work/${what}`, async (c) => {
      const selection = selectionWire.fromWire(await bodyOf(c), '') as WorkSelection;
      return respond(c, bulkWire.toWire(await bulk[what](selection)));
    });
    app.post(`/v1/work/:id/${what}`, async (c) => {
      accepted(emptyBody, await bodyOf(c));
      return respond(c, workItemWire.toWire(await work[what](c.req.param('id') ?? '')));
    });
  }
  scheduleRoutes(app, work);
}

function scheduleRoutes(app: Hono, work: WorkActs): void {
  const one = '/v1/schedules/:name';
  app.get('/v1/schedules', async (c) => {
    const found = await work.schedules(accepted(listingQuery, c.req.query()));
    return respond(c, pageWire(scheduleWire).toWire(found));
  });
  app.get(one, async (c) => respond(c, scheduleWire.toWire(await work.schedule(c.req.param('name')))));
  app.put(one, async (c) => {
    const options = scheduleOptionsWire.fromWire(await bodyOf(c), '') as ScheduleOptions;
    return respond(c, scheduleWire.toWire(await work.setSchedule(c.req.param('name'), options)));
  });
  app.delete(one, async (c) => {
    await work.removeSchedule(c.req.param('name'));
    return respond(c, {});
  });
  app.get(`${one}/history`, async (c) => {
    const items = await work.scheduleHistory(c.req.param('name'));
    return respond(c, itemsWire(scheduleRunWire).toWire({ items }));
  });
  const acts: Readonly<Record<string, (name: string) => Promise<ScheduleView>>> = {
    pause: work.pauseSchedule,
    resume: work.resumeSchedule,
    trigger: work.triggerSchedule,
  };
  for (const [what, act] of Object.entries(acts)) {
    app.post(`${one}/${what}`, async (c) => {
      accepted(emptyBody, await bodyOf(c));
      return respond(c, scheduleWire.toWire(await act(c.req.param('name') ?? '')));
    });
  }
}
