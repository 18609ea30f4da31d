/** Every route, over the real socket of a real runtime, with its refusals. */
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/limits.js';
import type { Runtime } from '../../src/index.js';
import { field, json } from '../simulator/opened.js';
import { ask, codeOf, ENDLESS, newWorld } from './world.js';

const CAT = { provider: 'openai', prompt: 'a cat' };

test('a job is submitted, found by its key, listed, waited for and read back in its session', async () => {
  const { directory, runtime } = await newWorld();
  const request = {
    ...CAT,
    session_key: 'telegram:42',
    idempotency_key: 'k/1',
    extra: { someFlag: true },
    delivery: { channel: 'none', target: 't', reply_to: 'r', meta: { threadId: 7 } },
  };
  const first = await ask(directory, 'POST', '/v1/jobs', request);
  expect(first.status).toBe(201);
  const id = String(first.body['id']);
  expect((await runtime.jobs.view(id)).request?.extra).toEqual({ someFlag: true });

  const again = await ask(directory, 'POST', '/v1/jobs', request);
  expect(again).toMatchObject({ status: 200, body: { id } });
  const done = await ask(directory, 'GET', `/v1/jobs/${id}/wait?timeout_ms=20000`);
  expect(done.body).toMatchObject({
    status: 'done',
    session_key: 'telegram:42',
    delivery: { reply_to: 'r', meta: { threadId: 7 } },
  });
  expect(await ask(directory, 'GET', `/v1/jobs/${id}`)).toMatchObject({ status: 200, body: { id } });
  for (const query of [
    '',
    '?session=telegram%3A42',
    '?provider=openai',
    '?kind=video',
    '?status=done&limit=1',
  ]) {
    const page = await ask(directory, 'GET', `/v1/jobs${query}`);
    expect(page, query).toMatchObject({ status: 200, body: { items: [{ id }] } });
  }
  const history = await ask(directory, 'GET', '/v1/sessions/telegram%3A42/history');
  expect(JSON.stringify(history.body)).toContain('video generation complete');
});

test('a task made elsewhere is tracked, and once only', async () => {
  const { directory, simulator } = await newWorld(ENDLESS);
  const made = await fetch(`${simulator.url}/openai/v1/videos`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-test', 'content-type': 'application/json' },
    body: '{"prompt":"a cat"}',
  });
  const ref = { task_id: String(field(await json(made), 'id')), endpoint: 'videos', generation: 'v1' };
  const tracked = await ask(directory, 'POST', '/v1/jobs/track', { provider: 'openai', ref });
  expect(tracked).toMatchObject({ status: 201, body: { ref: { task_id: ref.task_id } } });
  const twice = await ask(directory, 'POST', '/v1/jobs/track', { provider: 'openai', ref });
  expect([twice.status, codeOf(twice)]).toEqual([409, 'NOT_UNIQUE']);
});

test('an unsettled job is cancelled once, and then neither retried, adopted nor resubmitted', async () => {
  const { directory } = await newWorld(ENDLESS);
  const id = String((await ask(directory, 'POST', '/v1/jobs', CAT)).body['id']);
  const early = await ask(directory, 'GET', `/v1/jobs/${id}/wait?timeout_ms=0`);
  expect(early.status).toBe(200);
  expect(early.body['settled_at']).toBeUndefined();
  const cancelled = await ask(directory, 'POST', `/v1/jobs/${id}/cancel`, { reason: 'no more' });
  expect(cancelled.status).toBe(200);
  const settled = await ask(directory, 'GET', `/v1/jobs/${id}/wait`);
  expect(settled.body).toMatchObject({ status: 'cancelled' });

  const ref = { task_id: 't', endpoint: 'videos', generation: 'v1' };
  const refused = [
    ['cancel', undefined, 'JOB_NOT_CANCELLABLE'],
    ['retry', undefined, 'JOB_NOT_RETRYABLE'],
    ['adopt', { ref }, 'JOB_NOT_IN_DOUBT'],
    ['resubmit', {}, 'JOB_NOT_IN_DOUBT'],
  ] as const;
  for (const [action, body, code] of refused) {
    const answer = await ask(directory, 'POST', `/v1/jobs/${id}/${action}`, body);
    expect([answer.status, codeOf(answer)], action).toEqual([409, code]);
  }
});

test('a dead letter is listed and sent again, and a delivered one is not', async () => {
  let open = false;
  const chat = async (): Promise<void> => {
    if (!open) throw Object.assign(new Error('blocked'), { permanent: true });
  };
  const { directory, runtime } = await newWorld({}, { channels: { chat } });
  const delivery = { channel: 'chat', target: 't' };
  const created = await ask(directory, 'POST', '/v1/jobs', { ...CAT, delivery });
  const exhausted = stepOf(runtime, 'exhausted');
  await ask(directory, 'GET', `/v1/jobs/${String(created.body['id'])}/wait`);
  await exhausted;
  const letters = await ask(directory, 'GET', '/v1/deliveries');
  const letter = field(letters.body, 'items.0');
  expect(letter).toMatchObject({ status: 'exhausted', job_id: created.body['id'] });
  open = true;
  const delivered = stepOf(runtime, 'delivered');
  const retried = await ask(directory, 'POST', `/v1/deliveries/${String(field(letter, 'id'))}/retry`);
  expect(retried.status).toBe(200);
  await delivered;
  const twice = await ask(directory, 'POST', `/v1/deliveries/${String(field(letter, 'id'))}/retry`);
  expect([twice.status, codeOf(twice)]).toEqual([409, 'DELIVERY_NOT_RETRYABLE']);
});

