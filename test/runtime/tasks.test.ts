/** Tasks as their users see them: submitted, run, settled, listed, cancelled. */
import { describe, expect, test } from 'vitest';
import { gate, openTasks, seenAs, stage } from './task-place.js';

describe('a task', () => {
  test('is on disk once it was submitted, and its end is shown', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const task = await place.tasks.submit({ prompt: 'a cat', systemPrompt: 'be kind', meta: { n: 1 } });
    const played = await next();
    expect(played.input).toEqual({
      ...{ taskId: task.id, prompt: 'a cat', systemPrompt: 'be kind', meta: { n: 1 }, iterations: 0 },
      ...{ maxIterations: 10, usage: { inputTokens: 0, outputTokens: 0, totalTokens: 0 } },
    });
    await played.context.iteration(1);
    await played.context.usage({ inputTokens: 3, outputTokens: 4 });
    played.finish({ output: 'a cat, drawn', usage: { outputTokens: 1 } });
    expect(await task.settled()).toMatchObject({
      ...{ id: task.id, status: 'completed', result: 'a cat, drawn', resultTruncated: false, iterations: 1 },
      ...{ prompt: 'a cat', usage: { inputTokens: 3, outputTokens: 5, totalTokens: 8 } },
      ...{ deliveryStatus: 'none', runner: 'agent', children: [], openCalls: [] },
    });
  });

  test('that was submitted persists: it is run after a crash', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const { id } = await place.tasks.submit({ prompt: 'a cat' });
    await next();
    const after = await place.crash();
    (await next()).finish();
    expect(await after.tasks.get(id).settled()).toMatchObject({ status: 'completed', result: 'done: a cat' });
  });

  test('cancelled while it waits never runs', async () => {
    const { runner, next, count } = stage();
    const place = await openTasks({ runners: { agent: runner }, concurrency: 1 });
    const first = await place.tasks.submit({ prompt: 'first' });
    const played = await next();
    const second = await place.tasks.submit({ prompt: 'second' });
    await second.cancel('not wanted');
    expect(await second.settled()).toMatchObject({ status: 'cancelled', cancelReason: 'not wanted' });
    played.finish();
    await first.settled();
    expect(count()).toBe(1);
  });

  test('cancelled while it runs waits for its runner, whose words are refused', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const task = await place.tasks.submit({ prompt: 'a cat' });
    const { context, finish } = await next();
    await task.cancel();
    await seenAs(place, task.id, 'cancelling');
    expect(context.signal.aborted).toBe(true);
    const over = { code: 'TASK_RUN_OVER' };
    await expect(context.checkpoint({ late: true })).rejects.toMatchObject(over);
    await expect(context.tool('late', {}, () => 1)).rejects.toMatchObject(over);
    await expect(context.usage({ totalTokens: 1 })).rejects.toMatchObject(over);
    await expect(context.iteration(2)).rejects.toMatchObject(over);
    await expect(context.subtask('late', { prompt: 'late' })).rejects.toMatchObject(over);
    finish();
    expect(await task.settled()).toMatchObject({ status: 'cancelled', iterations: 0 });
    expect(await task.view()).not.toHaveProperty('result');
    await expect(task.cancel()).rejects.toMatchObject({
      code: 'TASK_SETTLED',
      message: expect.stringContaining('is cancelled'),
    });
  });

  test('cancelled while it runs is cancelled after 30 s, whatever its runner does', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const task = await place.tasks.submit({ prompt: 'a cat' });
    await next();
    await task.cancel();
    await seenAs(place, task.id, 'cancelling');
    place.clock.advance(30_000);
    expect(await task.settled()).toMatchObject({ status: 'cancelled' });
  });
});

test('a finished tool call never runs again, whatever becomes of its process', async () => {
  const { runner, next } = stage();
  const place = await openTasks(runner);
  const { id } = await place.tasks.submit({ prompt: 'a cat' });
  const first = await next();
  let runs = 0;
  const pay = (): { receipt: number } => {
    runs += 1;
    return { receipt: runs };
  };
  expect(await first.context.tool('pay', {}, pay)).toEqual({ receipt: 1 });
  const { opened } = gate();
  void first.context.tool('post', {}, () => opened).catch(() => undefined);
  await seenAs(place, id, 'running');
  const after = await place.crash();
  void opened;
  expect(await seenAs(after, id, 'interruptedTool')).toMatchObject({
    openCalls: [{ callId: 'post', name: 'post', idempotent: false }],
  });
  await after.tasks.resume(id, { callId: 'post', result: 'sent' });
  const second = await next();
  expect(await second.context.tool('pay', {}, pay)).toEqual({ receipt: 1 });
  expect(await second.context.tool('post', {}, () => 'again')).toBe('sent');
  expect(runs).toBe(1);
  second.finish();
  expect(await after.tasks.get(id).settled()).toMatchObject({ status: 'completed', toolCalls: 2 });
});
