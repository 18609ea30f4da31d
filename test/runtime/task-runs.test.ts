/** Runs: what they may say and when, how they fail, stop and go on, one at a time. */
import { describe, expect, test } from 'vitest';
import { gate, openTasks, seenAs, stage } from './task-place.js';

describe('a runner', () => {
  test('that throws fails its task, and no key is in what is kept of it', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const task = await place.tasks.submit({ prompt: 'a cat' });
    const { fail } = await next();
    fail(Object.assign(new Error('GET https://x.test/a?token=hush said no'), { code: 'E_MODEL' }));
    const { status, error } = await task.settled();
    expect([status, error?.code]).toEqual(['failed', 'E_MODEL']);
    expect(error?.message).toContain('said no');
    expect(error?.message).not.toContain('hush');
  });

  test('that returns no output fails its task', async () => {
    const place = await openTasks(() => Promise.resolve({ output: 7 } as never));
    const task = await place.tasks.submit({ prompt: 'a cat' });
    expect(await task.settled()).toMatchObject({ status: 'failed', error: { code: 'runner-result' } });
  });

  test('that nobody registered is refused at the door', async () => {
    const place = await openTasks(stage().runner);
    await expect(place.tasks.submit({ prompt: 'a cat', runner: 'other' })).rejects.toMatchObject({
      code: 'RUNNER_UNKNOWN',
    });
  });

  test('that is missing after a restart blocks its task until it is there again', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const { id } = await place.tasks.submit({ prompt: 'a cat' });
    const { context, fail } = await next();
    await context.checkpoint({ at: 1 });
    context.signal.addEventListener('abort', () => fail(context.signal.reason));
    const without = await place.reopen({ runners: { other: runner, another: runner } });
    await seenAs(without, id, 'blocked');
    const after = await without.reopen({ runners: { agent: runner } });
    const { input, finish } = await next();
    expect(input.checkpoint).toEqual({ at: 1 });
    finish();
    expect(await after.tasks.get(id).settled()).toMatchObject({ status: 'completed' });
  });

  test('that takes longer than its task has fails it, and its words are refused', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const task = await place.tasks.submit({ prompt: 'a cat', timeoutMs: 60_000 });
    const { context, finish } = await next();
    place.clock.advance(60_000);
    expect(await task.settled()).toMatchObject({ status: 'failed', error: { code: 'timed-out' } });
    await expect(context.checkpoint(1)).rejects.toMatchObject({ code: 'TASK_RUN_OVER' });
    finish();
    expect(await task.view()).toMatchObject({ status: 'failed' });
  });
});

describe('a result', () => {
  test('that is too long is cut, and says so', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const task = await place.tasks.submit({ prompt: 'a cat' });
    (await next()).finish({ output: 'x'.repeat(300_000) });
    const view = await task.settled();
    expect([view.result?.length, view.resultTruncated]).toEqual([204_800, true]);
  });
});

describe('one task', () => {
  test('is never worked on by two runners at once', async () => {
    const { runner, next, most } = stage();
    const place = await openTasks(runner);
    const task = await place.tasks.submit({ prompt: 'a cat' });
    const deaf = await next();
    await task.cancel();
    await seenAs(place, task.id, 'cancelling');
    place.clock.advance(30_000);
    await task.settled();
    await task.retry();
    await expect(task.retry()).rejects.toMatchObject({ code: 'TASK_NOT_RETRYABLE' });
    deaf.finish();
    (await next()).finish({ output: 'the second' });
    expect(await task.settled()).toMatchObject({ status: 'completed', result: 'the second' });
    expect(most()).toBe(1);
  });

  test('tried again goes on from its checkpoint and its tools; from the start it knows nothing', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const task = await place.tasks.submit({ prompt: 'a cat' });
    let paid = 0;
    const pay = (): number => (paid += 1);
    const first = await next();
    await first.context.tool('pay', {}, pay);
    await first.context.checkpoint({ at: 1 });
    first.fail(new Error('no model'));
    await task.settled();
    await task.retry();
    const second = await next();
    expect(second.input.checkpoint).toEqual({ at: 1 });
    expect(await second.context.tool('pay', {}, pay)).toBe(1);
    second.fail(new Error('no model'));
    await seenAs(place, task.id, 'failed');
    await task.retry({ fromStart: true });
    const third = await next();
    expect(third.input).not.toHaveProperty('checkpoint');
    expect(await third.context.tool('pay', {}, pay)).toBe(2);
    third.finish();
    expect(await task.settled()).toMatchObject({ status: 'completed', toolCalls: 1 });
  });
});

