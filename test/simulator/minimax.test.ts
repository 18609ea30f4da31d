import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Simulator, SimulatorScript } from '../../src/simulator/index.js';
import { AT_ONCE, entry, events, field, get, json, KEY, opened, post } from './opened.js';

const V1 = { model: 'MiniMax-Hailuo-2.3', prompt: 'a cat' };
const V2 = { model: 'MiniMax-H3', content: [{ type: 'text', text: 'a cat' }] };
const LIFE = { queued: { polls: 1 }, running: { polls: 1 } } as const;

function at(simulator: Simulator, path: string): string {
  return `${simulator.url}/minimax${path}`;
}

function submit(simulator: Simulator, body: object = {}, base: object = V1): Promise<Response> {
  const version = base === V1 ? 'v1' : 'v2';
  return post(at(simulator, `/${version}/video_generation`), { ...base, ...body });
}

async function submitted(simulator: Simulator, body: object = {}, base: object = V1): Promise<string> {
  return String(field(await json(await submit(simulator, body, base)), 'task_id'));
}

function queryV1(simulator: Simulator, id: string): string {
  return at(simulator, `/v1/query/video_generation?task_id=${id}`);
}

function queryV2(simulator: Simulator, id: string): string {
  return at(simulator, `/v2/query/video_generation/${id}`);
}

const codeOf = async (response: Response): Promise<readonly unknown[]> => [
  response.status,
  field(await json(response), 'base_resp.status_code'),
];

describe('the first API', () => {
  test('takes a task to a file, and the file to a link that needs no key', async () => {
    const simulator = await opened({ script: { life: LIFE } });
    const answer = await json(await submit(simulator, { duration: 6, resolution: '768P' }));
    expect(answer).toMatchObject({ base_resp: { status_code: 0, status_msg: 'success' } });
    const url = queryV1(simulator, String(field(answer, 'task_id')));
    expect(['Preparing', 'Queueing']).toContain(field(await json(await get(url)), 'status'));
    expect(await json(await get(url))).toMatchObject({ status: 'Processing', file_id: '', video_width: 0 });
    const done = await json(await get(url));
    expect(done).toMatchObject({ status: 'Success', base_resp: { status_code: 0 } });
    const file = String(field(done, 'file_id'));
    const told = await json(await get(at(simulator, `/v1/files/retrieve?file_id=${file}`)));
    expect(told).toMatchObject({ file: { file_id: file, purpose: 'video_generation' } });
    const artifact = await get(String(field(told, 'file.download_url')), {});
    expect(artifact.headers.get('content-type')).toBe('video/mp4');
    await artifact.arrayBuffer();
    expect(await entry(simulator, 'download.finished')).toMatchObject({ credentialHeaders: [] });
  });

  test('says everything with HTTP 200', async () => {
    const status = (code: number) => ({ type: 'status', status: code }) as const;
    const script: SimulatorScript = {
      faults: [
        { route: 'submit', nth: 1, fault: status(500) },
        { route: 'submit', nth: 2, fault: status(402) },
        { route: 'submit', nth: 3, fault: { type: 'rateLimit' } },
        { route: 'submit', nth: 4, fault: { type: 'rateLimit', code: '1039' } },
        { route: 'submit', nth: 5, fault: { type: 'unauthorized' } },
      ],
    };
    const simulator = await opened({ script });
    const seen: unknown[] = [];
    for (let call = 0; call < 5; call += 1) seen.push(await codeOf(await submit(simulator)));
    expect(seen).toEqual([1000, 1008, 1002, 1039, 2049].map((code) => [200, code]));
    expect(await codeOf(await get(queryV1(simulator, 'x'), {}))).toEqual([200, 1004]);
    expect(await codeOf(await get(queryV1(simulator, '0')))).toEqual([200, 2013]);
    expect(await codeOf(await get(at(simulator, '/v1/files/retrieve?file_id=0')))).toEqual([200, 2013]);
    expect(await codeOf(await get(at(simulator, '/v1/nowhere')))).toEqual([200, 2013]);
    expect(events(simulator)).not.toContain('submit.billed');
  });

  test.each([
    { model: '' },
    { model: 'MiniMax-H3' },
    { prompt: '' },
    { prompt: 'x'.repeat(2_001) },
    { duration: 5 },
    { duration: '6' },
    { resolution: '1280x720' },
    { resolution: 768 },
    { first_frame_image: ['https://e.com/a.png'] },
    { callback_url: 7 },
  ])('refuses %j', async (body) => {
    const simulator = await opened();
    expect(await codeOf(await submit(simulator, body))).toEqual([200, 2013]);
  });

  test('says why a task failed, by its code', async () => {
    const failure = { code: '1027', message: 'the output was refused' };
    const simulator = await opened({ script: { life: { ...AT_ONCE, outcome: 'failed', failure } } });
    const id = await submitted(simulator);
    expect(await json(await get(queryV1(simulator, id)))).toEqual({
      task_id: id,
      status: 'Fail',
      file_id: '',
      video_width: 0,
      video_height: 0,
      base_resp: { status_code: 1027, status_msg: 'the output was refused' },
    });
  });
});

