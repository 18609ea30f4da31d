/** What an end leaves, whichever commit the process dies after: each thing once. */
import { expect, test } from 'vitest';
import { until } from './house.js';
import { openTasks, seenTask, stage, type TaskPlace } from './task-place.js';
import type { RunnerFunction } from '../../src/actors/tasks/runner.js';

const COMMITS_MAX = 60;

test('the message, the entry and the wake of a task come once, whenever its process dies', async () => {
  let deaths = 0;
  for (let commit = 0; commit < COMMITS_MAX; commit += 1) {
    const tools: string[] = [];
    const runner: RunnerFunction = async (_input, { iteration, checkpoint, tool, usage }) => {
      await iteration(1);
      await checkpoint({ at: 1 });
      await tool('look', { idempotent: true }, () => tools.push('look'));
      await usage({ totalTokens: 5 });
      return { output: 'a cat' };
    };
    const place = await openTasks(runner);
    const died = place.dieAt(commit);
    const outcome = await Promise.race([died.then(() => 'died' as const), submitted(place)]);
    if (outcome !== 'died') break;
    deaths += 1;
    const after = await place.crash();
    await submitted(after);
    const ids = after.sent.map((text) => text.slice(0, text.indexOf(':')));
    expect([commit, new Set(ids).size]).toEqual([commit, 1]);
    const session = after.runtime.sessions.get('chat:1');
    const entries = (await session.history()).items.map(({ entry }) => entry);
    expect(entries).toMatchObject([{ role: 'assistant', content: '[task complete] a cat' }]);
    expect((await session.list()).items.map(({ kind }) => kind)).toEqual(['wake']);
    expect(tools.length).toBeLessThanOrEqual(2);
    await after.runtime.close({ timeoutMs: 0 });
  }
  expect(deaths).toBeGreaterThan(8);
  expect(deaths).toBeLessThan(COMMITS_MAX);
});

/** Resolves when all that the task's end asks for has come. */
async function submitted(place: TaskPlace): Promise<'over'> {
  const delivery = { channel: 'chat', target: '1' };
  const task = await place.tasks.submit({
    ...{ prompt: 'a cat', sessionKey: 'chat:1', delivery, idempotencyKey: 'cat' },
  });
  await seenTask(place, task.id, ({ deliveryStatus }) => deliveryStatus === 'delivered');
  const session = place.runtime.sessions.get('chat:1');
  await until(place.runtime, async () => (await session.list()).items.length > 0);
  return 'over';
}

test('one key is one task, also after a crash and while it is kept', async () => {
  const { runner, next } = stage();
  const place = await openTasks(runner);
  const first = await place.tasks.submit({ prompt: 'a cat', idempotencyKey: 'cat' });
  expect(first.deduplicated).toBe(false);
  await next();
  const after = await place.crash();
  const again = await after.tasks.submit({ prompt: 'another', idempotencyKey: 'cat' });
  expect([again.id, again.deduplicated]).toEqual([first.id, true]);
  (await next()).finish();
  expect(await again.settled()).toMatchObject({ result: 'done: a cat' });
  expect((await after.tasks.list()).items).toHaveLength(1);
});
