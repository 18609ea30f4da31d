/**
 * The routes of the control door: HTTP in, calls to the runtime out, JSON back.
 *
 *   GET  /v1/runtime                      POST /v1/jobs   /v1/jobs/track
 *   GET  /v1/jobs   /v1/jobs/:id          POST /v1/jobs/:id/{cancel,retry,adopt,resubmit}
 *   GET  /v1/jobs/:id/wait                POST /v1/deliveries/:id/retry
 *   GET  /v1/deliveries                   and those of provider-routes.ts
 *   GET  /v1/quarantine  /actor           POST /v1/quarantine/{resume,skip,dismiss}
 *   GET  /v1/actors/capsule               POST /v1/backup
 *   GET  /v1/counts                       and those of session-routes.ts, task-routes.ts, work-routes.ts,
 *                                         worker-routes.ts, inspection-routes.ts, metrics-routes.ts
 *
 * Owns: nothing. Callers: server.ts. Invariants:
 *  1  What is wrong with a request is said before anything is done, as `{error: {code, message, details}}`.
 *  2  A 2xx is sent after the commit of what it tells of.
 *  3  No answer holds the inside of an unexpected error; the log has it.
 */
import { Hono, type Context, type Next } from 'hono';
import { veiled } from '../actors/index.js';
import type { Clock } from '../clock.js';
import { HoldfastError, isHoldfastError } from '../errors.js';
import type { JobHandle, SubmitRequest, TrackRequest } from '../index.js';
import { limits } from '../limits.js';
import type { Logger } from '../log.js';
import { bodyOf, failure, reply } from './answer.js';
import { bringsToken } from './bearer.js';
import {
  accepted,
  actorQuery,
  adoptBody,
  capsuleQuery,
  backupBody,
  cancelBody,
  deliveriesQuery,
  emptyBody,
  jobsQuery,
  operatorBody,
  quarantineQuery,
  waitQuery,
} from './input.js';
import { inspectionRoutes } from './inspection-routes.js';
import { metricsRoutes } from './metrics-routes.js';
import { OPERATIONS, type ControlledRuntime } from './port.js';
import { providerRoutes } from './provider-routes.js';
import { sessionRoutes } from './session-routes.js';
import { taskRoutes } from './task-routes.js';
import { fromWire } from './wire.js';
import { workRoutes } from './work-routes.js';
import { workerRoutes } from './worker-routes.js';

/** What a caller over loopback must show; over the socket, the file's mode decides who may call. */
export interface Guard {
  readonly token: string;
  /** The values of `Host` that are the server's own: a page that rebinds its name has another. */
  readonly hosts: () => readonly string[];
}

export interface RoutesOptions {
  readonly runtime: ControlledRuntime;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when the server closes: long polls end, connections are not kept. */
  readonly closing: AbortSignal;
  readonly guard?: Guard;
}

export function controlRoutes(options: RoutesOptions): Hono {
  const { runtime, clock, log, closing, guard } = options;
  const app = new Hono();
  app.use(async (c, next) => {
    if (guard !== undefined) admit(c, guard);
    await next();
    if (closing.aborted) c.header('connection', 'close');
  });
  app.use((c, next) => bounded(c, next));
  app.notFound((c) =>
    failure(c, new HoldfastError('INVALID_INPUT', `there is no ${c.req.method} ${c.req.path}`), 404),
  );
  app.onError((error, c) => {
    if (!isHoldfastError(error)) log.error({ err: error, path: c.req.path }, 'control.failed');
    return failure(c, error);
  });
  app.get('/v1/runtime', (c) => reply(c, { status: runtime.status, directory: runtime.directory }));
  app.get('/v1/counts', (c) => reply(c, { items: runtime.counts() }));
  app.get('/v1/actors/capsule', async (c) => {
    const { address, redact } = accepted(capsuleQuery, c.req.query());
    return reply(c, { capsule: await runtime.export(address, redact === false ? { redact } : {}) });
  });
  app.post('/v1/backup', async (c) => {
    const { directory } = accepted(backupBody, await bodyOf(c));
    // Who asked and is gone wants it no more.
    return reply(c, await runtime.backup(directory, { signal: c.req.raw.signal }));
  });
  jobRoutes(app, options);
  otherRoutes(app, runtime);
  providerRoutes(app, runtime);
  quarantineRoutes(app, runtime);
  sessionRoutes(app, runtime.sessions);
  taskRoutes(app, runtime.tasks, { clock, closing });
  workRoutes(app, runtime.work);
  workerRoutes(app, { work: runtime.work, clock, log, closing });
  inspectionRoutes(app, { inspection: runtime.inspection, clock, closing });
  metricsRoutes(app, runtime);
  return app;
}

