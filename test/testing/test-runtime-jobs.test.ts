/** Paid jobs and deliveries in a test runtime: answered by hand, or run against a simulated provider. */
import { existsSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import type { Message } from '../../src/channels/index.js';
import type { JobHandle } from '../../src/index.js';
import { openai } from '../../src/providers/index.js';
import { startSimulator } from '../../src/simulator/index.js';
import { createTestRuntime, type TestRuntime, type TestRuntimeOptions } from '../../src/testing/index.js';

const REQUEST = {
  provider: 'openai',
  prompt: 'a cat on a bicycle',
  delivery: { channel: 'chat', target: '1' },
} as const;
const REF = { taskId: 'video_1', endpoint: 'videos', generation: 'v1', credential: 'default' };
const FETCHED = { type: 'done', artifacts: [] } as const;

interface Agent {
  readonly test: TestRuntime;
  readonly sent: readonly Message[];
}

async function opened(options: TestRuntimeOptions<undefined> = {}): Promise<Agent> {
  const sent: Message[] = [];
  const test = await createTestRuntime({
    providers: [openai({ apiKey: 'sk-test' })],
    channels: { chat: async (message) => sent.push(message) },
    answers: { 'delivery.send': 'run', 'job.fetch': () => FETCHED },
    ...options,
  });
  onTestFinished(() => test.close());
  return { test, sent };
}

const statusOf = async (job: JobHandle): Promise<string> => (await job.view()).status;

test('a job is followed from its submit to its delivery by answers alone', async () => {
  const { test: agent, sent } = await opened();
  const job = await agent.runtime.jobs.submit(REQUEST);
  expect(job.id).toBe('job_0001');
  await agent.effects.answer('job.submit', { type: 'accepted', ref: REF });
  expect(await statusOf(job)).toBe('pending');
  await agent.advance('15 s');
  await agent.effects.answer('job.poll', { type: 'pending' });
  await agent.advance('15 s');
  await agent.effects.answer('job.poll', { type: 'done' });
  expect(await statusOf(job)).toBe('done');
  expect(sent).toMatchObject([{ channel: 'chat', target: '1' }]);
  expect(agent.effects.all().map(({ name }) => name)).toEqual([
    'job.submit',
    'job.poll',
    'job.poll',
    'job.fetch',
    'delivery.send',
  ]);
});

test('killed while its POST is out, a job looks for its task and pays no second time', async () => {
  const { test: agent } = await opened();
  const { id } = await agent.runtime.jobs.submit(REQUEST);
  const answer = (): Promise<void> => agent.effects.answer('job.submit', { type: 'accepted', ref: REF });
  await agent.crash({ at: 'before-commit', during: answer });
  await agent.advance('1 min');
  await agent.effects.answer('job.reconcile', { type: 'found', ref: REF });
  expect(await statusOf(agent.runtime.jobs.get(id))).toBe('pending');
  expect(agent.effects.all('job.submit')).toHaveLength(1);
});

test('with their own logic jobs run against a provider; what they download goes at the close', async () => {
  const simulator = await startSimulator({
    script: { life: { queued: { polls: 0 }, running: { polls: 0 } } },
  });
  onTestFinished(() => simulator.close());
  const provider = openai({ apiKey: 'sk-test', baseUrl: `${simulator.url}/openai/v1` });
  const { test: agent, sent } = await opened({ providers: [provider], effects: 'run', answers: {} });
  const job = await agent.runtime.jobs.submit(REQUEST);
  await agent.advance('1 min');
  const { status, artifacts } = await job.view();
  expect([status, sent.length]).toEqual(['done', 1]);
  const [{ path } = { path: '' }] = artifacts;
  expect(existsSync(path)).toBe(true);
  await agent.close();
  expect(existsSync(path)).toBe(false);
});
