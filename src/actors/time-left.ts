/**
 * Waiting for what comes to its end, for as long as there is time.
 *
 * Pure. Callers: the façades that are stopped. Invariant: it resolves once, whatever ends first.
 */
import type { Clock } from '../clock.js';

/**
 * What is left of `timeoutMs` when `ended` resolves; 0 after that time, once `giveUp` has done what is to be
 * done about the rest. `ended` never rejects.
 */
export function timeLeft(
  clock: Clock,
  timeoutMs: number,
  ended: Promise<unknown>,
  giveUp: () => void | Promise<void> = () => undefined,
): Promise<number> {
  const endMs = clock.monotonicMs() + timeoutMs;
  return new Promise((resolve) => {
    const cancel = clock.schedule(timeoutMs, () => {
      void Promise.resolve(giveUp()).then(() => resolve(0));
    });
    void ended.then(() => {
      cancel();
      resolve(Math.max(0, endMs - clock.monotonicMs()));
    });
  });
}
