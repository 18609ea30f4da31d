import { describe, expect, it } from 'vitest';
import type { AnyEventObject } from 'xstate';
import { jobStatus } from '../../src/machines/index.js';
import { answer, fault } from './drive.js';
import { ARTIFACT, REF, fetchingJob, newJob, pendingJob, timedOutJob } from './job-fixture.js';

type Job = ReturnType<typeof newJob>;

const after = (job: Job, ...events: readonly AnyEventObject[]) => {
  for (const event of events) job.send(event);
  return job;
};
const cancel = { type: 'job.cancel' };
const blocked = { type: 'blocked', error: fault() };
const ambiguous = answer('submit', { type: 'ambiguous', error: fault() });
const holding = { reconcile: { by: 'none', onUnlisted: 'hold', afterMs: 0 } } as const;

const events: Readonly<Record<string, AnyEventObject>> = {
  cancel,
  retry: { type: 'job.retry' },
  adopt: { type: 'job.adopt', ref: REF },
  resubmit: { type: 'job.resubmit' },
  hint: { type: 'provider.hint' },
  available: { type: 'provider.available' },
  provenDone: { type: 'provider.evidence', ref: REF, outcome: { type: 'done' } },
  provenFailed: { type: 'provider.evidence', ref: REF, outcome: { type: 'failed', error: fault(false) } },
  provenPending: { type: 'provider.evidence', ref: REF, outcome: { type: 'pending' } },
  interrupted: { type: 'effect.interrupted', effect: 'submit', src: 'submit' },
};

const proven = { provenDone: 'fetching', provenFailed: 'failed', provenPending: 'pending' };

/** A way to each state, and the status each event leads to from there. What is not named changes nothing. */
const table: readonly (readonly [string, () => Job, Readonly<Record<string, string>>])[] = [
  [
    'blocked before the POST',
    () => after(newJob(), answer('submit', blocked)),
    { cancel: 'cancelled', available: 'submitting', ...proven },
  ],
  [
    'blocked with a task',
    () => after(fetchingJob(), answer('fetch', blocked)),
    { cancel: 'cancelled', available: 'pending', provenDone: 'fetching', provenFailed: 'failed' },
  ],
  ['posting', newJob, proven],
  [
    'posting, no longer wanted',
    () => after(newJob(), cancel),
    {
      provenDone: 'cancelled',
      provenFailed: 'cancelled',
      provenPending: 'cancelled',
      interrupted: 'cancelled',
    },
  ],
  [
    'resting before a POST',
    () => after(newJob(), answer('submit', { type: 'rejected', error: fault() })),
    { cancel: 'cancelled', ...proven },
  ],
  ['looking', () => after(newJob(), ambiguous), { cancel: 'cancelled', adopt: 'pending', ...proven }],
  [
    'pausing between looks',
    () => after(newJob(), ambiguous, answer('reconcile', { type: 'wait' })),
    { cancel: 'cancelled', adopt: 'pending', ...proven },
  ],
  [
    'submitUnknown',
    () => after(newJob(holding), ambiguous),
    { cancel: 'cancelled', adopt: 'pending', resubmit: 'submitting', ...proven },
  ],
  [
    'pending',
    pendingJob,
    { cancel: 'cancelled', hint: 'polling', provenDone: 'fetching', provenFailed: 'failed' },
  ],
  [
    'polling',
    () => after(pendingJob(), { type: 'provider.hint' }),
    { cancel: 'cancelled', provenDone: 'fetching', provenFailed: 'failed' },
  ],
  ['downloading', fetchingJob, { cancel: 'cancelled' }],
  [
    'resting before a download',
    () => after(fetchingJob(), answer('fetch', { type: 'transient', error: fault() })),
    { cancel: 'cancelled' },
  ],
  ['done', () => after(fetchingJob(), answer('fetch', { type: 'done', artifacts: [ARTIFACT] })), {}],
  ['failed', () => after(pendingJob(), events['provenFailed'] ?? cancel), {}],
  [
    'failed, but rendered',
    () => after(fetchingJob(), answer('fetch', { type: 'permanent', error: fault() })),
    { retry: 'fetching' },
  ],
  ['timedOut', timedOutJob, { provenDone: 'fetching' }],
  ['cancelled', () => after(pendingJob(), cancel), {}],
];

describe.each(table)('a job that is %s', (_name, arrive, leads) => {
  it.each(Object.entries(events))('hears %s', (name, event) => {
    const job = arrive();
    const before = jobStatus(job.now().snapshot);
    job.send(event);
    expect(jobStatus(job.now().snapshot)).toBe(leads[name] ?? before);
  });
});
