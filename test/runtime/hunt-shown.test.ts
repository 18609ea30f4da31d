/** What is shown, kept and logged of a job: no key, no URL query, nothing that is not so. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Logger } from '../../src/log.js';
import type { PollOutcome, ProviderAdapter, ProviderError } from '../../src/providers/index.js';
import { AT_ONCE, buildHouse, delivered, entry, NEVER, seen, seenAs, until, video } from './house.js';

const SECRET = 'a-key-of-no-known-shape';
const DAY_MS = 86_400_000;

function refusal(errorClass: ProviderError['class'], message: string): ProviderError {
  return { class: errorClass, code: message, message, retryable: false };
}

function keyed(adapter: ProviderAdapter, parts: Partial<ProviderAdapter>): ProviderAdapter {
  return { ...adapter, credential: () => ({ headers: { authorization: `Bearer ${SECRET}` } }), ...parts };
}

test('a reply to the POST that fails at once and echoes the key leaves no key behind', async () => {
  const house = await buildHouse({ life: NEVER });
  const { openai } = house.adapters;
  const settled: PollOutcome = { type: 'failed', error: refusal('failed', `key ${SECRET} is odd`) };
  const adapter: ProviderAdapter = {
    ...openai,
    parseSubmit: (...reply) => {
      const outcome = openai.parseSubmit(...reply);
      return outcome.type === 'accepted' ? { ...outcome, settled } : outcome;
    },
    credential: async (alias) => {
      const found = await openai.credential(alias);
      return found && { headers: { ...found.headers, 'x-second': SECRET } };
    },
  };
  const runtime = await house.open({ providers: [adapter] });
  const job = await runtime.jobs.submit(video());
  const view = await job.settled();
  expect(view.status).toBe('failed');
  const journal = await runtime.inspect.reader.journal(`job/${job.id}`);
  const history = await runtime.sessions.get('chat:1').history();
  expect(JSON.stringify([view, journal, history])).not.toContain(SECRET);
});

test('a task id that fits no URL and no index is a lost bill, and is not polled for', async () => {
  const house = await buildHouse({ life: NEVER });
  const { openai } = house.adapters;
  const adapter = keyed(openai, {
    credential: (alias) => openai.credential(alias),
    parseSubmit: (response, request, credential) => {
      const outcome = openai.parseSubmit(response, request, credential);
      if (outcome.type !== 'accepted') return outcome;
      return { ...outcome, ref: { ...outcome.ref, taskId: 'x'.repeat(100_000) } };
    },
  });
  const runtime = await house.open({ providers: [adapter] });
  const view = await (await runtime.jobs.submit(video())).settled();
  expect(view).toMatchObject({ status: 'failed', error: { code: 'taskId' } });
});

test('an unknown status word is logged, short and without the query of a URL', async () => {
  const house = await buildHouse({ life: NEVER });
  const { openai } = house.adapters;
  const words: unknown[] = [];
  const nothing = (): void => undefined;
  const log: Logger = {
    trace: nothing,
    debug: nothing,
    info: nothing,
    warn: (fields, message) => {
      if (message === 'provider.status.unknown') words.push(fields['word']);
    },
    error: nothing,
    child: () => log,
  };
  const unknownStatus = `see https://cdn.test/a?sig=${SECRET} ${'x'.repeat(5_000)}`;
  const adapter: ProviderAdapter = { ...openai, parsePoll: () => ({ type: 'pending', unknownStatus }) };
  const runtime = await house.open({ providers: [adapter], log });
  const job = await runtime.jobs.submit(video());
  await seen(runtime, job, (view) => view.pollCount > 1);
  expect(words[0]).toMatch(/^see https:\/\/cdn\.test\/a\?\[redacted\] x+$/);
  expect(String(words[0]).length).toBe(100);
  const journal = JSON.stringify(await runtime.inspect.reader.journal(`job/${job.id}`));
  expect(journal).not.toContain(SECRET);
});

test('what a channel throws is kept and logged without the query of a URL', async () => {
  const house = await buildHouse();
  const chat = (): Promise<void> =>
    Promise.reject(
      Object.assign(new Error(`POST https://chat.test/send?token=${SECRET}`), {
        code: SECRET + '?'.repeat(900),
      }),
    );
  const runtime = await house.open({ channels: { chat } });
  await runtime.jobs.submit(video());
  await until(runtime, async () => (await runtime.deliveries.list({ status: 'waiting' })).items.length > 0);
  const [waiting] = (await runtime.deliveries.list({ status: 'waiting' })).items;
  expect(waiting?.error?.message).toBe('POST https://chat.test/send?[redacted]');
  expect(waiting?.error?.code.length).toBe(100);
});

test('a failed download names its source; fetched again by hand, it is not settled', async () => {
  const house = await buildHouse({
    life: AT_ONCE,
    faults: [
      { route: 'download', nth: 1, fault: { type: 'status', status: 451 } },
      { route: 'download', nth: 2, fault: { type: 'latency', wait: { ms: 5_000 } } },
    ],
  });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video());
  const failed = await job.settled();
  expect(failed.error?.message).toMatch(/^rendered, but could not be downloaded: .*http:\/\/127\.0\.0\.1/);
  expect(failed.settledAt).toBeDefined();
  await job.retry();
  const fetching = await seenAs(runtime, job, 'fetching');
  expect(fetching.settledAt).toBeUndefined();
  expect((await job.settled()).settledAt).toBeDefined();
});

test('done without an artifact is no success', async () => {
  const house = await buildHouse({ life: NEVER });
  const { openai } = house.adapters;
  const adapter: ProviderAdapter = { ...openai, parsePoll: () => ({ type: 'done', artifacts: [] }) };
  const runtime = await house.open({ providers: [adapter] });
  const job = await runtime.jobs.submit(video());
  await seen(runtime, job, (view) => view.error?.code === 'no-artifact');
  expect((await job.view()).status).toBe('fetching');
});

test('when a message came through is still known after the delivery itself was removed', async () => {
  const house = await buildHouse();
  const runtime = await house.open({ jobs: { retentionMs: 1_000, graceMs: 10 * DAY_MS } });
  const job = await runtime.jobs.submit(video());
  const before = await delivered(runtime, job);
  house.clock.advance(DAY_MS);
  await until(
    runtime,
    async () => (await runtime.deliveries.list({ status: 'delivered' })).items.length === 0,
  );
  expect(await job.view()).toMatchObject({ deliveredAt: before.deliveredAt, deliveryAttempts: 1 });
});

test('a fetch that waits behind a paused account keeps no other file from being removed', async () => {
  const house = await buildHouse({ life: AT_ONCE });
  const { kling } = house.adapters;
  let polls = 0;
  const adapter: ProviderAdapter = {
    ...kling,
    parseSubmit: (...reply) => {
      const outcome = kling.parseSubmit(...reply);
      return outcome.type === 'accepted' ? { type: 'accepted', ref: outcome.ref } : outcome;
    },
    parsePoll: () => {
      polls += 1;
      if (polls > 1) return { type: 'transient', error: refusal('auth', 'revoked') };
      return { type: 'done', artifacts: [{ url: `${kling.baseUrl}/nothing/here`, authenticated: false }] };
    },
  };
  const runtime = await house.open({ providers: [house.adapters.openai, adapter], jobs: { graceMs: 1_000 } });
  const done = await runtime.jobs.submit(video());
  await delivered(runtime, done);
  await runtime.jobs.submit(video({ provider: 'kling', prompt: 'another' }));
  await until(runtime, async () => (await runtime.accounts.list()).some(({ status }) => status === 'paused'));
  const files = (): string[] =>
    readdirSync(join(house.directory, 'artifacts')).filter((name) => name !== 'parts');
  expect(files()).toHaveLength(1);
  house.clock.advance(3 * DAY_MS);
  await expect.poll(files, { timeout: 10_000 }).toEqual([]);
});

test('a task that is adopted, and a reason to cancel, are checked at the door', async () => {
  const house = await buildHouse({
    life: NEVER,
    faults: [{ route: 'submit', nth: 1, fault: { type: 'resetAfterBody', billed: false } }],
  });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video());
  await entry(house, 'submit.received');
  await seenAs(runtime, job, 'submitUnknown');
  const ref = { taskId: 'a\0b', endpoint: 'videos', generation: 'v1' };
  await expect(job.adopt(ref)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  await expect(job.cancel('x'.repeat(2_000))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  expect((await job.view()).status).toBe('submitUnknown');
});
