/**
 * The provider simulator: an HTTP server on loopback that speaks to clients as OpenAI-videos and Kling do,
 * keeps a ledger of what it billed, and misbehaves by script.
 *
 *   /openai/v1      base URL of the OpenAI-videos protocol
 *   /kling          base URL of Kling; artifacts at signed links below /kling/artifacts
 *   /_simulator     health, ledger
 *
 * Owns: the server, the task table, the ledger and the signing key. Callers: the CLI, the demo, tests, users.
 * Invariants:
 *  D1  `close` resolves when every connection is gone, every exchange has ended and the ledger is closed.
 *  D2  After a failure of its own it serves nothing more, and `close` rejects with that failure.
 *  D3  Nothing is kept between two starts but the ledger file.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import { HoldfastError } from '../errors.js';
import { newId } from '../ids.js';
import { bounds } from './bounds.js';
import { jsonReply } from './dialect.js';
import type { Links, Reply, World } from './dialect.js';
import { Exchange } from './exchange.js';
import { FaultBook } from './faults.js';
import { dialects } from './dialects/index.js';
import { Ledger } from './ledger.js';
import type { LedgerEntry } from './ledger.js';
import { serve } from './pipeline.js';
import type { House, Matched } from './pipeline.js';
import { parseScript } from './script.js';
import type { Script, SimulatorScript } from './script.js';
import { TaskTable } from './tasks.js';

export interface SimulatorOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Entries are appended to this NDJSON file. Default: kept in memory alone. */
  readonly ledgerFile?: string;
  /** How tasks live and what goes wrong. Default: one poll queued, two running, then a success. */
  readonly script?: SimulatorScript;
  /** Decides artifacts, ranges and shares. Default 1. */
  readonly seed?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** What artifact links begin with. Default: `url`. */
  readonly publicUrl?: string;
}

export interface Simulator {
  /** `http://127.0.0.1:<port>`, without a slash at its end. */
  readonly url: string;
  readonly port: number;
  /** All entries so far, with those the ledger file held at the start. */
  ledger(): readonly LedgerEntry[];
  /** The first entry that matches, past or to come. Rejects when `signal` aborts. */
  waitForEntry(matches: (entry: LedgerEntry) => boolean, signal?: AbortSignal): Promise<LedgerEntry>;
  /** From the next request on; rule counters start anew, tasks that exist live on as they were. */
  setScript(script: SimulatorScript): void;
  /** Cuts every connection. Harmless when repeated. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a simulator. Throws `INVALID_INPUT` for a bad script and `INVALID_OPTIONS` for a port, host, seed or
 * ledger file that cannot be used.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { port = 0, host = '127.0.0.1', seed = 1, clock = systemClock } = options;
  if (!Number.isSafeInteger(seed)) {
    throw new HoldfastError('INVALID_OPTIONS', 'seed is not a whole number', { details: { option: 'seed' } });
  }
  const script = parseScript(options.script ?? {});
  const ledger = new Ledger(options.ledgerFile);
  const running = new RunningSimulator(script, seed, clock, ledger);
  try {
    await running.listen(port, host, options.publicUrl);
  } catch (cause) {
    ledger.close();
    throw new HoldfastError('INVALID_OPTIONS', `the simulator cannot listen on ${host}:${port}`, {
      cause,
      details: { option: 'port' },
    });
  }
  return running;
}

class RunningSimulator implements Simulator {
  readonly #server: Server;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #seed: number;
  readonly #tasks: TaskTable;
  readonly #stopping = new AbortController();
  readonly #exchanges = new Set<Promise<void>>();
  #script: Script;
  #faults: FaultBook;
  #links: Links;
  #exchangeCount = 0;
  #url = '';
  #port = 0;
  #closed: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(script: Script, seed: number, clock: Clock, ledger: Ledger) {
    this.#script = script;
    this.#seed = seed;
    this.#clock = clock;
    this.#ledger = ledger;
    this.#faults = new FaultBook(script.faults, seed);
    this.#tasks = new TaskTable(script, seed, clock);
    this.#links = signedLinks('', clock);
    // Every waiting exchange listens; Node warns at the eleventh.
    setMaxListeners(0, this.#stopping.signal);
    this.#server = createServer((request, response) => this.#accept(request, response));
  }

  get url(): string {
    return this.#url;
  }

  get port(): number {
    return this.#port;
  }

  async listen(port: number, host: string, publicUrl: string | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
    this.#port = address.port;
    this.#url = `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
    this.#links = signedLinks(publicUrl?.replace(/\/$/, '') ?? this.#url, this.#clock);
  }

  ledger(): readonly LedgerEntry[] {
    return this.#ledger.entries();
  }

  waitForEntry(matches: (entry: LedgerEntry) => boolean, signal?: AbortSignal): Promise<LedgerEntry> {
    return this.#ledger.waitFor(matches, signal);
  }

  setScript(script: SimulatorScript): void {
    this.#script = parseScript(script);
    this.#faults = new FaultBook(this.#script.faults, this.#seed);
    this.#tasks.setScript(this.#script);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    const stopped = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeAllConnections();
    await stopped;
    await Promise.all(this.#exchanges);
    this.#ledger.close();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #accept(request: IncomingMessage, response: ServerResponse): void {
    this.#exchangeCount += 1;
    const exchange = new Exchange(this.#exchangeCount, request, response, this.#clock);
    const served = this.#serve(exchange)
      .catch((error: unknown) => this.#fail(exchange, error))
      .finally(() => this.#exchanges.delete(served));
    this.#exchanges.add(served);
  }

  /** A ledger that cannot be written, or a bug: the bill is no longer whole, so nothing more is served. */
  async #fail(exchange: Exchange, error: unknown): Promise<void> {
    this.#failure ??= { error };
    if (!exchange.isGone) await exchange.reset();
  }

  async #serve(exchange: Exchange): Promise<void> {
    if (this.#failure !== undefined)
      return this.#reply(exchange, jsonReply(503, { error: 'the simulator failed' }));
    const target = new URL(exchange.target, 'http://simulator');
    const matched = match(exchange.method, target);
    if ('status' in matched) return this.#reply(exchange, matched);
    if ('admin' in matched) return this.#reply(exchange, this.#admin(matched.admin));
    if (this.#ledger.isFull || this.#tasks.isFull) {
      return this.#reply(exchange, jsonReply(503, { error: 'the simulator is full: start a new one' }));
    }
    await serve(this.#house(), exchange, matched);
  }

  async #reply(exchange: Exchange, reply: Reply): Promise<void> {
    // Read first: an answer to an unread body can reach the client as a reset.
    if ((await exchange.readBody(bounds.requestBytesMax)) === undefined) return;
    await exchange.send(reply, { type: 'whole' }, undefined, this.#stopping.signal);
  }

  #admin(what: 'health' | 'ledger'): Reply {
    if (what === 'ledger') {
      const entries = this.#ledger.entries().map((entry) => ({ ...entry }));
      return jsonReply(200, { entries });
    }
    return jsonReply(200, { status: 'ok', tasks: this.#tasks.size, entries: this.#ledger.size });
  }

  #house(): House {
    const { artifacts, keys } = this.#script;
    const world: World = {
      tasks: this.#tasks,
      seed: this.#seed,
      artifacts,
      nowMs: this.#clock.now,
      links: this.#links,
    };
    return {
      world,
      ledger: this.#ledger,
      faults: this.#faults,
      keys,
      pace: { chunkBytes: artifacts.chunkBytes, bytesPerSecond: artifacts.bytesPerSecond },
      stop: this.#stopping.signal,
    };
  }
}

