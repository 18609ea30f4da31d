/**
 * When a job is polled next: by its cadence, as its provider asks, or because there is news.
 *
 * Owns: nothing; pure functions over the context. Callers: job-setup.ts. Invariants:
 *  H1  After news, whenever it comes, a poll begins that began after it: one that is out already may have
 *      been answered before it.
 *  H2  However many hints come, polls begin no closer together than a second, or the provider's own minimum.
 */
import { envelopeOf } from './envelope.js';
import { retryAfterIn, type Change } from './job-rules.js';
import type { JobContext, JobEvent } from './job-words.js';
import { pollDelayMs } from './poll-cadence.js';

const HINT_GAP_MS = 1_000;

/** When a hint may lead to a poll. */
function hintDueAt({ polledAt = -Infinity, input }: JobContext): number {
  return polledAt + Math.max(HINT_GAP_MS, input.pollMinMs);
}

export function schedulePoll(context: JobContext, event: JobEvent): Change {
  const { at, random } = envelopeOf(event);
  const { poll: cadence = {}, pollMinMs } = context.input;
  const { pollCount, hinted } = context;
  const retryAfterMs = retryAfterIn(event);
  const nextPollAt = at + pollDelayMs({ cadence, pollMinMs, pollCount, retryAfterMs, random });
  // A wait that it asks for after its news goes first.
  const isHurried = hinted === true && retryAfterMs === undefined;
  return { nextPollAt: isHurried ? Math.max(at, Math.min(nextPollAt, hintDueAt(context))) : nextPollAt };
}

/** True when a hint leads to a poll at once (H2). */
export function hintInTime(context: JobContext, event: JobEvent): boolean {
  return envelopeOf(event).at >= hintDueAt(context);
}

/** True when a hint that came too early leads to a poll sooner than there would be one. */
export function hintHurries(context: JobContext): boolean {
  return (context.nextPollAt ?? Infinity) > hintDueAt(context);
}
