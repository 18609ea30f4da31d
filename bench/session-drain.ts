/**
 * Sessions with one batch each, drained: resident memory at three numbers of sessions, each in a process of
 * its own with a heap of at most 128 MiB. Callers: sessions.ts.
 */
import { inChild } from './child.js';
import { inFreshDirectory } from './place.js';

const COUNTS = [1_000, 10_000, 50_000];
const HEAP_MIB_MAX = 128;

export interface Drained {
  readonly sessions: number;
  readonly sessionsPerSecond: number;
  readonly peakMiB: number;
  readonly endMiB: number;
  /** In use after a collection. */
  readonly heapMiB: number;
}

export async function measureDrains(): Promise<readonly Drained[]> {
  const all: Drained[] = [];
  for (const sessions of COUNTS)
    all.push(await inFreshDirectory((directory) => drained(directory, sessions)));
  return all;
}

async function drained(directory: string, sessions: number): Promise<Drained> {
  await inChild('session-drain-child', ['fill', directory, String(sessions)]);
  const flags = [`--max-old-space-size=${HEAP_MIB_MAX}`];
  const printed = await inChild('session-drain-child', ['drain', directory, String(sessions)], flags);
  if (printed['drained'] !== sessions) throw new Error(`${printed['drained']} of ${sessions} were drained`);
  const figure = (name: string): number => printed[name] ?? Number.NaN;
  return {
    sessions,
    sessionsPerSecond: figure('sessionsPerSecond'),
    peakMiB: figure('peakMiB'),
    endMiB: figure('endMiB'),
    heapMiB: figure('heapMiB'),
  };
}
