import { describe, expect, it } from 'vitest';
import { isLate } from '../../src/machines/index.js';
import { START_AT, answer, fault, thrown } from './drive.js';
import {
  asks,
  contextOf,
  done,
  evidence,
  history,
  posts,
  sent,
  settledDelivery,
  statusOf,
  REF,
  fetchingJob,
  newJob,
  pendingJob,
  timedOutJob,
} from './job-fixture.js';

describe('a job that goes well', () => {
  it('posts, polls, fetches, writes history, pushes a message, and closes', () => {
    const job = newJob();
    expect([statusOf(job), asks(job)]).toEqual(['submitting', ['submit']]);
    job.send(answer('submit', { type: 'accepted', ref: REF }), { afterMs: 2_000 });
    expect(statusOf(job)).toBe('pending');
    expect(contextOf(job)).toMatchObject({ nextPollAt: START_AT + 12_000, timeoutAt: START_AT + 1_802_000 });
    job.fire('nextPoll');
    expect([statusOf(job), asks(job)]).toEqual(['polling', ['poll']]);
    job.send(answer('poll', { type: 'pending', progress: 0.5 }));
    expect(contextOf(job)).toMatchObject({ progress: 0.5, pollCount: 1 });
    job.fire('nextPoll');
    job.send(answer('poll', { type: 'done' }));
    expect([statusOf(job), asks(job)]).toEqual(['fetching', ['fetch']]);
    job.send(done);
    expect(statusOf(job)).toBe('done');
    expect(isLate(contextOf(job))).toBe(false);
    expect(history(job)).toEqual([
      { role: 'assistant', content: '[video generation complete] abc.mp4', externalJobId: 'job_1' },
    ]);
    expect(sent(job)).toEqual([
      {
        deliveryId: 'dlv_1',
        cause: 'job/job_1',
        jobId: 'job_1',
        channel: 'telegram',
        target: '42',
        replyTo: 'm7',
        text: '[video] a cat in the rain',
        files: [{ name: 'video.mp4', mime: 'video/mp4', path: 'abc.mp4' }],
      },
    ]);
    job.send(settledDelivery('delivered'));
    expect(job.fire('keep').snapshot).toMatchObject({ status: 'done', output: { status: 'done' } });
    expect(statusOf(job)).toBe('done');
  });

  it('goes straight to the fetch when the answer to the POST is terminal', () => {
    const job = newJob();
    job.send(answer('submit', { type: 'accepted', ref: REF, outcome: { type: 'done' } }));
    expect(statusOf(job)).toBe('fetching');
    const other = newJob();
    const failed = { type: 'failed', error: fault(false, { code: 'safety' }) };
    other.send(answer('submit', { type: 'accepted', ref: REF, outcome: failed }));
    expect([statusOf(other), contextOf(other).error?.code]).toEqual(['failed', 'safety']);
  });

  it('tracks a task made elsewhere without ever posting, and polls it ten seconds later', () => {
    const job = newJob({ ref: REF });
    expect([statusOf(job), posts(job)]).toEqual(['pending', 0]);
    expect(job.timers()).toEqual({ nextPoll: 10_000, deadline: 1_800_000 });
  });
});