function match(method: string, target: URL): Matched | Reply | { readonly admin: 'health' | 'ledger' } {
  const path = target.pathname;
  if (method === 'GET' && path === '/_simulator/health') return { admin: 'health' };
  if (method === 'GET' && path === '/_simulator/ledger') return { admin: 'ledger' };
  const dialect = dialects.find(({ mount }) => path.startsWith(`${mount}/`));
  if (dialect === undefined) return jsonReply(404, { error: `nothing is served at ${path}` });
  const below = path.slice(dialect.mount.length);
  for (const route of dialect.routes) {
    const groups = route.method === method ? route.path.exec(below) : null;
    if (groups === null || (route.query !== undefined && !target.searchParams.has(route.query))) continue;
    const params = groups.slice(1).map(decoded);
    return { dialect, route, path, params, query: target.searchParams };
  }
  return dialect.noRoute(path);
}

/** A path part; one whose escapes are not UTF-8 stays as it is and names nothing. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return part;
    throw error;
  }
}

/** Links below `base`, signed with a key that lives as long as this simulator. */
function signedLinks(base: string, clock: Clock): Links {
  const secret = newId('links');
  const signature = (path: string, expires: string): Buffer =>
    createHmac('sha256', secret).update(`${path}\0${expires}`).digest();
  return {
    sign: (path, expiresAtMs) => {
      const expires = String(expiresAtMs);
      return `${base}${path}?expires=${expires}&signature=${signature(path, expires).toString('hex')}`;
    },
    check: (path, query) => {
      const expires = query.get('expires') ?? '';
      const given = Buffer.from(query.get('signature') ?? '', 'hex');
      const right = signature(path, expires);
      if (given.length !== right.length || !timingSafeEqual(given, right)) return 'forged';
      return clock.now() < Number(expires) ? 'good' : 'expired';
    },
  };
}
