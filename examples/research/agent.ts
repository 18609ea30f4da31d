/**
 * The researcher: one background task, whatever happens to this process. Kill it wherever you like and start
 * it again: it goes on where it was.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { openRuntime } from 'holdfast';
import { aiSdkRunner } from 'holdfast/runners/ai-sdk';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isNoted, toolsOf } from './tools.js';

const {
  MODEL_URL = 'http://127.0.0.1:8080/v1',
  CORPUS = fileURLToPath(new URL('corpus.json', import.meta.url)),
  NOTEBOOK = 'notebook.txt',
  DIRECTORY = './.holdfast',
  SLOW_TOOL,
} = process.env;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const provider = createOpenAICompatible({ name: 'local', baseURL: MODEL_URL });
const researcher = aiSdkRunner({
  model: provider('by-heart'),
  tools: toolsOf({ corpus: pathToFileURL(CORPUS), notebook: NOTEBOOK, slow: SLOW_TOOL, say }),
  system: 'Look things up before you answer, and note what you found.',
});

const runtime = await openRuntime({ directory: DIRECTORY, tasks: { runners: { researcher } } });
const task = await runtime.tasks.submit({
  prompt: 'What do honeybees do in winter?',
  idempotencyKey: 'honeybees',
});
say(task.deduplicated ? 'the task goes on' : 'a new task');

const signal = AbortSignal.timeout(60_000);
let { task: view, seen } = await runtime.tasks.watch(task.id, { signal });
while (view.endedAt === undefined && !signal.aborted) {
  if (view.status === 'interruptedTool') {
    for (const { callId, name } of view.openCalls) {
      const wasDone = await isNoted(NOTEBOOK, callId);
      say(`${name} was cut off; the note is ${wasDone ? 'there' : 'not there'}`);
      await task.resume(wasDone ? { callId, result: 'noted' } : { callId, rerun: true });
    }
  }
  ({ task: view, seen } = await runtime.tasks.watch(task.id, { seen, signal }));
}
say(`${view.status}: ${view.result ?? view.error?.message ?? ''}`);
say(`${view.toolCalls} tools ended, ${view.usage.totalTokens} tokens`);
await runtime.close();
