/**
 * Streams of events on their way to who asked for them.
 *
 * Owns: what is known of each that is open. Callers: inspector.ts. Invariants:
 *  1  Who asked and goes ends the stream, and so does `close`: where it comes from hears of it at once.
 *  2  Its request is held until it is over. Requests of Node follow signals by weak references: of one that
 *     nobody holds any more nobody hears that it was given up.
 */
import type { UnderlyingSource } from 'node:stream/web';

export class OpenStreams {
  /** Each holds its request. */
  readonly #ends = new Set<() => void>();

  /** The answer to `request`; anything but a stream of events as it is. */
  of(request: Request, answer: Response): Response {
    const { body, status, headers } = answer;
    if (body === null || headers.get('content-type') !== 'text/event-stream') return answer;
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    /** True the first time. */
    const over = (): boolean => {
      request.signal.removeEventListener('abort', end);
      return this.#ends.delete(end);
    };
    const end = (): void => {
      if (!over()) return;
      controller?.close();
      // What it comes from may have failed meanwhile, and nobody is there to be told.
      reader.cancel().catch(() => undefined);
    };
    const source: UnderlyingSource<Uint8Array> = {
      start: (given) => {
        controller = given;
      },
      pull: async (given) => {
        try {
          const { done, value } = await reader.read();
          if (!this.#ends.has(end)) return;
          if (!done) return given.enqueue(value);
          over();
          given.close();
        } catch (error) {
          if (over()) given.error(error);
        }
      },
      cancel: async (reason) => {
        over();
        await reader.cancel(reason);
      },
    };
    this.#ends.add(end);
    request.signal.addEventListener('abort', end, { once: true });
    const told = new Response(new ReadableStream(source), { status, headers });
    if (request.signal.aborted) end();
    return told;
  }

  close(): void {
    for (const end of [...this.#ends]) end();
  }
}
