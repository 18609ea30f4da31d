/** A task whose process is killed in its tools and between them: what ended is not run again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { bundled } from '../bundled.js';
import { newDirectory } from '../store/place.js';

const program = bundled('test/crash/children/tool-user.ts');

test('a tool that ended before a SIGKILL is not run again; one cut off is, or is asked about', async () => {
  const directory = join(await newDirectory(), 'store');
  const file = join(await newDirectory(), 'tools.txt');
  const ran = async (): Promise<readonly string[]> => (await readFile(file, 'utf8')).trim().split('\n');
  await lifeUntil([directory, file, 'look'], 'began look');
  expect(await ran()).toEqual(['pay', 'look']);
  await lifeUntil([directory, file, 'post'], 'began post');
  expect(await ran()).toEqual(['pay', 'look', 'look', 'post']);
  const last = await lifeUntil([directory, file], 'ended');
  expect(last).toEqual([
    ...['asked about post', 'began post'],
    'ended completed: pay is done, look is done, post is done',
  ]);
  expect(await ran()).toEqual(['pay', 'look', 'look', 'post', 'post']);
});

/** Lets one process live until it says so, and kills it; what it said. */
async function lifeUntil(args: readonly string[], fact: string): Promise<readonly string[]> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const ended = once(child, 'close');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line.startsWith(fact)) child.kill('SIGKILL');
  }
  await ended;
  return lines;
}
