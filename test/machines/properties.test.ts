import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { transition } from 'xstate';
import type { AnyEventObject, AnyStateMachine } from 'xstate';
import { deliveryMachine, jobMachine, jobStatus } from '../../src/machines/index.js';
import type { JobInput } from '../../src/machines/index.js';
import { answer, drive, fault, throughDisk, thrown } from './drive.js';
import type { Driver, Moment } from './drive.js';
import { ARTIFACT, REF, fetchingJob, newJob, pendingJob, sent, timedOutJob } from './job-fixture.js';

/** Take a failing run back with HOLDFAST_SEED=<the printed seed>. */
const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000_007);
const RUNS = 300;

const later = { class: 'server', retryAfterMs: 5_000 };
const jobAnswers: Readonly<Record<string, readonly AnyEventObject[]>> = {
  submit: [
    answer('submit', { type: 'accepted', ref: REF }),
    answer('submit', { type: 'accepted', ref: REF, outcome: { type: 'done' } }),
    answer('submit', { type: 'accepted', ref: REF, outcome: { type: 'failed', error: fault(false) } }),
    answer('submit', { type: 'rejected', error: fault(true, later) }),
    answer('submit', { type: 'rejected', error: fault(false) }),
    answer('submit', { type: 'ambiguous', error: fault() }),
    answer('submit', { type: 'billed', error: fault() }),
    answer('submit', { type: 'blocked', error: fault() }),
    answer('submit', { type: 'withdrawn' }),
    { type: 'effect.interrupted', effect: 'submit', src: 'submit' },
    thrown('submit'),
  ],
  reconcile: [
    answer('reconcile', { type: 'found', ref: REF }),
    answer('reconcile', { type: 'absent' }),
    answer('reconcile', { type: 'absent' }),
    answer('reconcile', { type: 'unsupported' }),
    answer('reconcile', { type: 'wait', retryAfterMs: 3_000 }),
    thrown('reconcile'),
  ],
  poll: [
    answer('poll', { type: 'pending', progress: 0.3 }),
    answer('poll', { type: 'pending', unknownStatus: 'simmering' }),
    answer('poll', { type: 'done' }),
    answer('poll', { type: 'failed', error: fault(false) }),
    answer('poll', { type: 'transient', error: fault(true, { class: 'notFound' }) }),
    answer('poll', { type: 'blocked', error: fault() }),
    thrown('poll'),
  ],
  fetch: [
    answer('fetch', { type: 'done', artifacts: [ARTIFACT] }),
    answer('fetch', { type: 'stale', error: fault() }),
    answer('fetch', { type: 'transient', error: fault(true, later) }),
    answer('fetch', { type: 'permanent', error: fault(false) }),
    answer('fetch', { type: 'blocked', error: fault() }),
    thrown('fetch'),
  ],
  cancelRemote: [answer('cancelRemote', { type: 'ok' }), thrown('cancelRemote')],
};

const jobOutside: readonly AnyEventObject[] = [
  { type: 'job.cancel' },
  { type: 'job.retry' },
  { type: 'job.adopt', ref: { ...REF, taskId: 'adopted' } },
  { type: 'job.resubmit' },
  { type: 'provider.hint' },
  { type: 'provider.available' },
  { type: 'provider.evidence', outcome: { type: 'done' } },
  { type: 'provider.evidence', ref: { ...REF, taskId: 'proven' }, outcome: { type: 'done' } },
  { type: 'provider.evidence', ref: REF, outcome: { type: 'done' } },
  { type: 'provider.evidence', ref: REF, outcome: { type: 'failed', error: fault(false) } },
  { type: 'provider.evidence', ref: REF, outcome: { type: 'pending', progress: 0.9 } },
  ...['dlv_1', 'dlv_1-late', 'dlv_1-2'].flatMap((deliveryId) =>
    ['delivered', 'exhausted', 'dismissed'].map((status) => ({
      type: 'delivery.settled',
      deliveryId,
      status,
      at: 1,
      attempts: 1,
    })),
  ),
];

const deliveryAnswers: Readonly<Record<string, readonly AnyEventObject[]>> = {
  send: [
    answer('send', { type: 'sent', receipt: { id: 1 } }),
    answer('send', { type: 'failed', error: { code: 'E', message: 'm', permanent: false, retryAfterMs: 9 } }),
    answer('send', { type: 'failed', error: { code: 'E', message: 'm', permanent: false } }),
    answer('send', { type: 'failed', error: { code: 'E', message: 'm', permanent: true } }),
    { type: 'effect.interrupted', effect: 'send', src: 'send' },
    thrown('send'),
  ],
  reconcile: [
    ...['sent', 'notSent', 'unknown', 'unsupported'].map((type) => answer('reconcile', { type })),
    thrown('reconcile'),
  ],
};

const deliveryOutside = ['lane.turn', 'lane.turn', 'delivery.retry', 'delivery.dismiss'].map((type) => ({
  type,
}));

/**
 * One choice of the world: mostly an answer or a timer, sometimes something from outside, at some later
 * time.
 */
const choice = fc.record({
  what: fc.constantFrom('answer', 'answer', 'timer', 'outside'),
  pick: fc.nat(1_000),
  afterMs: fc.constantFrom(0, 1, 1_000, 60_001, 86_400_000),
  random: fc.double({ min: 0, max: 0.999, noNaN: true }),
});
type Choice = typeof choice extends fc.Arbitrary<infer T> ? T : never;

const pickOf = <T>(list: readonly T[], pick: number): T | undefined => list[pick % Math.max(1, list.length)];

/**
 * What the kernel could really deliver now: answers of effects that are out, timers that are armed, any
 * outside event.
 */
