/**
 * How far long work is: one line of the terminal that is written over, and gone when the work has ended.
 *
 * Owns: the timer that draws it. Callers: the commands whose work may take long. Invariants:
 *  1  Nothing is shown where standard error is no terminal, or under `--json`.
 *  2  Work that ends within half a second shows nothing; the line is gone before anything else is printed.
 */
import { systemClock, type Clock } from '../clock.js';
import { spanText } from './facts.js';
import { fitted, plain, type Terminal } from './terminal.js';

const DRAWN_EVERY_MS = 500;

/** Does `work`, which tells how far it is, in words, as often as it likes. `title` says what is done. */
export async function withProgress<T>(
  { json }: { readonly json?: boolean },
  { line, columns, colours }: Terminal,
  title: string,
  work: (tell: (howFar: string) => void) => Promise<T>,
  clock: Clock = systemClock,
): Promise<T> {
  if (line === undefined || json === true) return await work(() => undefined);
  const startedMs = clock.monotonicMs();
  let howFar = '';
  const draw = (): void => {
    const parts = [title, howFar, spanText(clock.monotonicMs() - startedMs)];
    const text = parts.filter((part) => part !== '').join(', ');
    // A line that is full would go on in a second one, which is not written over.
    line(colours.dim(fitted(plain(text), columns - 1)));
    cancel = clock.schedule(DRAWN_EVERY_MS, draw);
  };
  let cancel = clock.schedule(DRAWN_EVERY_MS, draw);
  try {
    return await work((told) => (howFar = told));
  } finally {
    cancel();
    line('');
  }
}