describe('a close', () => {
  test('lets a tool end, begins no other, and the next open goes on', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const { id } = await place.tasks.submit({ prompt: 'a cat' });
    const { context, fail } = await next();
    const [begun, paying] = [gate(), gate()];
    const paid = context.tool('pay', {}, async ({ signal }) => {
      begun.open();
      await paying.opened;
      return signal.aborted ? 'cut off' : 'paid';
    });
    await begun.opened;
    const closing = place.reopen();
    await expect(context.tool('post', {}, () => 'posted')).rejects.toMatchObject({ code: 'TASK_RUN_OVER' });
    expect(context.signal.aborted).toBe(false);
    paying.open();
    expect(await paid).toBe('paid');
    expect(context.signal.aborted).toBe(true);
    fail(context.signal.reason);
    const after = await closing;
    const again = await next();
    expect(await again.context.tool('pay', {}, () => 'again')).toBe('paid');
    again.finish();
    expect(await after.tasks.get(id).settled()).toMatchObject({ status: 'completed' });
  });

  test('cuts off a tool that takes too long: it is a decision', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const { id } = await place.tasks.submit({ prompt: 'a cat' });
    const { context } = await next();
    const begun = gate();
    void context
      .tool('pay', {}, async ({ signal }) => {
        begun.open();
        await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
      })
      .catch(() => undefined);
    await begun.opened;
    await place.runtime.close({ timeoutMs: 10 });
    const after = await place.reopen();
    expect(await seenAs(after, id, 'interruptedTool')).toMatchObject({ openCalls: [{ callId: 'pay' }] });
  });

  test('is no start in vain', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const { id } = await place.tasks.submit({ prompt: 'a cat' });
    const { context, fail } = await next();
    context.signal.addEventListener('abort', () => fail(context.signal.reason));
    const after = await place.reopen();
    await next();
    const { snapshot } = (await after.runtime.inspect.snapshot(`task/${id}`)) ?? {};
    expect(snapshot?.context).toMatchObject({ idleStarts: 1 });
  });
});

test('a runner that dies with its process ten times and gets nowhere is given up', async () => {
  const { runner, next } = stage();
  let place = await openTasks(runner);
  const { id } = await place.tasks.submit({ prompt: 'a cat' });
  for (let lives = 0; lives < 10; lives += 1) {
    await next();
    place = await place.crash();
  }
  expect(await place.tasks.get(id).settled()).toMatchObject({
    ...{ status: 'failed', error: { code: 'died-too-often' } },
  });
});

describe('sub-tasks', () => {
  test('are made once for each key over restarts, and never wait for the place of their parent', async () => {
    const { runner, next } = stage();
    const options = { runners: { agent: runner }, concurrency: 1 };
    const place = await openTasks(options);
    const { id } = await place.tasks.submit({ prompt: 'parent' });
    const parent = await next();
    const child = await parent.context.subtask('one', { prompt: 'child' });
    const running = await next();
    const grandchild = await running.context.subtask('one', { prompt: 'grandchild' });
    (await next()).finish();
    expect(await grandchild.settled()).toMatchObject({ status: 'completed' });
    const after = await place.crash();
    const [again, other] = [await next(), await next()];
    const [parentAgain, childAgain] = again.input.prompt === 'parent' ? [again, other] : [other, again];
    const found = await parentAgain.context.subtask('one', { prompt: 'child' });
    expect([found.id, found.deduplicated]).toEqual([child.id, true]);
    childAgain.finish();
    expect(await found.settled()).toMatchObject({ status: 'completed', parentId: id });
    parentAgain.finish();
    await after.tasks.get(id).settled();
    expect((await after.tasks.list()).items).toHaveLength(3);
  });

  test('are cancelled with their parent, and wanted again with it', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const { id } = await place.tasks.submit({ prompt: 'parent' });
    const parent = await next();
    const child = await parent.context.subtask('one', { prompt: 'child' });
    const running = await next();
    await place.tasks.cancel(id);
    running.finish();
    parent.finish();
    await expect(child.settled()).rejects.toMatchObject({ code: 'TASK_RUN_OVER' });
    expect(await place.tasks.get(child.id).settled()).toMatchObject({ status: 'cancelled' });
    expect(await place.tasks.get(id).settled()).toMatchObject({ status: 'cancelled' });
    await place.tasks.retry(id);
    const again = await next();
    const found = await again.context.subtask('one', { prompt: 'child' });
    (await next()).finish();
    expect(await found.settled()).toMatchObject({ status: 'completed' });
    again.finish();
  });

  test('are no deeper than eight', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    await place.tasks.submit({ prompt: '0' });
    for (let depth = 1; depth <= 8; depth += 1)
      await (await next()).context.subtask('one', { prompt: `${depth}` });
    const { context } = await next();
    await expect(context.subtask('one', { prompt: '9' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
