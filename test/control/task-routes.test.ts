/** The routes of tasks, over the real socket of a real runtime, with their refusals. */
import { Hono } from 'hono';
import { expect, onTestFinished, test } from 'vitest';
import { pause } from '../../src/cli/demo/halt.js';
import { systemClock } from '../../src/clock.js';
import { failure } from '../../src/control/answer.js';
import { connectControl, taskWire } from '../../src/control/index.js';
import type { ControlledTasks, ControlTasks } from '../../src/control/task-port.js';
import { taskRoutes } from '../../src/control/task-routes.js';
import { limits } from '../../src/limits.js';
import { silentLogger, type Runtime, type TasksOptions, type TaskView } from '../../src/index.js';
import { stage } from '../runtime/task-place.js';
import { field } from '../simulator/opened.js';
import { ask, codeOf, newDirectory, opened, type Answer } from './world.js';

interface Place {
  readonly directory: string;
  readonly runtime: Runtime;
  readonly reopen: () => Promise<Runtime>;
}

async function running(tasks: TasksOptions): Promise<Place> {
  const directory = await newDirectory();
  const options = {
    directory,
    tasks: { staggerMs: 0, ...tasks },
    log: silentLogger,
    durability: 'process',
  } as const;
  return { directory, runtime: await opened(options), reopen: () => opened(options) };
}

async function clientOf(directory: string): Promise<ControlTasks> {
  const client = await connectControl(directory);
  if (client === undefined) throw new Error('nobody answers');
  onTestFinished(() => client.close());
  return client.tasks;
}

const idOf = ({ body }: Answer): string => String(body['id']);
const never = new AbortController().signal;

test('a task is submitted once by its key, watched step by step, and waited for', async () => {
  const { runner, next } = stage();
  const { directory } = await running({ runners: { agent: { run: runner, model: 'small', provider: 'p' } } });
  const request = {
    ...{ prompt: 'look into it', system_prompt: 'be short', session_key: 'telegram:42', wake_session: false },
    ...{ idempotency_key: 'k', max_iterations: 3, token_budget: 100, meta: { camelCase: { snake_case: 1 } } },
  };
  const first = await ask(directory, 'POST', '/v1/tasks', request);
  expect(first.status).toBe(201);
  const again = await ask(directory, 'POST', '/v1/tasks', request);
  expect(again).toMatchObject({ status: 200, body: { id: idOf(first) } });

  const { input, context, finish } = await next();
  expect(input).toMatchObject({ prompt: 'look into it', systemPrompt: 'be short', meta: request.meta });
  const path = `/v1/tasks/${idOf(first)}`;
  const now = await ask(directory, 'GET', `${path}/wait?seen=0`);
  expect(now.body).toMatchObject({ task: { status: 'running', model: 'small', session_key: 'telegram:42' } });
  const change = ask(directory, 'GET', `${path}/wait?seen=${String(now.body['seen'])}`);
  await context.iteration(1);
  expect((await change).body).toMatchObject({ task: { iterations: 1, max_iterations: 3 } });
  await context.usage({ inputTokens: 5, outputTokens: 2, totalTokens: 7 });
  await context.checkpoint({ userKey: 1 });

  const end = ask(directory, 'GET', `${path}/wait`);
  finish({ output: 'found' });
  expect((await end).body).toMatchObject({ task: { status: 'completed', result: 'found' } });
  expect(await ask(directory, 'GET', path)).toMatchObject({
    status: 200,
    body: {
      ...{ prompt: 'look into it', meta: request.meta, token_budget: 100, tool_calls: 0, open_calls: [] },
      usage: { input_tokens: 5, output_tokens: 2, total_tokens: 7 },
      checkpoint: { index: 1, at_ms: expect.any(Number) as number },
      ended_at_ms: expect.any(Number) as number,
    },
  });
});

