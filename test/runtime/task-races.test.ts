/**
 * What happens to tasks at awkward moments: retries that come too soon, closes while a task waits for its
 * sub-tasks, tools that throw what is no error.
 */
import { describe, expect, test } from 'vitest';
import type { RunnerContext, RunnerInput, RunnerResult } from '../../src/actors/tasks/runner.js';
import { openTasks, seenAs, seenTask, stage } from './task-place.js';

describe('sub-tasks', () => {
  test('of a task that is tried again while they still come to their end are wanted again', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const { id } = await place.tasks.submit({ prompt: 'parent' });
    const parent = await next();
    const child = await parent.context.subtask('one', { prompt: 'child' });
    const running = await next();
    await place.tasks.cancel(id);
    parent.finish();
    await place.tasks.get(id).settled();
    await seenAs(place, child.id, 'cancelling');
    await place.tasks.retry(id);
    const again = await next();
    const asked = again.context.subtask('one', { prompt: 'child' });
    running.finish();
    const found = await asked;
    (await next()).finish();
    expect(await found.settled()).toMatchObject({ status: 'completed' });
    again.finish();
  });

  test('that are wanted again are cancelled with their parent again', async () => {
    const { runner, next } = stage();
    const place = await openTasks(runner);
    const { id } = await place.tasks.submit({ prompt: 'parent' });
    const parent = await next();
    const child = await parent.context.subtask('one', { prompt: 'child' });
    const running = await next();
    await place.tasks.cancel(id);
    running.finish();
    parent.finish();
    await place.tasks.get(child.id).settled();
    await place.tasks.get(id).settled();
    await place.tasks.retry(id);
    const again = await next();
    await again.context.subtask('one', { prompt: 'child' });
    const childAgain = await next();
    expect(await place.tasks.view(id)).toMatchObject({ children: [child.id] });
    await place.tasks.cancel(id);
    await seenTask(place, child.id, ({ status }) => status === 'cancelling');
    childAgain.finish();
    again.finish();
    expect(await place.tasks.get(child.id).settled()).toMatchObject({ status: 'cancelled' });
  });

  test('are not waited for by a task whose runtime closes', async () => {
    const { runner, next } = stage();
    const place = await openTasks({ runners: { agent: runner, parent: waitsForChild } });
    await place.tasks.submit({ prompt: 'parent', runner: 'parent' });
    const child = await next();
    child.context.signal.addEventListener('abort', () => child.fail(new Error('called off')));
    const from = place.clock.monotonicMs();
    await place.runtime.close({ timeoutMs: 60_000 });
    expect(place.clock.monotonicMs() - from).toBeLessThan(30_000);
  });
});

test('a tool that throws what cannot be put in words has ended all the same', async () => {
  const { runner, next } = stage();
  const place = await openTasks(runner);
  const { id } = await place.tasks.submit({ prompt: 'a cat' });
  const { context, finish } = await next();
  const odd: readonly unknown[] = [Object.create(null), Object.assign(new Error('x'), { message: { a: 1 } })];
  for (const [at, thrown] of odd.entries()) {
    const call = context.tool(`${at}`, {}, () => Promise.reject(thrown as Error));
    await expect(call).rejects.toBeInstanceOf(Error);
  }
  expect(await place.tasks.view(id)).toMatchObject({ openCalls: [], toolCalls: 2 });
  finish();
});

test('cancelled after a restart before its turn, a task does not wait for a runner that died', async () => {
  const { runner, next } = stage();
  const place = await openTasks({ runners: { agent: runner } });
  const ids: string[] = [];
  for (let n = 1; n <= 2; n += 1) {
    ids.push((await place.tasks.submit({ prompt: `${n}` })).id);
    await next();
  }
  const after = await place.crash({ runners: { agent: runner }, staggerMs: 600_000 });
  await next();
  const from = after.clock.monotonicMs();
  await after.tasks.cancel(ids[1] ?? '');
  expect(await after.tasks.get(ids[1] ?? '').settled()).toMatchObject({ status: 'cancelled' });
  expect(after.clock.monotonicMs() - from).toBeLessThan(20_000);
});

async function waitsForChild(_input: RunnerInput, context: RunnerContext): Promise<RunnerResult> {
  const child = await context.subtask('one', { prompt: 'child', runner: 'agent' });
  const { status } = await child.settled();
  return { output: status };
}

test('a task in a capsule without its secrets goes on from its checkpoint where it is imported', async () => {
  const { runner, next } = stage();
  const place = await openTasks(runner);
  const { id } = await place.tasks.submit({ prompt: 'a cat' });
  const { context } = await next();
  const apiKey = `sk-${'a1'.repeat(20)}`;
  const text = 'x'.repeat(200_000);
  await context.checkpoint({ step: 1, apiKey, text, note: `with ${apiKey}` });
  const capsule = await place.runtime.export(`task/${id}`);
  expect(JSON.stringify(capsule)).not.toContain(apiKey);
  const other = stage();
  const there = await openTasks(other.runner);
  await there.runtime.import(capsule, { standIns: 'accept' });
  await there.runtime.quarantine.resume(`task/${id}`);
  const again = await other.next();
  expect(again.input.checkpoint).toMatchObject({ step: 1, text });
  again.finish();
  expect(await there.tasks.get(id).settled()).toMatchObject({ status: 'completed' });
});

test('blocked tasks whose runner is there again wake together, and hold up no open', async () => {
  const { runner, next } = stage();
  const place = await openTasks({ runners: { agent: runner }, concurrency: 1 });
  const count = 40;
  const ids = await Promise.all(
    Array.from({ length: count }, async (_none, n) => (await place.tasks.submit({ prompt: `${n}` })).id),
  );
  const without = await place.crash({ runners: {} });
  for (const id of ids) await seenAs(without, id, 'blocked');
  const after = await without.crash({ runners: { agent: runner }, concurrency: 1 });
  expect(after.store.commitCount).toBeLessThan(count / 2);
  await next();
  const { items } = await after.tasks.list({ status: 'blocked' });
  expect(items).toEqual([]);
});
