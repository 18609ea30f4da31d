/**
 * One job as text for people.
 *
 * Pure. Callers: jobs.ts, session-text.ts. Invariant: text of others is shown without control characters.
 */
import type { FallbackView, JobView } from '../index.js';
import { factLines, timeText, type Fact } from './facts.js';
import type { Tones } from './status.js';
import type { Colours } from './terminal.js';

/** Aligned `name  value` lines; what a job does not have is left out. */
export function jobLines(job: JobView, colours: Colours): readonly string[] {
  const { ref, error, delivery, quarantine, progress } = job;
  const facts: readonly Fact[] = [
    ['id', job.id],
    ['status', colours[JOB_TONES[job.status]](job.late ? `${job.status} (late)` : job.status)],
    ['prompt', job.request?.prompt],
    ['provider', job.provider],
    ...(job.fallback ?? []).map((step): Fact => ['asked', askedText(step)]),
    ['kind', job.kind],
    ['task', ref && `${ref.taskId} (account ${ref.credential})`],
    ['progress', progress === undefined ? undefined : `${Math.round(progress * 100)} %`],
    ['polls', job.pollCount === 0 ? undefined : job.pollCount],
    ['error', error && `${error.code}: ${error.message}`],
    ['quarantine', quarantine && `${quarantine.code}: ${quarantine.message}`],
    ...job.artifacts.map(({ path, bytes, mime }): Fact => ['artifact', `${path} (${mime}, ${bytes} bytes)`]),
    ['session', job.sessionKey],
    ['origin', job.origin],
    ['delivery', deliveryText(job)],
    ['to', delivery && `${delivery.channel}:${delivery.target}`],
    ['submitted', timeText(job.submittedAt)],
    ['next poll', timeText(job.nextPollAt)],
    ['times out', job.settledAt === undefined ? timeText(job.timeoutAt) : undefined],
    ['settled', timeText(job.settledAt)],
    ['delivered', timeText(job.deliveredAt)],
  ];
  return factLines(facts, colours, 'status');
}

export const JOB_TONES: Tones<JobView['status']> = {
  done: 'green',
  failed: 'red',
  timedOut: 'red',
  blocked: 'yellow',
  submitUnknown: 'yellow',
  cancelled: 'dim',
  submitting: 'cyan',
  pending: 'cyan',
  polling: 'cyan',
  fetching: 'cyan',
};

function askedText({ provider, credential, present, refusal }: FallbackView): string {
  const who = `${provider}:${credential}${present ? ' (present)' : ''}`;
  if (refusal === undefined) return who;
  const again = { later: 'asked again', resumed: 'paused', available: 'not there', never: 'refused' }[
    refusal.until
  ];
  return `${who}, ${again}: ${refusal.message}`;
}

function deliveryText({ deliveryStatus, deliveryAttempts }: JobView): string {
  return deliveryAttempts > 1 ? `${deliveryStatus} (attempt ${deliveryAttempts})` : deliveryStatus;
}
