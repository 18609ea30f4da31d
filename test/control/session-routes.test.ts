/** The routes of sessions, over the real socket of a real runtime, with their refusals. */
import { Readable } from 'node:stream';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connectControl } from '../../src/control/index.js';
import { field } from '../simulator/opened.js';
import { ask, codeOf, newWorld, type Answer } from './world.js';

const pathOf = (key: string, ...rest: readonly string[]): string =>
  ['/v1/sessions', encodeURIComponent(key), ...rest].join('/');

test.each(['telegram:42', 'a/b', '50%', '%2F', 'é ü', '+', 'batches', 'a?b#c', '...', '🐈'])(
  'a session of key %j is found by it, URL-encoded',
  async (key) => {
    const { directory, runtime } = await newWorld();
    const made = await ask(directory, 'POST', pathOf(key, 'batches'), { text: 'hello' });
    expect(made.status).toBe(201);
    expect((await runtime.sessions.get(key).view()).pending).toBe(1);
    expect((await ask(directory, 'GET', pathOf(key))).body).toMatchObject({ key, state: 'ready' });
    expect((await ask(directory, 'GET', '/v1/sessions')).body).toMatchObject({ items: [{ key }] });
  },
);

test('work is enqueued once, listed, cancelled while it waits and refused while it is claimed', async () => {
  const { directory, runtime } = await newWorld();
  const session = runtime.sessions.get('s');
  const path = pathOf('s', 'batches');
  const short = { text: 'hello', id: 'm1', slot: 'join', turn_options: { maxTokens: 1 } };
  const first = await ask(directory, 'POST', path, short);
  expect(first).toMatchObject({
    status: 201,
    body: {
      deduplicated: false,
      content_matches: true,
      batch: { seq: 1, source_key: 'host:m1', slot: 'join', deliver: 'after_current_turn_commit' },
    },
  });
  expect(field((await session.list()).items[0], 'items.0.payload.turnOptions')).toEqual({ maxTokens: 1 });
  const again = await ask(directory, 'POST', path, { ...short, text: 'other' });
  expect(again).toMatchObject({ status: 200, body: { deduplicated: true, content_matches: false } });
  const conflict = await ask(directory, 'POST', path, { ...short, text: 'other', on_conflict: 'reject' });
  expect([conflict.status, codeOf(conflict)]).toEqual([409, 'SOURCE_KEY_CONFLICT']);
  expect(field(conflict.body, 'error.details')).toEqual({ batch_id: batchOf(first) });

  const wake = {
    ...{ type: 'process_wake', process_id: 'p', sequence: 1, event_type: 'e', target_session_id: 's' },
    input: { aB: 1 },
  };
  const draft = { payloads: [wake], available_at_ms: Date.UTC(2100, 0), merge: { group: 'g' } };
  const second = await ask(directory, 'POST', path, draft);
  expect(second.body).toMatchObject({ batch: { state: 'future', items: [{ payload: wake }] } });
  const injected = await ask(directory, 'POST', path, { text: 'now', id: 'i', inject: true });
  expect(injected.body).toMatchObject({
    batch: { source_key: 'injection:i', deliver: 'earliest_safe_boundary', slot: 'join' },
  });

  const claim = await session.claim({ max: 1 });
  const page = await ask(directory, 'GET', `${path}?limit=1`);
  expect(page.body).toMatchObject({
    items: [{ seq: 1, state: 'claimed', claim: { claim_id: claim.claimId } }],
    cursor: '1',
  });
  const rest = await ask(directory, 'GET', `${path}?cursor=1`);
  expect(seqsOf(rest)).toEqual([2, 3]);
  expect(seqsOf(await ask(directory, 'GET', `${path}?pending=true`))).toEqual([2, 3]);

  const held = await ask(directory, 'DELETE', `${path}/${batchOf(first)}`);
  expect([held.status, codeOf(held)]).toEqual([409, 'BATCH_NOT_CANCELLABLE']);
  expect(field(held.body, 'error.message')).toContain(`claim ${claim.claimId} of process:1 holds it`);
  const gone = await ask(directory, 'DELETE', `${path}/${batchOf(second)}`);
  expect(gone).toMatchObject({ status: 200, body: { seq: 2, items: [{ payload: wake }] } });
  for (const method of ['GET', 'DELETE'] as const) {
    const missing = await ask(directory, method, `${path}/${batchOf(second)}`);
    expect([missing.status, codeOf(missing)]).toEqual([404, 'BATCH_NOT_FOUND']);
  }
  expect(await ask(directory, 'GET', `${path}/${batchOf(injected)}`)).toMatchObject({ body: { seq: 3 } });
});

