import { describe, expect, it } from 'vitest';
import type { AnyEventObject } from 'xstate';
import { isLate } from '../../src/machines/index.js';
import { isUnwanted } from '../../src/machines/index.js';
import type { JobInput } from '../../src/machines/index.js';
import { answer, fault, thrown } from './drive.js';
import {
  ambiguous,
  asks,
  contextOf,
  done,
  evidence,
  history,
  posts,
  sent,
  statusOf,
  REF,
  fetchingJob,
  newJob,
  pendingJob,
} from './job-fixture.js';

describe('a POST that was refused', () => {
  it('is repeated after a growing pause while the refusal is for now', () => {
    const job = newJob();
    for (const pauseMs of [2_000, 4_000, 8_000]) {
      job.send(answer('submit', { type: 'rejected', error: fault(true) }));
      expect(job.timers()['retry']).toBe(pauseMs);
      job.fire('retry');
    }
    expect([statusOf(job), posts(job)]).toEqual(['submitting', 4]);
  });

  it('waits as long as the provider asks', () => {
    const job = newJob();
    job.send(answer('submit', { type: 'rejected', error: fault(true, { retryAfterMs: 77_000 }) }));
    expect(job.timers()['retry']).toBe(77_000);
  });

  it('fails the job when the refusal is for good', () => {
    const job = newJob();
    job.send(answer('submit', { type: 'rejected', error: fault(false, { code: 'safety' }) }));
    expect([statusOf(job), posts(job)]).toEqual(['failed', 1]);
    expect(sent(job)).toMatchObject([
      { text: '[video failed] a cat in the rain: the provider is down', files: [] },
    ]);
  });

  it('fails the job when a whole day of refusals has passed', () => {
    const job = newJob();
    job.send(answer('submit', { type: 'rejected', error: fault(true) }));
    job.fire('submitBy');
    expect([statusOf(job), contextOf(job).error?.code]).toEqual(['failed', 'not-accepted']);
  });

  it('is never repeated when it was paid for and its answer is unusable', () => {
    const job = newJob();
    job.send(answer('submit', { type: 'billed', error: fault(true, { code: 'unusable' }) }));
    expect([statusOf(job), posts(job), contextOf(job).error?.code]).toEqual(['failed', 1, 'unusable']);
  });
});

describe('a POST whose answer is lost', () => {
  const interrupted = { type: 'effect.interrupted', effect: 'submit', src: 'submit' };
  const absent = answer('reconcile', { type: 'absent' });

  it.each([
    ['an ambiguous answer', ambiguous],
    ['a crash', interrupted],
    ['a timeout of the effect', thrown('submit', 'timed out', 'EFFECT_TIMEOUT')],
  ])('is looked up after %s, not repeated', (_what, event) => {
    const job = newJob();
    job.send(event);
    expect([statusOf(job), asks(job), posts(job)]).toEqual(['submitting', ['reconcile'], 1]);
    job.send(answer('reconcile', { type: 'found', ref: REF }));
    expect([statusOf(job), posts(job), contextOf(job).ref]).toEqual(['pending', 1, REF]);
  });

  it('is posted again only after two complete looks, both begun when the doubt was old enough', () => {
    const job = newJob();
    job.send(ambiguous);
    const began = job.now().at;
    let looks = 0;
    while (posts(job) === 1 && looks < 20) {
      const asked = job.now().at;
      job.send(absent);
      looks += asked >= began + 60_000 ? 1 : 0;
      if (posts(job) === 1) job.fire('retry');
    }
    expect([looks, posts(job), statusOf(job)]).toEqual([2, 2, 'submitting']);
  });

  it('is posted again after two looks at once where the provider needs no time', () => {
    const job = newJob({ reconcile: { by: 'key', onUnlisted: 'hold', afterMs: 0 } });
    job.send(ambiguous);
    job.send(absent);
    expect(posts(job)).toBe(1);
    job.fire('retry');
    job.send(absent);
    expect([posts(job), asks(job)]).toEqual([2, ['submit']]);
  });

  it('counts no look that could not be completed', () => {
    const job = newJob({ reconcile: { by: 'key', onUnlisted: 'hold', afterMs: 0 } });
    job.send(ambiguous);
    for (const event of [answer('reconcile', { type: 'wait' }), thrown('reconcile'), absent]) {
      job.send(event);
      expect(posts(job)).toBe(1);
      job.fire('retry');
    }
    expect(contextOf(job).absents).toBe(1);
  });

  it.each<[string, JobInput['reconcile']]>([
    ['cannot be asked', { by: 'none', onUnlisted: 'hold', afterMs: 0 }],
    ['lists without a tag of ours', { by: 'list', onUnlisted: 'hold', afterMs: 0 }],
  ])('waits for an operator when the provider %s', (_what, reconcile) => {
    const job = newJob({ reconcile });
    job.send(ambiguous);
    if (reconcile.by === 'list') {
      job.send(absent);
      job.fire('retry');
      job.send(absent);
    }
    expect([statusOf(job), posts(job)]).toEqual(['submitUnknown', 1]);
  });

  it('waits for an operator when POSTs in doubt keep vanishing', () => {
    const job = newJob({ reconcile: { by: 'key', onUnlisted: 'hold', afterMs: 0 } });
    for (let round = 0; round < 10 && statusOf(job) === 'submitting'; round += 1) {
      job.send(ambiguous);
      job.send(absent);
      job.fire('retry');
      job.send(absent);
    }
    expect([statusOf(job), posts(job)]).toEqual(['submitUnknown', 5]);
  });

  const unknown = () => {
    const job = newJob({ reconcile: { by: 'none', onUnlisted: 'hold', afterMs: 0 } });
    job.send(ambiguous);
    return job;
  };

  it('is resolved by a signed webhook, an adoption, a resubmit or a cancel', () => {
    const ways: readonly (readonly [AnyEventObject, string])[] = [
      [evidence('done', { ref: REF }), 'fetching'],
      [evidence('failed', { ref: REF }), 'failed'],
      [evidence('pending', { ref: REF }), 'pending'],
      [{ type: 'job.adopt', ref: REF }, 'pending'],
      [{ type: 'job.resubmit' }, 'submitting'],
      [{ type: 'job.cancel' }, 'cancelled'],
    ];
    for (const [event, status] of ways) {
      const job = unknown();
      job.send(event);
      expect([event.type, statusOf(job)]).toEqual([event.type, status]);
    }
  });

  it('is given up a day after the doubt, and a proven success still counts then', () => {
    const job = unknown();
    job.fire('unknownBy');
    expect([statusOf(job), contextOf(job).error?.code]).toEqual(['timedOut', 'submit-unknown']);
    job.send(evidence('done', { ref: REF }));
    job.send(done);
    expect([statusOf(job), isLate(contextOf(job))]).toEqual(['done', true]);
  });

  it('ignores a webhook without a reference, because nothing could be fetched by it', () => {
    const job = unknown();
    job.send(evidence('done'));
    expect(statusOf(job)).toBe('submitUnknown');
  });

  it('waits for the answer of a POST that is not wanted any more, whatever a webhook says of no task', () => {
    const job = newJob();
    job.send({ type: 'job.cancel' });
    job.send(evidence('done'));
    expect(statusOf(job)).toBe('submitting');
    job.send(answer('submit', { type: 'accepted', ref: REF }));
    expect([statusOf(job), asks(job)]).toEqual(['cancelled', ['cancelRemote']]);
  });
});