test('a wait ends with its time, and a watcher by the client hears each change and the end', async () => {
  const { runner, next } = stage();
  const { directory } = await running({ runners: { agent: runner } });
  const tasks = await clientOf(directory);
  const { task, deduplicated } = await tasks.submit({ prompt: 'a', meta: { aB: 1 } });
  expect([deduplicated, task.meta]).toEqual([false, { aB: 1 }]);
  const { context, finish } = await next();
  const early = await ask(directory, 'GET', `/v1/tasks/${task.id}/wait?timeout_ms=0`);
  expect(early).toMatchObject({ status: 200, body: { task: { status: 'running' } } });

  const { seen } = await tasks.watch(task.id, { seen: 0, signal: never });
  const changed = tasks.watch(task.id, { seen, signal: never });
  await context.iteration(1);
  expect(await changed).toMatchObject({ task: { iterations: 1, status: 'running' } });
  const ended = tasks.watch(task.id, { signal: never });
  const left = new AbortController();
  const leaving = tasks.watch(task.id, { signal: left.signal });
  left.abort();
  await expect(leaving).rejects.toMatchObject({ name: 'AbortError' });
  finish();
  expect(await ended).toMatchObject({ task: { status: 'completed', result: 'done: a' } });
  expect((await tasks.view(task.id)).usage).toEqual({ inputTokens: 0, outputTokens: 0, totalTokens: 0 });
});

test('tasks are listed newest first, by status and in pages; settled ones are not cancelled', async () => {
  const { runner, next } = stage();
  const { directory } = await running({ runners: { agent: runner }, concurrency: 1 });
  const made = [];
  for (const prompt of ['a', 'b', 'c'])
    made.push(idOf(await ask(directory, 'POST', '/v1/tasks', { prompt })));
  const [a, b, c] = made;
  const { finish } = await next();
  expect(idsOf(await ask(directory, 'GET', '/v1/tasks'))).toEqual([c, b, a]);
  expect(idsOf(await ask(directory, 'GET', '/v1/tasks?status=pending'))).toEqual([c, b]);
  const page = await ask(directory, 'GET', '/v1/tasks?limit=2');
  const rest = await ask(directory, 'GET', `/v1/tasks?limit=2&cursor=${String(page.body['cursor'])}`);
  expect([idsOf(page), idsOf(rest)]).toEqual([[c, b], [a]]);
  expect(idsOf(await ask(directory, 'GET', '/v1/tasks?parent=task_x'))).toEqual([]);

  const cancelled = await ask(directory, 'POST', `/v1/tasks/${c}/cancel`, { reason: 'no more' });
  expect(cancelled).toMatchObject({ status: 200, body: { status: 'cancelled', cancel_reason: 'no more' } });
  const twice = await ask(directory, 'POST', `/v1/tasks/${c}/cancel`, {});
  expect([twice.status, codeOf(twice), field(twice.body, 'error.details.status')]).toEqual([
    ...[409, 'TASK_SETTLED', 'cancelled'],
  ]);
  const retried = await ask(directory, 'POST', `/v1/tasks/${c}/retry`, { from_start: true });
  expect(retried).toMatchObject({ status: 200, body: { status: 'pending' } });
  finish();
  await ask(directory, 'GET', `/v1/tasks/${a}/wait`);
  const done = await ask(directory, 'POST', `/v1/tasks/${a}/retry`);
  expect([done.status, codeOf(done)]).toEqual([409, 'TASK_NOT_RETRYABLE']);
  const calm = await ask(directory, 'POST', `/v1/tasks/${a}/resume`, { call_id: 'x', rerun: true });
  expect([calm.status, codeOf(calm)]).toEqual([409, 'TASK_NOT_INTERRUPTED']);
});

