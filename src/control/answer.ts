/**
 * How routes answer, and read what they were asked.
 *
 * Callers: routes.ts and the other routes, the inspector. Invariant: no answer holds the inside of an
 * unexpected error.
 */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { isHoldfastError } from '../errors.js';
import { jsonBody } from './input.js';
import { statusOf } from './status.js';
import { errorToWire, toWire } from './wire.js';

export async function bodyOf(c: Context): Promise<unknown> {
  return jsonBody(await c.req.text());
}

export function reply(c: Context, value: unknown, status: ContentfulStatusCode = 200): Response {
  return respond(c, toWire(value), status);
}

export function failure(c: Context, error: unknown, status?: ContentfulStatusCode): Response {
  const fallback = isHoldfastError(error) ? statusOf(error.code) : 500;
  return respond(c, { error: errorToWire(error) }, status ?? fallback);
}

/**
 * Answers with what has the wire's names already. Text, not `c.json`: what is in a job is JSON already, and
 * its types are not worth proving to the framework.
 */
export function respond(c: Context, value: unknown, status: ContentfulStatusCode = 200): Response {
  return c.body(JSON.stringify(value), status, { 'content-type': 'application/json' });
}

/** An error as a response of its own, where no route was come to. */
export function errorResponse(error: unknown, status?: number): Response {
  const fallback = isHoldfastError(error) ? statusOf(error.code) : 500;
  const headers = { 'content-type': 'application/json' };
  return new Response(JSON.stringify({ error: errorToWire(error) }), { status: status ?? fallback, headers });
}
