/**
 * The process that is killed while a model's tools run: one task, two tools, a model at MODEL_URL.
 *
 * Callers: ../ai-sdk.test.ts. Every line it prints is a fact: `ran <tool>` when a tool has begun to run, and
 * the type of each event of the task that is on disk. `slow` takes a minute if SLOW is set.
 */
import { writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { tool } from 'ai';
import { z } from 'zod';
import { openRuntime, silentLogger } from '../../../src/index.js';
import { aiSdkRunner } from '../../../src/runners/ai-sdk/index.js';

const { MODEL_URL = '', DIRECTORY = '', SLOW } = process.env;

function say(fact: string): void {
  writeSync(1, `${fact}\n`);
}

const inputSchema = z.object({ words: z.string() });
const quick = tool({
  inputSchema,
  execute: ({ words }) => {
    say('ran quick');
    return { found: words };
  },
});
const slow = tool({
  inputSchema,
  execute: async ({ words }) => {
    say('ran slow');
    await pause(SLOW === undefined ? 0 : 60_000);
    return `${words}, at last`;
  },
});

const provider = createOpenAICompatible({ name: 'local', baseURL: `${MODEL_URL}/v1` });
const runner = aiSdkRunner({
  model: provider('scripted'),
  tools: { quick, slow },
  idempotentTools: ['slow'],
  stream: true,
});
const runtime = await openRuntime({
  directory: DIRECTORY,
  control: false,
  log: silentLogger,
  tasks: { runners: { runner } },
});
runtime.on('step', ({ entry }) => say(entry.event.type));
const task = await runtime.tasks.submit({ prompt: 'find out', idempotencyKey: 'the task' });
const { status, result } = await task.settled();
say(`${status}: ${result}`);
await runtime.close();