test('an account that was held back is listed and resumed; one that never was is not found', async () => {
  const { directory, runtime, simulator } = await newWorld({ keys: ['sk-other'] });
  const paused = stepOf(runtime, 'paused');
  const id = String((await ask(directory, 'POST', '/v1/jobs', CAT)).body['id']);
  await paused;
  expect((await ask(directory, 'GET', '/v1/accounts')).body).toMatchObject({
    items: [{ provider: 'openai', credential: 'default', status: 'paused', reason: 'auth' }],
  });
  simulator.setScript({ keys: ['sk-test'] });
  const resumed = await ask(directory, 'POST', '/v1/accounts/resume', { provider: 'openai' });
  expect(resumed).toMatchObject({ status: 200, body: { status: 'open' } });
  expect((await ask(directory, 'GET', `/v1/jobs/${id}/wait`)).body).toMatchObject({ status: 'done' });
  const unknown = await ask(directory, 'POST', '/v1/accounts/resume', { provider: 'nobody' });
  expect([unknown.status, codeOf(unknown)]).toEqual([404, 'ACTOR_NOT_FOUND']);
  expect((await ask(directory, 'GET', '/v1/accounts')).body['items']).toHaveLength(1);
});

/** Resolves at the next committed step into that state. */
function stepOf(runtime: Runtime, state: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = runtime.on('step', ({ kind, snapshot }) => {
      if (kind === 'job' || !JSON.stringify(snapshot.value).includes(state)) return;
      stop();
      resolve();
    });
  });
}

describe('what is wrong is said before anything is done', () => {
  const wrong: readonly (readonly ['GET' | 'POST' | 'PUT', string, unknown, number, string, string?])[] = [
    ['POST', '/v1/jobs', { provider: 'openai', prompt: '' }, 400, 'INVALID_INPUT', 'prompt'],
    ['POST', '/v1/jobs', { provider: 'openai', prompt: ' ' }, 400, 'INVALID_INPUT', 'prompt'],
    ['POST', '/v1/jobs', { ...CAT, timeout_ms: -1 }, 400, 'INVALID_INPUT', 'timeout_ms'],
    ['POST', '/v1/jobs', { ...CAT, delivery: { channel: 'x' } }, 400, 'INVALID_INPUT', 'delivery.target'],
    ['POST', '/v1/jobs', { ...CAT, sessionKey: 's' }, 400, 'INVALID_INPUT', 'session_key'],
    ['POST', '/v1/jobs', { ...CAT, provider: 'nobody' }, 400, 'PROVIDER_UNKNOWN'],
    ['POST', '/v1/jobs', '{"provider":', 400, 'INVALID_INPUT'],
    ['POST', '/v1/jobs', '[]', 400, 'INVALID_INPUT', ''],
    ['POST', '/v1/jobs', 'x'.repeat(limits.controlBodyBytesMax + 1), 413, 'INVALID_INPUT'],
    ['POST', '/v1/jobs/track', { provider: 'openai' }, 400, 'INVALID_INPUT', 'ref'],
    ['POST', '/v1/jobs/job_none/cancel', { why: 'x' }, 400, 'INVALID_INPUT', 'why'],
    ['POST', '/v1/jobs/job_none/cancel', {}, 404, 'ACTOR_NOT_FOUND'],
    ['POST', '/v1/jobs/job_none/retry', {}, 404, 'ACTOR_NOT_FOUND'],
    ['POST', '/v1/deliveries/dlv_none/retry', {}, 404, 'ACTOR_NOT_FOUND'],
    ['GET', '/v1/jobs/job_none', undefined, 404, 'ACTOR_NOT_FOUND'],
    ['GET', '/v1/jobs/job_none/wait', undefined, 404, 'ACTOR_NOT_FOUND'],
    ['GET', '/v1/jobs/job_none/wait?timeout_ms=x', undefined, 400, 'INVALID_INPUT', 'timeout_ms'],
    ['GET', '/v1/jobs?status=over', undefined, 400, 'INVALID_INPUT', 'status'],
    ['GET', '/v1/jobs?limit=0', undefined, 400, 'INVALID_INPUT', 'limit'],
    ['GET', '/v1/jobs?colour=red', undefined, 400, 'INVALID_INPUT', 'colour'],
    ['GET', '/v1/jobs?cursor=YQ', undefined, 400, 'INVALID_INPUT', 'cursor'],
    ['GET', '/v1/jobs?kind=video&provider=openai', undefined, 400, 'INVALID_INPUT'],
    ['GET', '/v1/nowhere', undefined, 404, 'INVALID_INPUT'],
    ['PUT', '/v1/jobs', undefined, 404, 'INVALID_INPUT'],
  ];

  test('each with its status, its code and the field, and no job and no bill comes of it', async () => {
    const { directory, runtime, simulator } = await newWorld();
    for (const [method, path, body, status, code, wrongField] of wrong) {
      const answer = await ask(directory, method, path, body);
      const name = `${method} ${path} ${JSON.stringify(body)?.slice(0, 60)}`;
      expect([answer.status, codeOf(answer)], name).toEqual([status, code]);
      expect(field(answer.body, 'error.details.field'), name).toBe(wrongField);
    }
    expect((await runtime.jobs.list()).items).toEqual([]);
    expect(simulator.ledger()).toEqual([]);
  });
});
