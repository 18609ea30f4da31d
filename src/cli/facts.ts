/**
 * One thing as text for people: aligned `name  value` lines; and times.
 *
 * Pure. Callers: the commands' text files. Invariant: text of others is shown without control characters.
 */
import { leavesOf } from '../actors/index.js';
import { fitted, plain, type Colours } from './terminal.js';

export type Fact = readonly [name: string, value: string | number | undefined];

/** What is not there is left out. `painted` names the facts whose values are our own, in their colours. */
export function factLines(
  facts: readonly Fact[],
  colours: Colours,
  ...painted: readonly string[]
): readonly string[] {
  const given = facts.flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as const],
  );
  const width = Math.max(...given.map(([name]) => name.length));
  return given.map(([name, value]) => {
    const shown = painted.includes(name) ? value : plain(value);
    return `${colours.dim(name.padEnd(width))}  ${shown}`;
  });
}

export function timeText(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : new Date(atMs).toISOString();
}

/** A span in its largest unit; none is negative. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)}h` : `${Math.round(seconds / 86_400)}d`;
}

/** A span as exact as one reads it: stays in states may be of milliseconds. */
export function finelyText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)}s` : spanText(ms);
}

/** The states an actor is in at once; empty where it has none. */
export function statesText(value: unknown): string {
  return leavesOf(value).join(' + ');
}

/** How much of a JSON value people are shown. */
const JSON_COLUMNS_MAX = 2_000;

/** JSON of others, cut where it is long; undefined stays so. */
export function jsonText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  // Its beginning alone is looked at: to tell the graphemes of 256 KiB takes a while.
  return fitted(plain(JSON.stringify(value).slice(0, JSON_COLUMNS_MAX * 4)), JSON_COLUMNS_MAX);
}