describe('polling', () => {
  it('keeps the job through transient faults, and shows the last one', () => {
    const job = pendingJob();
    job.fire('nextPoll');
    job.send(answer('poll', { type: 'transient', error: fault(true, { retryAfterMs: 33_000 }) }));
    expect(contextOf(job).error).toEqual({
      code: 'server',
      message: 'the provider is down',
      retryable: true,
    });
    expect(job.timers()['nextPoll']).toBe(33_000);
    job.fire('nextPoll');
    job.send(answer('poll', { type: 'pending', unknownStatus: 'simmering' }));
    expect(contextOf(job)).toMatchObject({ error: undefined, unknownStatuses: 1 });
    job.fire('nextPoll');
    job.send(thrown('poll'));
    expect(statusOf(job)).toBe('pending');
  });

  it('takes a 404 for lag within a minute of acceptance, and for loss after it', () => {
    const gone = answer('poll', { type: 'transient', error: fault(true, { class: 'notFound' }) });
    const job = pendingJob();
    job.fire('nextPoll');
    job.send(gone);
    expect(statusOf(job)).toBe('pending');
    job.fire('nextPoll');
    job.send(gone, { afterMs: 60_000 });
    expect([statusOf(job), contextOf(job).error?.code]).toEqual(['failed', 'task-lost']);
  });

  it('polls at once on a hint, and again only after a pause', () => {
    const job = pendingJob();
    job.send({ type: 'provider.hint' });
    expect(statusOf(job)).toBe('polling');
    job.send(answer('poll', { type: 'pending' }));
    job.send({ type: 'provider.hint' }, { afterMs: 1_999 });
    expect(statusOf(job)).toBe('pending');
    job.send({ type: 'provider.hint' }, { afterMs: 1 });
    expect(statusOf(job)).toBe('polling');
  });

  it('polls at the end of that pause on a hint that came within it, however many come', () => {
    const job = pendingJob();
    job.send({ type: 'provider.hint' });
    job.send(answer('poll', { type: 'pending' }));
    job.send({ type: 'provider.hint' }, { afterMs: 500 });
    job.send({ type: 'provider.hint' }, { afterMs: 500 });
    expect([statusOf(job), job.timers()['nextPoll'], contextOf(job).pollCount]).toEqual([
      'pending',
      1_000,
      1,
    ]);
    job.fire('nextPoll');
    job.send(answer('poll', { type: 'pending' }));
    expect(job.timers()['nextPoll']).toBe(10_000);
  });

  it('polls again soon after a poll that was out when a hint came, unless it is asked to wait', () => {
    const job = pendingJob();
    job.fire('nextPoll');
    job.send({ type: 'provider.hint' }, { afterMs: 300 });
    job.send(answer('poll', { type: 'pending' }), { afterMs: 300 });
    expect(job.timers()['nextPoll']).toBe(1_400);
    job.fire('nextPoll');
    job.send({ type: 'provider.hint' });
    job.send(answer('poll', { type: 'transient', error: fault(true, { retryAfterMs: 30_000 }) }));
    expect(job.timers()['nextPoll']).toBe(30_000);
    job.fire('nextPoll');
    job.send({ type: 'provider.hint' });
    job.send(answer('poll', { type: 'pending' }), { afterMs: 60_000 });
    expect(job.timers()['nextPoll']).toBe(0);
  });

  it('polls no later on a hint than it would have', () => {
    const job = pendingJob({ poll: { everyMs: 100 }, pollMinMs: 0 });
    job.fire('nextPoll');
    job.send(answer('poll', { type: 'pending' }));
    job.send({ type: 'provider.hint' });
    expect(job.timers()['nextPoll']).toBe(100);
  });

  it('polls as soon as the news asks for that told it of its task', () => {
    const job = newJob();
    const outcome = { type: 'pending', retryAfterMs: 1_000 };
    job.send({ type: 'provider.evidence', ref: REF, outcome });
    expect([statusOf(job), job.timers()['nextPoll']]).toEqual(['pending', 1_000]);
  });

  it('is ended by a signed webhook in either state', () => {
    for (const [type, status] of [
      ['done', 'fetching'],
      ['failed', 'failed'],
    ] as const) {
      const pending = pendingJob();
      pending.send(evidence(type));
      const polling = pendingJob();
      polling.fire('nextPoll');
      polling.send(evidence(type));
      expect([statusOf(pending), statusOf(polling)]).toEqual([status, status]);
    }
  });

  it('gives a task one last poll at the deadline, then times out and calls it off', () => {
    const job = pendingJob();
    job.fire('deadline');
    expect(job.now().snapshot.children['poll']?.getSnapshot()).toMatchObject({ input: { last: true } });
    job.send(answer('poll', { type: 'pending' }));
    expect([statusOf(job), asks(job)]).toEqual(['timedOut', ['cancelRemote']]);
    expect(contextOf(job).error?.message).toBe('timed out after 1800 s');
    job.send(answer('cancelRemote', { type: 'ok' }));
    expect([statusOf(job), asks(job)]).toEqual(['timedOut', []]);
  });

  it('lets the last poll decide after a pause of any length', () => {
    const job = pendingJob();
    job.fire('nextPoll');
    job.send(answer('poll', { type: 'pending' }), { afterMs: 7 * 86_400_000 });
    expect(job.timers()['deadline']).toBe(0);
    job.fire('deadline');
    job.send(answer('poll', { type: 'done' }));
    expect(statusOf(job)).toBe('fetching');
  });

  it.each([answer('poll', { type: 'transient', error: fault() }), thrown('poll')])(
    'times out when the last poll brings no answer (%#)',
    (event) => {
      const job = pendingJob();
      job.fire('deadline');
      job.send(event);
      expect(statusOf(job)).toBe('timedOut');
    },
  );
});

