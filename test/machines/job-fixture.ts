/** A job as the façade makes it; every test sets what matters to it. */
import { jobMachine, jobStatus } from '../../src/machines/index.js';
import type { JobInput, JobRef } from '../../src/machines/index.js';
import { answer, drive, fault } from './drive.js';
import type { Asked } from './drive.js';

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

export type Job = ReturnType<typeof newJob>;

export const statusOf = (job: Job) => jobStatus(job.now().snapshot);
export const contextOf = (job: Job) => job.now().snapshot.context;
export const asks = (job: Job) => Object.keys(job.now().snapshot.children);
export const posts = (job: Job) => contextOf(job).posts;
export const history = (job: Job) =>
  paramsOf(job, 'history.append').map((params) => Reflect.get(params, 'entry') as object);
export const sent = (job: Job) =>
  paramsOf(job, 'actor.create')
    .filter((params) => Reflect.get(params, 'kind') === 'delivery')
    .map((params) => Reflect.get(params, 'input') as object);
/** What wakes its session: the session that is made of it, and what it is sent. */
export const wakes = (job: Job) => [
  ...paramsOf(job, 'actor.create').filter((params) => Reflect.get(params, 'kind') === 'session'),
  ...paramsOf(job, 'actor.send'),
];
const paramsOf = (job: Job, type: string) =>
  job
    .written()
    .filter((asked: Asked) => asked.type === type)
    .map(({ params }) => Object(params) as object);

export const evidence = (type: string, more: object = {}) => ({
  type: 'provider.evidence',
  outcome: { type, ...(type === 'failed' ? { error: fault(false) } : {}) },
  ...more,
});
export const ambiguous = answer('submit', { type: 'ambiguous', error: fault(false) });
export const done = answer('fetch', { type: 'done', artifacts: [ARTIFACT] });
export const settledDelivery = (status: string, deliveryId = 'dlv_1') => ({
  type: 'delivery.settled',
  deliveryId,
  status,
  at: 1,
  attempts: 3,
});
