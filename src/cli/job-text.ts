/**
 * One job as text for people.
 *
 * Pure. Callers: jobs.ts, session-text.ts. Invariant: text of others is shown without control characters.
 */
import type { FallbackView, JobView } from '../index.js';
import { factLines, timeText, type Fact } from './facts.js';
import type { Colours } from './terminal.js';

/** Aligned `name  value` lines; what a job does not have is left out. */
export function jobLines(job: JobView, colours: Colours): readonly string[] {
  const { ref, error, delivery, quarantine, progress } = job;
  const facts: readonly Fact[] = [
    ['id', job.id],
    ['status', nameStatus(job.late ? `${job.status} (late)` : job.status, job.status, colours)],
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

/** A status, or a text about it, in its colour. */
export function nameStatus(text: string, status: JobView['status'], colours: Colours): string {
  switch (status) {
    case 'done':
      return colours.green(text);
    case 'failed':
    case 'timedOut':
      return colours.red(text);
    case 'blocked':
    case 'submitUnknown':
      return colours.yellow(text);
    case 'cancelled':
      return colours.dim(text);
    case 'submitting':
    case 'pending':
    case 'polling':
    case 'fetching':
      return colours.cyan(text);
  }
}

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
