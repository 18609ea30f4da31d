import { describe, expect, test } from 'vitest';
import type { Simulator } from '../../src/simulator/index.js';
import { AT_ONCE, events, field, get, json, KEY, opened, post } from './opened.js';

const MODEL = '/models/wan-video/wan-2.2-t2v-fast/predictions';
const HOOK = 'https://agent.example/hooks/replicate/job_1.mac';

function at(simulator: Simulator, path: string): string {
  return `${simulator.url}/replicate/v1${path}`;
}

async function submitted(simulator: Simulator, body: object = {}): Promise<unknown> {
  return json(await post(at(simulator, MODEL), { input: { prompt: 'a cat' }, ...body }));
}

describe('predictions', () => {
  test('go from submit to a link that needs no key', async () => {
    const simulator = await opened();
    const response = await post(at(simulator, MODEL), { input: { prompt: 'a cat' }, webhook: HOOK });
    expect(response.status).toBe(201);
    const prediction = await json(response);
    expect(prediction).toMatchObject({ status: 'starting', output: null, webhook: HOOK });
    const url = at(simulator, `/predictions/${String(field(prediction, 'id'))}`);
    expect(field(prediction, 'urls.get')).toBe(url);
    const seen: unknown[] = [];
    let last: unknown;
    for (let poll = 0; poll < 4; poll += 1) {
      last = await json(await get(url));
      seen.push(field(last, 'status'));
    }
    expect(seen).toEqual(['starting', 'processing', 'processing', 'succeeded']);
    const artifact = await get(String(field(last, 'output')), {});
    expect(artifact.headers.get('content-type')).toBe('video/mp4');
    await artifact.arrayBuffer();
  });

  test('have one output as a text and several as a list', async () => {
    const simulator = await opened({ script: { life: AT_ONCE } });
    const path = '/models/black-forest-labs/flux-schnell/predictions';
    const outputOf = async (input: object) =>
      field(await json(await post(at(simulator, path), { input })), 'output');
    expect(typeof (await outputOf({ prompt: 'a' }))).toBe('string');
    expect(await outputOf({ prompt: 'a', num_outputs: 2 })).toHaveLength(2);
  });

  test('are made from a version, a model or a deployment, each at its own path', async () => {
    const simulator = await opened();
    const input = { prompt: 'a cat' };
    const statusOf = async (path: string, body: object) => (await post(at(simulator, path), body)).status;
    expect(await statusOf('/predictions', { input, version: 'abc' })).toBe(201);
    expect(await statusOf('/predictions', { input })).toBe(422);
    expect(await statusOf('/deployments/me/mine/predictions', { input })).toBe(201);
    expect(await statusOf(MODEL, { input, version: 'abc' })).toBe(422);
  });

  test.each([
    [{ input: undefined }, {}],
    [{ input: {} }, {}],
    [{ prompt: 'a cat' }, {}],
    [{ webhook: 'http://agent.example/hook' }, {}],
    [{ webhook_events_filter: ['finished'] }, {}],
    [{}, { prefer: 'wait=5' }],
  ])('with %j and the headers %j are refused, and billed to nobody', async (body, headers) => {
    const simulator = await opened();
    const response = await post(
      at(simulator, MODEL),
      { input: { prompt: 'a' }, ...body },
      { ...KEY, ...headers },
    );
    expect([response.status, field(await json(response), 'title')]).toEqual([422, 'Input validation failed']);
    expect(events(simulator)).not.toContain('submit.billed');
  });

  test('are listed newest first, with what was asked and where news go', async () => {
    const simulator = await opened();
    const first = await submitted(simulator, { webhook: HOOK });
    const second = await submitted(simulator);
    const list = await json(await get(at(simulator, '/predictions')));
    expect(list).toMatchObject({
      next: null,
      results: [
        { id: field(second, 'id'), input: { prompt: 'a cat' } },
        { id: field(first, 'id'), webhook: HOOK },
      ],
    });
    expect(field(list, 'results.0.webhook')).toBeUndefined();
    expect((await get(at(simulator, '/predictions?cursor=none'))).status).toBe(400);
  });

  test('are listed a hundred a page', async () => {
    const simulator = await opened();
    for (let count = 0; count < 101; count += 1) await submitted(simulator);
    const first = await json(await get(at(simulator, '/predictions')));
    expect(field(first, 'results')).toHaveLength(100);
    const second = await json(await get(String(field(first, 'next'))));
    expect(second).toMatchObject({ next: null });
    expect(field(second, 'results')).toHaveLength(1);
  });

  test('are cancelled by id', async () => {
    const simulator = await opened();
    const url = at(simulator, `/predictions/${String(field(await submitted(simulator), 'id'))}`);
    expect(await json(await post(`${url}/cancel`, {}))).toMatchObject({ status: 'canceled' });
    expect(await json(await get(url))).toMatchObject({ status: 'canceled', output: null });
    expect((await post(at(simulator, '/predictions/none/cancel'), {})).status).toBe(404);
  });

  test('say why they failed', async () => {
    const failure = { code: 'E1', message: 'CUDA out of memory' };
    const simulator = await opened({ script: { life: { ...AT_ONCE, outcome: 'failed', failure } } });
    expect(await submitted(simulator)).toMatchObject({ status: 'failed', error: 'CUDA out of memory' });
  });
});

test('the account and its webhook secret are told to who has the key', async () => {
  const secret = 'whsec_dGVzdHNlY3JldA==';
  const simulator = await opened({ script: { webhooks: { secrets: [secret] }, keys: ['sk-test'] } });
  expect(await json(await get(at(simulator, '/account')))).toMatchObject({ type: 'user' });
  expect(await json(await get(at(simulator, '/webhooks/default/secret')))).toEqual({ key: secret });
  expect((await get(at(simulator, '/webhooks/default/secret'), {})).status).toBe(401);
  expect((await get(at(simulator, '/account'), { authorization: 'Bearer other' })).status).toBe(401);
  const bare = await opened();
  expect((await get(at(bare, '/webhooks/default/secret'))).status).toBe(404);
});
