/** How often a job is polled, and until when: by its request, else its provider, else its runtime. */
import { expect, onTestFinished, test } from 'vitest';
import { openRuntime } from '../../src/index.js';
import { kling, openai, type JobTimes, type ProviderAdapter } from '../../src/providers/index.js';
import { createTestRuntime, type TestRuntime } from '../../src/testing/index.js';

const HOUR_MS = 3_600_000;
const SLOW = { timeoutMs: 5 * HOUR_MS, poll: { everyMs: 120_000, slowMs: 240_000, fastPolls: 1 } };
const REFUSED = { class: 'validation', code: 'bad', message: 'too long', retryable: false };

async function opened(): Promise<TestRuntime> {
  const agent = await createTestRuntime({
    providers: [openai({ apiKey: 'sk-test', jobs: SLOW }), kling({ apiKey: 'sk-test' })],
    jobs: { timeoutMs: HOUR_MS, poll: { everyMs: 20_000, fastPolls: 3 } },
  });
  onTestFinished(() => agent.close());
  return agent;
}

async function accepted(agent: TestRuntime, request: { provider: string } & JobTimes, refusals = 0) {
  const fallback = refusals === 0 ? [] : [{ provider: 'openai' }];
  const job = await agent.runtime.jobs.submit({ prompt: 'a cat', ...request, fallback });
  await agent.settle();
  for (let n = 0; n < refusals; n += 1) {
    await agent.effects.answer('job.submit', { type: 'rejected', error: REFUSED });
  }
  const ref = { taskId: job.id, endpoint: 'videos', generation: 'v1', credential: 'default' };
  await agent.effects.answer('job.submit', { type: 'accepted', ref });
  const view = await job.view();
  return {
    firstPollMs: (view.nextPollAt ?? 0) - agent.clock.now(),
    timeoutMs: (view.timeoutAt ?? 0) - agent.clock.now(),
  };
}

/** A fifth either way. */
const near = (ms: number) => [ms * 0.8, ms * 1.2] as const;

test.each([
  ['those of its provider', { provider: 'openai' }, 5 * HOUR_MS, 120_000],
  ['those of the runtime, where its provider has none', { provider: 'kling' }, HOUR_MS, 20_000],
  [
    'those it was asked with',
    { provider: 'openai', timeoutMs: 60_000, poll: { everyMs: 5_000 } },
    60_000,
    5_000,
  ],
])('a job has %s', async (_whose, request, timeoutMs, everyMs) => {
  const times = await accepted(await opened(), request);
  const [min, max] = near(everyMs);
  expect(times.timeoutMs).toBe(timeoutMs);
  expect(times.firstPollMs).toBeGreaterThanOrEqual(min);
  expect(times.firstPollMs).toBeLessThanOrEqual(max);
});

test('a job that went on to another provider has the times of that one', async () => {
  const times = await accepted(await opened(), { provider: 'kling' }, 1);
  expect(times.timeoutMs).toBe(5 * HOUR_MS);
  expect(times.firstPollMs).toBeGreaterThanOrEqual(near(120_000)[0]);
});

test.each<[string, object]>([
  ['timeoutMs', { timeoutMs: 0 }],
  ['poll.everyMs', { poll: { everyMs: 1.5 } }],
  ['poll.slowMs', { poll: { slowMs: 367 * 86_400_000 } }],
  ['poll.fastPolls', { poll: { fastPolls: -1 } }],
  ['timeOutMs', { timeOutMs: 1 }],
  ['poll', { poll: 10_000 }],
])('times with a wrong %s are refused at the door', async (name, jobs) => {
  const refusal = expect.objectContaining({
    code: 'INVALID_OPTIONS',
    details: { option: `jobs.${name}` },
  }) as Error;
  expect(() => openai({ jobs })).toThrow(refusal);
  const own: ProviderAdapter = { ...openai({}), jobs };
  await expect(openRuntime({ directory: '/nowhere', providers: [own] })).rejects.toThrow(refusal);
});
