/**
 * Waiting that can be called off: how the driver's loops pause, and why they stop.
 *
 * Callers: the driver's files, session-tail.ts. Invariant: after `signal` aborts no pause lasts, so that
 * every loop that looks at the signal ends.
 */
import { systemClock } from '../../clock.js';

/** Resolves after `delayMs`, or at once when `signal` aborts. Never rejects. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = systemClock.schedule(delayMs, done);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** Resolves with `promise`, or with undefined after `delayMs`. */
export async function within<T>(promise: Promise<T>, delayMs: number): Promise<T | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([promise, pause(delayMs, over.signal).then(() => undefined)]);
  } finally {
    over.abort();
  }
}
