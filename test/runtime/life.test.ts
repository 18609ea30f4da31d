/** A runtime from its opening to its close, and what it keeps and lets go. */
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { JobContext } from '../../src/machines/index.js';
import { openOffline, silentLogger } from '../../src/index.js';
import {
  AT_ONCE,
  buildHouse,
  delivered,
  entries,
  entry,
  nextStep,
  NEVER,
  seenAs,
  until,
  video,
} from './house.js';

const DAY_MS = 86_400_000;

test('close lets a submit that is out finish, and cuts polls off', async () => {
  const house = await buildHouse({
    life: NEVER,
    faults: [
      { route: 'submit', nth: 2, fault: { type: 'latency', wait: { ms: 5_000 } } },
      { route: 'poll', fault: { type: 'latency', wait: { ms: 1_000_000 } } },
    ],
  });
  const runtime = await house.open();
  const polling = await runtime.jobs.submit(video({ prompt: 'polled' }));
  await entry(house, 'submit.answered');
  await seenAs(runtime, polling, 'polling');
  const posting = await runtime.jobs.submit(video({ prompt: 'posted' }));
  await until(runtime, () => entries(house, 'submit.received').length === 2);
  await runtime.close({ timeoutMs: 600_000 });
  expect(runtime.status).toBe('closed');
  // As it was left: one that runs would have looked for a lost task by now.
  const offline = await openOffline({ directory: house.directory, log: silentLogger });
  expect((await offline.jobs.get(posting.id).view()).ref).toBeDefined();
  await offline.close();
  await house.open();
  expect(entries(house, 'submit.received')).toHaveLength(2);
  expect(entries(house, 'submit.billed')).toHaveLength(2);
});

test('after close every call is RUNTIME_CLOSED, and who waits is told', async () => {
  const house = await buildHouse({ life: NEVER });
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video());
  const closed = { code: 'RUNTIME_CLOSED' };
  const [told] = await Promise.allSettled([job.settled(), runtime.close()]);
  expect(told).toMatchObject({ status: 'rejected', reason: closed });
  await expect(runtime.jobs.submit(video())).rejects.toMatchObject(closed);
  await expect(runtime.jobs.list()).rejects.toMatchObject(closed);
  await expect(job.view()).rejects.toMatchObject(closed);
  await expect(job.cancel()).rejects.toMatchObject(closed);
  await expect(job.settled()).rejects.toMatchObject(closed);
  await expect(runtime.sessions.get('chat:1').history()).rejects.toMatchObject(closed);
  await expect(runtime.accounts.resume({ provider: 'openai', credential: 'default' })).rejects.toMatchObject(
    closed,
  );
  await runtime.close();
});

test('two runtimes on one directory: the second is STORE_LOCKED, and the first goes on', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  await expect(house.open()).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  expect((await (await runtime.jobs.submit(video())).settled()).status).toBe('done');
  await runtime.close();
  await (await house.open()).close();
});

test('a finished job goes after its retention, with its delivery and its file', async () => {
  const house = await buildHouse();
  const runtime = await house.open({ jobs: { retentionMs: 1_000, graceMs: 1_000 } });
  const job = await runtime.jobs.submit(video());
  const view = await delivered(runtime, job);
  const [artifact] = view.artifacts;
  expect(existsSync(artifact?.path ?? '')).toBe(true);
  const waiting = until(runtime, async () => (await runtime.jobs.list()).items.length === 0);
  house.clock.advance(DAY_MS);
  await waiting;
  await expect(job.view()).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
  house.clock.advance(DAY_MS);
  await until(runtime, async () => {
    const rows = await runtime.inspect.reader.byKind('delivery');
    return rows.items.length === 0;
  });
  expect(runtime.inspect.counts('job')).toEqual([]);
  await until(runtime, () => !existsSync(artifact?.path ?? ''));
});

