/**
 * How jobs are found: the index rows of a job, and their names.
 *
 * Pure. Callers: jobs.ts, job-reconcile.ts. Invariant: (provider, credential, task id) belongs to one job.
 */
import { basename } from 'node:path';
import type { AnyMachineSnapshot } from 'xstate';
import { jobStatus, type JobContext, type JobStatus } from '../machines/index.js';
import type { IndexedActor, IndexRow } from './kernel/index.js';

export const JOB_STATUSES = [
  'blocked',
  'submitting',
  'submitUnknown',
  'pending',
  'polling',
  'fetching',
  'done',
  'failed',
  'timedOut',
  'cancelled',
] as const satisfies readonly JobStatus[];

/** Every listing is in order of submission: the order of creation is the last part. */
export const jobIndexes = {
  all: 'job.all',
  status: 'job.status',
  provider: 'job.provider',
  session: 'job.session',
  kind: 'job.kind',
  /** Of the turn that asked for it: session, turn. */
  turn: 'job.turn',
  /** To count them: provider, status. */
  tally: 'job.tally',
  /** Unique: provider, credential, task id. */
  task: 'job.task',
  /** While a POST is out: provider, credential, hash of the request. */
  posting: 'job.posting',
} as const;

export function jobIndexRows(snapshot: AnyMachineSnapshot, { ord }: IndexedActor): IndexRow[] {
  const context = snapshot.context as JobContext;
  const { input, ref } = context;
  const status: JobStatus | undefined = jobStatus(snapshot);
  const rows: IndexRow[] = [
    { index: jobIndexes.all, parts: [ord] },
    { index: jobIndexes.provider, parts: [input.provider, ord] },
    { index: jobIndexes.kind, parts: [input.kind, ord] },
  ];
  if (status !== undefined) {
    rows.push({ index: jobIndexes.status, parts: [status, ord] });
    rows.push({ index: jobIndexes.tally, parts: [input.provider, status, ord] });
  }
  if (input.sessionKey !== undefined)
    rows.push({ index: jobIndexes.session, parts: [input.sessionKey, ord] });
  if (input.turn !== undefined) {
    const { sessionId, turnId } = input.turn;
    rows.push({ index: jobIndexes.turn, parts: [sessionId, turnId, ord] });
  }
  if (ref !== undefined) {
    rows.push({ index: jobIndexes.task, parts: [input.provider, ref.credential, ref.taskId], unique: true });
  }
  if (snapshot.matches({ submitting: 'posting' })) {
    rows.push({ index: jobIndexes.posting, parts: [input.provider, input.credential, input.requestHash] });
  }
  return rows;
}

/** The artifact files a job keeps alive, by name: the hash of the content and an extension. */
export function jobReferences(snapshot: AnyMachineSnapshot): string[] {
  return (snapshot.context as JobContext).artifacts.map(({ path }) => basename(path));
}