describe('the second API', () => {
  test('wraps its task, and tells the link at once', async () => {
    const simulator = await opened({ script: { life: LIFE } });
    const id = await submitted(simulator, { duration: 8, ratio: '9:16', resolution: '2K' }, V2);
    const seen: unknown[] = [];
    let last: unknown;
    for (let poll = 0; poll < 3; poll += 1) {
      last = await json(await get(queryV2(simulator, id)));
      seen.push(field(last, 'task.status'));
    }
    expect(seen).toEqual(['queued', 'running', 'succeeded']);
    expect(last).toMatchObject({ task: { id, resolution: '2K', duration: 8, ratio: '9:16' } });
    const artifact = await get(String(field(last, 'task.content.url')), {});
    expect(artifact.headers.get('content-type')).toBe('video/mp4');
    await artifact.arrayBuffer();
    const list = at(simulator, '/v2/query/video_generation');
    await submitted(simulator);
    expect(await json(await get(list))).toMatchObject({ total: 1, tasks: [{ id }] });
    expect((await get(`${list}?page_size=0`)).status).toBe(400);
  });

  test('knows no task of the first, nor the first one of its', async () => {
    const simulator = await opened();
    const missing = await get(queryV2(simulator, await submitted(simulator)));
    expect([missing.status, field(await json(missing), 'error.type')]).toEqual([404, 'not_found_error']);
    expect(await codeOf(await get(queryV1(simulator, await submitted(simulator, {}, V2))))).toEqual([
      200, 2013,
    ]);
  });

  test('has errors under their HTTP status', async () => {
    const statuses = [402, 422, 500, 529];
    const script: SimulatorScript = {
      faults: [
        ...statuses.map((status, index) => {
          return { route: 'submit', nth: index + 1, fault: { type: 'status', status } } as const;
        }),
        { route: 'submit', nth: 5, fault: { type: 'rateLimit' } },
        { route: 'submit', nth: 6, fault: { type: 'unauthorized' } },
      ],
    };
    const simulator = await opened({ script });
    const seen: unknown[] = [];
    for (let call = 0; call < 6; call += 1) {
      const response = await submit(simulator, {}, V2);
      const body = await json(response);
      expect(field(body, 'error.http_code')).toBe(String(response.status));
      seen.push([response.status, field(body, 'error.type')]);
    }
    expect(seen).toEqual([
      [402, 'insufficient_balance_error'],
      [422, 'invalid_request_error'],
      [500, 'api_error'],
      [529, 'overloaded_error'],
      [429, 'rate_limit_error'],
      [401, 'authentication_error'],
    ]);
  });

  test('calls off what is queued, refuses what runs, forgets what is over', async () => {
    const simulator = await opened({ script: { life: LIFE } });
    const remove = (id: string) =>
      fetch(at(simulator, `/v2/video_generation/${id}`), { method: 'DELETE', headers: KEY });
    const queued = await submitted(simulator, {}, V2);
    expect((await remove(queued)).status).toBe(200);
    expect(field(await json(await get(queryV2(simulator, queued))), 'task.status')).toBe('cancelled');
    const other = await submitted(simulator, {}, V2);
    await get(queryV2(simulator, other));
    expect((await remove(other)).status).toBe(400);
    await get(queryV2(simulator, other));
    expect((await remove(other)).status).toBe(200);
    expect((await get(queryV2(simulator, other))).status).toBe(404);
  });

  test('forgets a task after a week', async () => {
    const simulator = await opened();
    const id = await submitted(simulator, {}, V2);
    expect((await get(queryV2(simulator, id))).status).toBe(200);
    simulator.setScript({ clockSkewMs: 7 * 86_400_000 });
    expect((await get(queryV2(simulator, id))).status).toBe(404);
    expect(await json(await get(at(simulator, '/v2/query/video_generation')))).toEqual({
      tasks: [],
      total: 0,
    });
  });

  test('says why a task failed', async () => {
    const failure = { code: 'internal', message: 'the gpu was lost' };
    const simulator = await opened({ script: { life: { ...AT_ONCE, outcome: 'failed', failure } } });
    const id = await submitted(simulator, {}, V2);
    expect(await json(await get(queryV2(simulator, id)))).toMatchObject({
      task: { status: 'failed', error: failure },
    });
  });

  test.each([
    { model: 'MiniMax-Hailuo-2.3' },
    { content: [] },
    { content: [{ type: 'text', text: 'x'.repeat(7_001) }] },
    { duration: 3 },
    { duration: '6' },
    { resolution: '1080P' },
    { ratio: 'wide' },
    { callback_url: 'nowhere' },
  ])('refuses %j', async (body) => {
    const simulator = await opened();
    const response = await submit(simulator, body, V2);
    expect([response.status, field(await json(response), 'type')]).toEqual([400, 'error']);
    expect(events(simulator)).not.toContain('submit.billed');
  });
});

describe('the news', () => {
  test.each([
    [V1, ['status', ['processing', 'success']]],
    [V2, ['task.status', ['running', 'succeeded']]],
  ] as const)('follow a challenge that was repeated (%j)', async (base, [path, words]) => {
    const bodies: unknown[] = [];
    const receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
        bodies.push(body);
        response.end(JSON.stringify({ challenge: field(body, 'challenge') }));
      });
    });
    await new Promise<void>((resolve) => void receiver.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void receiver.close());
    const { port } = receiver.address() as AddressInfo;
    const simulator = await opened({ script: { life: AT_ONCE } });
    const id = await submitted(simulator, { callback_url: `http://127.0.0.1:${port}/hook` }, base);
    const sent = () => simulator.ledger().filter(({ event }) => event === 'webhook.sent');
    await simulator.waitForEntry(() => sent().length === words.length, AbortSignal.timeout(50_000));
    const [first, ...rest] = bodies;
    expect(first).toEqual({ challenge: expect.any(String) });
    expect(rest.map((body) => field(body, path))).toEqual(words);
    expect(rest.map((body) => field(body, 'task_id') ?? field(body, 'task.id'))).toEqual([id, id]);
  });
});
