/** A job of several providers that dies, is cancelled or is told something between two of them. */
import { expect, onTestFinished, test } from 'vitest';
import { kling, openai } from '../../src/providers/index.js';
import { createTestRuntime, type TestRuntime } from '../../src/testing/index.js';

const FAULT = { class: 'validation', code: 'bad', message: 'too long', retryable: false } as const;
const REFUSED = { type: 'rejected', error: FAULT } as const;
const REF = { taskId: 'task_1', endpoint: 'videos', generation: 'v1', credential: 'default' };

async function asked(): Promise<{ readonly agent: TestRuntime; readonly id: string }> {
  const agent = await createTestRuntime({
    providers: [openai({ apiKey: 'sk-test' }), kling({ apiKey: 'sk-test' })],
  });
  onTestFinished(() => agent.close());
  const fallback = [{ provider: 'kling' }];
  const { id } = await agent.runtime.jobs.submit({ provider: 'openai', prompt: 'a cat', fallback });
  await agent.settle();
  return { agent, id };
}

const posts = (agent: TestRuntime): readonly string[] =>
  agent.effects
    .waiting()
    .map(({ name, input }) => `${name} ${String(Reflect.get(Object(input) as object, 'provider'))}`);

test('killed once a refusal is on disk, the next provider is asked, and nobody twice', async () => {
  const { agent } = await asked();
  await agent.crash({ at: 'after-commit', during: () => agent.effects.answer('job.submit', REFUSED) });
  expect(posts(agent)).toEqual(['job.submit kling']);
});

test('killed before a refusal is on disk, nobody else is asked: it was not known', async () => {
  const { agent } = await asked();
  await agent.crash({ at: 'before-commit', during: () => agent.effects.answer('job.submit', REFUSED) });
  expect(posts(agent)).toEqual(['job.reconcile openai']);
});

test('killed while the second is asked, it is looked for there, and the first is left alone', async () => {
  const { agent, id } = await asked();
  await agent.effects.answer('job.submit', REFUSED);
  await agent.crash();
  expect(posts(agent)).toEqual(['job.reconcile kling']);
  await agent.effects.answer('job.reconcile', { type: 'found', ref: REF });
  expect(await agent.runtime.jobs.view(id)).toMatchObject({ status: 'pending', provider: 'kling' });
});

test('cancelled while the first is asked, a refusal asks nobody else', async () => {
  const { agent, id } = await asked();
  await agent.runtime.jobs.get(id).cancel();
  await agent.effects.answer('job.submit', REFUSED);
  expect([(await agent.runtime.jobs.view(id)).status, posts(agent)]).toEqual(['cancelled', []]);
});

test('in doubt at the second, a task that is told is of the second, and a new POST goes there', async () => {
  const error = { ...FAULT, class: 'network' };
  for (const act of ['adopt', 'resubmit'] as const) {
    const { agent, id } = await asked();
    await agent.effects.answer('job.submit', REFUSED);
    await agent.effects.answer('job.submit', { type: 'ambiguous', error });
    await agent.effects.answer('job.reconcile', { type: 'unsupported' });
    const job = agent.runtime.jobs.get(id);
    const { credential: _alias, ...ref } = REF;
    await (act === 'adopt' ? job.adopt(ref) : job.resubmit());
    await agent.settle();
    const view = await job.view();
    expect([view.provider, view.status]).toEqual(['kling', act === 'adopt' ? 'pending' : 'submitting']);
    expect(posts(agent)).toEqual(act === 'adopt' ? [] : ['job.submit kling']);
  }
});

test('of two jobs that are given one task at once, the second fails and is not POSTed again', async () => {
  const agent = (await asked()).agent;
  await agent.runtime.jobs.submit({ provider: 'openai', prompt: 'a dog' });
  await agent.settle();
  await agent.effects.answer('job.submit', { type: 'accepted', ref: REF });
  await agent.effects.answer('job.submit', { type: 'accepted', ref: REF });
  expect(await agent.runtime.jobs.view('job_0002')).toMatchObject({
    status: 'failed',
    error: { code: 'task-followed', retryable: false },
  });
  expect(agent.effects.waiting()).toEqual([]);
});
