/** The one hook of an account: news of tasks, for jobs that are known by their tasks, now or soon. */
import { expect, test } from 'vitest';
import type { Runtime } from '../../src/index.js';
import { NEVER, seen, seenAs, until, video } from './house.js';
import { FOREIGN_KEY, hookPlace } from './hook-place.js';

const REF = { taskId: 'video_later', endpoint: 'videos', generation: 'videos-v1' };
const TRACK = { provider: 'openai', kind: 'video', prompt: 'a cat', ref: REF } as const;
const NEWS = { id: REF.taskId, status: 'failed' } as const;

const parkedIn = async (runtime: Runtime): Promise<number> => {
  const kinds = runtime.counts().filter(({ kind, finished }) => kind === 'parked' && !finished);
  return Promise.resolve(kinds.reduce((sum, { count }) => sum + count, 0));
};

test('news of a task settles its job', async () => {
  const { open, tellAccount } = await hookPlace({ life: NEVER });
  const runtime = await open();
  const job = await runtime.jobs.submit(video());
  const { ref } = await seenAs(runtime, job, 'pending');
  expect(await tellAccount(runtime, { id: ref?.taskId ?? '', status: 'failed' })).toBe(200);
  expect((await job.settled()).status).toBe('failed');
});

test('thin news hurries a poll', async () => {
  const { open, tellAccount } = await hookPlace({ life: NEVER });
  const runtime = await open();
  const job = await runtime.jobs.submit(video());
  const { ref } = await seenAs(runtime, job, 'pending');
  expect(await tellAccount(runtime, { id: ref?.taskId ?? '' })).toBe(200);
  await seen(runtime, job, ({ pollCount, status }) => pollCount === 1 && status === 'pending');
});

test('news that nobody signed, or somebody else, or that names no task, is not kept', async () => {
  const { open, tellAccount } = await hookPlace({ life: NEVER });
  const runtime = await open();
  expect(await tellAccount(runtime, NEWS, { unsigned: true })).toBe(401);
  expect(await tellAccount(runtime, NEWS, { key: FOREIGN_KEY })).toBe(401);
  expect(await tellAccount(runtime, { status: 'failed' })).toBe(200);
  expect(await parkedIn(runtime)).toBe(0);
});

test('without a secret, news hurries a poll of a job there is, and is kept for none', async () => {
  const { open, tellAccount } = await hookPlace({ life: NEVER }, [{ type: 'unsigned' }]);
  const runtime = await open();
  const job = await runtime.jobs.submit(video());
  const { ref } = await seenAs(runtime, job, 'pending');
  expect(await tellAccount(runtime, { id: ref?.taskId ?? '', status: 'failed' }, { unsigned: true })).toBe(
    200,
  );
  await seen(runtime, job, ({ pollCount, status }) => pollCount === 1 && status === 'pending');
  expect(await tellAccount(runtime, NEWS, { unsigned: true })).toBe(200);
  expect(await parkedIn(runtime)).toBe(0);
});

test('news of a task that no job has yet waits for the job, once, however often it comes', async () => {
  const { open, tellAccount } = await hookPlace({ life: NEVER });
  const runtime = await open();
  for (const webhookId of ['msg_1', 'msg_1', 'msg_1'])
    expect(await tellAccount(runtime, NEWS, { webhookId })).toBe(200);
  expect(await parkedIn(runtime)).toBe(1);
  const job = await runtime.jobs.track(TRACK);
  expect((await job.settled()).error).toMatchObject({ message: 'it went wrong' });
  await until(runtime, async () => (await parkedIn(runtime)) === 0);
  expect(await tellAccount(runtime, NEWS, { webhookId: 'msg_1' })).toBe(200);
});

test('it waits through a restart, and finds a job that came meanwhile', async () => {
  const { open, tellAccount } = await hookPlace({ life: NEVER });
  const first = await open();
  expect(await tellAccount(first, NEWS)).toBe(200);
  await first.close();
  const second = await open();
  expect(await parkedIn(second)).toBe(1);
  const job = await second.jobs.track(TRACK);
  expect((await job.settled()).status).toBe('failed');
});

test('it is given up after ten minutes', async () => {
  const { open, tellAccount, house } = await hookPlace({ life: NEVER });
  const runtime = await open();
  expect(await tellAccount(runtime, NEWS)).toBe(200);
  house.clock.advance(601_000);
  await until(runtime, async () => (await parkedIn(runtime)) === 0);
  const job = await runtime.jobs.track(TRACK);
  expect((await job.view()).status).toBe('pending');
});

test('when a thousand wait, one more is asked to come again', async () => {
  const { open, post } = await hookPlace({ life: NEVER });
  const runtime = await open();
  const bodies = Array.from({ length: 1_000 }, (_, n) => JSON.stringify({ id: `video_${n}` }));
  await Promise.all(bodies.map((body) => post(runtime, '/hooks/openai', body)));
  expect(await parkedIn(runtime)).toBe(1_000);
  const response = await post(runtime, '/hooks/openai', JSON.stringify({ id: 'video_more' }));
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '30']);
});

test('another account than the default one is named in the address, and its tasks are its own', async () => {
  const { open, post } = await hookPlace({ life: NEVER });
  const runtime = await open();
  const job = await runtime.jobs.track({ ...TRACK, credential: 'second' });
  const body = JSON.stringify(NEWS);
  expect((await post(runtime, '/hooks/openai', body)).status).toBe(200);
  expect((await job.view()).status).not.toBe('failed');
  expect((await post(runtime, '/hooks/openai?credential=second', body)).status).toBe(200);
  expect((await job.settled()).status).toBe('failed');
});
