/** A model's tools run as a task in a process that is killed: while a tool runs, after it, while it asks. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { bundled } from '../bundled.js';
import { startOpenAi, type ChatRequest } from '../runners/openai-server.js';

const DEADLINE_MS = 60_000;

/** Runs a program to its end, or until it is killed; gives what it said. */
async function live(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  kill: { readonly at?: (facts: readonly string[]) => boolean; readonly once?: Promise<void> } = {},
): Promise<readonly string[]> {
  const child = spawn(process.execPath, words, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  void kill.once?.then(() => child.kill('SIGKILL'));
  onTestFinished(() => void child.kill('SIGKILL'));
  const facts: string[] = [];
  for await (const fact of createInterface({ input: child.stdout })) {
    facts.push(fact);
    if (kill.at?.(facts) === true) child.kill('SIGKILL');
  }
  return facts;
}

const toolsSaid = (requests: readonly ChatRequest[]): readonly unknown[] =>
  (requests.at(-1)?.messages ?? []).filter(({ role }) => role === 'tool').map(({ content }) => content);

test('killed between a tool’s start and its result, after it, and while it asks: nothing twice', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-runner-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const calls = ['quick', 'slow'].map((name) => ({ id: `of_${name}`, name, input: { words: name } }));
  const server = await startOpenAi([{ text: 'I look.', calls }, { silent: true }, { text: 'found' }]);
  const program = bundled('test/crash/children/researcher.ts');
  const env = { MODEL_URL: server.url, DIRECTORY: directory };

  // One tool has ended, and that is on disk; the other runs.
  const first = await live(
    [program],
    { ...env, SLOW: 'yes' },
    { at: (facts) => ['tool.ended', 'ran slow'].every((fact) => facts.includes(fact)) },
  );
  expect(first.filter((fact) => fact.startsWith('ran')).toSorted()).toEqual(['ran quick', 'ran slow']);
  expect(server.requests()).toHaveLength(1);

  // The other runs again, the first does not, and nobody asks for the answer that is kept.
  const second = await live([program], env, { once: server.asked(2) });
  expect(second.filter((fact) => fact.startsWith('ran'))).toEqual(['ran slow']);

  // Killed as it asks for the second answer, it asks for that alone.
  const third = await live([program], env);
  expect(third.filter((fact) => fact.startsWith('ran'))).toEqual([]);
  expect(third.at(-1)).toBe('completed: found');
  expect(toolsSaid(server.requests())).toEqual(['{"found":"quick"}', 'slow, at last']);
  const [asked, ...again] = server.requests();
  expect(asked?.messages).toEqual([{ role: 'user', content: 'find out' }]);
  for (const request of again) expect(request.messages).toEqual(again[0]?.messages);
});

test('the example’s researcher is killed twice, asks four times, and finishes with one note', async () => {
  const [main, agent] = [bundled('examples/research/main.ts'), bundled('examples/research/agent.ts')];
  const lines = await live([main, agent], { CORPUS: resolve('examples/research/corpus.json') });
  expect(lines).toContain('killed, 1 answers so far');
  expect(lines).toContain('killed, 3 answers so far');
  expect(lines).toContain('  writeNote was cut off; the note is there');
  expect(lines).toContain('  completed: Honeybees stay awake. (3 tools were used.)');
  expect(lines.at(-1)).toBe('4 answers of the model, 1 note');
});
