/** Callers: the children of the crash tests that are killed from outside, whenever that comes. */

const SECOND_MS = 1_000;

/** Keeps the process alive with nothing left to do: a kill that comes late still hits it. */
export function untilKilled(): Promise<never> {
  return new Promise(() => {
    setInterval(() => undefined, SECOND_MS);
  });
}