test('a call that was cut off is decided about; what a tool returned passes as it is', async () => {
  const { runner, next } = stage();
  const { directory, runtime, reopen } = await running({ runners: { agent: runner } });
  const made = await ask(directory, 'POST', '/v1/tasks', { prompt: 'pay' });
  const path = `/v1/tasks/${idOf(made)}`;
  const first = await next();
  let isThere = (): void => undefined;
  const begun = new Promise<void>((resolve) => (isThere = resolve));
  const tool = first.context.tool('pay-1', { name: 'pay' }, ({ signal }) => {
    isThere();
    return new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(new Error('cut'))),
    );
  });
  tool.catch(() => first.fail(new Error('cut')));
  await begun;
  await runtime.close({ timeoutMs: 0 });
  await reopen();

  let seen = await ask(directory, 'GET', `${path}/wait?seen=0`);
  while (field(seen.body, 'task.status') !== 'interruptedTool')
    seen = await ask(directory, 'GET', `${path}/wait?seen=${String(seen.body['seen'])}`);
  expect(field(seen.body, 'task.open_calls')).toMatchObject([
    { call_id: 'pay-1', name: 'pay', idempotent: false, started_at_ms: expect.any(Number) as number },
  ]);
  expect(idsOf(await ask(directory, 'GET', '/v1/tasks?status=interruptedTool'))).toEqual([idOf(made)]);
  const bad = [{}, { result: 1 }, { call_id: 'pay-1' }, { call_id: 'pay-1', result: 1, rerun: true }];
  for (const body of [...bad, { call_id: 'pay-1', rerun: false }]) {
    const refused = await ask(directory, 'POST', `${path}/resume`, body);
    expect([refused.status, codeOf(refused)], JSON.stringify(body)).toEqual([400, 'INVALID_INPUT']);
  }
  const other = await ask(directory, 'POST', `${path}/resume`, { call_id: 'other', result: 1 });
  expect([other.status, codeOf(other)]).toEqual([409, 'TASK_NOT_INTERRUPTED']);

  const result = { paidAt: { snake_case: null } };
  const resumed = await ask(directory, 'POST', `${path}/resume`, { call_id: 'pay-1', result });
  expect(resumed.status).toBe(200);
  const second = await next();
  const run = (): never => {
    throw new Error('it ran again');
  };
  expect(await second.context.tool('pay-1', { name: 'pay' }, run)).toEqual(result);
  second.finish();
  expect((await ask(directory, 'GET', `${path}/wait`)).body).toMatchObject({ task: { status: 'completed' } });
});

test('what is wrong is said before anything is done, and unknown ids are not found', async () => {
  const { directory } = await running({ runners: { agent: stage().runner } });
  const wrong: readonly (readonly [body: unknown, field: string])[] = [
    ['{"prompt":', ''],
    [{ prompt: 'a', colour: 'red' }, 'colour'],
    [{ prompt: 'a', systemPrompt: 'b' }, 'systemPrompt'],
    [{ prompt: ' ' }, 'prompt'],
    [{ prompt: 7 }, 'prompt'],
    [{ prompt: 'a', max_iterations: 0 }, 'max_iterations'],
    [{ prompt: 'a', delivery: { channel: 'c' } }, 'delivery.target'],
    [{ prompt: 'a', delivery: { channel: 'c', target: 't', replyTo: 'r' } }, 'delivery.replyTo'],
  ];
  for (const [body, name] of wrong) {
    const answer = await ask(directory, 'POST', '/v1/tasks', body);
    expect([answer.status, codeOf(answer)], JSON.stringify(body)).toEqual([400, 'INVALID_INPUT']);
    if (name !== '') expect(field(answer.body, 'error.message')).toContain(`"${name}"`);
  }
  const unknown = await ask(directory, 'POST', '/v1/tasks', { prompt: 'a', runner: 'nobody' });
  expect([unknown.status, codeOf(unknown)]).toEqual([400, 'RUNNER_UNKNOWN']);
  const large = await ask(directory, 'POST', '/v1/tasks', { prompt: 'x'.repeat(limits.controlBodyBytesMax) });
  expect(large.status).toBe(413);
  for (const query of [
    'status=done',
    'limit=0',
    'limit=x',
    'newest_first=true',
    'status=pending&parent=task_x',
  ])
    expect((await ask(directory, 'GET', `/v1/tasks?${query}`)).status, query).toBe(400);
  expect(idsOf(await ask(directory, 'GET', '/v1/tasks'))).toEqual([]);

  const acts = [
    ...[
      ['GET', ''],
      ['GET', '/wait'],
      ['GET', '/wait?seen=3'],
      ['POST', '/cancel'],
      ['POST', '/retry'],
    ],
    ['POST', '/resume', { call_id: 'c', rerun: true }],
  ] as const;
  for (const [method, path, body] of acts) {
    const answer = await ask(directory, method as 'GET', `/v1/tasks/task_none${String(path)}`, body);
    expect([answer.status, codeOf(answer)], `${method} ${String(path)}`).toEqual([404, 'ACTOR_NOT_FOUND']);
  }
  for (const path of ['/wait?seen=-1', '/wait?seen=x', '/wait?timeout_ms=999999999'])
    expect((await ask(directory, 'GET', `/v1/tasks/task_none${path}`)).status, path).toBe(400);
});

