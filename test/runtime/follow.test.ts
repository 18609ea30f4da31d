/** From acceptance to the file on disk: polls, the deadline, and downloads that go wrong. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { keys, openLevelStore, ordOf } from '../../src/store/index.js';
import { sha256Hex } from '../../src/ids.js';
import { AT_ONCE, buildHouse, delivered, entries, NEVER, seen, seenAs, until, video } from './house.js';

const QUICK = { queued: { polls: 0 }, running: { polls: 1 } } as const;

test('a task that was submitted elsewhere is tracked, by one job alone', async () => {
  const house = await buildHouse();
  const response = await fetch(`${house.simulator.url}/openai/v1/videos`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-test' },
    body: JSON.stringify({ prompt: 'elsewhere' }),
  });
  const { id: taskId } = (await response.json()) as { readonly id: string };
  const runtime = await house.open();
  const ref = { taskId, endpoint: 'videos', generation: 'videos-v1' };
  const job = await runtime.jobs.track({ provider: 'openai', ref });
  await expect(runtime.jobs.track({ provider: 'openai', ref })).rejects.toMatchObject({ code: 'NOT_UNIQUE' });
  const view = await job.settled();
  expect([view.status, view.origin, view.deliveryStatus]).toEqual(['done', 'agent', 'none']);
  expect(entries(house, 'submit.received')).toHaveLength(1);
  await expect(runtime.jobs.track({ provider: 'openai', ref })).rejects.toMatchObject({ code: 'NOT_UNIQUE' });
});

test('two that track one task at once: one job, and one NOT_UNIQUE', async () => {
  const house = await buildHouse({ life: NEVER });
  const runtime = await house.open();
  const ref = { taskId: 'task', endpoint: 'videos', generation: 'videos-v1' };
  const request = { provider: 'openai', ref };
  const both = await Promise.allSettled([runtime.jobs.track(request), runtime.jobs.track(request)]);
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect((await runtime.jobs.list()).items).toHaveLength(1);
});

test('past its deadline a job polls once more, then is timed out, and says so', async () => {
  const house = await buildHouse({ life: NEVER });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video({ timeoutMs: 5_000, poll: { everyMs: 60_000 } }));
  const view = await job.settled();
  expect([view.status, view.error?.message]).toEqual(['timedOut', 'timed out after 5 s']);
  expect(view.pollCount).toBe(1);
  const [poll] = entries(house, 'poll');
  expect(poll?.at).toBeGreaterThanOrEqual(view.timeoutAt ?? Infinity);
  await delivered(runtime, job);
  expect(house.sent[0]?.text).toBe('[video failed] a cat on a bicycle: timed out after 5 s');
});

test('a last poll that finds the video done is a success', async () => {
  const house = await buildHouse({ life: AT_ONCE });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video({ timeoutMs: 3_000, poll: { everyMs: 60_000 } }));
  const view = await job.settled();
  expect([view.status, view.late]).toEqual(['done', false]);
});

test('a success that comes after the deadline is fetched, delivered and told a second time', async () => {
  const house = await buildHouse({ life: { queued: { polls: 0 }, running: { ms: 60_000 } } });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video({ timeoutMs: 2_000 }));
  await seenAs(runtime, job, 'timedOut');
  await delivered(runtime, job);
  await runtime.close();
  // What a webhook leaves behind when the process dies right after it was committed.
  const store = await openLevelStore({ directory: house.directory });
  const number = store.lastCommit + 1;
  const event = { type: 'provider.evidence', outcome: { type: 'done' } };
  const row = { type: 'event', event, id: 'webhook/1', source: 'provider:openai' };
  const key = keys.inbox(`job/${job.id}`, ordOf(number, 0));
  await store.commit({ number, rows: [{ key, value: JSON.stringify(row) }], expect: [] });
  await store.close();
  house.clock.advance(120_000);
  const reopened = await house.open();
  const again = reopened.jobs.get(job.id);
  const view = await seenAs(reopened, again, 'done');
  expect(view.late).toBe(true);
  await until(reopened, () => house.sent.length === 2);
  expect(new Set(house.sent.map(({ deliveryId }) => deliveryId)).size).toBe(2);
  expect((await reopened.sessions.get('chat:1').history()).items).toHaveLength(2);
  expect(entries(house, 'submit.billed')).toHaveLength(1);
});

test('an unknown status word keeps the job alive, and it goes on when the word is known again', async () => {
  const house = await buildHouse({
    life: QUICK,
    faults: [{ route: 'poll', until: 2, fault: { type: 'unknownStatus', word: 'pondering' } }],
  });
  const runtime = await house.open();
  const view = await (await runtime.jobs.submit(video())).settled();
  expect([view.status, view.pollCount >= 3]).toEqual(['done', true]);
});

test('polls that fail for a while leave their message and nothing else', async () => {
  const house = await buildHouse({
    life: QUICK,
    faults: [{ route: 'poll', until: 2, fault: { type: 'status', status: 503, body: 'html' } }],
  });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video());
  const troubled = await seen(runtime, job, ({ error }) => error !== undefined);
  expect(troubled.error?.retryable).toBe(true);
  const view = await job.settled();
  expect([view.status, view.error]).toEqual(['done', undefined]);
});

test('a video that cannot be downloaded is failed with its reason, and fetched by hand later', async () => {
  const house = await buildHouse({
    life: AT_ONCE,
    faults: [{ route: 'download', fault: { type: 'status', status: 451 } }],
  });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video());
  const failed = await job.settled();
  expect([failed.status, failed.error?.code, failed.error?.retryable]).toEqual([
    'failed',
    'download-failed',
    true,
  ]);
  expect(failed.error?.message).toMatch(/^rendered, but could not be downloaded: /);
  await delivered(runtime, job);
  house.simulator.setScript({ life: AT_ONCE });
  await job.retry();
  const view = await seenAs(runtime, job, 'done');
  await until(runtime, () => house.sent.length === 2);
  expect(new Set(house.sent.map(({ deliveryId }) => deliveryId)).size).toBe(2);
  const [artifact] = view.artifacts;
  expect(sha256Hex(await readFile(artifact?.path ?? ''))).toBe(artifact?.sha256);
  expect((await runtime.sessions.get('chat:1').history()).items).toHaveLength(2);
  expect(entries(house, 'submit.billed')).toHaveLength(1);
  await expect(seenAs(runtime, job, 'done').then(() => job.retry())).rejects.toMatchObject({
    code: 'JOB_NOT_RETRYABLE',
  });
});

test('a stale artifact URL is asked for anew, and the download goes on with the fresh one', async () => {
  const house = await buildHouse({
    life: AT_ONCE,
    faults: [{ route: 'download', nth: 1, fault: { type: 'expired' } }],
  });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video({ provider: 'kling' }));
  expect((await job.settled()).status).toBe('done');
  expect(entries(house, 'download.refused')).toHaveLength(1);
  // The first URL came with the answer to the submit.
  expect(entries(house, 'poll')).toHaveLength(1);
  expect(entries(house, 'download.finished')).toHaveLength(1);
});

test('a download that breaks off is made again, and no part of a file is left', async () => {
  const house = await buildHouse({
    life: AT_ONCE,
    faults: [{ route: 'download', nth: 1, fault: { type: 'truncated' } }],
  });
  const runtime = await house.open();
  const view = await (await runtime.jobs.submit(video())).settled();
  expect(view.status).toBe('done');
  expect(entries(house, 'download.started').length).toBe(2);
});

test('a download that stays wrong is given up after ten retries, with a budget of its own', async () => {
  const house = await buildHouse({
    life: AT_ONCE,
    faults: [{ route: 'download', fault: { type: 'mistyped', body: 'html' } }],
  });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video({ timeoutMs: 1_000 }));
  await until(runtime, async () => {
    const actor = await runtime.inspect.snapshot(`job/${job.id}`);
    if (actor?.snapshot.matches({ fetching: 'resting' }) === true) house.clock.advance(300_000);
    return (await job.view()).status === 'failed';
  });
  expect((await job.view()).error?.message).toMatch(/^rendered, but could not be downloaded: /);
  expect(entries(house, 'download.refused').length).toBeGreaterThanOrEqual(10);
  expect(entries(house, 'submit.billed')).toHaveLength(1);
});
