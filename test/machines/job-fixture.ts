/** A job as the façade makes it; every test sets what matters to it. */
import type { JobInput, JobRef } from '../../src/machines/index.js';
import { answer, drive } from './drive.js';
import { jobMachine } from '../../src/machines/index.js';

export const REF: JobRef = { taskId: 'task-1', endpoint: 'videos', generation: 'v1', credential: 'main' };

export const ARTIFACT = {
  path: 'abc.mp4',
  sha256: 'abc',
  bytes: 10,
  mime: 'video/mp4',
  sourceUrl: 'https://cdn.example/abc.mp4',
};

export function jobInput(more: Partial<JobInput> = {}): JobInput {
  return {
    jobId: 'job_1',
    provider: 'openai',
    kind: 'video',
    credential: 'main',
    sessionKey: 'telegram:42',
    delivery: { channel: 'telegram', target: '42', replyTo: 'm7' },
    origin: 'agent',
    label: 'a cat in the rain',
    requestHash: 'hash',
    deliveryId: 'dlv_1',
    reconcile: { by: 'list', onUnlisted: 'resubmit', afterMs: 60_000 },
    cancelOffered: true,
    pollMinMs: 2_000,
    timeoutMs: 1_800_000,
    submitByMs: 86_400_000,
    graceMs: 86_400_000,
    retentionMs: 3_600_000,
    historyRole: 'assistant',
    ...more,
  };
}

export const newJob = (more: Partial<JobInput> = {}) => drive(jobMachine, jobInput(more));

/** A job whose POST was accepted. */
export function pendingJob(more: Partial<JobInput> = {}) {
  const job = newJob(more);
  job.send(answer('submit', { type: 'accepted', ref: REF }));
  return job;
}

/** A job whose task is rendered. */
export function fetchingJob(more: Partial<JobInput> = {}) {
  const job = pendingJob(more);
  job.fire('nextPoll');
  job.send(answer('poll', { type: 'done' }));
  return job;
}

/** A job that timed out without an answer from its provider. */
export function timedOutJob(more: Partial<JobInput> = {}) {
  const job = pendingJob(more);
  job.fire('deadline');
  job.send(answer('poll', { type: 'pending' }));
  return job;
}