describe('a success after the deadline', () => {
  it('is fetched, written and pushed a second time, under an id of its own', () => {
    const job = timedOutJob();
    job.send(evidence('done'), { afterMs: 3_600_000 });
    expect([statusOf(job), asks(job)]).toEqual(['fetching', ['fetch']]);
    job.send(done);
    expect([statusOf(job), isLate(contextOf(job))]).toEqual(['done', true]);
    expect(history(job)).toMatchObject([
      { content: '[video generation timed out] timed out after 1800 s' },
      { content: '[video generation complete] abc.mp4' },
    ]);
    expect(sent(job)).toMatchObject([{ deliveryId: 'dlv_1' }, { deliveryId: 'dlv_1-late' }]);
  });

  it('counts for nothing once the grace period is over, or when it is a failure', () => {
    const job = timedOutJob();
    job.send(evidence('failed'));
    job.send(evidence('done'), { afterMs: 86_400_001 });
    expect([statusOf(job), history(job).length]).toEqual(['timedOut', 1]);
  });
});

describe('fetching', () => {
  const stale = answer('fetch', { type: 'stale', error: fault() });
  const transient = answer('fetch', { type: 'transient', error: fault() });

  it('asks for a fresh URL at once when the first one is stale', () => {
    const job = fetchingJob();
    job.send(stale);
    expect(job.now().snapshot.value).toEqual({ fetching: 'refreshing' });
    expect(contextOf(job).fetchFailures).toBe(0);
    job.send(stale);
    expect(job.now().snapshot.value).toEqual({ fetching: 'resting' });
    expect(contextOf(job).fetchFailures).toBe(1);
  });

  it('gives up after ten retries, says that it was rendered, and can be retried by hand', () => {
    const job = fetchingJob();
    let fetches = 0;
    while (statusOf(job) === 'fetching' && fetches < 50) {
      job.send(fetches % 2 === 0 ? transient : thrown('fetch', 'the provider is down'));
      fetches += 1;
      if (statusOf(job) === 'fetching') job.fire('retry');
    }
    expect([fetches, statusOf(job)]).toEqual([11, 'failed']);
    expect(contextOf(job).error).toEqual({
      code: 'download-failed',
      message: 'rendered, but could not be downloaded: the provider is down',
      retryable: true,
    });
    job.send({ type: 'job.retry' });
    job.send(done);
    expect(statusOf(job)).toBe('done');
    expect(isLate(contextOf(job))).toBe(false);
    expect(sent(job)).toMatchObject([{ deliveryId: 'dlv_1' }, { deliveryId: 'dlv_1-2' }]);
  });

  it('waits two seconds after the first failure and five minutes after the ninth', () => {
    const job = fetchingJob();
    const pauses: (number | undefined)[] = [];
    for (let failures = 1; failures <= 9; failures += 1) {
      job.send(transient);
      pauses.push(job.timers()['retry']);
      job.fire('retry');
    }
    expect(pauses).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000]);
  });

  it('fails at once when the artifact will never do', () => {
    const job = fetchingJob();
    job.send(answer('fetch', { type: 'permanent', error: fault(false) }));
    expect(statusOf(job)).toBe('failed');
  });

  it('does not retry a task that was never rendered', () => {
    const job = pendingJob();
    job.send(evidence('failed'));
    job.send({ type: 'job.retry' });
    expect(statusOf(job)).toBe('failed');
  });
});

describe('closing', () => {
  it('keeps a job whose message is a dead letter until that is let go', () => {
    const job = fetchingJob();
    job.send(done);
    job.send(settledDelivery('exhausted'));
    job.fire('keep');
    expect(job.now().snapshot.status).toBe('active');
    job.send(settledDelivery('dismissed'));
    expect(job.now().snapshot.status).toBe('done');
  });

  it('closes after the longer of retention and grace, not when the message is over', () => {
    const job = fetchingJob({ retentionMs: 5, graceMs: 7 });
    job.send(done);
    job.send(settledDelivery('delivered'), { afterMs: 3 });
    expect([job.now().snapshot.status, job.timers()['keep']]).toEqual(['active', 4]);
  });

  it('remembers the end of a first message that comes while a late success is fetched', () => {
    const job = timedOutJob();
    job.send(evidence('done'));
    job.send(settledDelivery('delivered'));
    job.send(done);
    job.send(settledDelivery('delivered', 'dlv_1-late'));
    job.fire('keep');
    expect(job.now().snapshot.status).toBe('done');
  });
});
