/**
 * The door for workers on other machines: `/v1/work` of `runtime.fetch`, for those who bring the token.
 *
 * Owns: nothing. Callers: runtime.ts. Invariants: those of worker-routes.ts; and
 *  1  The token is looked at before the path and the body, and is in no answer and no log line.
 *  2  Only the routes of workers are served: nobody lists, cancels or schedules by it.
 *  3  It never rejects, and reads at most `limits.controlBodyBytesMax` in `limits.hookBodyTimeoutMs`.
 */
import { Hono } from 'hono';
import { boundedBody } from '../actors/index.js';
import type { Clock } from '../clock.js';
import { HoldfastError, isHoldfastError } from '../errors.js';
import type { WorkFace } from '../index.js';
import { limits } from '../limits.js';
import type { Logger } from '../log.js';
import { failure } from './answer.js';
import { bringsToken } from './bearer.js';
import { errorToWire } from './wire.js';
import { workerRoutes } from './worker-routes.js';

export interface WorkDoorOptions {
  readonly work: WorkFace;
  readonly token: string;
  /** What the public URL has before `/v1`; a proxy may cut it off. */
  readonly publicUrl: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

export class WorkDoor {
  readonly #options: WorkDoorOptions;
  readonly #prefix: string;
  readonly #app: Hono;
  readonly #closing = new AbortController();

  constructor(options: WorkDoorOptions) {
    const { work, clock, log, publicUrl } = options;
    this.#options = options;
    this.#prefix = publicUrl === undefined ? '' : new URL(publicUrl).pathname.replace(/\/+$/, '');
    const app = new Hono({ getPath: (request) => this.#pathOf(request) });
    app.use(async (c, next) => {
      await next();
      if (this.#closing.signal.aborted) c.header('connection', 'close');
    });
    app.notFound((c) =>
      failure(
        c,
        new HoldfastError('INVALID_INPUT', `workers are not served ${c.req.method} ${c.req.path}`),
        404,
      ),
    );
    app.onError((error, c) => {
      if (!isHoldfastError(error)) log.error({ err: error, path: c.req.path }, 'work.door.failed');
      return failure(c, error);
    });
    workerRoutes(app, { work, clock, log, closing: this.#closing.signal });
    this.#app = app;
  }

  /** Undefined: this is not a matter of work. */
  fetch(request: Request): Promise<Response> | undefined {
    const path = this.#pathOf(request);
    return path === '/v1/work' || path.startsWith('/v1/work/') ? this.#answer(request) : undefined;
  }

  /** Claims that wait are answered now, with nothing. */
  close(): void {
    this.#closing.abort();
  }

  async #answer(request: Request): Promise<Response> {
    const { token, clock } = this.#options;
    if (!bringsToken(request.headers.get('authorization'), token)) {
      return refusal(401, new HoldfastError('CONTROL_REFUSED', 'the token is missing or wrong'));
    }
    const { url, method, headers, signal } = request;
    if (method !== 'POST') return this.#app.fetch(new Request(url, { method, headers, signal }));
    const bounds = { bytesMax: limits.controlBodyBytesMax, timeoutMs: limits.hookBodyTimeoutMs, clock };
    const body = await boundedBody(request, bounds);
    if (typeof body !== 'number') return this.#app.fetch(new Request(url, { method, headers, signal, body }));
    return refusal(body, new HoldfastError('INVALID_INPUT', `the body ${REFUSED[body] ?? 'cannot be read'}`));
  }

  #pathOf({ url }: Request): string {
    const path = new URL(url).pathname;
    return path.startsWith(`${this.#prefix}/v1/work`) ? path.slice(this.#prefix.length) : path;
  }
}

const REFUSED: Readonly<Record<number, string>> = {
  400: 'is missing or was cut off',
  408: 'took too long',
  413: `is larger than ${limits.controlBodyBytesMax} bytes`,
};

function refusal(status: number, error: HoldfastError): Response {
  const headers = {
    'content-type': 'application/json',
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
  };
  return new Response(JSON.stringify({ error: errorToWire(error) }), { status, headers });
}
