/**
 * examples/embed-documents as a user runs it: two workers, one killed again and again, and every chunk is
 * there.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { bundled } from '../bundled.js';
import { newDirectory } from '../control/world.js';

const main = bundled('examples/embed-documents/main.ts');
const worker = bundled('examples/embed-documents/worker.ts');

test('documents become vectors, whatever becomes of the workers', async () => {
  const directory = await newDirectory();
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, PIPELINE_DIRECTORY: directory, PIPELINE_WORKER: worker },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  await once(child, 'close');
  expect(child.exitCode).toBe(0);
  expect(out).toMatch(/^32 chunks embedded, [1-4] workers killed, \d+ attempts lost with them$/m);
  expect(out).toContain('nearest to the question: lighthouse#2');
});
