/**
 * Events and times in words.
 *
 * Pure. Callers: why-words.ts, story-mermaid.ts, acts.ts.
 */
import { dateOf } from '../../clock.js';

const ENDS = [
  ['xstate.done.actor.', 'answers'],
  ['xstate.error.actor.', 'fails'],
  ['xstate.snapshot.', 'goes on'],
] as const;

/** XState's and the kernel's own events as what happens: "submit answers", "after nextPoll". */
export function eventWords(type: string): string {
  if (type === 'xstate.init') return 'begins';
  for (const [prefix, verb] of ENDS) {
    if (type.startsWith(prefix)) return `${type.slice(prefix.length)} ${verb}`;
  }
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(type) ?? [];
  if (delay !== undefined) return `after ${/^\d+$/.test(delay) ? durationWords(Number(delay)) : delay}`;
  return type.replace(/^holdfast\./, 'kernel: ');
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A time span in its two largest units: "23 h 56 min", "2.1 s", "340 ms". */
export function durationWords(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${Math.round(ms / 100) / 10} s`;
  const at = UNITS.findIndex(([, unit]) => ms >= unit);
  const [name, unit] = UNITS[at] ?? UNITS[3];
  const next = UNITS[at + 1];
  if (next === undefined) return `${Math.floor(ms / unit)} ${name}`;
  const rest = Math.floor((ms % unit) / next[1]);
  return rest === 0
    ? `${Math.floor(ms / unit)} ${name}`
    : `${Math.floor(ms / unit)} ${name} ${rest} ${next[0]}`;
}

/** A wall time, to the minute on the day of `now`, with the date on others; UTC. */
export function timeWords(at: number, now: number): string {
  const text = dateOf(at).toISOString();
  const time = `${text.slice(11, 16)} UTC`;
  return text.slice(0, 10) === dateOf(now).toISOString().slice(0, 10) ? time : `${text.slice(0, 10)} ${time}`;
}
