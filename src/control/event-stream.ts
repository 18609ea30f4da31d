/**
 * Server-sent events: what happens, told for as long as somebody listens.
 *
 * Callers: inspection-routes.ts, stately-route.ts. Invariants:
 *  1  Who goes, or a server that closes, ends a stream, and what it listened to.
 *  2  What the listener does not take is not piled up: while more than `limits.inspectorStreamBytesMax` wait
 *     for it frames are dropped, and it is told so by `event: behind` before the next one. A listener that
 *     leaves what it is told for two beats, and takes nothing, is listened for no more.
 *  3  At most `limits.inspectorStreamsMax` of one server are open; the next is INSPECTOR_BUSY.
 */
import { setMaxListeners } from 'node:events';
import type { UnderlyingSource } from 'node:stream/web';
import type { Clock } from '../clock.js';
import { HoldfastError } from '../errors.js';
import { limits } from '../limits.js';

export interface EventStreamOptions {
  readonly clock: Clock;
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
  readonly streams: StreamPlaces;
}

/** How many streams of one server are open. */
export class StreamPlaces {
  #count = 0;

  /** Takes a place, and returns what gives it back, once. Throws INSPECTOR_BUSY. */
  enter(): () => void {
    if (this.#count >= limits.inspectorStreamsMax)
      throw new HoldfastError('INSPECTOR_BUSY', `${limits.inspectorStreamsMax} streams are open`);
    this.#count += 1;
    let isHere = true;
    return () => {
      if (isHere) this.#count -= 1;
      isHere = false;
    };
  }
}

/** `begin` is given what sends one frame of JSON, and returns what ends it. Throws what `begin` throws. */
export function streamOf(
  gone: AbortSignal,
  { clock, closing, streams }: EventStreamOptions,
  begin: (send: (data: unknown) => void) => () => void,
): Response {
  const endings = [streams.enter()];
  const end = (): void => {
    for (const ending of endings.splice(0)) ending();
  };
  const told = new Told(end);
  try {
    endings.push(begin((data) => told.frame(data)));
  } catch (error) {
    end();
    throw error;
  }
  endings.push(() => told.close(), heartbeat(clock, told, end));
  // As many listen to it as there are streams, which Node would call a leak on stderr.
  setMaxListeners(0, closing);
  for (const signal of [gone, closing]) {
    signal.addEventListener('abort', end, { once: true });
    endings.push(() => signal.removeEventListener('abort', end));
  }
  if (gone.aborted || closing.aborted) end();
  return eventStream(told.body);
}

/** As a response that nobody keeps on its way. */
export function eventStream(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  });
}

/** One frame of JSON, as a stream has it. */
export function frameText(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** Says nothing, to who must not take the stream for dead. */
export const BEAT = ': \n\n';

/** Ends what has taken nothing for two beats. Returns what stops it. */
function heartbeat(clock: Clock, told: Told, end: () => void): () => void {
  let cancel = (): void => undefined;
  const beat = (before: number, wasStuck: boolean): void => {
    const { takenBytes, waitingBytes } = told.counts();
    const isStuck = waitingBytes > 0 && takenBytes === before;
    if (isStuck && wasStuck) return end();
    told.write(BEAT);
    cancel = clock.schedule(limits.inspectorHeartbeatMs, () => beat(takenBytes, isStuck));
  };
  beat(0, false);
  return () => cancel();
}

/** What one listener is told, kept for it within bounds. */
class Told {
  readonly body: ReadableStream<Uint8Array>;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #isBehind = false;
  #toldBytes = 0;

  constructor(end: () => void) {
    const source: UnderlyingSource<Uint8Array> = {
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        // It is closed already.
        this.#controller = undefined;
        end();
      },
    };
    const size = (chunk?: Uint8Array): number => chunk?.byteLength ?? 0;
    this.body = new ReadableStream(source, { highWaterMark: limits.inspectorStreamBytesMax, size });
  }

  frame(data: unknown): void {
    if (!this.write(frameText(data))) this.#isBehind = true;
  }

  /** False: there is no room for it, and it is dropped. */
  write(text: string): boolean {
    if (this.#controller === undefined) return true;
    if ((this.#controller.desiredSize ?? 0) <= 0) return false;
    const before = this.#isBehind ? 'event: behind\ndata: {}\n\n' : '';
    this.#isBehind = false;
    const bytes = this.#encoder.encode(before + text);
    this.#toldBytes += bytes.byteLength;
    this.#controller.enqueue(bytes);
    return true;
  }

  counts(): { readonly takenBytes: number; readonly waitingBytes: number } {
    const { inspectorStreamBytesMax } = limits;
    const room = this.#controller?.desiredSize ?? inspectorStreamBytesMax;
    const waitingBytes = inspectorStreamBytesMax - room;
    return { takenBytes: this.#toldBytes - waitingBytes, waitingBytes };
  }

  close(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }
}
