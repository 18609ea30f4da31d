/**
 * The provider simulator: an HTTP server on loopback that speaks to clients as the providers do, keeps a
 * ledger of what it billed, sends webhooks, and misbehaves by script.
 *
 *   /<mount>        one base URL a provider: see the dialects; artifacts at signed links below it
 *   /_hops          the stops of a redirect
 *   /_simulator     health, ledger, and the key sets that fal and Veo sign webhooks with
 *
 * Owns: two ports (the second is an origin of its own), the task table, the ledger and the signing keys.
 * Callers: the CLI, the demo, tests, users. Invariants:
 *  D1  `close` resolves when every connection is gone, every exchange has ended and the ledger is closed.
 *  D2  After a failure of its own it serves nothing more, and `close` rejects with that failure.
 *  D3  Nothing is kept between two starts but the ledger file.
 */
import { setMaxListeners } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import { HoldfastError } from '../errors.js';
import { bounds } from './bounds.js';
import { jsonReply } from './dialect.js';
import type { Links, Reply, World } from './dialect.js';
import { Exchange } from './exchange.js';
import { FaultBook } from './faults.js';
import { dialects } from './dialects/index.js';
import { Herald } from './herald.js';
import { Ledger } from './ledger.js';
import type { LedgerEntry } from './ledger.js';
import { signedLinks } from './links.js';
import { Listener } from './listener.js';
import { serve } from './pipeline.js';
import type { House } from './pipeline.js';
import { match } from './routing.js';
import type { Page } from './routing.js';
import { parseScript } from './script.js';
import type { ProviderName, Script, SimulatorScript } from './script.js';
import { Signer } from './signing.js';
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
  /** The same simulator on another port, so another origin: where redirects lead to when they lead away. */
  readonly foreignUrl: string;
  /** What to give an adapter, or a client, as its base URL. */
  readonly baseUrls: Readonly<Partial<Record<ProviderName, string>>>;
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
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the simulator cannot listen on ${host}:${port} (${reason})`;
    throw new HoldfastError('INVALID_OPTIONS', message, { cause, details: { option: 'port' } });
  }
  return running;
}

class RunningSimulator implements Simulator {
  readonly #own: Listener;
  readonly #foreign: Listener;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #signer = new Signer();
  readonly #herald: Herald;
  readonly #seed: number;
  readonly #tasks: TaskTable;
  readonly #stopping = new AbortController();
  readonly #exchanges = new Set<Promise<void>>();
  #script: Script;
  #faults: FaultBook;
  readonly #links: Links;
  #publicUrl = '';
  #exchangeCount = 0;
  #closed: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(script: Script, seed: number, clock: Clock, ledger: Ledger) {
    this.#script = script;
    this.#seed = seed;
    this.#clock = clock;
    this.#ledger = ledger;
    this.#faults = new FaultBook(script.faults, seed);
    const nowMs = (): number => clock.now() + this.#script.clockSkewMs;
    this.#tasks = new TaskTable(script, seed, { ...clock, now: nowMs });
    this.#links = signedLinks(() => this.#publicUrl, nowMs);
    // Every waiting exchange listens; Node warns at the eleventh.
    setMaxListeners(0, this.#stopping.signal);
    this.#herald = new Herald(script.webhooks, {
      clock,
      seed,
      dialects,
      ledger,
      tasks: this.#tasks,
      signer: this.#signer,
      stop: this.#stopping.signal,
      world: () => this.#world(),
      fail: (error) => void (this.#failure ??= { error }),
    });
    this.#tasks.listen((task, sight, isNew) => this.#herald.notice(task, sight, isNew));
    const accept = (request: IncomingMessage, response: ServerResponse): void =>
      this.#accept(request, response);
    this.#own = new Listener(accept);
    this.#foreign = new Listener(accept);
  }

  get url(): string {
    return this.#own.url;
  }

  get port(): number {
    return this.#own.port;
  }

  get foreignUrl(): string {
    return this.#foreign.url;
  }

  get baseUrls(): Readonly<Partial<Record<ProviderName, string>>> {
    return Object.fromEntries(
      dialects.map(({ provider, mount, base = mount }) => [provider, `${this.url}${base}`]),
    );
  }

  async listen(port: number, host: string, publicUrl: string | undefined): Promise<void> {
    await this.#foreign.listen(0, host);
    try {
      await this.#own.listen(port, host);
    } catch (error) {
      await this.#foreign.close();
      throw error;
    }
    this.#publicUrl = publicUrl?.replace(/\/$/, '') ?? this.url;
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
    this.#herald.setRules(this.#script.webhooks);
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
    await Promise.all([this.#own.close(), this.#foreign.close()]);
    await Promise.all(this.#exchanges);
    await this.#herald.close();
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
    const matched = match(dialects, exchange.method, target);
    if ('status' in matched) return this.#reply(exchange, matched);
    if ('page' in matched) return this.#reply(exchange, await this.#page(matched.page));
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

  async #page(page: Page): Promise<Reply> {
    switch (page) {
      case 'health':
        return jsonReply(200, { status: 'ok', tasks: this.#tasks.size, entries: this.#ledger.size });
      case 'ledger':
        return jsonReply(200, { entries: this.#ledger.entries().map((entry) => ({ ...entry })) });
      case 'fal-keys':
        return jsonReply(200, await this.#signer.jwks('fal'));
      case 'veo-keys':
        return jsonReply(200, await this.#signer.jwks('jwt'));
    }
  }

  #world(): World {
    const { artifacts, webhooks, clockSkewMs } = this.#script;
    return {
      tasks: this.#tasks,
      seed: this.#seed,
      artifacts,
      nowMs: () => this.#clock.now() + clockSkewMs,
      links: this.#links,
      origins: { same: this.#publicUrl, foreign: this.foreignUrl },
      webhookSecret: webhooks.secrets[0],
    };
  }

  #house(): House {
    const { artifacts, keys } = this.#script;
    return {
      world: this.#world(),
      ledger: this.#ledger,
      faults: this.#faults,
      keys,
      pace: { chunkBytes: artifacts.chunkBytes, bytesPerSecond: artifacts.bytesPerSecond },
      stop: this.#stopping.signal,
      herald: this.#herald,
      nowMs: this.#clock.now,
    };
  }
}
