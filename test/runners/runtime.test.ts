/** The runner in a whole runtime: what a task shows of its model, its ends, and of being closed in a tool. */
import { tool } from 'ai';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { aiSdkRunner } from '../../src/runners/ai-sdk/index.js';
import { openTasks } from '../runtime/task-place.js';
import { startOpenAi } from './openai-server.js';

const look = tool({ inputSchema: z.object({}), execute: () => 'nothing new' });
const looking = (id: string) => ({ text: `${id}. `, calls: [{ id, name: 'look', input: {} }] });

test('a task shows its model, its tokens, and each of its ends', async () => {
  const { model } = await startOpenAi([
    ...[looking('a'), { text: 'all is well' }],
    { status: 401, body: { error: { message: 'wrong key sk-abcdefghijklmnop' } } },
    ...[looking('b'), looking('c'), { text: 'at last' }],
  ]);
  const { tasks } = await openTasks({ runners: { agent: aiSdkRunner({ model, tools: { look } }) } });
  const first = await (await tasks.submit({ prompt: 'what is new?' })).settled();
  expect(first).toMatchObject({
    ...{ status: 'completed', result: 'all is well', provider: 'local.chat', model: 'scripted' },
    ...{ iterations: 2, toolCalls: 1, openCalls: [] },
    usage: { inputTokens: 20, outputTokens: 10, totalTokens: 30 },
  });
  const { status, error } = await (await tasks.submit({ prompt: 'and now?' })).settled();
  expect({ status, code: error?.code }).toEqual({ status: 'failed', code: 'http-401' });
  expect(error?.message).toContain('answered 401: wrong key');
  expect(error?.message).not.toContain('abcdefgh');
  const third = await tasks.submit({ prompt: 'once more', maxIterations: 2 });
  expect(await third.settled()).toMatchObject({
    ...{ status: 'exhausted', exhausted: 'iterations', result: 'c. ', toolCalls: 1 },
  });
  await third.retry();
  await expect.poll(() => third.view()).toMatchObject({ status: 'completed', result: 'at last' });
});

test('closed while a tool runs, it goes on with what the tool had to say', async () => {
  const { model, requests } = await startOpenAi([looking('a'), { text: 'done' }]);
  const begun = new AbortController();
  const end = new AbortController();
  const runs: string[] = [];
  const slow = tool({
    inputSchema: z.object({}),
    execute: async (_input, { toolCallId }) => {
      runs.push(toolCallId);
      begun.abort();
      if (!end.signal.aborted) await new Promise((resolve) => end.signal.addEventListener('abort', resolve));
      return 'ended in time';
    },
  });
  const agent = aiSdkRunner({ model, tools: { look: slow } });
  const place = await openTasks({ runners: { agent } });
  const { id } = await place.tasks.submit({ prompt: 'wait' });
  await expect.poll(() => begun.signal.aborted).toBe(true);
  const reopened = place.reopen({ staggerMs: 0, runners: { agent } });
  end.abort();
  expect(await (await reopened).tasks.get(id).settled()).toMatchObject({
    status: 'completed',
    result: 'done',
  });
  expect(runs).toEqual(['a']);
  expect(requests()).toHaveLength(2);
  expect(requests()[1]?.messages.at(-1)).toMatchObject({ role: 'tool', content: 'ended in time' });
});
