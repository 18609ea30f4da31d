/**
 * The inspector: a page that shows actors, as a handler of requests in anybody's server.
 *
 * Owns: the drawings it keeps. Callers: the assembly, the CLI; users through `runtime.inspector`. Invariants:
 *  1  Nothing is read or done for a request that the gate refuses (gate.ts).
 *  2  It asks its data of `api` alone, and of that only the routes of api-routes.ts.
 *  3  Without `allowActions` nothing that is asked through it changes anything.
 *  4  `fetch` never rejects, and each answer says to the browser what its page may load: nothing from
 *     elsewhere.
 */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { boundedBody } from '../actors/index.js';
import type { Clock } from '../clock.js';
import { errorResponse, jsonBody } from '../control/index.js';
import { HoldfastError, isHoldfastError } from '../errors.js';
import { isPlainObject } from '../json.js';
import { limits } from '../limits.js';
import type { Logger } from '../log.js';
import { apiRoute, type ApiRoute } from './api-routes.js';
import { ChartPictures } from './chart-pictures.js';
import { Gate, type Knock } from './gate.js';
import { OpenStreams } from './open-streams.js';
import type { CheckedOptions } from './options.js';
import { pageFile } from './page-files.js';
import { Receivers } from './receivers.js';
import { shielded } from './shield.js';

/** What `runtime.inspector` returns. */
export interface Inspector {
  /** What to open, below the origin that it is served at: `/inspector/?token=…`. */
  readonly path: string;
  /** Answers everything below `basePath`; 404 for what is not its own. It never rejects. */
  fetch(request: Request): Promise<Response>;
  /**
   * For the `upgrade` event of your server: Stately's frames as messages, at `v1/stately`. It never
   * throws.
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends its streams; what is asked then is RUNTIME_CLOSED. Harmless when repeated. */
  close(): void;
}

export interface InspectorParts extends CheckedOptions {
  /** Serves `/v1/...`; what it throws is told. */
  readonly api: (request: Request) => Promise<Response>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether anybody runs the directory. */
  readonly live: boolean;
  /** What is looked at: the directory's last name. */
  readonly name: string;
  /** Called when it is closed, each time. */
  readonly closed?: () => void;
  /** Where the built page is; default: the package's own. */
  readonly page?: string;
}

export function createInspector(parts: InspectorParts): Inspector {
  return new OpenInspector(parts);
}

const MANIFEST = new URL('../../package.json', import.meta.url);
const JSON_TYPE = /^application\/json\s*(;|$)/i;

class OpenInspector implements Inspector {
  readonly path: string;
  readonly #parts: InspectorParts;
  readonly #gate: Gate;
  readonly #pictures: ChartPictures;
  readonly #receivers: Receivers;
  readonly #streams = new OpenStreams();
  #isClosed = false;

  constructor(parts: InspectorParts) {
    const { token, hosts, basePath, port, clock, log } = parts;
    this.#parts = parts;
    this.path = `${basePath}/?token=${token}`;
    this.#gate = new Gate({ token, hosts, basePath, port });
    const frames = (request: Request): Promise<Response> => this.#ask(request);
    this.#receivers = new Receivers({ gate: this.#gate, frames, basePath, clock, log });
    const charts = (path: string): Promise<Response> =>
      this.#ask(new Request(new URL(path, 'http://localhost')));
    this.#pictures = new ChartPictures(charts, clock);
  }

