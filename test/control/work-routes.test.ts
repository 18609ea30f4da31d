/** The routes of work items and schedules, over the real socket of a real runtime, with their refusals. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { Hono } from 'hono';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connectControl } from '../../src/control/index.js';
import { workerRoutes } from '../../src/control/worker-routes.js';
import { silentLogger, systemClock, type WorkFace } from '../../src/index.js';
import { field } from '../simulator/opened.js';
import { ask, codeOf, newWorld, type Answer } from './world.js';

const WORK = '/v1/work';
const users = { aB: { c_d: [1] }, meta: null };

test('an item goes from a producer to a worker and back, and what users named passes as it is', async () => {
  const { directory, runtime } = await newWorld();
  const item = { kind: 'embed', payload: users, priority: 3, dedupe_key: 'k', attempts_max: 2 };
  const made = await ask(directory, 'POST', WORK, item);
  expect(made).toMatchObject({ status: 201, body: { deduplicated: false } });
  expect(await ask(directory, 'POST', WORK, item)).toMatchObject({
    status: 200,
    body: { id: idOf(made), deduplicated: true },
  });
  const claim = await ask(directory, 'POST', `${WORK}/claim`, { worker_id: 'w', ttl_ms: 5_000 });
  expect(claim.body).toMatchObject({
    items: [{ id: idOf(made), payload: users, worker_id: 'w', attempts: 0, attempts_max: 2, priority: 3 }],
  });
  const shown = await ask(directory, 'GET', `${WORK}/${idOf(made)}`);
  expect(shown.body).toMatchObject({
    ...{ status: 'running', payload: users, dedupe_key: 'k' },
    claim: { worker_id: 'w', ttl_ms: 5_000, expires_at_ms: expect.any(Number) as number },
  });
  expect(JSON.stringify(shown.body)).not.toContain(tokenOf(claim));
  const beat = await ask(directory, 'POST', `${WORK}/heartbeat`, { token: tokenOf(claim), ttl_ms: 60_000 });
  expect(Number(beat.body['expires_at_ms'])).toBeGreaterThan(
    Number(field(claim.body, 'items.0.expires_at_ms')),
  );
  const done = { token: tokenOf(claim), result: users };
  for (const _time of ['at first', 'again']) {
    expect(await ask(directory, 'POST', `${WORK}/done`, done)).toEqual({ status: 200, body: {} });
  }
  expect((await runtime.work.get(idOf(made))).result).toEqual(users);
  const late = await ask(directory, 'POST', `${WORK}/requeue`, { token: tokenOf(claim) });
  expect([late.status, codeOf(late)]).toEqual([409, 'STALE_CLAIM']);
});

test('a failure keeps its code and message, rests as it says, and is for good where it says so', async () => {
  const { directory, runtime } = await newWorld();
  const { id } = await runtime.work.enqueue('embed');
  const claims = async (): Promise<Answer> => ask(directory, 'POST', `${WORK}/claim`, { kinds: ['embed'] });
  const failed = { error: { code: 'E_MODEL', message: 'no such model' }, retry_in_ms: 0 };
  const first = await claims();
  await ask(directory, 'POST', `${WORK}/fail`, { token: tokenOf(first), ...failed });
  await runtime.work.retry(id).catch(() => undefined);
  const second = await claims();
  expect(field(second.body, 'items.0.attempts')).toBe(1);
  expect((await runtime.work.get(id)).lastError).toEqual({ code: 'E_MODEL', message: 'no such model' });
  await ask(directory, 'POST', `${WORK}/fail`, { token: tokenOf(second), error: 'never', retry: false });
  expect(await runtime.work.get(id)).toMatchObject({
    status: 'failed',
    lastError: { code: 'Error', message: 'never' },
  });
});

test('many are enqueued in one commit, or none of them', async () => {
  const { directory, runtime } = await newWorld();
  const items = [
    { kind: 'a', payload: 1 },
    { kind: 'a', dedupe_key: 'k' },
    { kind: 'a', dedupe_key: 'k' },
  ];
  const made = await ask(directory, 'POST', WORK, { items });
  expect(made).toMatchObject({
    status: 201,
    body: { items: [{ deduplicated: false }, { deduplicated: false }, { deduplicated: true }] },
  });
  const wrong = await ask(directory, 'POST', WORK, { items: [{ kind: 'a' }, { kind: 'a', colour: 'red' }] });
  expect([wrong.status, codeOf(wrong), field(wrong.body, 'error.details.field')]).toEqual([
    ...[400, 'INVALID_INPUT', 'items.1.colour'],
  ]);
  expect((await runtime.work.counts()).all.ready).toBe(2);
});

test('a body over a mebibyte is refused before it is read', async () => {
  const { directory, runtime } = await newWorld();
  const answer = await ask(directory, 'POST', WORK, { kind: 'a', payload: 'x'.repeat(1_100_000) });
  expect([answer.status, codeOf(answer)]).toEqual([413, 'INVALID_INPUT']);
  expect((await runtime.work.list()).items).toEqual([]);
});

test('a claim waits for an item as long as it is told, and as the runtime is there', async () => {
  const { directory, runtime } = await newWorld();
  const waiting = ask(directory, 'POST', `${WORK}/claim`, { wait_ms: 60_000, max: 5 });
  expect(await ask(directory, 'POST', `${WORK}/claim`, { wait_ms: 30 })).toEqual(none);
  const { id } = await runtime.work.enqueue('late');
  expect((await waiting).body).toMatchObject({ items: [{ id }] });
  const cutShort = ask(directory, 'POST', `${WORK}/claim`, { wait_ms: 60_000 });
  // Seen by the runtime before it closes: calls come in the order they were sent, on a connection each.
  await ask(directory, 'GET', '/v1/runtime');
  await runtime.close();
  expect(await cutShort).toEqual(none);
});

test.each(['before it is answered', 'while the answer is written'])(
  'a claim whose caller is gone %s is given back at once, with no attempt counted',
  async (moment) => {
    const { runtime } = await newWorld();
    const { work } = runtime;
    const { id } = await work.enqueue('slow');
    const caller = new AbortController();
    const face: Pick<WorkFace, 'claimMany' | 'requeue'> = {
      claimMany: async (...asked) => {
        const items = await work.claimMany(...asked);
        if (moment === 'before it is answered') caller.abort();
        return items;
      },
      requeue: (token) => work.requeue(token),
    };
    const app = new Hono();
    const { signal } = caller;
    const door = { clock: systemClock, log: silentLogger, closing: new AbortController().signal };
    workerRoutes(app, { ...door, work: face as WorkFace });
    const asked = { method: 'POST', body: JSON.stringify({ max: 5 }), signal };
    const answer = await app.fetch(new Request(`http://localhost${WORK}/claim`, asked));
    expect(await answer.json()).toMatchObject({ items: [{ id }] });
    caller.abort();
    await expect.poll(async () => (await work.get(id)).status).toBe('ready');
    expect(await work.get(id)).toMatchObject({ attempts: 0 });
  },
);

test('a caller who is gone while it waits takes nothing', async () => {
  const { directory, runtime } = await newWorld();
  const caller = calling(directory, { wait_ms: 60_000 });
  await once(caller, 'finish');
  await ask(directory, 'GET', '/v1/runtime');
  caller.destroy();
  await ask(directory, 'GET', '/v1/runtime');
  const { id } = await runtime.work.enqueue('slow');
  await expect.poll(async () => (await runtime.work.get(id)).status, { timeout: 20_000 }).toBe('ready');
  expect((await ask(directory, 'POST', `${WORK}/claim`, {})).body).toMatchObject({ items: [{ id }] });
});

test('an operator lists, counts, cancels and retries, one or many', async () => {
  const { directory, runtime } = await newWorld();
  const client = await connectControl(directory);
  onTestFinished(() => client?.close());
  if (client === undefined) throw new Error('a runtime runs there');
  const { work } = client;
  const { id } = await work.enqueue({ kind: 'a', payload: users, runAt: new Date(Date.UTC(2100, 0)) });
  const [b1, b2] = await work.enqueueMany([{ kind: 'b' }, { kind: 'b', attemptsMax: 1 }]);
  expect((await work.list({ status: 'scheduled' })).items).toMatchObject([{ id, runAt: Date.UTC(2100, 0) }]);
  const first = await work.list({ kind: 'b', status: 'ready', limit: 1 });
  expect(first.items.map((item) => item.id)).toEqual([b1?.id]);
  const rest = await work.list({ kind: 'b', status: 'ready', limit: 1, cursor: first.cursor });
  expect(rest.items.map((item) => item.id)).toEqual([b2?.id]);
  expect(await work.counts()).toEqual(await runtime.work.counts());
  expect(await work.retry(id)).toMatchObject({ id, status: 'ready', payload: users });
  expect(await work.cancel(id)).toMatchObject({ id, status: 'cancelled' });
  await expect(work.cancel(id)).rejects.toMatchObject({ code: 'WORK_NOT_CANCELLABLE' });
  await expect(work.retry(id)).rejects.toMatchObject({ code: 'WORK_NOT_RETRYABLE' });
  expect(await work.retryMany({ ids: [id, 'work_x'] })).toEqual({
    ids: [],
    refused: [
      { id, code: 'WORK_NOT_RETRYABLE' },
      { id: 'work_x', code: 'ACTOR_NOT_FOUND' },
    ],
  });
  const cancelled = await work.cancelMany({ kind: 'b' });
  expect(new Set(cancelled.ids)).toEqual(new Set([b1?.id, b2?.id]));
  expect(await work.reclaim()).toEqual([]);
  await expect(work.cancelMany({})).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

test('a schedule is made, changed, paused, triggered and removed by its name', async () => {
  const { directory } = await newWorld();
  const client = await connectControl(directory);
  onTestFinished(() => client?.close());
  if (client === undefined) throw new Error('a runtime runs there');
  const { work } = client;
  const name = 'nightly/é 50%';
  const made = await work.setSchedule(name, { every: 3_600_000, kind: 'sweep', payload: users });
  expect(made).toMatchObject({ name, status: 'active', every: 3_600_000, payload: users, catchUp: 'skip' });
  const cron = { cron: '0 3 * * *', timezone: 'Europe/Berlin', kind: 'sweep', catchUp: 'once' } as const;
  expect(await work.setSchedule(name, cron)).toMatchObject({ name, ...cron });
  expect(await work.pauseSchedule(name)).toMatchObject({ status: 'paused' });
  expect(await work.resumeSchedule(name)).toMatchObject({ status: 'active' });
  await work.triggerSchedule(name);
  await expect
    .poll(async () => (await work.scheduleHistory(name)).map(({ trigger, outcome }) => [trigger, outcome]))
    .toEqual([['hand', 'enqueued']]);
  expect((await work.schedules()).items).toEqual([await work.schedule(name)]);
  const raw = await ask(directory, 'GET', `/v1/schedules/${encodeURIComponent(name)}/history`);
  expect(raw.body).toMatchObject({
    items: [{ due_at_ms: expect.any(Number) as number, at_ms: expect.any(Number) as number }],
  });
  await work.removeSchedule(name);
  await expect(work.schedule(name)).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
});

describe('what is wrong is said before anything is done', () => {
  const wrong: readonly (readonly ['GET' | 'POST' | 'PUT', string, unknown, number, string, string?])[] = [
    ['POST', WORK, '[', 400, 'INVALID_INPUT'],
    ['POST', WORK, '"text"', 400, 'INVALID_INPUT', ''],
    ['POST', WORK, {}, 400, 'INVALID_INPUT', 'kind'],
    ['POST', WORK, { kind: 'a', colour: 'red' }, 400, 'INVALID_INPUT', 'colour'],
    ['POST', WORK, { kind: 'a', dedupeKey: 'k' }, 400, 'INVALID_INPUT', 'dedupe_key'],
    ['POST', WORK, { kind: 'a', priority: 256 }, 400, 'INVALID_INPUT', 'priority'],
    ['POST', WORK, { kind: 'a', run_at_ms: 'soon' }, 400, 'INVALID_INPUT', 'run_at_ms'],
    ['POST', WORK, { items: {} }, 400, 'INVALID_INPUT', 'items'],
    ['POST', `${WORK}/claim`, { kind: 'a' }, 400, 'INVALID_INPUT', 'kind'],
    ['POST', `${WORK}/claim`, { max: 0 }, 400, 'INVALID_INPUT', 'max'],
    ['POST', `${WORK}/claim`, { max: 1_001 }, 400, 'INVALID_INPUT', 'max'],
    ['POST', `${WORK}/claim`, { wait_ms: 60_001 }, 400, 'INVALID_INPUT', 'wait_ms'],
    ['POST', `${WORK}/claim`, { waitMs: 1 }, 400, 'INVALID_INPUT', 'wait_ms'],
    ['POST', `${WORK}/claim`, { ttl_ms: 1 }, 400, 'INVALID_INPUT', 'ttl_ms'],
    ['POST', `${WORK}/claim`, { kinds: 7 }, 400, 'INVALID_INPUT', 'kinds'],
    ['POST', `${WORK}/heartbeat`, {}, 400, 'INVALID_INPUT', 'token'],
    ['POST', `${WORK}/heartbeat`, { token: 'x' }, 409, 'STALE_CLAIM'],
    ['POST', `${WORK}/done`, { token: 7 }, 400, 'INVALID_INPUT', 'token'],
    ['POST', `${WORK}/done`, { token: 'x' }, 409, 'STALE_CLAIM'],
    ['POST', `${WORK}/done`, { token: 'work_x.y' }, 404, 'ACTOR_NOT_FOUND'],
    ['POST', `${WORK}/done`, { token: 'x', answer: 1 }, 400, 'INVALID_INPUT', 'answer'],
    ['POST', `${WORK}/fail`, { token: 'x' }, 400, 'INVALID_INPUT', 'error'],
    [
      'POST',
      `${WORK}/fail`,
      { token: 'x', error: { code: 7, message: 'm' } },
      400,
      'INVALID_INPUT',
      'error.code',
    ],
    ['POST', `${WORK}/requeue`, { token: 'x', now: true }, 400, 'INVALID_INPUT', 'now'],
    ['POST', `${WORK}/cancel`, {}, 400, 'INVALID_INPUT', 'ids'],
    ['POST', `${WORK}/retry`, { status: 'done' }, 400, 'INVALID_INPUT'],
    ['POST', `${WORK}/reclaim`, { now_ms: -1 }, 400, 'INVALID_INPUT', 'now_ms'],
    ['POST', `${WORK}/work_x/cancel`, {}, 404, 'ACTOR_NOT_FOUND'],
    ['POST', `${WORK}/work_x/cancel`, { why: 'so' }, 400, 'INVALID_INPUT', 'why'],
    ['GET', `${WORK}/work_x`, undefined, 404, 'ACTOR_NOT_FOUND'],
    ['GET', `${WORK}?status=asleep`, undefined, 400, 'INVALID_INPUT', 'status'],
    ['GET', `${WORK}?limit=0`, undefined, 400, 'INVALID_INPUT', 'limit'],
    ['PUT', '/v1/schedules/s', { kind: 'a' }, 400, 'INVALID_INPUT'],
    ['PUT', '/v1/schedules/s', { kind: 'a', cron: 'often' }, 400, 'INVALID_INPUT', 'cron'],
    ['PUT', '/v1/schedules/s', { kind: 'a', every: 1_000 }, 400, 'INVALID_INPUT', 'every'],
    ['GET', '/v1/schedules/s', undefined, 404, 'ACTOR_NOT_FOUND'],
    ['POST', '/v1/schedules/s/pause', {}, 404, 'ACTOR_NOT_FOUND'],
  ];

  test('each with its status, its code and the field, and nothing comes of it', async () => {
    const { directory, runtime } = await newWorld();
    for (const [method, path, body, status, code, wrongField] of wrong) {
      const answer = await ask(directory, method, path, body);
      const name = `${method} ${path} ${JSON.stringify(body)}`;
      expect([answer.status, codeOf(answer)], name).toEqual([status, code]);
      if (wrongField !== undefined) expect(field(answer.body, 'error.details.field'), name).toBe(wrongField);
    }
    expect((await runtime.work.list()).items).toEqual([]);
    expect((await runtime.work.schedules()).items).toEqual([]);
  });
});

const none: Answer = { status: 200, body: { items: [] } };

function calling(directory: string, body: object): ReturnType<typeof httpRequest> {
  const text = JSON.stringify(body);
  const caller = httpRequest({
    ...{ socketPath: join(directory, 'control.sock'), method: 'POST', path: `${WORK}/claim` },
    headers: { 'content-length': Buffer.byteLength(text) },
  });
  // It is cut on purpose.
  caller.on('error', () => undefined);
  caller.end(text);
  return caller;
}

function idOf({ body }: Answer): string {
  return String(field(body, 'id'));
}

function tokenOf({ body }: Answer): string {
  return String(field(body, 'items.0.token'));
}
