/**
 * Events and times in words.
 *
 * Pure. Callers: why-words.ts, story-mermaid.ts, acts.ts.
 */
import { dateOf } from '../../clock.js';
import { durationWords } from './duration-words.js';

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

/** A wall time, to the minute on the day of `now`, with the date on others; UTC. */
export function timeWords(at: number, now: number): string {
  const text = dateOf(at).toISOString();
  const time = `${text.slice(11, 16)} UTC`;
  return text.slice(0, 10) === dateOf(now).toISOString().slice(0, 10) ? time : `${text.slice(0, 10)} ${time}`;
}
