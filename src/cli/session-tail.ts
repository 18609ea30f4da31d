/**
 * `holdfast sessions tail`: what is written into a conversation, as it comes.
 *
 * Callers: sessions.ts. Invariants:
 *  1  Each entry is printed once, in its order, on one line; with `--json` each line is one JSON value.
 *  2  Only a running process is followed: in a directory nobody holds nothing new comes, and to wait there
 *     would keep its lock from the next runtime.
 */
import { toWire, type ControlSessions } from '../control/index.js';
import { HoldfastError } from '../errors.js';
import type { HistoryEntry } from '../index.js';
import { sayWire, type Common } from './answer.js';
import { pause } from './demo/halt.js';
import { EXIT_INTERRUPTED, onInterrupt } from './interrupt.js';
import { atSessions } from './in-directory.js';
import { historyLine } from './session-text.js';
import type { Terminal } from './terminal.js';

export interface TailOptions extends Common {
  readonly follow?: boolean;
  readonly limit: number;
}

/** How often a follower asks: a person reads no faster. */
const POLL_EVERY_MS = 300;

export async function tail(key: string, options: TailOptions, terminal: Terminal): Promise<void> {
  const { dir, follow = false } = options;
  const stop = new AbortController();
  const forget = follow ? onInterrupt(() => stop.abort()) : () => undefined;
  const print = (entry: HistoryEntry): void =>
    sayWire(
      options,
      terminal,
      () => toWire(entry),
      () => historyLine(entry, terminal),
    );
  try {
    await atSessions(dir, async (sessions, isRunning) => {
      if (follow && !isRunning) throw nobodyRuns(dir);
      const place = await printLast(sessions, key, options.limit, print);
      if (place.shown === 0 && !follow) await sessions.view(key);
      if (follow) await printNew(sessions, key, place, print, stop.signal);
    });
  } finally {
    forget();
  }
  if (stop.signal.aborted) process.exitCode = EXIT_INTERRUPTED;
}

/** Where a follower stands: behind `shown` entries after the cursor. */
interface Place {
  readonly cursor: string | undefined;
  readonly shown: number;
}

type Print = (entry: HistoryEntry) => void;

async function printLast(
  sessions: ControlSessions,
  key: string,
  limit: number,
  print: Print,
): Promise<Place> {
  const { items, cursor } = await sessions.history(key, { limit, newestFirst: true });
  for (const entry of items.toReversed()) print(entry);
  // A cursor stands at the oldest entry of its page.
  return { cursor, shown: cursor === undefined ? items.length : items.length - 1 };
}

async function printNew(
  sessions: ControlSessions,
  key: string,
  from: Place,
  print: Print,
  signal: AbortSignal,
): Promise<void> {
  let place = from;
  while (!signal.aborted) {
    const { cursor, shown } = place;
    const page = await sessions.history(key, { cursor });
    for (const entry of page.items.slice(shown)) print(entry);
    const isFull = page.cursor !== undefined;
    place = isFull
      ? { cursor: page.cursor, shown: Math.max(0, shown - page.items.length) }
      : { cursor, shown: page.items.length };
    if (!isFull) await pause(POLL_EVERY_MS, signal);
  }
}

function nobodyRuns(directory: string): HoldfastError {
  const message = `no process runs ${directory}: nothing new comes; leave out --follow to see what there is`;
  return new HoldfastError('CONTROL_FAILED', message);
}
