/** The tool calls of one answer: what is told to the model of them, and what ends the run. */
import { tool, type ToolSet } from 'ai';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { RunnerContext } from '../../src/index.js';
import { setupOf } from '../../src/runners/ai-sdk/options.js';
import { runCalls } from '../../src/runners/ai-sdk/tool-calls.js';

const inputSchema = z.object({});

/** Runs calls of these tools, by name, in a task that begins each of them as `begin` says. */
async function outputsOf(
  names: readonly string[],
  tools: ToolSet,
  { signal = new AbortController().signal, begin = (_callId: string): void => undefined } = {},
): Promise<readonly unknown[]> {
  const record: Pick<RunnerContext, 'tool'> = {
    tool: async (callId, _options, run) => {
      begin(callId);
      return run({ signal });
    },
  };
  const calls = names.map((toolName, n) => ({
    ...({ type: 'tool-call', toolCallId: `call_${n}`, toolName, input: {} } as const),
  }));
  const setup = setupOf({ model: 'any', tools });
  const outputs = await runCalls(setup, record as RunnerContext, calls, []);
  return calls.map(({ toolCallId }) => outputs.get(toolCallId));
}

test('a tool that is called off comes to nothing that a model reads', async () => {
  const controller = new AbortController();
  const stopped = tool({
    inputSchema,
    execute: (): string => {
      controller.abort(new Error('the process goes'));
      throw new Error('half done');
    },
  });
  const outputs = outputsOf(['stopped'], { stopped }, { signal: controller.signal });
  await expect(outputs).rejects.toThrow('the process goes');
});

test('what every object has is no tool', async () => {
  const look = tool({ inputSchema, execute: () => 'seen' });
  expect(await outputsOf(['toString', 'constructor', 'look'], { look })).toMatchObject([
    { type: 'error-text', value: expect.stringContaining(`unavailable tool 'toString'`) as string },
    { type: 'error-text', value: expect.stringContaining(`unavailable tool 'constructor'`) as string },
    { type: 'text', value: 'seen' },
  ]);
});

test('a record that refuses a call ends the run once the other tools have ended', async () => {
  const ended: string[] = [];
  let finish = (): void => undefined;
  const slow = tool({
    inputSchema,
    execute: () =>
      new Promise<string>((resolve) => {
        finish = () => {
          ended.push('slow');
          resolve('done');
        };
      }),
  });
  const refused = tool({ inputSchema, execute: () => 'never' });
  const begin = (callId: string): void => {
    if (callId === 'call_1') throw new Error('the run is over');
  };
  const outputs = outputsOf(['slow', 'refused'], { slow, refused }, { begin });
  const told = outputs.catch((error: unknown) => ended.push(String(error)));
  // Time for a fault that does not wait for the slow tool to be told.
  await new Promise((resolve) => setImmediate(resolve));
  finish();
  await told;
  expect(ended).toEqual(['slow', 'Error: the run is over']);
});
