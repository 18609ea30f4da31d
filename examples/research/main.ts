/**
 * Shows that a task outlives its process: starts the researcher, kills it in the middle of a search, and
 * again when a note is written but nobody knows; then lets it finish. It brings its own model.
 *
 *   npx tsx examples/research/main.ts
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openModel } from './model.js';

const AGENT = process.argv[2] ?? fileURLToPath(new URL('agent.ts', import.meta.url));
const home = await mkdtemp(join(tmpdir(), 'holdfast-research-'));
const notebook = join(home, 'notebook.txt');
const model = await openModel();
const env = { MODEL_URL: model.url, DIRECTORY: join(home, 'runtime'), NOTEBOOK: notebook };

/** One life of the researcher, killed once it says a line that begins like `killAt`. True when it ended. */
async function life(slowTool = '', killAt?: string): Promise<boolean> {
  const agent = spawn(process.execPath, [...process.execArgv, AGENT], {
    env: { ...process.env, ...env, SLOW_TOOL: slowTool },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: agent.stdout })) {
    process.stdout.write(`  ${line}\n`);
    if (killAt !== undefined && line.startsWith(killAt)) agent.kill('SIGKILL');
  }
  if (agent.exitCode === null && agent.signalCode === null)
    await new Promise((ended) => void agent.once('close', ended));
  process.stdout.write(agent.signalCode === null ? '' : `killed, ${model.asked()} answers so far\n`);
  return agent.exitCode === 0;
}

await life('search', 'search');
await life('writeNote', 'noted');
const isDone = await life();
const text = await readFile(notebook, 'utf8').catch(() => '');
const notes = text.split('\n').filter((line) => line !== '');
process.stdout.write(`${model.asked()} answers of the model, ${notes.length} note\n`);
model.close();
await rm(home, { recursive: true });
process.exitCode = isDone && model.asked() === 4 && notes.length === 1 ? 0 : 1;