function jobRoutes(app: Hono, options: RoutesOptions): void {
  const { jobs } = options.runtime;
  const created = async (c: Context, handle: JobHandle): Promise<Response> =>
    reply(c, await handle.view(), handle.deduplicated ? 200 : 201);
  const act = (name: string, run: (job: JobHandle, body: unknown) => Promise<void>): void => {
    app.post(`/v1/jobs/:id/${name}`, async (c) => {
      const id = c.req.param('id') ?? '';
      await run(jobs.get(id), await bodyOf(c));
      return reply(c, await jobs.view(id));
    });
  };

  // The façade checks the whole request itself: what it takes is `unknown` until then.
  app.post('/v1/jobs', async (c) =>
    created(c, await jobs.submit(fromWire(await bodyOf(c)) as SubmitRequest)),
  );
  app.post('/v1/jobs/track', async (c) =>
    created(c, await jobs.track(fromWire(await bodyOf(c)) as TrackRequest)),
  );
  app.get('/v1/jobs', async (c) => {
    const { session, ...filter } = accepted(jobsQuery, c.req.query());
    return reply(c, await jobs.list({ ...filter, sessionKey: session }));
  });
  app.get('/v1/jobs/:id', async (c) => reply(c, await jobs.view(c.req.param('id'))));
  app.get('/v1/jobs/:id/wait', (c) => wait(c, c.req.param('id'), options));
  act('cancel', (job, body) => job.cancel(accepted(cancelBody, body).reason));
  act('retry', (job, body) => {
    accepted(emptyBody, body);
    return job.retry();
  });
  act('adopt', (job, body) => {
    const { region, ...ref } = accepted(adoptBody, body).ref;
    return job.adopt(region === undefined ? ref : { ...ref, region });
  });
  act('resubmit', (job, body) => {
    accepted(emptyBody, body);
    return job.resubmit();
  });
}

function quarantineRoutes(app: Hono, { quarantine }: ControlledRuntime): void {
  app.get('/v1/quarantine', async (c) =>
    reply(c, veiled(await quarantine.list(accepted(quarantineQuery, c.req.query())))),
  );
  // An address has a slash, and may have anything else: it is no part of a path.
  app.get('/v1/quarantine/actor', async (c) =>
    reply(c, veiled(await quarantine.get(accepted(actorQuery, c.req.query()).address))),
  );
  for (const what of OPERATIONS) {
    app.post(`/v1/quarantine/${what}`, async (c) => {
      const { address, operator = 'control' } = accepted(operatorBody, await bodyOf(c));
      await quarantine[what](address, { operator });
      return reply(c, { address });
    });
  }
}

function otherRoutes(app: Hono, { deliveries }: ControlledRuntime): void {
  app.get('/v1/deliveries', async (c) =>
    reply(c, await deliveries.list(accepted(deliveriesQuery, c.req.query()))),
  );
  app.post('/v1/deliveries/:id/retry', async (c) => {
    const id = c.req.param('id');
    accepted(emptyBody, await bodyOf(c));
    await deliveries.retry(id);
    return reply(c, await deliveries.get(id));
  });
}

/** Answers when the job has settled or the time is over, with the job as it is then. */
async function wait(c: Context, id: string, options: RoutesOptions): Promise<Response> {
  const { runtime, clock, closing } = options;
  const { timeoutMs = limits.controlWaitMs } = accepted(waitQuery, c.req.query());
  const patience = new AbortController();
  const cancel = clock.schedule(timeoutMs, () => patience.abort());
  const signal = AbortSignal.any([patience.signal, closing, c.req.raw.signal]);
  try {
    return reply(c, await runtime.jobs.get(id).settled({ signal }));
  } catch (error) {
    if (closing.aborted)
      throw new HoldfastError('RUNTIME_CLOSED', 'the runtime is closing', { cause: error });
    if (!signal.aborted) throw error;
    return reply(c, await runtime.jobs.view(id));
  } finally {
    cancel();
  }
}

function admit(c: Context, { token, hosts }: Guard): void {
  if (!hosts().includes(c.req.header('host') ?? '')) {
    throw new HoldfastError('CONTROL_REFUSED', 'the Host header names another server');
  }
  if (!bringsToken(c.req.header('authorization'), token)) {
    throw new HoldfastError('CONTROL_REFUSED', 'the token is missing or wrong');
  }
}

/**
 * Refuses bodies that are too large, by the length they say: the parser of HTTP reads no more than that.
 * Hono's own `bodyLimit` makes a new request of what says none, a DELETE among them, and cannot make one of
 * ours.
 */
async function bounded(c: Context, next: Next): Promise<Response | undefined> {
  const { controlBodyBytesMax, inspectorCapsuleBytesMax } = limits;
  const bytesMax = c.req.path.startsWith('/v1/capsules/') ? inspectorCapsuleBytesMax : controlBodyBytesMax;
  if (c.req.header('transfer-encoding') !== undefined) {
    return failure(c, new HoldfastError('INVALID_INPUT', 'the body comes without its content-length'), 411);
  }
  if (Number(c.req.header('content-length') ?? 0) > bytesMax) {
    const message = `the body is larger than ${bytesMax} bytes`;
    return failure(c, new HoldfastError('INVALID_INPUT', message), 413);
  }
  await next();
  return undefined;
}
