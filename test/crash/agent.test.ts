/** The agent of examples/agent as a user runs it: talked to through a pipe, killed, and started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openRuntime, silentLogger } from '../../src/index.js';
import { startSimulator } from '../../src/simulator/index.js';
import { bundled } from '../bundled.js';

const program = bundled('examples/agent/agent.ts');
const DEADLINE_MS = 60_000;

interface Agent {
  /** Everything it has printed. */
  readonly out: () => string;
  readonly type: (line: string) => void;
  /** Resolves once what it printed matches; rejects with all of it when it ends or takes too long. */
  readonly until: (wanted: RegExp) => Promise<void>;
  readonly kill: () => Promise<void>;
  /** Ends its input: it closes by itself. */
  readonly leave: () => Promise<number | null>;
}

function startAgent(directory: string, studio: string): Agent {
  const env = { AGENT_DIRECTORY: directory, STUDIO_URL: studio, AGENT_STEP_MS: '150' };
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  const closed = once(child, 'close');
  return {
    out: () => out,
    type: (line) => void child.stdin.write(`${line}\n`),
    until: (wanted) => printed(child, () => out, wanted),
    kill: async () => {
      child.kill('SIGKILL');
      await closed;
    },
    leave: async () => {
      child.stdin.end();
      await closed;
      return child.exitCode;
    },
  };
}

async function printed(child: ChildProcess, out: () => string, wanted: RegExp): Promise<void> {
  const over = new AbortController();
  child.once('close', () => over.abort(new Error('it has ended')));
  try {
    while (!wanted.test(out())) await once(child.stdout ?? child, 'data', { signal: over.signal });
  } catch (error) {
    throw new Error(`${String(wanted)} was not printed:\n${out()}`, { cause: error });
  }
}

interface Said {
  readonly role: string;
  readonly content: string;
}

test('killed in a turn and during a render, it answers each input once and tells of the film', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-agent-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const ledgerFile = join(directory, 'ledger.ndjson');
  const script = { life: { queued: { polls: 0 }, running: { ms: 3_000 } } };
  const simulator = await startSimulator({ ledgerFile, script });
  onTestFinished(() => simulator.close());
  const home = join(directory, 'agent');

  const first = startAgent(home, simulator.url);
  await first.until(/ready/);
  first.type('hello');
  await first.until(/thought 1 of 4/);
  first.type('are you there?');
  await first.until(/noted: are you there\?/);
  await first.kill();

  const second = startAgent(home, simulator.url);
  await second.until(/agent> .*"hello"/);
  await second.until(/agent> .*"are you there\?"/);
  second.type('film a lighthouse');
  await simulator.waitForEntry(({ event }) => event === 'poll', AbortSignal.timeout(DEADLINE_MS));
  await second.kill();

  const third = startAgent(home, simulator.url);
  await third.until(/agent> News: job\.done, a lighthouse/);
  await third.until(/agent> \[video\] a lighthouse .*\.mp4/);
  expect(await third.leave()).toBe(0);

  const runtime = await openRuntime({ directory: home, control: false, log: silentLogger });
  onTestFinished(() => runtime.close({ timeoutMs: 0 }));
  const chat = runtime.sessions.get('terminal');
  const { items } = await chat.history({ limit: 1_000 });
  const said = items.map(({ entry }) => entry as unknown as Said);
  const heard = said.filter(({ role }) => role === 'user').map(({ content }) => content);
  expect(heard.toSorted()).toEqual(['are you there?', 'film a lighthouse', 'hello']);
  const answers = said.filter(({ role }) => role === 'assistant').map(({ content }) => content);
  for (const answered of ['"hello"', '"are you there?"', 'began to film', 'News: job.done'])
    expect(answers.filter((text) => text.includes(answered))).toHaveLength(1);
  expect(await chat.view()).toMatchObject({ state: 'empty', pending: 0, claimed: 0 });
  const billed = simulator.ledger().filter(({ event }) => event === 'submit.billed');
  expect(billed).toHaveLength(1);
  const [path = ''] = /\S+\.mp4/.exec(third.out()) ?? [];
  expect(existsSync(path)).toBe(true);
  expect(readFileSync(path).byteLength).toBeGreaterThan(0);
});
