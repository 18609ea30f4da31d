/**
 * Receivers of Stately's frames over WebSockets: what `GET v1/stately` streams, one JSON object a message.
 *
 * Owns: the open sockets. Callers: inspector.ts. Invariants:
 *  1  The gate is the page's own, Origin included: browsers send cookies with every socket.
 *  2  The next message is drawn when the last one was taken. A receiver that has not taken it within
 *     `limits.inspectorHeartbeatMs`, or does not answer a ping for so long, is cut off; what it says is not
 *     listened to.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Clock } from '../clock.js';
import { errorResponse } from '../control/index.js';
import { HoldfastError, isHoldfastError } from '../errors.js';
import { limits } from '../limits.js';
import type { Logger } from '../log.js';
import type { Gate } from './gate.js';

export interface ReceiversOptions {
  readonly gate: Gate;
  /** Serves `/v1/stately`. */
  readonly frames: (request: Request) => Promise<Response>;
  readonly basePath: string;
  readonly clock: Clock;
  readonly log: Logger;
}

const PLACE = '/v1/stately';
/** Receivers have nothing to say. */
const MESSAGE_BYTES_MAX = 1_024;
/** Of RFC 6455: the server goes away; it will not do what was asked. */
const CLOSED = { away: 1001, refused: 1008 } as const;

export class Receivers {
  readonly #options: ReceiversOptions;
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MESSAGE_BYTES_MAX,
  });

  constructor(options: ReceiversOptions) {
    this.#options = options;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const gone = (): void => void socket.destroy();
    socket.on('error', gone);
    const { gate, basePath, log } = this.#options;
    // An absolute path alone: `//elsewhere` would be a host.
    const asked = `http://localhost${request.url ?? ''}`;
    const url = URL.canParse(asked) ? new URL(asked) : undefined;
    const header = (name: string): string | undefined => {
      const value = request.headers[name];
      return typeof value === 'string' ? value : undefined;
    };
    const refusal = url && gate.refusal({ url, header }, true);
    if (refusal !== undefined) return refuse(socket, refusal.status, refusal.error);
    if (url?.pathname !== `${basePath}${PLACE}`)
      return refuse(socket, 404, new HoldfastError('INVALID_INPUT', 'there is no such socket'));
    url.searchParams.delete('token');
    this.#server.handleUpgrade(request, socket, head, (opened) => {
      socket.off('error', gone);
      this.#tell(opened, `${PLACE}${url.search}`).catch((error: unknown) => {
        log.warn({ err: error }, 'inspector.receiver.failed');
        opened.terminate();
      });
    });
  }

  close(): void {
    for (const socket of this.#server.clients) {
      socket.close(CLOSED.away);
      // Who does not answer would be waited for by the process.
      socket.once(
        'close',
        this.#options.clock.schedule(limits.inspectorGoodbyeMs, () => socket.terminate()),
      );
    }
    this.#server.close();
  }

  async #tell(socket: WebSocket, target: string): Promise<void> {
    const gone = new AbortController();
    socket.on('close', () => gone.abort());
    socket.on('error', () => socket.terminate());
    const stopBeat = this.#beat(socket);
    try {
      const request = new Request(new URL(target, 'http://localhost'), { signal: gone.signal });
      const answer = await this.#answered(request);
      if (!answer.ok || answer.body === null) {
        // A reason has 123 bytes at most; what is refused has a code, and the code is what helps.
        return socket.close(CLOSED.refused, /"code":"(\w+)"/.exec(await answer.text())?.[1] ?? '');
      }
      for await (const frame of framesIn(answer.body)) await this.#send(socket, frame);
      socket.close(CLOSED.away);
    } catch (error) {
      if (!gone.signal.aborted) throw error;
    } finally {
      stopBeat();
      gone.abort();
    }
  }

  async #answered(request: Request): Promise<Response> {
    try {
      return await this.#options.frames(request);
    } catch (error) {
      if (isHoldfastError(error)) return errorResponse(error);
      throw error;
    }
  }

  /** Resolves when the system has taken it. */
  #send(socket: WebSocket, text: string): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      const cancel = clock.schedule(limits.inspectorHeartbeatMs, () => socket.terminate());
      socket.send(text, (error) => {
        cancel();
        if (error === undefined || error === null) resolve();
        else reject(error);
      });
    });
  }

  #beat(socket: WebSocket): () => void {
    const { clock } = this.#options;
    let isThere = true;
    let cancel = (): void => undefined;
    socket.on('pong', () => (isThere = true));
    const beat = (): void => {
      if (!isThere) return socket.terminate();
      isThere = false;
      socket.ping();
      cancel = clock.schedule(limits.inspectorHeartbeatMs, beat);
    };
    cancel = clock.schedule(limits.inspectorHeartbeatMs, beat);
    return () => cancel();
  }
}

function refuse(socket: Duplex, status: number, error: HoldfastError): void {
  const body = JSON.stringify({ error: { code: error.code, message: error.message, details: {} } });
  const head = [
    `HTTP/1.1 ${status} Refused`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** The `data` of the events of a stream; an event of another name ends it. */
async function* framesIn(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const events = (text + chunk).split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      if (event.startsWith('event: ')) return;
      if (event.startsWith('data: ')) yield event.slice('data: '.length);
    }
  }
}
