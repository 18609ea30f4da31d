/** Looking at jobs and waiting for them. */
import { expect, test } from 'vitest';
import type { JobView, ListJobs } from '../../src/index.js';
import { buildHouse, NEVER, seenAs, video } from './house.js';

test('jobs are listed by status, provider, session and kind, page by page, newest first', async () => {
  const house = await buildHouse({ life: NEVER });
  const runtime = await house.open();
  const made: JobView[] = [];
  for (let n = 0; n < 12; n += 1) {
    const job = await runtime.jobs.submit(
      video({
        prompt: `job ${n}`,
        provider: n % 2 === 0 ? 'openai' : 'kling',
        kind: n % 4 === 3 ? 'image' : 'video',
        sessionKey: `chat:${n % 3}`,
      }),
    );
    if (n < 2) await job.cancel();
    made.push(await seenAs(runtime, job, n < 2 ? 'cancelled' : 'pending'));
    // The order of submission is by the millisecond.
    house.clock.advance(1);
  }
  const pagesOf = async (filter: ListJobs): Promise<string[]> => {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await runtime.jobs.list({ ...filter, cursor, limit: 2 });
      expect(page.items.length).toBeLessThanOrEqual(2);
      found.push(...page.items.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    return found;
  };
  const expected = (is: (view: JobView) => boolean): string[] =>
    made
      .filter(is)
      .map(({ id }) => id)
      .toReversed();
  expect(await pagesOf({})).toEqual(expected(() => true));
  expect(await pagesOf({ newestFirst: false })).toEqual(expected(() => true).toReversed());
  expect(await pagesOf({ status: 'cancelled' })).toEqual(expected(({ status }) => status === 'cancelled'));
  expect(await pagesOf({ provider: 'kling' })).toEqual(expected(({ provider }) => provider === 'kling'));
  expect(await pagesOf({ sessionKey: 'chat:1' })).toEqual(
    expected(({ sessionKey }) => sessionKey === 'chat:1'),
  );
  expect(await pagesOf({ kind: 'image' })).toEqual(expected(({ kind }) => kind === 'image'));
  expect(await pagesOf({ status: 'done' })).toEqual([]);
  await expect(runtime.jobs.list({ kind: 'image', provider: 'kling' })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
  });
});

test('a wait ends when its signal aborts, and the job goes on', async () => {
  const house = await buildHouse({ life: NEVER });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video());
  const controller = new AbortController();
  const waiting = job.settled({ signal: controller.signal });
  await seenAs(runtime, job, 'pending');
  controller.abort(new Error('no longer interested'));
  await expect(waiting).rejects.toThrow('no longer interested');
  await expect(job.settled({ signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
  const patient = job.settled();
  await job.cancel();
  expect((await patient).status).toBe('cancelled');
});

test('a job that does not exist is ACTOR_NOT_FOUND, however it is asked for', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const job = runtime.jobs.get('job_none');
  const refusal = { code: 'ACTOR_NOT_FOUND' };
  await expect(job.view()).rejects.toMatchObject(refusal);
  await expect(job.settled()).rejects.toMatchObject(refusal);
  await expect(job.cancel()).rejects.toMatchObject(refusal);
  await expect(job.retry()).rejects.toMatchObject(refusal);
  await expect(job.resubmit()).rejects.toMatchObject(refusal);
});

test('what cannot be meant is refused at the door, and nothing is written', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const refused = [
    { request: video({ provider: 'nobody' }), code: 'PROVIDER_UNKNOWN' },
    { request: video({ prompt: '   ' }), code: 'INVALID_INPUT' },
    { request: video({ timeoutMs: -1 }), code: 'INVALID_INPUT' },
    { request: video({ kind: 'image' }), code: 'INVALID_INPUT' },
    { request: video({ delivery: { channel: '', target: '1' } }), code: 'INVALID_INPUT' },
  ];
  for (const { request, code } of refused) {
    await expect(runtime.jobs.submit(request)).rejects.toMatchObject({ code });
  }
  expect((await runtime.jobs.list()).items).toEqual([]);
  expect(house.simulator.ledger()).toEqual([]);
});
