/**
 * A process with one task, whose tools write into a file that they ran; it stands still in the tool it is
 * told.
 *
 * Callers: test/crash/tasks.test.ts, with the directory, the file and the tool to stand still in. It prints a
 * line for each tool that has begun, and one when the task has ended.
 */
import { appendFileSync } from 'node:fs';
import { openRuntime } from '../../../src/index.js';

const [directory = '', file = '', halt = ''] = process.argv.slice(2);

function work(name: string): Promise<string> {
  appendFileSync(file, `${name}\n`);
  process.stdout.write(`began ${name}\n`);
  return name === halt ? new Promise(() => undefined) : Promise.resolve(`${name} is done`);
}

const runtime = await openRuntime({
  directory,
  control: false,
  durability: 'process',
  tasks: {
    staggerMs: 0,
    runners: {
      agent: async (_input, { tool }) => {
        const paid = await tool('pay', {}, () => work('pay'));
        const seen = await tool('look', { idempotent: true }, () => work('look'));
        const posted = await tool('post', {}, () => work('post'));
        return { output: [paid, seen, posted].join(', ') };
      },
    },
  },
});
const task = await runtime.tasks.submit({ prompt: 'pay, look and post', idempotencyKey: 'the task' });
const { signal } = new AbortController();
let seen = -1;
for (let looks = 0; looks < 1_000; looks += 1) {
  const now = await runtime.tasks.watch(task.id, { seen, signal });
  seen = now.seen;
  const { status, result, openCalls } = now.task;
  if (status === 'interruptedTool') {
    process.stdout.write(`asked about ${openCalls.map(({ callId }) => callId).join()}\n`);
    await task.resume({ callId: 'post', rerun: true });
  } else if (status === 'completed' || status === 'failed') {
    process.stdout.write(`ended ${status}: ${result}\n`);
    break;
  }
}
await runtime.close();