test('messages go through the mode of their channel; a full queue is 429', async () => {
  const { directory, runtime } = await newWorld();
  const session = runtime.sessions.get('s');
  const mode = pathOf('s', 'mode');
  const change = { mode: 'collect', cap: 1, drop: 'new', debounce_ms: 0, channel: 'tG' };
  const set = await ask(directory, 'PUT', mode, change);
  expect(set).toMatchObject({ status: 200, body: { mode: 'collect', cap: 1, drop: 'new', debounce_ms: 0 } });
  expect((await ask(directory, 'GET', mode)).body).toMatchObject({ mode: 'followup', cap: 20 });
  expect((await ask(directory, 'GET', `${mode}?channel=tG`)).body).toMatchObject({ mode: 'collect' });
  expect((await ask(directory, 'GET', `${mode}?channel=toString`)).body).toMatchObject({ mode: 'followup' });
  expect((await ask(directory, 'GET', pathOf('s'))).body).toMatchObject({ channels: { tG: { cap: 1 } } });

  const messages = pathOf('s', 'messages');
  const first = await ask(directory, 'POST', messages, { text: 'one', id: 'm', channel: 'tG' });
  expect(first).toMatchObject({ status: 201, body: { batch: { channel: 'tG', slot: 'join' } } });
  const repeated = await ask(directory, 'POST', messages, { text: 'one', id: 'm', channel: 'tG' });
  expect(repeated).toMatchObject({ status: 200, body: { deduplicated: true } });
  const full = await ask(directory, 'POST', messages, { text: 'two', channel: 'tG' });
  expect([full.status, codeOf(full)]).toEqual([429, 'SESSION_QUEUE_FULL']);
  expect((await session.list()).items).toHaveLength(1);
});

test('a dead letter is retried, a rest is ended, and neither where there is none', async () => {
  const { directory, runtime } = await newWorld({}, { sessions: { attemptsMax: 1 } });
  const session = runtime.sessions.get('s');
  const { batch } = await session.enqueue('poison');
  const retry = pathOf('s', 'batches', batch.batchId, 'retry');
  const early = await ask(directory, 'POST', retry, {});
  expect([early.status, codeOf(early)]).toEqual([409, 'BATCH_NOT_RETRYABLE']);
  await (await session.claim()).abandon({ reason: 'it throws', retryInMs: 3_600_000 });
  expect((await ask(directory, 'GET', pathOf('s'))).body).toMatchObject({
    state: 'pausing',
    paused_until_ms: expect.any(Number) as number,
    counts: { dead: 1 },
  });
  const retried = await ask(directory, 'POST', retry, {});
  expect(retried).toMatchObject({ status: 200, body: { state: 'ready', attempts: 0 } });
  const now = await ask(directory, 'GET', pathOf('s', 'batches', batch.batchId));
  expect({ status: now.status, body: { ...retried.body, claims: 1 } }).toEqual(now);
  const resumed = await ask(directory, 'POST', pathOf('s', 'resume'), {});
  expect(resumed).toMatchObject({ status: 200, body: { state: 'ready' } });
  for (const path of [pathOf('none', 'resume'), pathOf('none', 'batches', 'bat_1_x', 'retry')]) {
    const missing = await ask(directory, 'POST', path, {});
    expect([missing.status, codeOf(missing)], path).toEqual([404, 'ACTOR_NOT_FOUND']);
  }
});

test('what users wrote into a history passes as it is', async () => {
  const { directory, runtime } = await newWorld();
  const entry = { role: 'tool', toolCallId: 1, tool_call_id: 2, Upper: { aB: 1 } };
  await runtime.sessions.get('s').settle([], { history: [entry] });
  const page = await ask(directory, 'GET', pathOf('s', 'history'));
  expect(page.body).toMatchObject({ items: [{ entry, cause: 'session/s' }] });
  const client = await connectControl(directory);
  onTestFinished(() => client?.close());
  expect((await client?.sessions.history('s'))?.items).toMatchObject([{ entry }]);
});

