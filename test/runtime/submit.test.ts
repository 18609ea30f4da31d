/** The way to an acceptance: one intent, one bill, whatever the provider answers. */
import { expect, test } from 'vitest';
import type { SimulatorScript } from '../../src/simulator/index.js';
import { openai } from '../../src/providers/index.js';
import { AT_ONCE, buildHouse, delivered, entries, entry, NEVER, seenAs, video } from './house.js';

const LOST: SimulatorScript = {
  life: AT_ONCE,
  faults: [{ route: 'submit', nth: 1, fault: { type: 'resetAfterBody', billed: false } }],
};

test('a job is submitted, fetched, delivered and written into its session, for one bill', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video({ provider: 'kling' }));
  expect((await job.settled()).status).toBe('done');
  const view = await delivered(runtime, job);
  expect(view).toMatchObject({ deliveryAttempts: 1, late: false, needsDelivery: false });
  expect(house.sent.map(({ text, files }) => [text, files.map(({ path }) => path)])).toEqual([
    ['[video] a cat on a bicycle', view.artifacts.map(({ path }) => path)],
  ]);
  const history = await runtime.sessions.get('chat:1').history();
  expect(history.items.map((item) => item.entry)).toEqual([
    {
      role: 'assistant',
      content: `[video generation complete] ${view.artifacts[0]?.path ?? ''}`,
      externalJobId: job.id,
    },
  ]);
  expect(entries(house, 'submit.billed')).toHaveLength(1);
});

test('an idempotency key given twice, also at once and after a restart, is the same job', async () => {
  const house = await buildHouse({ life: NEVER });
  const runtime = await house.open();
  const request = video({ idempotencyKey: 'tool call 7' });
  const [one, two] = await Promise.all([runtime.jobs.submit(request), runtime.jobs.submit(request)]);
  expect(two.id).toBe(one.id);
  expect([one.deduplicated, two.deduplicated]).toEqual([false, true]);
  await seenAs(runtime, one, 'pending');
  await runtime.close();
  const again = await (await house.open()).jobs.submit(request);
  expect([again.id, again.deduplicated]).toEqual([one.id, true]);
  expect(entries(house, 'submit.billed')).toHaveLength(1);
});

for (const retryAfter of ['seconds', 'date', 'milliseconds'] as const) {
  test(`a 429 with its Retry-After in ${retryAfter} is waited for, then submitted again`, async () => {
    const house = await buildHouse({
      life: AT_ONCE,
      faults: [{ route: 'submit', nth: 1, fault: { type: 'rateLimit', retryAfter, waitMs: 4_000 } }],
    });
    const runtime = await house.open();
    const job = await runtime.jobs.submit(video());
    expect((await job.settled()).status).toBe('done');
    const [first, second] = entries(house, 'submit.received');
    const waitedMs = (second?.at ?? 0) - (first?.at ?? 0);
    // A date has whole seconds.
    expect(waitedMs).toBeGreaterThanOrEqual(retryAfter === 'date' ? 3_000 : 4_000);
    expect(entries(house, 'submit.billed')).toHaveLength(1);
  });
}

test('a refused request fails at once, and says why in the chat and in the session', async () => {
  const house = await buildHouse({
    life: AT_ONCE,
    faults: [{ route: 'submit', fault: { type: 'status', status: 400 } }],
  });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video());
  expect((await job.settled()).status).toBe('failed');
  await delivered(runtime, job);
  expect(house.sent[0]?.text).toMatch(/^\[video failed\] a cat on a bicycle: /);
  const history = await runtime.sessions.get('chat:1').history();
  expect(JSON.stringify(history.items[0]?.entry)).toContain('[video generation failed] ');
  expect(entries(house, 'submit.received')).toHaveLength(1);
});

test('a lost answer that is in no listing is held for an operator, who may adopt the task', async () => {
  const house = await buildHouse(LOST);
  const runtime = await house.open();
  const mine = await runtime.jobs.submit(video());
  await seenAs(runtime, mine, 'submitUnknown');
  // The task that the operator finds in the provider's own console.
  const other = await runtime.jobs.submit(video({ prompt: 'found by hand', provider: 'kling' }));
  const found = await seenAs(runtime, other, 'done');
  await expect(other.adopt({ taskId: 'x', endpoint: 'y', generation: 'z' })).rejects.toMatchObject({
    code: 'JOB_NOT_IN_DOUBT',
  });
  expect(found.ref).toBeDefined();
  const response = await fetch(`${house.simulator.url}/openai/v1/videos`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-test' },
    body: JSON.stringify({ prompt: 'a cat on a bicycle' }),
  });
  const { id: taskId } = (await response.json()) as { readonly id: string };
  await mine.adopt({ taskId, endpoint: 'videos', generation: 'videos-v1' });
  const view = await mine.settled();
  expect([view.status, view.ref?.taskId]).toEqual(['done', taskId]);
});

test('a job in doubt is submitted again when its operator says so, and only then', async () => {
  const house = await buildHouse(LOST);
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video());
  await seenAs(runtime, job, 'submitUnknown');
  await runtime.close();
  const reopened = await house.open();
  const again = reopened.jobs.get(job.id);
  expect((await again.view()).status).toBe('submitUnknown');
  expect(entries(house, 'submit.received')).toHaveLength(1);
  await again.resubmit();
  expect((await again.settled()).status).toBe('done');
  expect(entries(house, 'submit.billed')).toHaveLength(1);
  await expect(again.resubmit()).rejects.toMatchObject({ code: 'JOB_NOT_IN_DOUBT' });
});

