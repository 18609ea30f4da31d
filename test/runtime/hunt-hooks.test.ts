/** What a hook may meet: an answer, another provider or another poll that overtakes it on its way. */
import { expect, test } from 'vitest';
import type { WebhookScheme } from '../../src/providers/index.js';
import { entries, entry, NEVER, seen, seenAs, until, video } from './house.js';
import { hookPlace, KEY, RARELY } from './hook-place.js';

/** A provider that tells its secret when it is asked: that takes as long as a listing. */
const TOLD: readonly WebhookScheme[] = [
  {
    type: 'standard',
    secrets: () => [],
    told: { build: () => ({ method: 'GET', path: '/videos' }), parse: () => KEY },
  },
];
const UNSIGNED = [{ type: 'unsigned' }] as const;
const latency = (ms: number) => ({ type: 'latency', wait: { ms } }) as const;

test('thin news of a task that its job knows by the time it is read hurries a poll', async () => {
  const place = await hookPlace(
    {
      life: NEVER,
      faults: [
        { route: 'submit', nth: 1, fault: latency(1_500) },
        { route: 'list', nth: 1, fault: latency(4_000) },
      ],
    },
    TOLD,
  );
  const runtime = await place.open();
  const job = await runtime.jobs.submit(video());
  const { taskId } = await entry(place.house, 'submit.billed');
  const told = place.tell(runtime, job.id, { id: String(taskId) });
  expect((await seenAs(runtime, job, 'pending')).pollCount).toBe(0);
  expect(await told).toBe(200);
  await seen(runtime, job, ({ pollCount, status }) => pollCount === 1 && status === 'pending');
});

test('thin news that tells a job its task leads to a poll soon', async () => {
  const lost = { type: 'resetAfterBody', billed: true } as const;
  const place = await hookPlace(
    {
      life: NEVER,
      faults: [
        { route: 'submit', nth: 1, fault: lost },
        { route: 'list', fault: { type: 'status', status: 503 } },
      ],
    },
    UNSIGNED,
  );
  const runtime = await place.open();
  const job = await runtime.jobs.submit(video());
  await seen(runtime, job, ({ error }) => error !== undefined);
  const id = String(entries(place.house, 'submit.billed')[0]?.taskId);
  expect(await place.tell(runtime, job.id, { id }, { unsigned: true })).toBe(200);
  await seen(runtime, job, ({ pollCount, status }) => pollCount === 1 && status === 'pending');
});

test('news from a provider that a job has left meanwhile is none of it', async () => {
  const place = await hookPlace(
    {
      life: NEVER,
      faults: [
        { route: 'openai.submit', nth: 1, fault: latency(1_500) },
        { route: 'openai.submit', nth: 1, fault: { type: 'status', status: 400 } },
        { route: 'list', nth: 1, fault: latency(4_000) },
        { route: 'kling.submit', nth: 1, fault: latency(9_000) },
      ],
    },
    TOLD,
  );
  const { kling } = place.house.adapters;
  const [openai] = place.adapters;
  const runtime = await place.open({ providers: [openai, kling] });
  const job = await runtime.jobs.submit(video({ fallback: [{ provider: 'kling' }] }));
  await entry(place.house, 'submit.received');
  const told = place.tell(runtime, job.id, { id: 'video_refused', status: 'failed' });
  await seen(runtime, job, ({ provider }) => provider === 'kling');
  expect(await told).toBe(200);
  const view = await seen(runtime, job, (now) => now.status === 'pending' || now.settledAt !== undefined);
  expect([view.status, view.provider, view.error]).toEqual(['pending', 'kling', undefined]);
  expect(entries(place.house, 'submit.billed')).toMatchObject([{ provider: 'kling' }]);
});

test('of two hints in a row the second is polled for, too', async () => {
  const place = await hookPlace({ life: NEVER }, UNSIGNED);
  const runtime = await place.open();
  const job = await runtime.jobs.submit(video());
  const { ref } = await seenAs(runtime, job, 'pending');
  const id = ref?.taskId ?? '';
  await place.tell(runtime, job.id, { id, more: 1 }, { unsigned: true });
  await place.tell(runtime, job.id, { id, more: 2 }, { unsigned: true });
  await seen(runtime, job, ({ pollCount, status }) => pollCount === 2 && status === 'pending');
});

test('a hint that comes while a poll is out is polled for once that is answered', async () => {
  const slow = { route: 'poll', nth: 1, fault: latency(5_000) } as const;
  const place = await hookPlace({ life: NEVER, faults: [slow] }, UNSIGNED);
  const runtime = await place.open();
  const job = await runtime.jobs.submit(video());
  const { ref } = await seenAs(runtime, job, 'pending');
  const id = ref?.taskId ?? '';
  await place.tell(runtime, job.id, { id, more: 1 }, { unsigned: true });
  await seenAs(runtime, job, 'polling');
  place.house.clock.advance(1_500);
  await place.tell(runtime, job.id, { id, more: 2 }, { unsigned: true });
  await seen(runtime, job, ({ pollCount, status }) => pollCount === 2 && status === 'pending');
});

test('a task that another secret sealed is seen to wait, unasked, and goes on with its own', async () => {
  const place = await hookPlace({ life: NEVER });
  const jobs = { poll: RARELY, timeoutMs: 60_000 };
  const first = await place.open({ jobs });
  const ref = { taskId: 'video_1', endpoint: 'videos', generation: 'videos-v1', secret: 'a signed address' };
  const { id } = await first.jobs.track({ provider: 'openai', ref });
  await first.close();
  const second = await place.open({ jobs, secret: 'another secret of thirty-two characters' });
  place.house.clock.advance(70_000);
  const view = await seenAs(second, second.jobs.get(id), 'blocked');
  expect(view.error).toMatchObject({ code: 'SECRET_CHANGED' });
  expect(view.pollCount).toBe(1);
  await second.close();
  const third = await place.open({ jobs });
  await seen(third, third.jobs.get(id), ({ pollCount }) => pollCount === 2);
  await until(third, () => entries(place.house, 'poll').length > 0);
});
