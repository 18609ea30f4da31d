/** Killed right after a webhook was answered with 200: what it told is not lost, and not done twice. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { expect, onTestFinished, test } from 'vitest';
import { Vault } from '../../src/actors/vault.js';
import { startSimulator, type Simulator, type SimulatorScript } from '../../src/simulator/index.js';
import { bundled } from '../bundled.js';

const PROGRAM = bundled('test/crash/children/hooked.ts');
const SECRET = 'a secret of thirty-two characters, or more';
const KEY = `whsec_${Buffer.from('what Kling signs with').toString('base64')}`;
const LOOKS_MAX = 400;
const LOOK_AFTER_MS = 25;

interface View {
  readonly status: string;
  readonly pollCount: number;
  readonly ref?: { readonly taskId: string };
  readonly error?: { readonly message: string };
}

class Hooked {
  readonly #child: ChildProcess;
  readonly #url: string;

  static async start(directory: string, simulator: Simulator): Promise<Hooked> {
    const child = spawn(process.execPath, [PROGRAM, directory, simulator.url, SECRET, KEY], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [line] = (await once(child.stdout, 'data')) as readonly unknown[];
    return new Hooked(child, String(line).trim());
  }

  constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.#url = url;
  }

  async kill(): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await ended;
  }

  /** Submits, or tracks the task that is named; resolves with the job's id. */
  async begin(taskId = ''): Promise<string> {
    const response = await fetch(`${this.#url}/jobs`, { method: 'POST', body: taskId });
    return ((await response.json()) as { readonly id: string }).id;
  }

  /** Resolves with the first view that is of that status. */
  async seenAs(id: string, status: string): Promise<View> {
    for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
      const view = (await (await fetch(`${this.#url}/jobs/${id}`)).json()) as View;
      if (view.status === status) return view;
      await setTimeout(LOOK_AFTER_MS);
    }
    throw new Error(`job ${id} never was ${status}`);
  }

  async tell(path: string, body: string, webhookId = 'msg_1'): Promise<number> {
    const at = new Date();
    const headers = {
      'webhook-id': webhookId,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(KEY).sign(webhookId, at, body),
    };
    return (await fetch(`${this.#url}${path}`, { method: 'POST', headers, body })).status;
  }
}

async function scene(
  script: SimulatorScript,
): Promise<{ simulator: Simulator; start: () => Promise<Hooked> }> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-hooked-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const simulator = await startSimulator({ script });
  onTestFinished(() => simulator.close());
  return { simulator, start: () => Hooked.start(directory, simulator) };
}

const authorization = 'Bearer sk-test';

test('killed after the 200, a job goes on from the news without a poll', async () => {
  const { simulator, start } = await scene({
    life: { queued: { polls: 0 }, running: { polls: 1 } },
    faults: [{ route: 'download', nth: 1, fault: { type: 'latency', wait: { ms: 2_000 } } }],
  });
  const first = await start();
  const id = await first.begin();
  const { ref } = await first.seenAs(id, 'pending');
  const tasks = `${simulator.url}/kling/tasks?task_ids=${ref?.taskId ?? ''}`;
  await fetch(tasks, { headers: { authorization } });
  const { data } = (await (await fetch(tasks, { headers: { authorization } })).json()) as {
    readonly data: readonly { readonly status: string }[];
  };
  expect(data[0]?.status).toBe('succeeded');
  const path = `/hooks/kling/${await new Vault(() => Promise.resolve(SECRET)).token('kling', id)}`;
  const news = JSON.stringify(data[0]);
  expect(await first.tell(path, news)).toBe(200);
  await first.kill();
  const second = await start();
  expect(await second.seenAs(id, 'done')).toMatchObject({ pollCount: 0 });
  // The provider, who may not have heard our answer, sends it again.
  expect(await second.tell(path, news)).toBe(200);
  expect((await second.seenAs(id, 'done')).pollCount).toBe(0);
  expect(simulator.ledger().filter(({ event }) => event === 'submit.billed')).toHaveLength(1);
});

/** A task that somebody else submitted, and what the provider tells the account of it. */
async function taskOf(simulator: Simulator): Promise<{ readonly taskId: string; readonly news: string }> {
  const response = await fetch(`${simulator.url}/openai/v1/videos`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'a cat' }),
  });
  const { id: taskId } = (await response.json()) as { readonly id: string };
  const news = JSON.stringify({ object: 'event', type: 'video.completed', data: { id: taskId } });
  return { taskId, news };
}

const DONE_AT_ONCE = { life: { queued: { polls: 0 }, running: { polls: 0 } } } as const;

test('news of a task without a job outlive the process that took them', async () => {
  const { simulator, start } = await scene(DONE_AT_ONCE);
  const { taskId, news } = await taskOf(simulator);
  const first = await start();
  expect(await first.tell('/hooks/openai', news)).toBe(200);
  await first.kill();
  const second = await start();
  // It polls by itself after a day: what makes it poll now are the news.
  expect(await second.seenAs(await second.begin(taskId), 'done')).toMatchObject({ pollCount: 1 });
});

test('killed between news and their job, the next process brings them together', async () => {
  const { simulator, start } = await scene(DONE_AT_ONCE);
  const { taskId, news } = await taskOf(simulator);
  const first = await start();
  const [status, id] = await Promise.all([first.tell('/hooks/openai', news), first.begin(taskId)]);
  await first.kill();
  expect(status).toBe(200);
  expect(await (await start()).seenAs(id, 'done')).toMatchObject({ pollCount: 1 });
});
