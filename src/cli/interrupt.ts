/**
 * Ctrl-C, and being asked to end, for commands that run until then.
 *
 * Owns: the listeners. Callers: the commands. Invariant: forgotten, a signal ends the process again.
 */

/** What a shell makes of a command that was interrupted. */
export const EXIT_INTERRUPTED = 130;

/** Calls `run` at the first SIGINT or SIGTERM; the second one ends the process. Returns how to forget it. */
export function onInterrupt(run: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const forget = (): void => {
    for (const signal of signals) process.off(signal, hear);
  };
  const hear = (): void => {
    forget();
    run();
  };
  for (const signal of signals) process.on(signal, hear);
  return forget;
}