describe('a provider that is not there', () => {
  const blocked = { type: 'blocked', error: fault(true, { code: 'no-adapter' }) };

  it('parks the job before its POST, and lets it go on when it is registered', () => {
    const job = newJob();
    job.send(answer('submit', blocked));
    expect([statusOf(job), contextOf(job).error?.code]).toEqual(['blocked', 'no-adapter']);
    job.send({ type: 'provider.available' });
    expect([statusOf(job), asks(job)]).toEqual(['submitting', ['submit']]);
  });

  it('parks an accepted job without ever posting it again', () => {
    for (const job of [pendingJob(), fetchingJob()]) {
      if (statusOf(job) === 'pending') job.fire('nextPoll');
      job.send(answer(asks(job)[0] ?? '', blocked));
      expect([statusOf(job), job.timers()]).toEqual(['blocked', {}]);
      job.send({ type: 'provider.available' });
      expect([statusOf(job), posts(job)]).toEqual(['pending', 1]);
    }
  });

  it('gives up a job that could not be posted for a day', () => {
    const job = newJob();
    job.send(answer('submit', blocked));
    job.fire('submitBy');
    expect([statusOf(job), contextOf(job).error?.code]).toEqual(['failed', 'not-accepted']);
  });
});

describe('cancelling', () => {
  const cancel = { type: 'job.cancel', reason: 'not wanted any more' };

  it('writes history, pushes nothing, and calls the task off without waiting for it', () => {
    const job = pendingJob();
    job.send(cancel);
    expect([statusOf(job), asks(job)]).toEqual(['cancelled', ['cancelRemote']]);
    expect(history(job)).toMatchObject([{ content: '[video generation cancelled] not wanted any more' }]);
    expect(sent(job)).toEqual([]);
    job.fire('remoteCancel');
    job.fire('keep');
    expect([job.now().snapshot.status, statusOf(job)]).toEqual(['done', 'cancelled']);
  });

  it('asks nothing of a provider that offers no cancel', () => {
    const job = pendingJob({ cancelOffered: false });
    job.send(cancel);
    expect([statusOf(job), asks(job)]).toEqual(['cancelled', []]);
  });

  it('waits for the answer of a POST that is out, then calls off what it accepted', () => {
    const job = newJob();
    expect(isUnwanted(job.now().snapshot)).toBe(false);
    job.send(cancel);
    job.send(cancel);
    expect(isUnwanted(job.now().snapshot)).toBe(true);
    expect([statusOf(job), asks(job)]).toEqual(['submitting', ['submit']]);
    job.send(answer('submit', { type: 'accepted', ref: REF }));
    expect([statusOf(job), asks(job)]).toEqual(['cancelled', ['cancelRemote']]);
    expect(contextOf(job).error?.message).toBe('not wanted any more');
  });

  it.each([
    ['the POST never went out', answer('submit', { type: 'withdrawn' }), false],
    ['the POST was refused', answer('submit', { type: 'rejected', error: fault() }), false],
    ['the answer was lost', ambiguous, true],
    ['the answer was unusable', answer('submit', { type: 'billed', error: fault() }), true],
    ['the effect failed', thrown('submit'), true],
    ['the process died', { type: 'effect.interrupted', effect: 'submit', src: 'submit' }, true],
  ])('says what is known when %s', (_what, event, doubt) => {
    const job = newJob();
    job.send(cancel);
    job.send(event);
    expect(statusOf(job)).toBe('cancelled');
    expect(contextOf(job).error?.message.includes('may have accepted')).toBe(doubt);
  });

  it('waits no longer than the transport does', () => {
    const job = newJob();
    job.send(cancel);
    job.fire('answerPatience');
    expect(statusOf(job)).toBe('cancelled');
  });
});
