/** An account that is mended while a job is on its way to wait for it. */
import { expect, onTestFinished, test } from 'vitest';
import { kling, openai } from '../../src/providers/index.js';
import { createTestRuntime, type TestRuntime } from '../../src/testing/index.js';

const FIRST = { provider: 'openai', credential: 'default' };
const SECOND = { provider: 'kling', credential: 'default' };
const AUTH = { class: 'auth', code: 'http401', message: 'wrong key', retryable: false } as const;
const PAUSED = { ...AUTH, code: 'accountPaused' };

async function opened(openaiKey: () => string | undefined = () => 'sk-test'): Promise<TestRuntime> {
  const agent = await createTestRuntime({
    providers: [openai({ apiKey: openaiKey, env: () => ({}) }), kling({ apiKey: 'sk-test' })],
  });
  onTestFinished(() => agent.close());
  return agent;
}

const statusOf = async (agent: TestRuntime, id: string) => (await agent.runtime.jobs.view(id)).status;

test('a job goes on when its first account was resumed while its second was asked', async () => {
  const agent = await opened();
  await agent.runtime.accounts.report(FIRST, AUTH);
  const asked = { provider: 'openai', prompt: 'a cat', fallback: [{ provider: 'kling' }] };
  const { id } = await agent.runtime.jobs.submit(asked);
  await agent.effects.answer('job.submit', { type: 'blocked', error: PAUSED });
  await agent.runtime.accounts.resume(FIRST);
  await agent.runtime.accounts.report(SECOND, AUTH);
  await agent.effects.answer('job.submit', { type: 'rejected', error: AUTH });
  expect(await statusOf(agent, id)).toBe('submitting');
  expect(agent.effects.waiting('job.submit').map(({ input }) => input)).toMatchObject([FIRST]);
  // Nobody mends the second, and nobody spins.
  await agent.runtime.accounts.report(FIRST, AUTH);
  await agent.effects.answer('job.submit', { type: 'rejected', error: AUTH });
  await agent.effects.answer('job.submit', { type: 'blocked', error: PAUSED });
  expect([await statusOf(agent, id), agent.effects.waiting()]).toEqual(['blocked', []]);
});

test('a job goes on when its key came while it was found to have none', async () => {
  let key: string | undefined;
  const agent = await opened(() => key);
  const { id } = await agent.runtime.jobs.submit({ provider: 'openai', prompt: 'a cat' });
  await agent.settle();
  key = 'sk-test';
  await agent.runtime.accounts.resume(FIRST);
  const missing = { ...AUTH, code: 'no-credentials' };
  await agent.effects.answer('job.submit', { type: 'blocked', error: missing });
  expect(agent.effects.waiting('job.submit').map(({ actor }) => actor)).toEqual([`job/${id}`]);
  // Whatever else holds it back is not asked about again by itself.
  await agent.effects.answer('job.submit', { type: 'blocked', error: missing });
  expect([await statusOf(agent, id), agent.effects.waiting()]).toEqual(['blocked', []]);
});
