/**
 * The routes of inspection by themselves: what an inspector asks in the process that has the actors.
 *
 * Owns: nothing. Callers: the inspector, through index.ts. Invariants: those of routes.ts and
 * inspection-routes.ts; a capsule leaves it without secrets.
 */
import { Hono } from 'hono';
import { HoldfastError, isHoldfastError } from '../errors.js';
import type { Capsule } from '../index.js';
import type { Logger } from '../log.js';
import { failure, reply } from './answer.js';
import { accepted, actorQuery } from './input.js';
import { inspectionRoutes, type InspectionRoutesOptions } from './inspection-routes.js';
import { metricsRoutes } from './metrics-routes.js';

export interface InspectionAppOptions extends InspectionRoutesOptions {
  readonly export: (address: string) => Promise<Capsule>;
  /** In Prometheus' format; see metrics-routes.ts. */
  readonly metrics: () => Promise<string>;
  readonly log: Logger;
}

/** Answers requests for `/v1/...`; it checks nobody's right to ask. */
export function inspectionApp(options: InspectionAppOptions): (request: Request) => Promise<Response> {
  const { log } = options;
  const app = new Hono();
  app.notFound((c) =>
    failure(c, new HoldfastError('INVALID_INPUT', `there is no ${c.req.method} ${c.req.path}`), 404),
  );
  app.onError((error, c) => {
    if (!isHoldfastError(error)) log.error({ err: error, path: c.req.path }, 'inspector.failed');
    return failure(c, error);
  });
  app.get('/v1/actors/capsule', async (c) => {
    const { address } = accepted(actorQuery, c.req.query());
    return reply(c, { capsule: await options.export(address) });
  });
  inspectionRoutes(app, options);
  metricsRoutes(app, options);
  return async (request) => app.fetch(request);
}
