/**
 * The body of a request from outside, read within bounds.
 *
 * Owns: nothing. Callers: ingress.ts, the control room's door for workers. Invariant: no more than `bytesMax`
 * and one chunk is ever held, for no longer than `timeoutMs`.
 */
import type { Clock } from '../../clock.js';

export interface BodyBounds {
  readonly bytesMax: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** The body, or the status of its refusal: 400 (none, or cut off), 408 or 413. */
export async function boundedBody(
  request: Request,
  { bytesMax, timeoutMs, clock }: BodyBounds,
): Promise<Uint8Array | number> {
  const said = Number(request.headers.get('content-length') ?? 0);
  if (said > bytesMax) return 413;
  if (request.body === null) return 400;
  const reader = request.body.getReader();
  let isLate = false;
  const cancel = clock.schedule(timeoutMs, () => {
    isLate = true;
    void reader.cancel().catch(() => undefined);
  });
  try {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const chunk: unknown = part.value;
      if (!(chunk instanceof Uint8Array)) return 400;
      bytes += chunk.byteLength;
      chunks.push(chunk);
      if (bytes > bytesMax) {
        void reader.cancel().catch(() => undefined);
        return 413;
      }
    }
    return isLate ? 408 : Buffer.concat(chunks);
  } catch {
    return isLate ? 408 : 400;
  } finally {
    cancel();
  }
}
