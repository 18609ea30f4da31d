/** What two jobs that are alike may do to each other while one of them is in doubt. */
import { expect, test } from 'vitest';
import type { JobHandle } from '../../src/index.js';
import { openai, type ProviderAdapter } from '../../src/providers/index.js';
import { limits } from '../../src/limits.js';
import { buildHouse, entries, entry, NEVER, seen, until, video } from './house.js';

test('a task whose POST went out while a listing was read belongs to the job that POSTed it', async () => {
  const house = await buildHouse({
    life: NEVER,
    faults: [
      { route: 'submit', nth: 1, fault: { type: 'resetAfterBody', billed: false } },
      // The twin's task is listed long before its POST is answered.
      { route: 'submit', nth: 2, fault: { type: 'latency', wait: { ms: 6_000 } } },
      { route: 'list', nth: 1, fault: { type: 'latency', wait: { ms: 2_000 }, before: 'task' } },
    ],
  });
  const baseUrl = `${house.simulator.url}/openai/v1`;
  const inner = openai({ apiKey: 'sk-test', clock: house.clock, baseUrl, onUnlisted: 'resubmit' });
  const { reconcile } = inner;
  if (reconcile.by !== 'list') throw new Error('openai is reconciled by list');
  let twin: Promise<JobHandle> | undefined;
  const adapter: ProviderAdapter = {
    ...inner,
    reconcile: {
      ...reconcile,
      buildPage: (request, cursor) => {
        twin ??= runtime.jobs.submit(video());
        return reconcile.buildPage(request, cursor);
      },
    },
  };
  const runtime = await house.open({ providers: [adapter] });
  const doubtful = await runtime.jobs.submit(video());
  await entry(house, 'list');
  if (twin === undefined) throw new Error('no page was asked for');
  const owner = await seen(runtime, await twin, (view) => view.ref !== undefined);
  const other = await seen(runtime, doubtful, (view) => view.ref !== undefined);
  const [firstBill, secondBill] = entries(house, 'submit.billed');
  expect(owner.ref?.taskId).toBe(firstBill?.taskId);
  expect(other.ref?.taskId).toBe(secondBill?.taskId);
  expect(entries(house, 'submit.received')).toHaveLength(3);
});

test('a job whose task was tracked before its POST was answered fails, and is not POSTed again', async () => {
  const house = await buildHouse({ life: NEVER });
  const baseUrl = `${house.simulator.url}/openai/v1`;
  const inner = openai({ apiKey: 'sk-test', clock: house.clock, baseUrl, onUnlisted: 'resubmit' });
  const ref = { taskId: 'video_known', endpoint: 'videos', generation: 'v1' };
  const adapter: ProviderAdapter = {
    ...inner,
    parseSubmit: (_response, _request, credential) => ({ type: 'accepted', ref: { ...ref, credential } }),
  };
  const runtime = await house.open({ providers: [adapter] });
  const tracked = await runtime.jobs.track({ provider: 'openai', ref });
  const job = await runtime.jobs.submit(video());
  const view = await job.settled();
  expect(view).toMatchObject({ status: 'failed', error: { code: 'task-followed', retryable: false } });
  expect(view.error?.message).toContain(tracked.id);
  expect(entries(house, 'submit.received')).toHaveLength(1);
});

test('a look that could not read the whole listing proves nothing, and nothing is POSTed again', async () => {
  const house = await buildHouse({
    life: NEVER,
    faults: [{ route: 'submit', nth: 1, fault: { type: 'resetAfterBody', billed: true } }],
  });
  const baseUrl = `${house.simulator.url}/openai/v1`;
  const inner = openai({ apiKey: 'sk-test', clock: house.clock, baseUrl, onUnlisted: 'resubmit' });
  const { reconcile } = inner;
  if (reconcile.by !== 'list') throw new Error('openai is reconciled by list');
  let pages = 0;
  const parsePage: typeof reconcile.parsePage = () => {
    pages += 1;
    return { type: 'page', tasks: [], next: 'one-more' };
  };
  const runtime = await house.open({ providers: [{ ...inner, reconcile: { ...reconcile, parsePage } }] });
  await runtime.jobs.submit(video());
  const posts = (): number => entries(house, 'submit.received').length;
  await until(runtime, () => pages > 2 * limits.listingPagesMax || posts() > 1);
  expect(posts()).toBe(1);
});
