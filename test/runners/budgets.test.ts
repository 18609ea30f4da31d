/** Where a task's means end: iterations, tokens, sizes. What is exhausted is not called completed. */
import { tool } from 'ai';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { aiSdkRunner } from '../../src/runners/ai-sdk/index.js';
import { startOpenAi } from './openai-server.js';
import { hastyClock, TaskRecord } from './task-record.js';

const clock = hastyClock();
const ran: string[] = [];
const step = tool({
  inputSchema: z.object({ n: z.string() }),
  execute: ({ n }) => {
    ran.push(n);
    return n;
  },
});
const stepping = (n: string) => ({ text: `${n}. `, calls: [{ id: n, name: 'step', input: { n } }] });

test('with no iteration left it is exhausted; tools nobody would hear of are run by the retry', async () => {
  const { model, requests } = await startOpenAi([stepping('a'), stepping('b'), { text: 'there' }]);
  const runner = aiSdkRunner({ model, clock, tools: { step } });
  const record = new TaskRecord({ maxIterations: 2 });
  ran.length = 0;
  expect(await record.run(runner)).toEqual({ output: 'b. ', exhausted: 'iterations' });
  expect(ran).toEqual(['a']);
  record.renew();
  expect(await record.run(runner)).toEqual({ output: 'there' });
  expect(ran).toEqual(['a', 'b']);
  expect(requests()).toHaveLength(3);
});

test('the lower bound counts: the task’s, or the runner’s', async () => {
  for (const [own, asked] of [
    [1, 10],
    [10, 1],
  ] as const) {
    const { model, requests } = await startOpenAi([stepping('a'), { text: 'too far' }]);
    const runner = aiSdkRunner({ model, clock, tools: { step }, maxIterations: own });
    const result = await new TaskRecord({ maxIterations: asked }).run(runner);
    expect(result).toMatchObject({ exhausted: 'iterations' });
    expect(requests()).toHaveLength(1);
  }
});

test.each([
  ['the task’s', undefined, 30],
  ['the runner’s', 30, undefined],
])('with %s tokens used up it is exhausted, with what it had to say', async (_whose, own, asked) => {
  const { model } = await startOpenAi([stepping('a'), { text: 'there' }]);
  const budget = own === undefined ? {} : { tokenBudget: own };
  const runner = aiSdkRunner({ model, clock, tools: { step }, ...budget });
  const record = new TaskRecord(asked === undefined ? {} : { tokenBudget: asked });
  expect(await record.run(runner)).toEqual({ output: 'there', exhausted: 'tokens' });
  // The answer was paid for: with a new budget there is nothing to ask.
  record.renew();
  expect(await record.run(runner)).toEqual({ output: 'there' });
});

test('an answer cut at its own bound is exhausted, and not gone on with', async () => {
  const { model } = await startOpenAi([{ text: 'there is much to', finish: 'length' }, { text: 'whole' }]);
  const runner = aiSdkRunner({ model, clock });
  const record = new TaskRecord();
  expect(await record.run(runner)).toEqual({ output: 'there is much to', exhausted: 'tokens' });
  expect(record.checkpoint).toBeUndefined();
  expect(await record.run(runner)).toEqual({ output: 'whole' });
});

test('a result that is too large is cut between two characters, and says so', async () => {
  const large = tool({
    inputSchema: z.object({ as: z.string() }),
    execute: ({ as }) => (as === 'text' ? '🐝'.repeat(200_000) : { bees: 'é"\n'.repeat(200_000) }),
  });
  const calls = ['text', 'json'].map((as) => ({ id: as, name: 'large', input: { as } }));
  const { model, requests } = await startOpenAi([{ calls }, { text: 'ok' }]);
  await new TaskRecord().run(aiSdkRunner({ model, clock, tools: { large } }));
  const results =
    requests()
      .at(-1)
      ?.messages.filter(({ role }) => role === 'tool') ?? [];
  expect(results).toHaveLength(2);
  for (const { content } of results) {
    expect(content).toMatch(/\n\[cut: the tool's result has \d+ bytes as JSON, of which \d+ are kept\]$/);
    const bytes = Buffer.byteLength(JSON.stringify(content));
    expect(bytes).toBeGreaterThan(250 * 1_024);
    expect(bytes).toBeLessThan(256 * 1_024);
    expect(String(content).isWellFormed()).toBe(true);
  }
});

test('what is no JSON is told to the model; what has parts that cannot be cut, too', async () => {
  const odd = tool({
    inputSchema: z.object({ as: z.string() }),
    execute: ({ as }) => {
      if (as === 'nothing') return undefined;
      if (as === 'stream') return streamOf('half', 'whole');
      return as === 'bigint' ? 1n : 'x'.repeat(300_000);
    },
    toModelOutput: ({ output, input }) =>
      input.as === 'image'
        ? { type: 'content', value: [{ type: 'text', text: String(output) }] }
        : { type: 'json', value: (output ?? null) as string | null },
  });
  const calls = ['nothing', 'stream', 'bigint', 'image'].map((as) => ({
    id: as,
    name: 'odd',
    input: { as },
  }));
  const { model, requests } = await startOpenAi([{ calls }, { text: 'ok' }]);
  await new TaskRecord().run(aiSdkRunner({ model, clock, tools: { odd } }));
  const results =
    requests()
      .at(-1)
      ?.messages.filter(({ role }) => role === 'tool') ?? [];
  expect(results.map(({ content }) => content)).toEqual([
    'null',
    '"whole"',
    expect.stringContaining('BigInt'),
    expect.stringMatching(/has 300\d{3} bytes, and cannot be cut/),
  ]);
});

async function* streamOf(...parts: readonly string[]): AsyncGenerator<string> {
  for (const part of parts) yield part;
}

test('a conversation that is too large to keep fails the task before a tool is run', async () => {
  const { model } = await startOpenAi([{ ...stepping('a'), text: 'x'.repeat(4_200_000) }]);
  const record = new TaskRecord();
  ran.length = 0;
  await expect(record.run(aiSdkRunner({ model, clock, tools: { step } }))).rejects.toMatchObject({
    code: 'conversation-too-large',
    message: expect.stringContaining('at most 4194304 are kept'),
  });
  expect(ran).toEqual([]);
});

test.each([
  ['text'],
  [{ format: 2, iteration: 1, messages: [{ role: 'user', content: 'and then?' }] }],
  [{ format: 1, iteration: 1, messages: [{ role: 'nobody' }] }],
])('a checkpoint that is not of this runner is refused: %j', async (checkpoint) => {
  const { model, requests } = await startOpenAi([]);
  const record = new TaskRecord({ checkpoint });
  const failure = { code: 'checkpoint-unreadable', message: expect.stringContaining('fromStart') };
  await expect(record.run(aiSdkRunner({ model, clock }))).rejects.toMatchObject(failure);
  expect(requests()).toEqual([]);
});
