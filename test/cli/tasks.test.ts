/** `holdfast tasks`: beside a running runtime, and in a directory nobody holds. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLogger, type Runtime, type TasksOptions } from '../../src/index.js';
import { limits } from '../../src/limits.js';
import { newDirectory, opened } from '../control/world.js';
import { stage } from '../runtime/task-place.js';
import { field } from '../simulator/opened.js';
import { startCli, told, type CliEnd } from './run-cli.js';

interface Place {
  readonly dir: readonly ['--dir', string];
  readonly runtime: Runtime;
  readonly reopen: () => Promise<Runtime>;
}

async function running(tasks: TasksOptions): Promise<Place> {
  const directory = await newDirectory();
  const options = {
    ...{ directory, log: silentLogger, durability: 'process' as const },
    tasks: { staggerMs: 0, ...tasks },
  };
  return { dir: ['--dir', directory], runtime: await opened(options), reopen: () => opened(options) };
}

test('a task is submitted, listed, shown and cancelled through the socket', async () => {
  const { runner, next } = stage();
  const { dir, runtime } = await running({ runners: { agent: runner }, concurrency: 1 });
  const words = ['tasks', 'submit', '-', '--system', 'be short', '--session', 'tg:42', '--key', 'k'];
  const target = ['--deliver', 'none:a:b', '--runner', 'agent'];
  const first = await told([...words, ...target, ...dir], 'count the\u001b[31m cats 🐈\nall of them');
  expect(first).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringMatching(/^task_\S+ submitted: (pending|running)\n$/) as string,
  });
  const id = first.out.split(' ')[0] ?? '';
  const again = json(await told([...words, ...target, '--json', ...dir], 'other'));
  expect(again).toMatchObject({ deduplicated: true, task: { id, session_key: 'tg:42' } });
  const { input, context } = await next();
  expect(input).toMatchObject({
    prompt: 'count the\u001b[31m cats 🐈\nall of them',
    systemPrompt: 'be short',
  });
  await context.iteration(2);
  const second = await runtime.tasks.submit({ prompt: 'wait' });

  expect(lines(await told(['tasks', 'list', ...dir]))).toEqual([
    expect.stringMatching(/^ID +STATUS +AGE +ITER +TOKENS +RUNNER +TASK$/) as string,
    expect.stringMatching(/^task_\S+ +pending +\d+s +0\/10 +0 +agent +wait$/) as string,
    expect.stringMatching(/^task_\S+ +running +\d+s +2\/10 +0 +agent +count the \[31m cats 🐈 a…$/) as string,
  ]);
  const page = json(await told(['tasks', 'list', '--limit', '1', '--json', ...dir]));
  expect(page).toMatchObject({ items: [{ id: second.id, status: 'pending', max_iterations: 10 }] });
  const more = await told(['tasks', 'list', '--cursor', String(field(page, 'cursor')), '--json', ...dir]);
  expect(field(json(more), 'items.0.id')).toBe(id);
  expect(lines(await told(['tasks', 'list', '--status', 'failed', ...dir]))).toEqual(['no tasks']);
  const shown = await told(['tasks', 'show', id, ...dir]);
  expect(shown.out).toContain('prompt      count the [31m cats 🐈 all of them\n');
  expect(shown.out).toMatch(/^status +running$/m);
  expect(shown.out).not.toContain('\u001b');

  const cancelled = await told(['tasks', 'cancel', second.id, '--reason', 'no more', ...dir]);
  expect(cancelled).toEqual({ code: 0, out: `${second.id} cancelled\n`, err: '' });
  expect((await told(['tasks', 'list', '--status', 'cancelled', ...dir])).out).toMatch(/wait \(no more\)$/m);
  const twice = await told(['tasks', 'cancel', second.id, '--json', ...dir]);
  expect(twice).toMatchObject({ code: 1, out: '' });
  expect(JSON.parse(twice.err)).toMatchObject({
    error: { code: 'TASK_SETTLED', details: { status: 'cancelled' } },
  });
  const noted = await told(['tasks', 'cancel', id, ...dir]);
  expect(noted.out).toBe(`${id} cancel noted, now cancelling\n`);
  const retried = await told(['tasks', 'retry', second.id, '--from-start', ...dir]);
  expect(retried.out).toMatch(/^task_\S+ tried again: (pending|running)\n$/);
});

test('a watcher prints each change and ends as its task has ended', async () => {
  const { runner, next } = stage();
  const { dir, runtime } = await running({ runners: { agent: runner } });
  const good = await runtime.tasks.submit({ prompt: 'a' });
  const { context, finish } = await next();
  await context.usage({ inputTokens: 1, outputTokens: 2, totalTokens: 3 });
  const watching = told(['tasks', 'watch', good.id, ...dir]);
  finish({ output: 'found:\n one\u0007' });
  const seen = lines(await watching);
  expect(seen.at(-3)).toMatch(/^2\d{3}-\S+Z {2}completed, iteration 0 of 10, 3 tokens$/);
  expect(seen.slice(-2)).toEqual(['found:', 'one']);
  // What has ended is told once, with all there is to say.
  const late = await told(['tasks', 'watch', good.id, '--json', ...dir]);
  expect(late).toMatchObject({ code: 0, err: '' });
  expect(json(late)).toMatchObject({ id: good.id, status: 'completed', usage: { total_tokens: 3 } });

  const bad = await runtime.tasks.submit({ prompt: 'b' });
  (await next()).fail(Object.assign(new Error('no such model'), { code: 'model_unknown' }));
  const failed = await told(['tasks', 'watch', bad.id, ...dir]);
  expect(failed.code).toBe(10);
  expect(failed.err).toMatch(
    /^holdfast: TASK_NOT_COMPLETED: task_\S+ is failed: model_unknown: no such model/,
  );
  const done = await runtime.tasks.submit({ prompt: 'c' });
  (await next()).finish({ exhausted: 'iterations', output: 'half' });
  const exhausted = await told(['tasks', 'watch', done.id, '--json', ...dir]);
  expect(exhausted.code).toBe(12);
  expect(JSON.parse(exhausted.err)).toMatchObject({ error: { details: { status: 'exhausted' } } });
});

test('Ctrl-C ends the watching and leaves the task alone', async () => {
  const { runner, next } = stage();
  const { dir, runtime } = await running({ runners: { agent: runner } });
  const { id } = await runtime.tasks.submit({ prompt: 'a' });
  await next();
  const watcher = startCli(['tasks', 'watch', id, ...dir]);
  expect(await watcher.firstLine).toMatch(/ {2}running, /);
  watcher.child.kill('SIGINT');
  expect(await watcher.ended).toMatchObject({ code: 130, err: '' });
  expect(await runtime.tasks.status(id)).toBe('running');
});

test('a directory that nobody runs takes tasks, decisions and cancels; the next runtime acts', async () => {
  const { runner, next } = stage();
  const { dir, runtime, reopen } = await running({ runners: { agent: runner } });
  const { id } = await runtime.tasks.submit({ prompt: 'pay' });
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
  const again = await reopen();
  const signal = AbortSignal.timeout(30_000);
  let now = await again.tasks.watch(id, { seen: 0, signal });
  while (now.task.status !== 'interruptedTool' && !signal.aborted)
    now = await again.tasks.watch(id, { seen: now.seen, signal });
  await again.close();

  expect((await told(['tasks', 'show', id, ...dir])).out).toMatch(/^open call +pay-1 \(pay\), since 2/m);
  const alone = await told(['tasks', 'watch', id, ...dir]);
  expect(alone).toMatchObject({ code: 4, out: expect.stringContaining('interruptedTool') as string });
  expect(alone.err).toMatch(/^holdfast: CONTROL_FAILED: no process runs /);
  const wrong = await told(['tasks', 'resume', id, '--call', 'x', '--rerun', ...dir]);
  expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('TASK_NOT_INTERRUPTED') as string });
  const resumed = await told(
    ['tasks', 'resume', id, '--call', 'pay-1', '--result', '-', ...dir],
    '{"paidAt": 7}',
  );
  expect(resumed).toMatchObject({
    code: 0,
    out: expect.stringMatching(/call pay-1 decided: pending\n$/) as string,
  });
  const other = await told(['tasks', 'submit', 'later', '--runner', 'agent', ...dir]);
  expect(other.out).toMatch(/^task_\S+ submitted: pending\n$/);
  const unwanted = await told(['tasks', 'submit', 'never', '--runner', 'agent', '--json', ...dir]);
  const unwantedId = String(field(json(unwanted), 'task.id'));
  expect(await told(['tasks', 'cancel', unwantedId, ...dir])).toMatchObject({
    code: 0,
    out: `${unwantedId} cancelled\n`,
  });
  const ended = await told(['tasks', 'watch', unwantedId, ...dir]);
  expect(ended.code).toBe(11);

  await reopen();
  const runs = [await next(), await next()];
  expect(new Set(runs.map(({ input }) => input.prompt))).toEqual(new Set(['pay', 'later']));
  const paying = runs.find(({ input }) => input.prompt === 'pay');
  const never = (): never => {
    throw new Error('it ran again');
  };
  expect(await paying?.context.tool('pay-1', { name: 'pay' }, never)).toEqual({ paidAt: 7 });
  for (const { finish } of runs) finish();
});

test('what is not there is exit code 3, a wrong command line 2 before a directory is opened', async () => {
  const { dir, runtime } = await running({ runners: { agent: stage().runner } });
  const none = [['show'], ['cancel'], ['retry'], ['watch'], ['resume', '--call', 'c', '--rerun']];
  for (const closed of [false, true]) {
    if (closed) await runtime.close();
    for (const [word = '', ...more] of none) {
      const end = await told(['tasks', word, 'task_none', ...more, ...dir]);
      expect(end, word).toMatchObject({ code: 3, out: '' });
      expect(end.err, word).toMatch(/^holdfast: ACTOR_NOT_FOUND: [^\n]+\n$/);
    }
  }
  const nowhere = ['--dir', join(dir[1], 'nowhere')];
  const wrong = [
    ['submit'],
    ['submit', 'a', '--deliver', 'telegram'],
    ['list', '--status', 'done'],
    ['list', '--status', 'failed', '--parent', 'task_x'],
    ['list', '--limit', '0'],
    ['resume', 'task_x', '--rerun'],
    ['resume', 'task_x', '--call', 'c'],
    ['resume', 'task_x', '--call', 'c', '--rerun', '--result', '1'],
    ['resume', 'task_x', '--call', 'c', '--result', '{'],
  ];
  for (const words of wrong) {
    const end = await told(['tasks', ...words, ...nowhere]);
    expect(end, words.join(' ')).toMatchObject({ code: 2, out: '' });
    expect(end.err).toMatch(/^holdfast: (USAGE|INVALID_INPUT): [^\n]+\n$/);
  }
  const long = await told(['tasks', 'submit', '-', ...nowhere], 'x'.repeat(limits.controlBodyBytesMax + 1));
  expect(long.err).toMatch(/^holdfast: INVALID_INPUT: "prompt": standard input is larger than 1048576 bytes/);
});

function json({ out }: CliEnd): unknown {
  return JSON.parse(out) as unknown;
}

function lines({ out }: CliEnd): readonly string[] {
  return out.trimEnd().split('\n');
}
