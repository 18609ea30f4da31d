/** What is refused before anything is written: options of tasks, and tasks themselves. */
import { expect, test } from 'vitest';
import type { NewTask, TasksOptions } from '../../src/actors/tasks/face.js';
import { openTasks, stage } from './task-place.js';

const { runner } = stage();
const wrongOptions: readonly (readonly [string, unknown])[] = [
  ['tasks.threads', { threads: 2 }],
  ['tasks.concurrency', { concurrency: 0 }],
  ['tasks.concurrency', { concurrency: 1_001 }],
  ['tasks.staggerMs', { staggerMs: -1 }],
  ['tasks.maxIterations', { maxIterations: 1.5 }],
  ['tasks.timeoutMs', { timeoutMs: 0 }],
  ['tasks.retentionMs', { retentionMs: '1 day' }],
  ['tasks.runners', { runners: [runner] }],
  ['tasks.runners.agent', { runners: { agent: {} } }],
  ['tasks.runners.an agent', { runners: { 'an agent': runner } }],
  ['tasks.runners.agent', { runners: { agent: { run: runner, model: 7 } } }],
];

test.each(wrongOptions)('%s is named when it is wrong', async (option, given) => {
  await expect(openTasks(given as TasksOptions)).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
    message: expect.stringContaining(option) as unknown,
  });
});

const wrongTasks: readonly (readonly [string, unknown])[] = [
  ['prompt', {}],
  ['prompt', { prompt: ' \n' }],
  ['prompt', { prompt: 'x'.repeat(262_144) }],
  ['prompt', { prompt: 'half of a pair: \ud83d' }],
  ['prompt', { prompt: 'a cat', meta: { more: 'x'.repeat(262_144) } }],
  ['meta', { prompt: 'a cat', meta: 7 }],
  ['sessionKey', { prompt: 'a cat', sessionKey: '🐈'.repeat(200) }],
  ['delivery.target', { prompt: 'a cat', delivery: { channel: 'chat' } }],
  ['idempotencyKey', { prompt: 'a cat', idempotencyKey: 'x'.repeat(301) }],
  ['maxIterations', { prompt: 'a cat', maxIterations: 10_001 }],
  ['tokenBudget', { prompt: 'a cat', tokenBudget: 0 }],
  ['timeoutMs', { prompt: 'a cat', timeoutMs: 0.5 }],
];

test('a task that cannot be taken is refused by the name of its field, and nothing is written', async () => {
  const place = await openTasks(runner);
  for (const [field, task] of wrongTasks) {
    const refused = { code: 'INVALID_INPUT', details: { field } };
    await expect(place.tasks.submit(task as NewTask)).rejects.toMatchObject(refused);
  }
  expect((await place.tasks.list()).items).toEqual([]);
});

test('what a runner says that cannot be kept is refused, and its task goes on', async () => {
  const played = stage();
  const place = await openTasks(played.runner);
  const task = await place.tasks.submit({ prompt: 'a cat' });
  const { context, finish } = await played.next();
  const refused = { code: 'INVALID_INPUT' };
  await expect(context.iteration(0)).rejects.toMatchObject(refused);
  await expect(context.usage({ inputTokens: -1 })).rejects.toMatchObject(refused);
  await expect(context.checkpoint({ at: NaN })).rejects.toMatchObject(refused);
  await expect(context.tool('', {}, () => 1)).rejects.toMatchObject(refused);
  await expect(context.subtask('', { prompt: 'kitten' })).rejects.toMatchObject(refused);
  const key = { prompt: 'kitten', idempotencyKey: 'kitten' };
  await expect(context.subtask('one', key)).rejects.toMatchObject(refused);
  // It ran: what it threw is known, and it is not run again.
  let runs = 0;
  const odd = (): Map<string, string> => {
    runs += 1;
    return new Map();
  };
  await expect(context.tool('odd', {}, odd)).rejects.toMatchObject(refused);
  await expect(context.tool('odd', {}, odd)).rejects.toMatchObject(refused);
  expect(runs).toBe(1);
  await expect(
    context.tool('fails', {}, () => {
      throw Object.assign(new TypeError('no such page'), { code: 'E404' });
    }),
  ).rejects.toMatchObject({ name: 'TypeError', message: 'no such page', code: 'E404' });
  finish();
  expect(await task.settled()).toMatchObject({ status: 'completed', toolCalls: 2 });
});

test('a call that is under way is not begun a second time', async () => {
  const played = stage();
  const place = await openTasks(played.runner);
  await place.tasks.submit({ prompt: 'a cat' });
  const { context, finish } = await played.next();
  let runs = 0;
  const pay = (): Promise<number> => Promise.resolve((runs += 1));
  expect(await Promise.all([context.tool('pay', {}, pay), context.tool('pay', {}, pay)])).toEqual([1, 1]);
  finish();
});
