/**
 * What arrives of a body, in order, and none of it lost when the body ends in an error.
 *
 * Callers: the download. A stream that is read by `for await` drops what waits in it when it fails, and
 * what waits is what need not be asked for again. Invariants: it listens from the turn in which the reply
 * is there, for what was said before is not said again; whoever stops reading ends the body; the error
 * comes after the last byte.
 */
import type { Readable } from 'node:stream';

export class Arrivals {
  readonly #body: Readable;
  readonly #chunks: Buffer[] = [];
  #waitingBytes = 0;
  #end: { readonly error?: unknown } | undefined;
  #wake = (): void => undefined;

  constructor(body: Readable) {
    this.#body = body;
    body.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#waitingBytes += chunk.byteLength;
      this.#wake();
    });
    body.once('end', () => this.#over({}));
    body.on('error', (error) => this.#over({ error }));
    body.once('close', () => this.#over({ error: new Error('the body was closed before its end') }));
  }

  /** Arrived, and not read yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** What comes now is not wanted. */
  stop(): void {
    this.#body.destroy();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          this.#waitingBytes -= chunk.byteLength;
          yield chunk;
        } else if (this.#end === undefined) {
          await this.#more();
        } else {
          if ('error' in this.#end) throw this.#end.error;
          return;
        }
      }
    } finally {
      this.stop();
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #over(end: { readonly error?: unknown }): void {
    this.#end ??= end;
    this.#wake();
  }
}
