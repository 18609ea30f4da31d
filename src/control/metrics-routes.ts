/**
 * The route that scrapers of Prometheus read.
 *
 *   GET  /metrics
 *
 * Owns: nothing. Callers: routes.ts, the inspector. Invariant: it changes nothing, and has no text of a
 * user's but names: of kinds, states, sources, channels and types of events.
 */
import type { Hono } from 'hono';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';

/** Serves what `metrics` gives, as text. */
export function metricsRoutes(app: Hono, runtime: { metrics(): Promise<string> }): void {
  app.get('/metrics', async (c) => {
    const text = await runtime.metrics();
    return c.body(text, 200, { 'content-type': TEXT, 'cache-control': 'no-store' });
  });
}