test('a job in doubt can be cancelled, and says that a task may exist', async () => {
  const house = await buildHouse(LOST);
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video());
  await seenAs(runtime, job, 'submitUnknown');
  await job.cancel('not wanted');
  const view = await job.settled();
  expect(view.status).toBe('cancelled');
  expect(view.error?.message).toBe('not wanted; a task may exist');
});

test('a lost answer to a billed submit is found by list and by key, and never paid again', async () => {
  const house = await buildHouse({
    life: AT_ONCE,
    faults: [{ route: 'submit', until: 2, fault: { type: 'resetAfterBody', billed: true } }],
  });
  const runtime = await house.open();
  const jobs = await Promise.all([
    runtime.jobs.submit(video({ prompt: 'by list' })),
    runtime.jobs.submit(video({ prompt: 'by key', provider: 'kling' })),
  ]);
  for (const job of jobs) expect((await job.settled()).status).toBe('done');
  expect(entries(house, 'submit.received')).toHaveLength(2);
  expect(entries(house, 'submit.billed')).toHaveLength(2);
});

test('cancelled while its POST is out, a job waits for the answer, then calls the task off', async () => {
  const house = await buildHouse({
    life: NEVER,
    faults: [{ route: 'submit', fault: { type: 'latency', wait: { ms: 3_000 } } }],
  });
  const adapter = openai({ apiKey: 'k', baseUrl: `${house.simulator.url}/openai/v1`, clock: house.clock });
  const cancelling = {
    ...adapter,
    capabilities: { ...adapter.capabilities, cancel: 'any' as const },
    buildCancel: ({ taskId }: { readonly taskId: string }) => ({
      method: 'DELETE' as const,
      path: `/videos/${taskId}`,
    }),
  };
  const runtime = await house.open({ providers: [cancelling] });
  const job = await runtime.jobs.submit(video());
  const billed = await entry(house, 'submit.billed');
  await job.cancel();
  expect((await job.view()).status).toBe('submitting');
  const view = await job.settled();
  expect([view.status, view.ref?.taskId]).toEqual(['cancelled', billed.taskId]);
  expect((await entry(house, 'cancel')).taskId).toBe(billed.taskId);
  expect(view.deliveryStatus).toBe('none');
  expect(house.sent).toEqual([]);
  const history = await runtime.sessions.get('chat:1').history();
  expect(history.items).toHaveLength(1);
  await expect(job.cancel()).rejects.toMatchObject({ code: 'JOB_NOT_CANCELLABLE' });
});

test('a job without credentials is blocked, and goes on when it is opened with a key', async () => {
  const house = await buildHouse();
  const keyless = openai({
    baseUrl: `${house.simulator.url}/openai/v1`,
    env: () => ({}),
    clock: house.clock,
  });
  const first = await house.open({ providers: [keyless] });
  const job = await first.jobs.submit(video());
  expect((await seenAs(first, job, 'blocked')).error?.code).toBe('noCredential');
  expect(house.simulator.ledger()).toEqual([]);
  await first.close();
  const unregistered = await house.open({ providers: [] });
  expect((await unregistered.jobs.get(job.id).view()).status).toBe('blocked');
  await unregistered.close();
  const second = await house.open();
  expect((await second.jobs.get(job.id).settled()).status).toBe('done');
  expect(entries(house, 'submit.billed')).toHaveLength(1);
});

test('trouble with the key pauses the account once, and its jobs wait until it is resumed', async () => {
  const house = await buildHouse({
    life: AT_ONCE,
    faults: [{ route: 'openai.submit', fault: { type: 'unauthorized' } }],
  });
  const runtime = await house.open();
  const jobs = [];
  for (const prompt of ['1', '2', '3']) jobs.push(await runtime.jobs.submit(video({ prompt })));
  const paused: string[] = [];
  runtime.on('step', ({ kind, entry: step }) => {
    if (kind === 'provider') paused.push(...(step.emitted ?? []).map(({ type }) => String(type)));
  });
  const other = await runtime.jobs.submit(video({ prompt: 'elsewhere', provider: 'kling' }));
  expect((await other.settled()).status).toBe('done');
  const account = { provider: 'openai', credential: 'default' };
  expect(await runtime.accounts.list()).toMatchObject([{ ...account, status: 'paused', reason: 'auth' }]);
  for (const job of jobs) expect((await job.view()).status).toBe('submitting');
  await runtime.close();
  const reopened = await house.open();
  expect(await reopened.accounts.list()).toMatchObject([{ ...account, status: 'paused' }]);
  const tries = entries(house, 'submit.received').length;
  house.simulator.setScript({ life: AT_ONCE });
  await reopened.accounts.resume(account);
  for (const { id } of jobs) expect((await reopened.jobs.get(id).settled()).status).toBe('done');
  expect(entries(house, 'submit.received').length).toBe(tries + 3);
  expect(paused.filter((type) => type === 'account.paused').length).toBeLessThanOrEqual(1);
});
