/** The facts that the field knows of background tasks, each by its name; the first are in tasks.test.ts. */
import { describe, expect, test } from 'vitest';
import { gate, openTasks, seenAs, seenTask, stage, type Played, type TaskPlace } from './task-place.js';

const notFound = { code: 'ACTOR_NOT_FOUND' };

test('a cancel of a settled task is an error that names its status', async () => {
  const { runner, next } = stage();
  const place = await openTasks(runner);
  const task = await place.tasks.submit({ prompt: 'a cat' });
  (await next()).finish();
  await task.settled();
  const refusal = await task.cancel().catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'TASK_SETTLED', details: { id: task.id, status: 'completed' } });
  expect(String(refusal)).toContain('is completed');
  expect(await place.tasks.status(task.id)).toBe('completed');
});

test('tasks are listed newest first, in pages, by status and by parent', async () => {
  const { runner, next } = stage();
  const place = await openTasks({ runners: { agent: runner }, concurrency: 1 });
  const ids: string[] = [];
  for (let n = 1; n <= 5; n += 1) ids.push((await place.tasks.submit({ prompt: `cat ${n}` })).id);
  (await next()).finish();
  const second = await next();
  const child = await second.context.subtask('one', { prompt: 'kitten' });
  await seenAs(place, child.id, 'running');
  const idsOf = async (options: Parameters<TaskPlace['tasks']['list']>[0]) => {
    const page = await place.tasks.list(options);
    return { ids: page.items.map(({ id }) => id), cursor: page.cursor };
  };
  const first = await idsOf({ limit: 4 });
  expect(first.ids).toEqual([child.id, ids[4], ids[3], ids[2]]);
  expect((await idsOf({ limit: 4, cursor: first.cursor })).ids).toEqual([ids[1], ids[0]]);
  expect((await idsOf({ status: 'completed' })).ids).toEqual([ids[0]]);
  expect((await idsOf({ status: 'pending' })).ids).toEqual([ids[4], ids[3], ids[2]]);
  expect((await idsOf({ parentId: ids[1] })).ids).toEqual([child.id]);
  const [shown] = (await place.tasks.list({ status: 'completed' })).items;
  expect(shown).not.toHaveProperty('prompt');
  await expect(place.tasks.list({ status: 'pending', parentId: 'task_1' })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
  });
});

test('an unknown id is a typed error, whatever is asked', async () => {
  const { tasks } = await openTasks(stage().runner);
  const task = tasks.get('task_unknown');
  const { signal } = new AbortController();
  for (const asked of [
    task.view(),
    task.settled(),
    task.cancel(),
    task.retry(),
    task.resume({ callId: 'pay', rerun: true }),
    tasks.status('task_unknown'),
    tasks.watch('task_unknown', { signal }),
    tasks.watch('task_unknown', { seen: 1, signal }),
  ])
    await expect(asked).rejects.toMatchObject(notFound);
  await expect(tasks.view('')).rejects.toMatchObject({ code: 'INVALID_ID' });
});

