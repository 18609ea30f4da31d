/**
 * Times, states and counts in words.
 *
 * Pure. Callers: the page's views.
 */
import type { StateValue } from 'xstate';
import { durationWords } from '../../actors/inspection/duration-words.js';
import type { StepLine } from '../../actors/inspection/face.js';
import { leavesOf } from '../../actors/kernel/leaves.js';

export { durationWords, leavesOf };

/** `12 min ago`: the largest unit alone. */
export function agoWords(at: number, now: number): string {
  const [first = '0', unit = 's'] = durationWords(Math.max(now - at, 0)).split(' ');
  return unit === 'ms' ? 'now' : `${first.replace(/\..*/, '')} ${unit} ago`;
}

/** All states that a value is in, from the outermost: `{a: {b: 'c'}}` → `['a', 'a.b', 'a.b.c']`. */
export function activePathsOf(value: StateValue | null | undefined): readonly string[] {
  const paths = leavesOf(value).flatMap((leaf) => {
    const names = leaf.split('.');
    return names.map((_name, index) => names.slice(0, index + 1).join('.'));
  });
  return [...new Set(paths)];
}

/** A state value as a line: `fetching.downloading · linked`. */
export function stateWords(value: StateValue | null | undefined): string {
  return leavesOf(value).join(' · ');
}

/** `1,234`; from a hundred thousand on shorter: `123k`, `1.2M`. */
export function countWords(count: number): string {
  if (count < 100_000) return count.toLocaleString('en');
  return Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(count);
}

/** `812, 3 ms later`: a step's commit, and how long after the step its writing began. */
export function commitWords(step: Pick<StepLine, 'at' | 'commit' | 'committedAt'>): string {
  const { at, commit, committedAt } = step;
  const number = commit.toLocaleString('en');
  if (committedAt === undefined) return number;
  // Earlier where the clock was set back between them.
  const when = committedAt < at ? `at ${timeWords(committedAt)}` : `${durationWords(committedAt - at)} later`;
  return `${number}, ${when}`;
}

/** `2026-11-22 23:57:39.123`, in the reader's time zone. */
export function timeWords(at: number): string {
  const date = new Date(at);
  const two = (part: number, length = 2): string => String(part).padStart(length, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time}.${two(date.getMilliseconds(), 3)}`;
}
