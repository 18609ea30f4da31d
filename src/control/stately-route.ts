/**
 * The route of Stately's frames, as an event stream.
 *
 *   GET  /v1/stately?address=order/77      one actor: its kept steps, then what it does
 *   GET  /v1/stately?kind=order            the actors of a kind; without one, of all
 *
 * Owns: nothing. Callers: inspection-routes.ts. Invariants: those of event-stream.ts; and
 *  1  What is wrong with the request is said as a status, before the stream begins; what goes wrong in it
 *     ends it with `event: failed` and the error.
 */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { InspectionFace } from '../index.js';
import { BEAT, eventStream, frameText, type EventStreamOptions } from './event-stream.js';
import { actorQuery, parsed } from './input.js';
import { statelyFrames, type StatelyFrame } from './stately-frames.js';
import { errorToWire } from './wire.js';

const query = z.strictObject({
  address: actorQuery.shape.address.optional(),
  kind: z.string().min(1).max(512).optional(),
});

export function statelyRoute(
  app: Hono,
  { inspection, clock, closing, streams }: EventStreamOptions & { readonly inspection: InspectionFace },
): void {
  app.get('/v1/stately', async (c) => {
    const wish = parsed(query, c.req.query());
    const leave = streams.enter();
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, closing, c.req.raw.signal]);
    const frames = statelyFrames(inspection, wish, { clock, signal });
    const end = async (): Promise<void> => {
      over.abort();
      leave();
      await frames.return(undefined);
    };
    try {
      return eventStream(drawn(frames, await frames.next(), end));
    } catch (error) {
      await end();
      throw error;
    }
  });
}

/** One frame at a time, as they are taken. */
function drawn(
  frames: AsyncGenerator<StatelyFrame | undefined>,
  first: IteratorResult<StatelyFrame | undefined, unknown>,
  end: () => Promise<void>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let early: typeof first | undefined = first;
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        const next = early ?? (await frames.next());
        early = undefined;
        const text = next.value === undefined ? BEAT : frameText(next.value);
        if (next.done !== true) return controller.enqueue(encoder.encode(text));
      } catch (error) {
        const told = JSON.stringify({ error: errorToWire(error) });
        controller.enqueue(encoder.encode(`event: failed\ndata: ${told}\n\n`));
      }
      await end();
      controller.close();
    },
    cancel: end,
  });
}