describe('a restart', () => {
  test('resumes exactly the incomplete ones, oldest first, no more at once than it may', async () => {
    const { runner, next } = stage();
    const options = { runners: { agent: runner }, concurrency: 2 };
    const place = await openTasks(options);
    const ids: string[] = [];
    for (let n = 1; n <= 6; n += 1) ids.push((await place.tasks.submit({ prompt: `${n}` })).id);
    const [first, second] = [await next(), await next()];
    first.finish();
    await place.tasks.get(ids[0] ?? '').settled();
    await next();
    await place.tasks.cancel(ids[3] ?? '');
    const again = stage();
    const after = await place.crash({ ...options, runners: { agent: again.runner } });
    const order: string[] = [];
    for (let played = await again.next(); ; played = await again.next()) {
      order.push(played.input.prompt);
      played.finish();
      if (order.length === 4) break;
    }
    expect(order.toSorted()).toEqual(['2', '3', '5', '6']);
    expect(order.slice(0, 2).toSorted()).toEqual(['2', '3']);
    expect(order.slice(2).toSorted()).toEqual(['5', '6']);
    await after.tasks.get(ids[5] ?? '').settled();
    expect([again.count(), again.most()]).toEqual([4, 2]);
    expect(second.input.prompt).toBe('2');
  });

  test('starts those it finds one after the other, and new ones at once', async () => {
    const { runner, next } = stage();
    const place = await openTasks({ runners: { agent: runner } });
    for (let n = 1; n <= 3; n += 1) await place.tasks.submit({ prompt: `found ${n}` });
    for (let n = 1; n <= 3; n += 1) await next();
    const again = stage();
    const after = await place.crash({ runners: { agent: again.runner }, staggerMs: 3_600_000 });
    expect((await again.next()).input.prompt).toBe('found 1');
    await after.tasks.submit({ prompt: 'new' });
    expect((await again.next()).input.prompt).toBe('new');
    expect(again.count()).toBe(2);
    after.clock.advance(3_600_000);
    expect((await again.next()).input.prompt).toBe('found 2');
    after.clock.advance(3_600_000);
    expect((await again.next()).input.prompt).toBe('found 3');
  });

  test('goes on from the last checkpoint, and keeps what was counted', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const { id } = await place.tasks.submit({ prompt: 'a cat' });
    const first = await next();
    await first.context.iteration(1);
    await first.context.usage({ inputTokens: 10, outputTokens: 5 });
    await first.context.checkpoint({ at: 1 });
    await first.context.checkpoint({ at: 2, cats: ['🐈', '👨‍👩‍👧‍👦'] });
    await first.context.iteration(2);
    const after = await place.crash();
    const second = await next();
    expect(second.input).toMatchObject({
      ...{ checkpoint: { at: 2, cats: ['🐈', '👨‍👩‍👧‍👦'] }, iterations: 2 },
      usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 },
    });
    await second.context.iteration(3);
    second.finish({ usage: { inputTokens: 1 } });
    expect(await after.tasks.get(id).settled()).toMatchObject({
      ...{ iterations: 3, checkpoint: { index: 2 } },
      usage: { inputTokens: 11, outputTokens: 5, totalTokens: 16 },
    });
  });
});

/** A task whose run has called `callId` and dies in its middle. */
async function cutOff(callId: string, idempotent: boolean) {
  const { runner, next } = stage();
  const place = await openTasks(runner);
  const { id } = await place.tasks.submit({ prompt: 'a cat' });
  const { context } = await next();
  const begun = gate();
  void context.tool(callId, { idempotent, name: 'a tool' }, () => {
    begun.open();
    return new Promise<never>(() => undefined);
  });
  await begun.opened;
  return { place: await place.crash(), id, next };
}

describe('a tool call that was cut off', () => {
  test('runs again where it may', async () => {
    const { place, id, next } = await cutOff('look', true);
    const { context, finish } = await next();
    expect(await context.tool('look', { idempotent: true }, () => 'seen')).toBe('seen');
    finish();
    expect(await place.tasks.get(id).settled()).toMatchObject({ status: 'completed', toolCalls: 1 });
  });

  test('stops the task where it may not, until somebody says what it gave', async () => {
    const { place, id, next } = await cutOff('pay', false);
    const shown = await seenAs(place, id, 'interruptedTool');
    expect(shown.openCalls).toMatchObject([{ callId: 'pay', name: 'a tool', idempotent: false }]);
    const refused = { code: 'TASK_NOT_INTERRUPTED' };
    await expect(place.tasks.resume(id, { callId: 'other', rerun: true })).rejects.toMatchObject(refused);
    await place.tasks.resume(id, { callId: 'pay', result: { receipt: 7 } });
    await expect(place.tasks.resume(id, { callId: 'pay', rerun: true })).rejects.toMatchObject(refused);
    const { context, finish } = await next();
    const never = (): never => {
      throw new Error('it was run again');
    };
    expect(await context.tool('pay', {}, never)).toEqual({ receipt: 7 });
    finish();
    expect(await place.tasks.get(id).settled()).toMatchObject({ status: 'completed', toolCalls: 1 });
  });

  test('runs again when somebody says so', async () => {
    const { place, id, next } = await cutOff('pay', false);
    await seenAs(place, id, 'interruptedTool');
    await place.tasks.resume(id, { callId: 'pay', rerun: true });
    const { context, finish } = await next();
    expect(await context.tool('pay', {}, () => 'paid')).toBe('paid');
    finish();
    await place.tasks.get(id).settled();
  });

  test('stays a decision over a restart, and can be called off', async () => {
    const { place, id, next } = await cutOff('pay', false);
    await seenAs(place, id, 'interruptedTool');
    const after = await place.crash();
    expect(await after.tasks.status(id)).toBe('interruptedTool');
    await after.tasks.cancel(id);
    expect(await after.tasks.status(id)).toBe('cancelled');
    void next;
  });
});