const TASK: TaskView = {
  ...{ id: 't', status: 'interruptedTool', label: 'a', runner: 'agent', provider: 'p', model: 'm' },
  ...{ prompt: 'a', systemPrompt: 'b', meta: { aB: { c_d: 1 } }, sessionKey: 's', parentId: 'q' },
  ...{ children: ['r'], createdAt: 1, updatedAt: 2, startedAt: 3, iterations: 4, maxIterations: 5 },
  ...{ usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 }, tokenBudget: 9, toolCalls: 6 },
  checkpoint: { index: 1, at: 2, chars: 3 },
  openCalls: [{ callId: 'c', name: 'n', idempotent: false, startedAt: 1 }],
  ...{ result: 'x', resultTruncated: true, exhausted: 'tokens', error: { code: 'e', message: 'm' } },
  ...{ cancelReason: 'why', deliveryStatus: 'queued' },
};

test('a task comes back from the wire as it went, and what is of users keeps its names', () => {
  const wired = taskWire.toWire({ ...TASK, endedAt: 7 });
  expect(wired).toMatchObject({ parent_id: 'q', meta: { aB: { c_d: 1 } }, ended_at_ms: 7 });
  expect(JSON.stringify(wired).match(/"[a-z_]*[A-Z]\w*":/g)).toEqual(['"aB":']);
  expect(taskWire.fromWire(wired, '')).toEqual({ ...TASK, endedAt: 7 });
});

test.each([
  ['nothing has changed', 3, {}, 503],
  ['the task has moved on', 2, {}, 200],
  ['the task has ended', 3, { endedAt: 7 }, 200],
])('who waits at a door that closes is told so, or the news: %s', async (_name, seen, change, status) => {
  const closing = new AbortController();
  const app = new Hono();
  app.onError((error, c) => failure(c, error));
  const absent = (): never => {
    throw new Error('not asked in this test');
  };
  const tasks: ControlledTasks = {
    ...{ submit: absent, view: absent, list: absent, cancel: absent, retry: absent, resume: absent },
    watch: async (_id, { signal }) => {
      closing.abort();
      await pause(limits.controlWaitMaxMs, signal);
      return { task: { ...TASK, ...change }, seen: 3 };
    },
  };
  taskRoutes(app, tasks, { clock: systemClock, closing: closing.signal });
  const answer = await app.request(`/v1/tasks/t/wait?seen=${seen}`);
  expect(answer.status).toBe(status);
  const code = status === 200 ? undefined : 'RUNTIME_CLOSED';
  expect(field(await answer.json(), 'error.code')).toBe(code);
});

function idsOf(answer: Answer): unknown {
  return (field(answer.body, 'items') as readonly object[]).map((each) => field(each, 'id'));
}
