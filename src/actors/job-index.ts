/**
 * How jobs are found: the index rows of a job, and their names.
 *
 * Pure. Callers: jobs.ts, job-reconcile.ts. Invariant: (provider, credential, task id) belongs to one job.
 */
import type { AnyMachineSnapshot } from 'xstate';
import { jobStatus, type JobContext, type JobStatus } from '../machines/index.js';
import type { IndexRow } from './kernel/index.js';

/** Every listing is in order of submission: a time of fixed width is the last part. */
export const jobIndexes = {
  all: 'job.all',
  status: 'job.status',
  provider: 'job.provider',
  session: 'job.session',
  kind: 'job.kind',
  /** Unique: provider, credential, task id. */
  task: 'job.task',
  /** While a POST is out: provider, credential, hash of the request. */
  posting: 'job.posting',
} as const;

const TIME_DIGITS = 15;

export function jobIndexRows(snapshot: AnyMachineSnapshot): IndexRow[] {
  const context = snapshot.context as JobContext;
  const { input, ref, submittedAt } = context;
  const at = String(submittedAt).padStart(TIME_DIGITS, '0');
  const status: JobStatus | undefined = jobStatus(snapshot);
  const rows: IndexRow[] = [
    { index: jobIndexes.all, parts: [at] },
    { index: jobIndexes.provider, parts: [input.provider, at] },
    { index: jobIndexes.kind, parts: [input.kind, at] },
  ];
  if (status !== undefined) rows.push({ index: jobIndexes.status, parts: [status, at] });
  if (input.sessionKey !== undefined) rows.push({ index: jobIndexes.session, parts: [input.sessionKey, at] });
  if (ref !== undefined) {
    rows.push({ index: jobIndexes.task, parts: [input.provider, ref.credential, ref.taskId], unique: true });
  }
  if (snapshot.matches({ submitting: 'posting' })) {
    rows.push({ index: jobIndexes.posting, parts: [input.provider, input.credential, input.requestHash] });
  }
  return rows;
}

/** The artifact files a job keeps alive. */
export function jobReferences(snapshot: AnyMachineSnapshot): string[] {
  return (snapshot.context as JobContext).artifacts.map(({ sha256 }) => sha256);
}