describe('an exhausted task is not called completed', () => {
  type Play = (played: Played) => Promise<void>;
  const lets = async ({ context, fail }: Played, call: () => Promise<void>): Promise<void> => {
    void context;
    const error = await call().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'TASK_EXHAUSTED' });
    fail(error);
  };
  const plays: readonly (readonly [string, 'iterations' | 'tokens', Play])[] = [
    ['lets the error of an iteration pass', 'iterations', (one) => lets(one, () => one.context.iteration(3))],
    [
      'lets the error of its usage pass',
      'tokens',
      (one) => lets(one, () => one.context.usage({ totalTokens: 100 })),
    ],
    [
      'goes on with no token left',
      'tokens',
      async (one) => {
        await one.context.usage({ inputTokens: 60, outputTokens: 60 }).catch(() => undefined);
        await lets(one, () => one.context.iteration(1));
      },
    ],
    [
      'returns as if nothing were',
      'iterations',
      async ({ context, finish }) => {
        await context.iteration(3).catch(() => undefined);
        finish({ output: 'half of it' });
      },
    ],
    [
      'throws something else',
      'iterations',
      async ({ context, fail }) => {
        await context.iteration(3).catch(() => undefined);
        fail(new Error('the loop ended'));
      },
    ],
    [
      'says so itself',
      'tokens',
      ({ finish }) => {
        finish({ output: 'half of it', exhausted: 'tokens' });
        return Promise.resolve();
      },
    ],
  ];

  test.each(plays)('when its runner %s', async (_name, exhausted, play) => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const task = await place.tasks.submit({ prompt: 'a cat', maxIterations: 2, tokenBudget: 100 });
    await play(await next());
    expect(await task.settled()).toMatchObject({ status: 'exhausted', exhausted });
    // Tried again, it has new budgets.
    await task.retry();
    const { context, finish, input } = await next();
    expect(input).toMatchObject({ iterations: 0, usage: { totalTokens: 0 } });
    await context.iteration(2);
    finish();
    expect(await task.settled()).toMatchObject({ status: 'completed' });
  });
});

test('a multibyte prompt survives every cut: the row, the label, the history, the message', async () => {
  const { runner, next } = stage();
  const place = await openTasks(runner);
  const people = '👩🏽‍🚀🇩🇪é';
  // 26 UTF-8 bytes each: 200 KB in all.
  const prompt = people.repeat(7_700);
  const delivery = { channel: 'chat', target: '1' };
  const { id } = await place.tasks.submit({ prompt, sessionKey: 'chat:1', delivery });
  const played = await next();
  expect(played.input.prompt).toBe(prompt);
  await played.context.checkpoint({ said: prompt });
  const after = await place.crash();
  const again = await next();
  expect(again.input).toMatchObject({ prompt, checkpoint: { said: prompt } });
  again.finish({ output: `x${prompt}${prompt}` });
  const view = await seenTask(after, id, ({ deliveryStatus }) => deliveryStatus === 'delivered');
  expect(view).toMatchObject({ status: 'completed', resultTruncated: true, prompt });
  const whole = /^x(👩🏽‍🚀🇩🇪é)*(👩🏽‍🚀|👩🏽‍🚀🇩🇪)?$/u;
  expect(whole.test(view.result ?? '')).toBe(true);
  const [entry] = (await after.runtime.sessions.get('chat:1').history()).items;
  const content = String(Reflect.get(Object(entry?.entry) as object, 'content')).replace(
    '[task complete] ',
    '',
  );
  const [message = ''] = after.sent.map((text) => text.slice(text.indexOf(': ') + 2));
  for (const text of [content, message]) expect(whole.test(text)).toBe(true);
});
