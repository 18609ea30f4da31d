/**
 * One HTTP exchange, down to its socket: read the request, wait, answer whole or broken.
 *
 * Owns: the request, the response and the fate of the connection. Callers: pipeline.ts, server.ts.
 * Invariants:
 *  X1  `gone` is noticed at once, also while waiting: the answer is not sent to a client that has left.
 *  X2  `flushed` means that every byte was handed to the operating system for a connection that was still
 *      open. What a client that dies afterwards made of it, nobody can know.
 *  X3  A broken answer ends the connection; it is never used again.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.js';
import type { Reply } from './dialect.js';

/** How an answer is put on the wire. */
export type Shape =
  | { readonly type: 'whole' }
  /** The declared length is right; the body ends after `bytes`, with a reset or with an orderly close. */
  | { readonly type: 'cut'; readonly bytes: number; readonly end: 'reset' | 'close' }
  | { readonly type: 'misdeclared'; readonly deltaBytes: number };

export interface Pace {
  readonly chunkBytes: number;
  readonly bytesPerSecond?: number | undefined;
}

export interface Sent {
  readonly end: 'flushed' | 'dropped';
  /** Of the body. */
  readonly bytes: number;
}

const MILLISECONDS_PER_SECOND = 1_000;

export class Exchange {
  readonly number: number;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  readonly #closed: Promise<void>;
  #state: 'open' | 'flushed' | 'gone' = 'open';

  constructor(number: number, request: IncomingMessage, response: ServerResponse, clock: Clock) {
    this.number = number;
    this.#request = request;
    this.#response = response;
    this.#clock = clock;
    response.once('finish', () => {
      if (this.#state === 'open') this.#state = 'flushed';
    });
    this.#closed = new Promise((resolve) => {
      response.once('close', () => {
        if (this.#state === 'open') this.#state = 'gone';
        resolve();
      });
    });
    // The state says it already; without a listener the error would end the process.
    response.on('error', () => undefined);
    request.on('error', () => undefined);
  }

  get isGone(): boolean {
    return this.#state === 'gone';
  }

  get method(): string {
    return this.#request.method ?? 'GET';
  }

  get target(): string {
    return this.#request.url ?? '/';
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** The whole body; undefined when the client left before its end. */
  async readBody(bytesMax: number): Promise<Uint8Array | 'tooLarge' | undefined> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const chunk of this.#request) {
        const part: unknown = chunk;
        if (!(part instanceof Uint8Array)) throw new TypeError('a request body comes as bytes');
        bytes += part.length;
        if (bytes <= bytesMax) chunks.push(part);
      }
    } catch (error) {
      if (error instanceof TypeError) throw error;
      return undefined;
    }
    return bytes > bytesMax ? 'tooLarge' : Buffer.concat(chunks);
  }

  /** Resolves after `waitMs`, when `stop` aborts, or, if so asked, as soon as the client is gone. */
  async wait(waitMs: number, until: 'elapsed' | 'elapsedOrGone', stop: AbortSignal): Promise<void> {
    if (waitMs <= 0 || stop.aborted || (until === 'elapsedOrGone' && this.isGone)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        cancel();
        stop.removeEventListener('abort', done);
        this.#response.off('close', done);
        resolve();
      };
      const cancel = this.#clock.schedule(waitMs, done);
      stop.addEventListener('abort', done, { once: true });
      if (until === 'elapsedOrGone') this.#response.once('close', done);
    });
  }

  /** Ends the connection with a TCP reset. */
  async reset(): Promise<void> {
    this.#request.socket.resetAndDestroy();
    await this.#closed;
  }

  async send(reply: Reply, shape: Shape, pace: Pace | undefined, stop: AbortSignal): Promise<Sent> {
    if (this.isGone) return { end: 'dropped', bytes: 0 };
    const deltaBytes = shape.type === 'misdeclared' ? shape.deltaBytes : 0;
    this.#response.writeHead(reply.status, {
      ...reply.headers,
      'content-length': String(Math.max(0, reply.body.length + deltaBytes)),
      ...(shape.type === 'whole' ? {} : { connection: 'close' }),
    });
    const body = shape.type === 'cut' ? reply.body.subarray(0, shape.bytes) : reply.body;
    const bytes = await this.#sendBody(body, pace, stop);
    if (shape.type === 'cut' && !this.isGone) {
      if (shape.end === 'reset') return this.reset().then(() => ({ end: 'dropped', bytes }));
      this.#request.socket.end();
      this.#response.destroy();
      await this.#closed;
      return { end: 'dropped', bytes };
    }
    if (!this.isGone) await this.#end();
    // A client that hangs up after the last byte has the whole of it.
    const whole = shape.type === 'whole' && bytes === reply.body.length;
    return { end: whole || !this.isGone ? 'flushed' : 'dropped', bytes };
  }

  async #sendBody(body: Uint8Array, pace: Pace | undefined, stop: AbortSignal): Promise<number> {
    const chunkBytes = pace?.chunkBytes ?? Math.max(1, body.length);
    let sent = 0;
    for (let start = 0; start < body.length && !this.isGone; start += chunkBytes) {
      const chunk = body.subarray(start, start + chunkBytes);
      await this.#write(chunk);
      if (this.isGone) return sent;
      sent += chunk.length;
      if (pace?.bytesPerSecond === undefined || start + chunkBytes >= body.length) continue;
      const waitMs = (chunk.length / pace.bytesPerSecond) * MILLISECONDS_PER_SECOND;
      await this.wait(Math.ceil(waitMs), 'elapsedOrGone', stop);
    }
    return sent;
  }

  async #write(chunk: Uint8Array): Promise<void> {
    const written = new Promise<void>((resolve) => {
      this.#response.write(chunk, () => resolve());
    });
    await Promise.race([written, this.#closed]);
  }

  async #end(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#response.once('finish', () => resolve());
    });
    this.#response.end();
    await Promise.race([ended, this.#closed]);
  }
}
