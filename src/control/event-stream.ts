/**
 * Server-sent events: what happens, told for as long as somebody listens.
 *
 * Callers: inspection-routes.ts, the inspector. Invariants:
 *  1  Who goes, or a server that closes, ends it, and what it listened to.
 *  2  What the listener does not take is not piled up: while it is behind, frames are dropped, and it is told
 *     so by `event: behind` before the next one.
 */
import type { Clock } from '../clock.js';
import { limits } from '../limits.js';

export interface EventStreamOptions {
  readonly clock: Clock;
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
}

/** `begin` is given what sends one frame of JSON, and returns what ends it. */
export function streamOf(
  gone: AbortSignal,
  { clock, closing }: EventStreamOptions,
  begin: (send: (data: unknown) => void) => () => void,
): Response {
  const encoder = new TextEncoder();
  let end = (): void => undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let isOver = false;
        let isBehind = false;
        let cancelBeat = (): void => undefined;
        const write = (text: string): void => {
          if (isOver) return;
          if ((controller.desiredSize ?? 0) <= 0) {
            isBehind = true;
            return;
          }
          const before = isBehind ? 'event: behind\ndata: {}\n\n' : '';
          isBehind = false;
          controller.enqueue(encoder.encode(before + text));
        };
        const beat = (): void => {
          write(': \n\n');
          cancelBeat = clock.schedule(limits.inspectorHeartbeatMs, beat);
        };
        const stop = begin((data) => write(`data: ${JSON.stringify(data)}\n\n`));
        end = () => {
          if (isOver) return;
          isOver = true;
          cancelBeat();
          stop();
          closing.removeEventListener('abort', end);
          gone.removeEventListener('abort', end);
          try {
            controller.close();
          } catch {
            // It was cancelled by who listened: it is closed already.
            isOver = true;
          }
        };
        closing.addEventListener('abort', end, { once: true });
        gone.addEventListener('abort', end, { once: true });
        if (closing.aborted || gone.aborted) end();
        else beat();
      },
      cancel: () => end(),
    },
    { highWaterMark: 64 },
  );
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  });
}