describe('what is wrong is said before anything is done', () => {
  const batches = pathOf('s', 'batches');
  const wrong: readonly (readonly [
    'GET' | 'POST' | 'PUT' | 'DELETE',
    string,
    unknown,
    number,
    string,
    string?,
  ])[] = [
    ['POST', batches, { text: 'a', colour: 'red' }, 400, 'INVALID_INPUT', 'colour'],
    ['POST', batches, { text: '' }, 400, 'INVALID_INPUT', 'text'],
    ['POST', batches, {}, 400, 'INVALID_INPUT', 'text'],
    ['POST', batches, '[', 400, 'INVALID_INPUT'],
    ['POST', batches, '"text"', 400, 'INVALID_INPUT', ''],
    ['POST', batches, { payloads: [] }, 400, 'INVALID_INPUT', 'payloads'],
    ['POST', batches, { payloads: [{ type: 'turn_input' }] }, 400, 'INVALID_INPUT', 'payloads.0.items'],
    ['POST', batches, { text: 'a', slot: 'alone' }, 400, 'INVALID_INPUT', 'slot'],
    ['POST', batches, { text: 'a', inject: true, source_key: 'k' }, 400, 'INVALID_INPUT', 'source_key'],
    ['POST', batches, { text: 'a', inject: 1 }, 400, 'INVALID_INPUT', 'inject'],
    ['POST', batches, { text: 'a', dedupe_retention_ms: -1 }, 400, 'INVALID_INPUT', 'dedupe_retention_ms'],
    ['POST', pathOf('s', 'messages'), { text: 'a', slot: 'join' }, 400, 'INVALID_INPUT', 'slot'],
    ['POST', pathOf('x'.repeat(501), 'batches'), { text: 'a' }, 400, 'INVALID_INPUT', 'key'],
    ['PUT', pathOf('s', 'mode'), {}, 400, 'INVALID_INPUT', 'mode'],
    ['PUT', pathOf('s', 'mode'), { channel: 'c' }, 400, 'INVALID_INPUT', 'mode'],
    ['PUT', pathOf('s', 'mode'), { mode: 'loud' }, 400, 'INVALID_INPUT', 'mode'],
    ['PUT', pathOf('s', 'mode'), { debounceMs: 1 }, 400, 'INVALID_INPUT', 'debounce_ms'],
    ['PUT', pathOf('s', 'mode'), { debounce_ms: -1 }, 400, 'INVALID_INPUT', 'debounce_ms'],
    ['GET', '/v1/sessions?limit=0', undefined, 400, 'INVALID_INPUT', 'limit'],
    ['GET', `${batches}?pending=yes`, undefined, 400, 'INVALID_INPUT', 'pending'],
    ['GET', `${pathOf('t', 'batches')}?cursor=x`, undefined, 400, 'INVALID_INPUT', 'cursor'],
    ['GET', batches, undefined, 404, 'ACTOR_NOT_FOUND'],
    ['GET', pathOf('s'), undefined, 404, 'ACTOR_NOT_FOUND'],
    ['GET', pathOf('s', 'mode'), undefined, 404, 'ACTOR_NOT_FOUND'],
    ['DELETE', `${batches}/bat_1_x`, undefined, 404, 'ACTOR_NOT_FOUND'],
    ['POST', pathOf('s', 'resume'), { now: true }, 400, 'INVALID_INPUT', 'now'],
    ['DELETE', '/v1/sessions/..', undefined, 404, 'INVALID_INPUT'],
  ];

  test('each with its status, its code and the field, and no session comes of it', async () => {
    const { directory, runtime } = await newWorld();
    for (const [method, path, body, status, code, wrongField] of wrong) {
      const answer = await ask(directory, method, path, body);
      const name = `${method} ${path.slice(0, 80)} ${JSON.stringify(body)}`;
      expect([answer.status, codeOf(answer)], name).toEqual([status, code]);
      if (wrongField !== undefined) expect(field(answer.body, 'error.details.field'), name).toBe(wrongField);
    }
    expect((await runtime.sessions.list()).items).toEqual([]);
  });

  test('a body without its length is refused with 411, and nothing of it is read', async () => {
    const { directory, runtime } = await newWorld();
    const dispatcher = new Agent({ connect: { socketPath: join(directory, 'control.sock') } });
    onTestFinished(() => dispatcher.destroy());
    const body = Readable.from(['{"text":', '"hello"}']);
    const answer = await request(`http://localhost${batches}`, { method: 'POST', dispatcher, body });
    expect(answer.statusCode).toBe(411);
    expect(await answer.body.json()).toMatchObject({ error: { code: 'INVALID_INPUT' } });
    expect((await runtime.sessions.list()).items).toEqual([]);
  });
});

function batchOf(answer: Answer): string {
  return String(field(answer.body, 'batch.batch_id'));
}

function seqsOf({ body }: Answer): readonly unknown[] {
  const items = body['items'];
  return Array.isArray(items) ? items.map((item) => field(item, 'seq')) : [];
}