  async fetch(request: Request): Promise<Response> {
    try {
      return shielded(await this.#answer(request));
    } catch (error) {
      const { log } = this.#parts;
      if (!isHoldfastError(error)) log.error({ err: error }, 'inspector.failed');
      return shielded(errorResponse(error));
    }
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#receivers.upgrade(request, socket, head);
  }

  close(): void {
    this.#isClosed = true;
    this.#streams.close();
    this.#receivers.close();
    this.#pictures.close();
    this.#parts.closed?.();
  }

  async #answer(request: Request): Promise<Response> {
    if (this.#isClosed) throw new HoldfastError('RUNTIME_CLOSED', 'the inspector is closed');
    const { basePath, page } = this.#parts;
    const { method, headers } = request;
    const url = new URL(request.url);
    const knock: Knock = { url, header: (name) => headers.get(name) ?? undefined };
    const isInside = url.pathname === basePath || url.pathname.startsWith(`${basePath}/`);
    const path = url.pathname.slice(basePath.length);
    const isEntrance = isInside && method === 'GET' && (path === '' || path === '/');
    const refusal = this.#gate.refusal(knock, isEntrance);
    if (refusal !== undefined) return errorResponse(refusal.error, refusal.status);
    const nothing = new HoldfastError('INVALID_INPUT', `the inspector has no ${method} ${url.pathname}`);
    if (!isInside) return errorResponse(nothing, 404);
    const route = apiRoute(path);
    if (route !== undefined) {
      if (method !== route.method) return errorResponse(nothing, 405);
      // The data's own door gives capsules with their secrets, too, to who asks for that.
      if (url.searchParams.has('redact'))
        return errorResponse(new HoldfastError('INVALID_INPUT', '"redact": is not known here'));
      return this.#passOn(request, `${path}${url.search}`, route);
    }
    if (method === 'POST' && path === '/chart.svg') {
      const body = await this.#bodyOf(request, limits.controlBodyBytesMax);
      return body instanceof Response ? body : this.#pictures.given(request, jsonBody(body));
    }
    if (method !== 'GET') return errorResponse(nothing, 405);
    // Its files are named from the page's own place, which ends with a slash.
    if (path === '')
      return new Response(null, { status: 308, headers: { location: `${basePath}/${url.search}` } });
    if (path === '/config.json') return this.#config();
    if (path === '/chart.svg') return this.#pictures.named(request, url.searchParams);
    const file = await pageFile(request, path === '/' ? 'index.html' : path.slice(1), page);
    if (isEntrance) file?.headers.append('set-cookie', this.#gate.cookie(knock));
    return file ?? errorResponse(nothing, 404);
  }

  async #passOn(request: Request, target: string, route: ApiRoute): Promise<Response> {
    const { allowActions } = this.#parts;
    if (route.acts && !allowActions)
      return errorResponse(new HoldfastError('ACTION_FORBIDDEN', 'this inspector only looks'));
    const range = request.headers.get('range');
    const given = route.method === 'GET' ? undefined : await this.#bodyOf(request, route.bodyBytesMax);
    if (given instanceof Response) return given;
    const body = route.acts && given !== undefined ? this.#signed(given) : given;
    return this.#ask(
      new Request(new URL(target, 'http://localhost'), {
        method: route.method,
        headers: {
          ...(range !== null && { range }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body }),
        signal: request.signal,
      }),
      request,
    );
  }

  /** Its text, or the refusal of it. A form of another site cannot say that it is JSON. */
  async #bodyOf(request: Request, bytesMax: number): Promise<string | Response> {
    const wrong = (why: string, status: number): Response =>
      errorResponse(new HoldfastError('INVALID_INPUT', why), status);
    if (!JSON_TYPE.test(request.headers.get('content-type') ?? ''))
      return wrong('the body is not application/json', 415);
    const { clock } = this.#parts;
    const body = await boundedBody(request, { bytesMax, timeoutMs: limits.hookBodyTimeoutMs, clock });
    if (typeof body !== 'number') return Buffer.from(body).toString('utf8');
    return wrong(
      body === 413 ? `the body is larger than ${bytesMax} bytes` : 'the body cannot be read',
      body,
    );
  }

  /** Under the operator's name: the inspector's own where it has one. */
  #signed(text: string): string {
    const body = jsonBody(text);
    if (!isPlainObject(body)) throw new HoldfastError('INVALID_INPUT', 'the body is not an object');
    const { operator = body['operator'] ?? 'inspector' } = this.#parts;
    return JSON.stringify({ ...body, operator });
  }

  /** `asker`: whose going ends what is asked. */
  async #ask(request: Request, asker = request): Promise<Response> {
    const answer = this.#streams.of(asker, await this.#parts.api(request));
    // It may have been closed while it was asked.
    if (this.#isClosed) this.#streams.close();
    return answer;
  }

  async #config(): Promise<Response> {
    const { allowActions, live, name } = this.#parts;
    const manifest = JSON.parse(await readFile(MANIFEST, 'utf8')) as { readonly version: string };
    const config = { allowActions, live, name, version: manifest.version };
    return new Response(JSON.stringify(config), { headers: { 'content-type': 'application/json' } });
  }
}
