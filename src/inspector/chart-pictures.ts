/**
 * Charts, drawn once for each structure.
 *
 * Owns: the drawings that are kept, and the thread that draws. Callers: inspector.ts. Invariants:
 *  1  At most `limits.inspectorChartsMax` are kept, those that were asked for last.
 *  2  This thread lays nothing out: it has agents to run. The one that does ends when it has had nothing to
 *     do.
 *  3  A chart that is being drawn is drawn once, whoever asks; what failed is not kept.
 *  4  Once closed it leaves no timer, whatever was being drawn: a timer would keep the process.
 */
import { errorFromWire } from '../control/index.js';
import type { Clock } from '../clock.js';
import { chartModel, engineThread, layoutOf, svgOf, type EngineThread } from '../drawing/index.js';
import { HoldfastError } from '../errors.js';
import { sha256Hex } from '../ids.js';
import { isPlainObject, type JsonObject } from '../json.js';
import { limits } from '../limits.js';

const KEY = ['kind', 'version', 'hash'] as const;

export class ChartPictures {
  /** Serves `/v1/charts`. */
  readonly #ask: (path: string) => Promise<Response>;
  readonly #drawn = new Map<string, Promise<string>>();

  readonly #clock: Clock;
  readonly #engine: EngineThread;
  #cancelRest = (): void => undefined;
  #isClosed = false;

  constructor(ask: (path: string) => Promise<Response>, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
    this.#engine = engineThread(clock, limits.inspectorDrawingTimeoutMs);
  }

  /** Ends the thread. */
  close(): void {
    this.#isClosed = true;
    this.#cancelRest();
    this.#engine.close();
  }

  /** The chart of a kind; the newest, unless version and hash name one, which then never changes. */
  async named(request: Request, query: URLSearchParams): Promise<Response> {
    const given = KEY.flatMap((name) => query.getAll(name).map((value) => [name, value] as [string, string]));
    const path = `/v1/charts?${new URLSearchParams(given).toString()}`;
    if (KEY.every((name) => query.has(name))) {
      const svg = await this.#picture(path, async () => (await this.#chart(path)).config);
      return picture(request, svg, 'private, max-age=31536000, immutable');
    }
    const { config, key } = await this.#chart(path);
    return picture(request, await this.#picture(key, async () => config), 'no-cache');
  }

  /** Of a config that somebody brought: a capsule's. Throws INVALID_INPUT. */
  async given(request: Request, body: unknown): Promise<Response> {
    const config = isPlainObject(body) ? body['config'] : undefined;
    if (!isPlainObject(config)) throw new HoldfastError('INVALID_INPUT', '"config": is not an object');
    const key = `given ${sha256Hex(JSON.stringify(config))}`;
    return picture(request, await this.#picture(key, async () => config as JsonObject), 'no-store');
  }

  async #chart(path: string): Promise<{ readonly config: JsonObject; readonly key: string }> {
    const body: unknown = await (await this.#ask(path)).json();
    const error = errorFromWire(body);
    if (error !== undefined) throw error;
    if (!isPlainObject(body) || !isPlainObject(body['config']))
      throw new HoldfastError('CONTROL_FAILED', 'the answer is not of the form this version knows');
    // The process that answers has checked what it keeps.
    return { config: body['config'] as JsonObject, key: KEY.map((name) => body[name]).join('\n') };
  }

  #picture(key: string, config: () => Promise<JsonObject>): Promise<string> {
    const known = this.#drawn.get(key);
    this.#drawn.delete(key);
    const drawn = known ?? this.#draw(key, config);
    this.#drawn.set(key, drawn);
    for (const oldest of this.#drawn.keys()) {
      if (this.#drawn.size <= limits.inspectorChartsMax) break;
      this.#drawn.delete(oldest);
    }
    return drawn;
  }

  async #draw(key: string, config: () => Promise<JsonObject>): Promise<string> {
    try {
      return svgOf(await layoutOf(chartModel(await config()), 'DOWN', this.#engine));
    } catch (error) {
      this.#drawn.delete(key);
      throw error;
    } finally {
      this.#cancelRest();
      if (!this.#isClosed)
        this.#cancelRest = this.#clock.schedule(limits.inspectorDrawerIdleMs, () => this.#engine.close());
    }
  }
}

function picture(request: Request, svg: string, kept: string): Response {
  const etag = `"${sha256Hex(svg).slice(0, 32)}"`;
  const headers = { etag, 'content-type': 'image/svg+xml', 'cache-control': kept };
  const isKnown = request.headers.get('if-none-match') === etag;
  return new Response(isKnown ? null : svg, { status: isKnown ? 304 : 200, headers });
}
