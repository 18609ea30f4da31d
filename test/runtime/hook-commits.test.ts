/** Between a webhook and the disk: what is answered when, and what the next process makes of it. */
import { expect, test } from 'vitest';
import type { Runtime } from '../../src/index.js';
import { faultyStore, type FaultyStore } from '../../src/testing/index.js';
import { NEVER, seenAs, until, video } from './house.js';
import { hookPlace, stepsOf, type HookPlace } from './hook-place.js';

const REF = { taskId: 'video_later', endpoint: 'videos', generation: 'videos-v1' };
const TRACK = { provider: 'openai', kind: 'video', prompt: 'a cat', ref: REF } as const;
const NEWS = { id: REF.taskId, status: 'failed' } as const;

interface Scene extends HookPlace {
  readonly runtime: Runtime;
  readonly store: () => FaultyStore;
}

/** A runtime whose commits can be held and failed. */
async function scene(): Promise<Scene> {
  const place = await hookPlace({ life: NEVER });
  let wrapped: FaultyStore | undefined;
  const runtime = await place.open({
    wrapStore: (store) => {
      wrapped = faultyStore(store);
      return wrapped;
    },
  });
  const store = (): FaultyStore => {
    if (wrapped === undefined) throw new Error('no store was opened');
    return wrapped;
  };
  return { ...place, runtime, store };
}

const parkedIn = (runtime: Runtime): number =>
  runtime
    .counts()
    .filter(({ kind, finished }) => kind === 'parked' && !finished)
    .reduce((sum, { count }) => sum + count, 0);

test('news of a job is answered once it is on disk, and asked to come again where it is not', async () => {
  const { open, runtime, store, tell } = await scene();
  const job = await runtime.jobs.submit(video());
  const { ref } = await seenAs(runtime, job, 'pending');
  const news = { id: ref?.taskId ?? '', status: 'pending' } as const;
  const steps = await stepsOf(runtime, job.id);
  const held = store().hold();
  let isAnswered = false;
  const answered = tell(runtime, job.id, news).finally(() => {
    isAnswered = true;
  });
  await held.reached;
  const wasAnswered = isAnswered;
  held.release();
  expect(wasAnswered).toBe(false);
  expect(await answered).toBe(200);
  expect(await stepsOf(runtime, job.id)).toBe(steps + 1);
  store().failNext('before');
  const lost = { webhookId: 'msg_lost' };
  expect(await tell(runtime, job.id, { ...news, status: 'failed' }, lost)).toBe(503);
  await runtime.close();
  // Nothing of it was written, so the same delivery is a new one to the next process.
  const next = await open();
  expect(await tell(next, job.id, { ...news, status: 'failed' }, lost)).toBe(200);
  expect((await next.jobs.get(job.id).settled()).status).toBe('failed');
});

test('news that waits for its job is answered once it is on disk, and not before', async () => {
  const { open, runtime, store, tellAccount } = await scene();
  store().failNext('before');
  expect(await tellAccount(runtime, NEWS)).toBe(503);
  await runtime.close();
  const next = await open();
  expect(parkedIn(next)).toBe(0);
  expect(await tellAccount(next, NEWS)).toBe(200);
  expect(parkedIn(next)).toBe(1);
});

test('news finds a job that took its task in the last commit before a crash', async () => {
  const { open, runtime, store, tellAccount } = await scene();
  expect(await tellAccount(runtime, NEWS)).toBe(200);
  store().failNext('after');
  await expect(runtime.jobs.track(TRACK)).rejects.toMatchObject({ code: 'STORE_FAILED' });
  await runtime.close();
  const next = await open();
  const { items } = await next.jobs.list();
  expect(items.map(({ ref }) => ref?.taskId)).toEqual([REF.taskId]);
  const [job] = items;
  expect((await next.jobs.get(job?.id ?? '').settled()).error).toMatchObject({ message: 'it went wrong' });
  await until(next, () => parkedIn(next) === 0);
});