function play(
  chart: Driver<ReturnType<AnyStateMachine['getInitialSnapshot']>>,
  { what, pick, afterMs, random }: Choice,
  answers: Readonly<Record<string, readonly AnyEventObject[]>>,
  outside: readonly AnyEventObject[],
): boolean {
  const asked = pickOf(Object.keys(Object(chart.now().snapshot.children) as object), pick) ?? '';
  const timer = pickOf(Object.keys(chart.timers()), pick);
  if (what === 'timer' && timer !== undefined) return chart.fire(timer) !== undefined;
  const event = pickOf(what === 'answer' ? (answers[asked] ?? []) : outside, pick);
  return event !== undefined && chart.send(event, { afterMs, random }) !== undefined;
}

/** The step from what is on disk gives what the step from memory gave. */
function expectSameFromDisk<Machine extends AnyStateMachine>(
  machine: Machine,
  before: Moment<ReturnType<Machine['getInitialSnapshot']>>,
  now: Moment<ReturnType<Machine['getInitialSnapshot']>>,
) {
  const [snapshot, actions] = transition(
    machine,
    throughDisk(machine, before.snapshot) as never,
    now.event as never,
  );
  const persisted = (value: object): unknown =>
    JSON.parse(JSON.stringify(machine.getPersistedSnapshot(value as never)));
  expect(persisted(snapshot)).toEqual(persisted(now.snapshot));
  expect(actions.map(({ type }) => type)).toEqual(now.asked.map(({ type }) => type));
  expect(JSON.parse(JSON.stringify(now.snapshot.context))).toEqual(now.snapshot.context);
}

const jobs: fc.Arbitrary<Partial<JobInput>> = fc.record({
  reconcile: fc.record({
    by: fc.constantFrom('key', 'list', 'none'),
    onUnlisted: fc.constantFrom('resubmit', 'hold'),
    afterMs: fc.constantFrom(0, 60_000),
  }),
  cancelOffered: fc.boolean(),
  origin: fc.constantFrom('agent', 'cron', 'userDirect'),
});

/** From anywhere on the way, so that short runs see late life too. */
const starts = fc.constantFrom(newJob, pendingJob, fetchingJob, timedOutJob);

describe(`whatever happens to it (seed ${seed})`, () => {
  it('a job keeps its promises', () => {
    fc.assert(
      fc.property(jobs, starts, fc.array(choice, { maxLength: 60 }), (more, start, choices) => {
        const job = start(more);
        for (const made of choices) {
          const before = job.now();
          if (before.snapshot.status !== 'active' || !play(job, made, jobAnswers, jobOutside)) continue;
          const now = job.now();
          expectSameFromDisk(jobMachine, before, now);
          expectPromisesKept(before, now);
        }
        const ids = sent(job).map((delivery) => String(Reflect.get(delivery, 'deliveryId')));
        expect(new Set(ids).size).toBe(ids.length);
        const { outcomes, deliveries } = job.now().snapshot.context;
        expect(job.written().filter(({ type }) => type === 'history.append')).toHaveLength(outcomes);
        expect(job.written().filter(({ type }) => type === 'actor.send')).toHaveLength(outcomes);
        expect(deliveries.map(({ deliveryId }) => deliveryId)).toEqual(ids);
      }),
      { seed, numRuns: RUNS },
    );
  });

  function expectPromisesKept(before: JobMoment, now: JobMoment) {
    const was = before.snapshot.context;
    const is = now.snapshot.context;
    const status = jobStatus(now.snapshot);
    // Accepted once, it is never posted again and never loses its task.
    if (was.ref !== undefined) {
      expect([is.posts, is.ref, is.timeoutAt]).toEqual([was.posts, was.ref, was.timeoutAt]);
    }
    // Settled once, it is never submitted again; only a proven success or a retry by hand fetches.
    if (was.outcome !== undefined) expect(['submitting', 'submitUnknown']).not.toContain(status);
    if (status === 'done') expect(is.artifacts.length).toBeGreaterThan(0);
    if (['pending', 'polling', 'fetching', 'done'].includes(status)) expect(is.ref).toBeDefined();
    expect(is.fetchFailures).toBeLessThanOrEqual(10);
    // In doubt it posts again only after two looks, or because an operator said so.
    const doubted = JSON.stringify(before.snapshot.value).includes('doubting');
    if (doubted && is.posts > was.posts) expect(was.absents).toBe(1);
  }
  type JobMoment = Moment<ReturnType<typeof jobMachine.getInitialSnapshot>>;

  it('a delivery keeps its promises', () => {
    const policy = { kind: 'exponential', delayMs: 10, attemptsMax: 3 } as const;
    const input = {
      deliveryId: 'd',
      cause: 'job/j',
      channel: 'c',
      target: 't',
      text: 'x',
      files: [],
      policy,
    };
    fc.assert(
      fc.property(fc.array(choice, { maxLength: 40 }), (choices) => {
        const delivery = drive(deliveryMachine, input);
        for (const made of choices) {
          const before = delivery.now();
          if (before.snapshot.status !== 'active' || !play(delivery, made, deliveryAnswers, deliveryOutside))
            continue;
          const now = delivery.now();
          expectSameFromDisk(deliveryMachine, before, now);
          expect(now.snapshot.context.failures).toBeLessThanOrEqual(policy.attemptsMax);
          // Whoever asked for it is told of every end, in the step of that end.
          const ended = ['delivered', 'exhausted', 'dismissed'].includes(String(now.snapshot.value));
          const moved = now.snapshot.value !== before.snapshot.value;
          expect(now.asked.filter(({ type }) => type === 'actor.send')).toHaveLength(ended && moved ? 1 : 0);
        }
      }),
      { seed, numRuns: RUNS },
    );
  });
});
