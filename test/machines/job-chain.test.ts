/** The fallback chain of a job: who is asked next, and when nobody is. */
import { describe, expect, it } from 'vitest';
import type { JobInput } from '../../src/machines/index.js';
import { answer, fault, thrown } from './drive.js';
import { asks, contextOf, evidence, newJob, REF, statusOf, type Job } from './job-fixture.js';

const own = (provider: string, more: object = {}) => ({
  provider,
  credential: 'main',
  requestHash: `hash of ${provider}`,
  reconcile: { by: 'key', onUnlisted: 'resubmit', afterMs: 0 } as const,
  cancelOffered: true,
  pollMinMs: 2_000,
  ...more,
});
const chain = [own('kling'), own('openai'), own('fal')] as const;
const newChain = (more: Partial<JobInput> = {}) => newJob({ ...chain[0], chain, ...more });

const rejected = (more: object = {}) => answer('submit', { type: 'rejected', error: fault(false, more) });
const blocked = (code: string, more: object = {}) =>
  answer('submit', { type: 'blocked', error: fault(false, { code, class: 'auth', ...more }) });
const busy = rejected({ retryable: true, class: 'rate', message: 'busy' });
const wrong = rejected({ class: 'validation', message: 'too long' });
const accepted = answer('submit', { type: 'accepted', ref: REF });
const asked = (job: Job) => contextOf(job).input.provider;
const after = (job: Job, ...events: readonly { readonly type: string }[]) => {
  for (const event of events) job.send(event);
  return job;
};