test('a job with an undelivered message is kept, however old it is', async () => {
  const house = await buildHouse();
  const runtime = await house.open({
    channels: {
      chat: {
        send: () => Promise.reject(new Error('down')),
        policy: { kind: 'fixed', delayMs: 1, attemptsMax: 1 },
      },
    },
    jobs: { retentionMs: 1_000, graceMs: 1_000 },
  });
  const job = await runtime.jobs.submit(video());
  await until(
    runtime,
    async () => (await runtime.deliveries.list({ status: 'exhausted' })).items.length === 1,
  );
  house.clock.advance(DAY_MS);
  await nextStep(runtime);
  expect((await job.view()).deliveryStatus).toBe('exhausted');
  // Thirty days later the dead letter is dismissed, and the job may go.
  const gone = until(runtime, async () => (await runtime.jobs.list()).items.length === 0);
  house.clock.advance(31 * DAY_MS);
  await gone;
});

test('a file that two jobs share stays until both are gone', async () => {
  const house = await buildHouse();
  const runtime = await house.open({ jobs: { retentionMs: 1_000, graceMs: 1_000 } });
  const first = await runtime.jobs.submit(video());
  const { artifacts } = await delivered(runtime, first);
  await runtime.close();
  const longer = await house.open({ jobs: { retentionMs: 10 * DAY_MS, graceMs: 1_000 } });
  const second = await longer.jobs.submit(video());
  expect((await delivered(longer, second)).artifacts[0]?.sha256).toBe(artifacts[0]?.sha256);
  const path = artifacts[0]?.path ?? '';
  const one = until(longer, async () => (await longer.jobs.list()).items.length === 1);
  house.clock.advance(DAY_MS);
  await one;
  expect((await second.view()).status).toBe('done');
  expect(existsSync(path)).toBe(true);
  const none = until(longer, async () => (await longer.jobs.list()).items.length === 0);
  house.clock.advance(10 * DAY_MS);
  await none;
  await until(longer, () => !existsSync(path));
});

test('a clock that jumps forward fires what is due, back it delays it, and both are logged', async () => {
  const house = await buildHouse({ life: NEVER });
  const jumps: unknown[] = [];
  const log = {
    ...silentLogger,
    warn: (fields: Readonly<Record<string, unknown>>, message: string) => {
      if (message === 'clock.jump') jumps.push(fields['jumpMs']);
    },
  };
  const runtime = await house.open({ log });
  const job = await runtime.jobs.submit(video({ timeoutMs: DAY_MS, poll: { everyMs: 3_600_000 } }));
  await seenAs(runtime, job, 'pending');
  house.clock.jump(2 * 3_600_000);
  // The runtime looks at the clock once a minute at least.
  house.clock.advance(60_000);
  await seenAs(runtime, job, 'polling');
  const pending = await seenAs(runtime, job, 'pending');
  expect(Math.round(Number(jumps[0]) / 1_000)).toBe(7_200);
  house.clock.jump(-2 * 3_600_000);
  house.clock.advance(60_000);
  await until(runtime, async () => {
    await (await runtime.jobs.submit(video({ prompt: 'a step' }))).cancel();
    return jumps.length === 2;
  });
  expect(Math.round(Number(jumps[1]) / 1_000)).toBe(-7_200);
  expect((await job.view()).pollCount).toBe(pending.pollCount);
});

test('an idle runtime writes nothing and sets no timer before the next one is due', async () => {
  const house = await buildHouse({ life: AT_ONCE });
  let commits = 0;
  let timers = 0;
  const { schedule } = house.clock;
  const counted = {
    ...house.clock,
    schedule: (delayMs: number, run: () => void) => {
      timers += 1;
      return schedule(delayMs, run);
    },
  };
  const runtime = await house.open({
    clock: counted,
    wrapStore: (store) => ({
      generation: store.generation,
      get lastCommit() {
        return store.lastCommit;
      },
      get: (key) => store.get(key),
      getMany: (keys) => store.getMany(keys),
      scan: (options) => store.scan(options),
      view: () => store.view(),
      close: () => store.close(),
      commit: async (commit) => {
        commits += 1;
        await store.commit(commit);
      },
    }),
  });
  const job = await runtime.jobs.submit(video());
  await delivered(runtime, job);
  await until(runtime, async () => {
    const actor = await runtime.inspect.snapshot(`job/${job.id}`);
    if (actor === undefined) return false;
    const { deliveries } = actor.snapshot.context as JobContext;
    return deliveries[0]?.status === 'delivered';
  });
  const before = { commits, timers };
  for (let turn = 0; turn < 100; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  expect({ commits, timers }).toEqual(before);
});
