/**
 * Jobs of the first version of their chart, as its own build exported them: one rests after a refusal, one
 * is followed, one waits for its POST, which an import takes for interrupted.
 */
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { openai } from '../../src/providers/index.js';
import { createTestRuntime, type TestRuntime } from '../../src/testing/index.js';

const capsules = JSON.parse(
  readFileSync(new URL('jobs-version-1.json', import.meta.url), 'utf8'),
) as readonly unknown[];

async function opened(): Promise<TestRuntime> {
  const agent = await createTestRuntime({
    providers: [openai({ apiKey: 'sk-test' })],
    fixtures: capsules,
  });
  onTestFinished(() => agent.close());
  return agent;
}

const statuses = async ({ runtime }: TestRuntime) =>
  Promise.all(
    ['job_0001', 'job_0002', 'job_0003'].map(async (id) => {
      const actor = await runtime.inspect.snapshot(`job/${id}`);
      return [actor?.record.version, (await runtime.jobs.view(id)).status];
    }),
  );

test('they become ones of the present version where they are, and are counted as such', async () => {
  const agent = await opened();
  expect(await statuses(agent)).toEqual([
    ['2', 'submitting'],
    ['2', 'pending'],
    ['2', 'submitting'],
  ]);
  expect((await agent.runtime.providers.list())[0]?.jobs).toEqual({ submitting: 2, pending: 1 });
});

test('what they wait for goes on: the look for a doubtful POST, the rest, the next poll', async () => {
  const agent = await opened();
  expect(agent.effects.waiting().map(({ name, actor }) => [name, actor])).toEqual([
    ['job.reconcile', 'job/job_0003'],
  ]);
  const ref = { taskId: 'video_3', endpoint: 'videos', generation: 'v1', credential: 'default' };
  await agent.effects.answer('job.reconcile', { type: 'found', ref });
  expect((await agent.runtime.jobs.view('job_0003')).status).toBe('pending');
  await agent.advance('5 s');
  expect(agent.effects.waiting('job.submit')).toMatchObject([{ actor: 'job/job_0001' }]);
  const error = { class: 'validation', code: 'bad', message: 'too long', retryable: false };
  await agent.effects.answer('job.submit', { type: 'rejected', error });
  expect((await agent.runtime.jobs.view('job_0001')).error?.message).toBe('too long');
  await agent.advance('10 s');
  expect(agent.effects.waiting('job.poll').map(({ actor }) => actor)).toContain('job/job_0002');
});
