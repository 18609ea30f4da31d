/** Limits of accounts, fairness between sessions, accounts that are held back; the clock stands still. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { openRuntime } from '../../src/index.js';
import { kling, openai, type AccountLimits, type ProviderAdapter } from '../../src/providers/index.js';
import { createTestRuntime, type TestRuntime } from '../../src/testing/index.js';

const ACCOUNT = { provider: 'openai', credential: 'default' };
const AUTH = { class: 'auth', code: 'http401', message: 'wrong key', retryable: false } as const;
const RATE = { class: 'rate', code: 'http429', message: 'slowly', retryable: true } as const;
const MINUTE_MS = 60_000;

async function opened(limits: AccountLimits): Promise<TestRuntime> {
  const agent = await createTestRuntime({
    providers: [openai({ apiKey: 'sk-test', limits }), kling({ apiKey: 'sk-test' })],
    jobs: { poll: { everyMs: 10_000, slowMs: 10_000 } },
  });
  onTestFinished(() => agent.close());
  return agent;
}

const submit = (agent: TestRuntime, sessionKey: string, provider = 'openai') =>
  agent.runtime.jobs.submit({ provider, prompt: 'a cat', sessionKey });
const waiting = (agent: TestRuntime, name: string): readonly string[] =>
  agent.effects.waiting(name).map(({ actor }) => actor.replace('job/', ''));
const asked = (agent: TestRuntime, name: string): number => agent.effects.all(name).length;
let tasks = 0;
const accept = (agent: TestRuntime): Promise<void> => {
  const ref = {
    taskId: `video_${(tasks += 1)}`,
    endpoint: 'videos',
    generation: 'v1',
    credential: 'default',
  };
  return agent.effects.answer('job.submit', { type: 'accepted', ref });
};

describe('an account', () => {
  test('has no more calls out than its limit, submits and polls together', async () => {
    const agent = await opened({ concurrent: 2 });
    const jobs = [];
    for (const session of ['a', 'b', 'c', 'd']) jobs.push((await submit(agent, session)).id);
    await agent.settle();
    expect(waiting(agent, 'job.submit')).toEqual(jobs.slice(0, 2));
    await accept(agent);
    expect(waiting(agent, 'job.submit')).toEqual(jobs.slice(1, 3));
    await agent.advance('15 s');
    // The poll is due, and both places are taken.
    expect([await agent.runtime.jobs.get(jobs[0] ?? '').view()]).toMatchObject([{ status: 'polling' }]);
    expect(asked(agent, 'job.poll')).toBe(0);
    await accept(agent);
    await accept(agent);
    expect([waiting(agent, 'job.submit').length, waiting(agent, 'job.poll')]).toEqual([1, [jobs[0]]]);
  });

  test('may have more than the eight of the default, from one session too', async () => {
    const agent = await opened({ concurrent: 20 });
    for (let n = 0; n < 25; n += 1) await submit(agent, 'a');
    await agent.settle();
    expect(waiting(agent, 'job.submit')).toHaveLength(20);
  });

  test('is called no more often a minute than its limit, submits and polls together', async () => {
    const agent = await opened({ perMinute: 6 });
    for (let n = 0; n < 3; n += 1) await submit(agent, 'a');
    await agent.settle();
    expect(asked(agent, 'job.submit')).toBe(1);
    await accept(agent);
    await agent.advance(9_999);
    expect(asked(agent, 'job.submit')).toBe(1);
    await agent.advance(1);
    expect(asked(agent, 'job.submit')).toBe(2);
    await accept(agent);
    // Two polls are due by then, and the third submit: it goes first.
    await agent.advance(30_000);
    expect([asked(agent, 'job.submit'), asked(agent, 'job.poll')]).toEqual([3, 2]);
    expect(agent.effects.all().map(({ src }) => src)).toEqual(['submit', 'submit', 'submit', 'poll', 'poll']);
  });

  test('shares with the others of its provider what is allowed to all together', async () => {
    const agent = await createTestRuntime({
      providers: [openai({ apiKey: { default: 'a', team: 'b' }, limits: { together: { concurrent: 3 } } })],
    });
    onTestFinished(() => agent.close());
    for (const credential of ['default', 'team', 'default', 'team'])
      await agent.runtime.jobs.submit({ provider: 'openai', prompt: 'a cat', credential });
    await agent.settle();
    expect(waiting(agent, 'job.submit')).toHaveLength(3);
    await accept(agent);
    expect([waiting(agent, 'job.submit').length, asked(agent, 'job.submit')]).toEqual([3, 4]);
  });

  test('that waits for a token holds up no other', async () => {
    const agent = await opened({ perMinute: 1 });
    for (let n = 0; n < 3; n += 1) await submit(agent, 'a');
    const other = await submit(agent, 'a', 'kling');
    await agent.settle();
    expect(waiting(agent, 'job.submit')).toContain(other.id);
  });
});

test.each([
  ['concurrent', { concurrent: 0 }],
  ['concurrent', { concurrent: 1.5 }],
  ['concurrent', { concurrent: 65 }],
  ['perMinute', { perMinute: 0 }],
  ['perMinute', { perMinute: Number.NaN }],
  ['together.concurrent', { together: { concurrent: 65 } }],
  ['together.perMinute', { together: { perMinute: -1 } }],
])('limits of %s that cannot be kept are refused at the door: %o', async (option, limits) => {
  const refusal = expect.objectContaining({
    code: 'INVALID_OPTIONS',
    details: { option: `limits.${option}` },
  }) as Error;
  expect(() => openai({ limits })).toThrow(refusal);
  // One of somebody's own making is refused where it is registered, before anything is made.
  const own: ProviderAdapter = { ...openai({}), limits };
  await expect(openRuntime({ directory: '/nowhere', providers: [own] })).rejects.toThrow(refusal);
});

test('a session with a thousand submits waiting does not hold up another’s one', async () => {
  const agent = await opened({ concurrent: 1 });
  for (let n = 0; n < 1_000; n += 1) await submit(agent, 'long');
  const other = await submit(agent, 'short');
  await agent.settle();
  await accept(agent);
  await accept(agent);
  expect(agent.effects.all('job.submit').map(({ actor }) => actor)).toContain(`job/${other.id}`);
});

test('jobs of no session take turns, too', async () => {
  const agent = await opened({ concurrent: 1 });
  for (let n = 0; n < 20; n += 1) await submit(agent, 'long');
  const { id } = await agent.runtime.jobs.submit({ provider: 'openai', prompt: 'a cat' });
  await agent.settle();
  await accept(agent);
  await accept(agent);
  expect(agent.effects.all('job.submit').map(({ actor }) => actor)).toContain(`job/${id}`);
});

describe('a paused account', () => {
  test('expires nobody: the deadline passes in the pool, and one last poll on resume decides', async () => {
    const agent = await opened({});
    const job = await submit(agent, 'a');
    await agent.settle();
    await accept(agent);
    await agent.runtime.accounts.report(ACCOUNT, AUTH);
    await agent.advance('2 d');
    expect([(await job.view()).status, asked(agent, 'job.poll')]).toEqual(['polling', 0]);
    await agent.runtime.accounts.resume(ACCOUNT);
    await agent.settle();
    expect(agent.effects.waiting('job.poll')).toMatchObject([{ input: { provider: 'openai' } }]);
    await agent.effects.answer('job.poll', { type: 'done' });
    expect((await job.view()).status).toBe('fetching');
    expect(asked(agent, 'job.poll')).toBe(1);
  });

  test('without credit holds up its submits, and goes on with what is paid for', async () => {
    const agent = await opened({});
    const paid = await submit(agent, 'a');
    const next = await submit(agent, 'a');
    await agent.settle();
    await accept(agent);
    await agent.runtime.accounts.report(ACCOUNT, { ...AUTH, class: 'billing' }, 'submits');
    expect(await agent.runtime.accounts.get(ACCOUNT)).toMatchObject({ reason: 'billing', holds: 'submits' });
    await agent.effects.answer('job.submit', { type: 'rejected', error: RATE });
    await agent.advance('20 s');
    expect(waiting(agent, 'job.poll')).toEqual([paid.id]);
    await agent.effects.answer('job.poll', { type: 'done' });
    expect([waiting(agent, 'job.fetch'), waiting(agent, 'job.submit')]).toEqual([[paid.id], []]);
    await agent.runtime.accounts.resume(ACCOUNT);
    await agent.settle();
    expect(waiting(agent, 'job.submit')).toEqual([next.id]);
  });

  test('whose polls are not let in for want of credit holds up them, too, through a restart', async () => {
    const agent = await opened({});
    const job = await submit(agent, 'a');
    await agent.settle();
    await accept(agent);
    await agent.runtime.accounts.report(ACCOUNT, { ...AUTH, class: 'billing' }, 'submits');
    await agent.runtime.accounts.report(ACCOUNT, { ...AUTH, class: 'billing' });
    await agent.crash();
    await agent.advance('20 s');
    expect([(await agent.runtime.jobs.view(job.id)).status, asked(agent, 'job.poll')]).toEqual([
      'polling',
      0,
    ]);
  });

  test('holds up submits for as long as it takes, also beyond the time to submit by', async () => {
    const agent = await opened({});
    await agent.runtime.accounts.report(ACCOUNT, { ...AUTH, class: 'billing' });
    const job = await submit(agent, 'a');
    await agent.advance('3 d');
    expect([(await job.view()).status, asked(agent, 'job.submit')]).toEqual(['submitting', 0]);
    await agent.runtime.accounts.resume(ACCOUNT);
    await accept(agent);
    expect((await job.view()).status).toBe('pending');
  });

  test('holds up no other provider, nor another credential of the same', async () => {
    const agent = await opened({});
    await agent.runtime.accounts.report(ACCOUNT, AUTH);
    const mine = await submit(agent, 'a');
    const others = [
      await submit(agent, 'a', 'kling'),
      await agent.runtime.jobs.submit({ provider: 'openai', prompt: 'a cat', credential: 'second' }),
    ];
    await agent.settle();
    expect(waiting(agent, 'job.submit')).toEqual(others.map(({ id }) => id));
    expect((await mine.view()).status).toBe('submitting');
  });
});

describe('an account that is limited', () => {
  test('holds up its calls for as long as the provider asks, and opens by itself', async () => {
    const agent = await opened({});
    const rate = { class: 'rate', code: 'http429', message: 'slow down', retryable: true } as const;
    expect(await agent.runtime.accounts.report(ACCOUNT, rate)).toBe('same');
    expect(await agent.runtime.accounts.report(ACCOUNT, { ...rate, retryAfterMs: MINUTE_MS })).toBe(
      'limited',
    );
    const { untilMs } = await agent.runtime.accounts.get(ACCOUNT);
    expect(untilMs).toBe(agent.clock.now() + MINUTE_MS);
    await submit(agent, 'a');
    await agent.advance(MINUTE_MS - 1);
    expect(asked(agent, 'job.submit')).toBe(0);
    await agent.advance(1);
    expect(asked(agent, 'job.submit')).toBe(1);
    expect(await agent.runtime.accounts.get(ACCOUNT)).toEqual({ ...ACCOUNT, status: 'open' });
  });

  test('is passed over by a job that may be asked of another', async () => {
    const agent = await opened({});
    const rate = { class: 'rate', code: 'http429', message: 'slow down', retryable: true } as const;
    await agent.runtime.accounts.report(ACCOUNT, { ...rate, retryAfterMs: MINUTE_MS });
    expect(await agent.runtime.accounts.held(ACCOUNT)).toEqual({
      type: 'rejected',
      error: {
        class: 'rate',
        code: 'accountLimited',
        message: 'the account openai:default is held back for a while',
        retryable: true,
        retryAfterMs: MINUTE_MS,
      },
    });
    const { id } = await agent.runtime.jobs.submit({
      provider: 'openai',
      prompt: 'a cat',
      fallback: [{ provider: 'kling' }],
    });
    await agent.settle();
    // It does not wait at the gate.
    expect(waiting(agent, 'job.submit')).toEqual([id]);
  });
});