describe('a job that may be asked of several providers', () => {
  it('goes on to the next in the step that hears the refusal, with what is that one’s own', () => {
    const job = after(newChain(), wrong);
    expect([statusOf(job), asked(job), asks(job)]).toEqual(['submitting', 'openai', ['submit']]);
    expect(contextOf(job)).toMatchObject({ step: 1, posts: 2, input: own('openai') });
    job.send(accepted);
    expect([statusOf(job), asked(job)]).toEqual(['pending', 'openai']);
  });

  it.each([
    ['a bad request', wrong],
    ['unsafe content', rejected({ class: 'safety' })],
    ['a rate limit', busy],
    ['a provider that cannot be reached', rejected({ class: 'network', retryable: true })],
    ['a wrong key', rejected({ class: 'auth' })],
    ['no credit', rejected({ class: 'billing' })],
    ['no key', blocked('noCredential')],
    ['no adapter', blocked('unregistered')],
    ['an account that is paused', blocked('accountPaused')],
  ])('goes on after %s', (_what, refusal) => {
    expect(asked(after(newChain(), refusal))).toBe('openai');
  });

  it.each([
    ['an ambiguous answer', answer('submit', { type: 'ambiguous', error: fault() }), 'submitting'],
    ['an effect that threw', thrown('submit'), 'submitting'],
    ['a crash in the middle', { type: 'effect.interrupted', effect: 'submit', src: 'submit' }, 'submitting'],
    [
      'a reply that was paid for and lost',
      answer('submit', { type: 'billed', error: fault(false) }),
      'failed',
    ],
  ])('stays where it is after %s', (_what, event, status) => {
    const job = after(newChain(), event);
    expect([statusOf(job), asked(job), contextOf(job).posts]).toEqual([status, 'kling', 1]);
  });

  it('goes on from a doubt only when the POST that may follow it is refused', () => {
    const job = after(newChain(), answer('submit', { type: 'ambiguous', error: fault() }));
    job.send(answer('reconcile', { type: 'absent' }));
    job.fire('retry');
    expect(asked(job)).toBe('kling');
    job.send(answer('reconcile', { type: 'absent' }));
    expect([asked(job), asks(job)]).toEqual(['kling', ['submit']]);
    expect(asked(after(job, wrong))).toBe('openai');
  });

  it('looks for the doubtful task at the provider it was asked of', () => {
    const job = after(newChain(), wrong, answer('submit', { type: 'ambiguous', error: fault() }));
    expect(Object.keys(job.now().snapshot.children)).toEqual(['reconcile']);
    job.send(answer('reconcile', { type: 'found', ref: REF }));
    expect([statusOf(job), asked(job)]).toEqual(['pending', 'openai']);
  });

  it('fails with all reasons when all have refused for good', () => {
    const job = after(
      newChain(),
      wrong,
      wrong,
      rejected({ class: 'safety', message: 'unsafe', code: 'nsfw' }),
    );
    expect(statusOf(job)).toBe('failed');
    expect(contextOf(job).error).toEqual({
      code: 'nsfw',
      message: 'no provider accepted it: kling:main: too long; openai:main: too long; fal:main: unsafe',
      retryable: false,
    });
  });

  it('rests and begins anew when one of them may do better by itself, without those that never will', () => {
    const job = after(newChain(), wrong, busy, wrong);
    expect([statusOf(job), job.timers()['retry']]).toEqual(['submitting', 2_000]);
    job.fire('retry');
    expect(asked(job)).toBe('openai');
    job.send(busy);
    expect(job.timers()['retry']).toBe(4_000);
    job.fire('retry');
    job.send(wrong);
    expect([statusOf(job), contextOf(job).error?.message]).toEqual([
      'failed',
      'no provider accepted it: kling:main: too long; openai:main: too long; fal:main: too long',
    ]);
  });

  it('waits for its owner when only accounts and keys are missing, and is expired by no paused one', () => {
    const held = after(newChain(), rejected({ class: 'billing' }), wrong, blocked('noCredential'));
    expect(statusOf(held)).toBe('blocked');
    held.fire('submitBy');
    expect(statusOf(held)).toBe('blocked');
    held.send({ type: 'provider.available' });
    expect([statusOf(held), asked(held)]).toEqual(['submitting', 'kling']);
    held.send(blocked('accountPaused'));
    expect(asked(held)).toBe('fal');
  });

  it('is given up in time when only keys are missing', () => {
    const job = after(newChain(), blocked('noCredential'), wrong, wrong);
    expect(statusOf(job)).toBe('blocked');
    job.fire('submitBy');
    expect([statusOf(job), contextOf(job).error?.code]).toEqual(['failed', 'not-accepted']);
  });

  it('asks nobody else once it is cancelled', () => {
    const job = after(newChain(), { type: 'job.cancel' }, wrong);
    expect([statusOf(job), asked(job)]).toEqual(['cancelled', 'kling']);
  });

  it('asks nobody else for a task that failed', () => {
    const job = after(newChain(), wrong, accepted, evidence('failed'));
    expect([statusOf(job), asked(job)]).toEqual(['failed', 'openai']);
  });

  it('gives its submits the lane of its session, and says that they wait for nobody', () => {
    const input = ({ now }: Job) => Object.values(now().snapshot.children)[0]?.getSnapshot() as unknown;
    expect(input(newChain({ lane: 7 }))).toMatchObject({
      input: { lane: 7, chained: true, provider: 'kling' },
    });
    expect(input(newJob())).not.toHaveProperty('input.chained');
  });
});

it('refusals use up none of the POSTs that a doubt may lead to', () => {
  const job = newJob({ reconcile: { by: 'key', onUnlisted: 'hold', afterMs: 0 } });
  for (let n = 0; n < 8; n += 1) {
    job.send(busy);
    job.fire('retry');
  }
  job.send(answer('submit', { type: 'ambiguous', error: fault() }));
  job.send(answer('reconcile', { type: 'absent' }));
  job.fire('retry');
  job.send(answer('reconcile', { type: 'absent' }));
  expect([statusOf(job), asks(job), contextOf(job).posts]).toEqual(['submitting', ['submit'], 10]);
});

it('a job of the first version, without a chain, a lane and refusals, goes on as it is', () => {
  const job = after(newJob(), busy);
  job.fire('retry');
  expect(asked(after(job, wrong))).toBe('openai');
  expect([statusOf(job), contextOf(job).error?.message]).toEqual(['failed', 'too long']);
});
