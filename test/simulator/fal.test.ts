import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/ids.js';
import type { Simulator } from '../../src/simulator/index.js';
import { AT_ONCE, entry, events, field, get, json, opened, post } from './opened.js';

const KEY = { authorization: 'Key id:secret' };
const APP = 'fal-ai/wan';

function submit(simulator: Simulator, body: object, model = `${APP}/v2.2/text-to-video`): Promise<Response> {
  return post(`${simulator.url}/fal/${model}`, body, KEY);
}

function requestUrl(simulator: Simulator, id: unknown, end = '', app = APP): string {
  return `${simulator.url}/fal/${app}/requests/${String(id)}${end}`;
}

describe("fal's queue", () => {
  test('takes a request from submit to a link that needs no key, below owner and alias', async () => {
    const simulator = await opened();
    const submitted = await json(await submit(simulator, { prompt: 'a cat' }));
    expect(submitted).toMatchObject({ status: 'IN_QUEUE', queue_position: 0 });
    const id = field(submitted, 'request_id');
    // The real host, as the real replies have it: who follows it leaves the simulator.
    expect(field(submitted, 'status_url')).toBe(`https://queue.fal.run/${APP}/requests/${String(id)}/status`);
    const seen: unknown[] = [];
    for (let poll = 0; poll < 4; poll += 1) {
      const response = await get(requestUrl(simulator, id, '/status'), KEY);
      seen.push([response.status, field(await json(response), 'status')]);
    }
    expect(seen).toEqual([
      [202, 'IN_QUEUE'],
      [202, 'IN_PROGRESS'],
      [202, 'IN_PROGRESS'],
      [200, 'COMPLETED'],
    ]);
    const result = await json(await get(requestUrl(simulator, id), KEY));
    expect(field(result, 'video.content_type')).toBe('video/mp4');
    const artifact = await get(String(field(result, 'video.url')), {});
    expect(artifact.headers.get('content-type')).toBe('video/mp4');
    await artifact.arrayBuffer();
    expect(await entry(simulator, 'download.finished')).toMatchObject({ credentialHeaders: [] });
  });

  test('says that a result is not there yet, and counts that as a poll', async () => {
    const simulator = await opened({ script: { life: { queued: { polls: 0 }, running: { polls: 1 } } } });
    const id = field(await json(await submit(simulator, { prompt: 'a cat' })), 'request_id');
    const early = await get(requestUrl(simulator, id), KEY);
    expect([early.status, await json(early)]).toEqual([400, { detail: 'Request is still in progress' }]);
    expect((await get(requestUrl(simulator, id), KEY)).status).toBe(200);
  });

  test('knows a request below its own app alone, and without the rest of the model', async () => {
    const simulator = await opened();
    const id = field(await json(await submit(simulator, { prompt: 'a cat' })), 'request_id');
    for (const app of ['fal-ai/flux', `${APP}/v2.2/text-to-video`]) {
      expect((await get(requestUrl(simulator, id, '/status', app), KEY)).status).toBe(404);
    }
    const workflow = 'workflows/me/mine';
    const own = field(await json(await submit(simulator, { prompt: 'a' }, workflow)), 'request_id');
    expect((await get(requestUrl(simulator, own, '/status', workflow), KEY)).status).toBe(202);
  });

  test('completes what failed, and tells in the result', async () => {
    const failure = { code: 'content_policy_violation', message: 'not this' };
    const simulator = await opened({ script: { life: { ...AT_ONCE, outcome: 'failed', failure } } });
    const submitted = await json(await submit(simulator, { prompt: 'a cat' }));
    expect(field(submitted, 'status')).toBe('COMPLETED');
    const result = await get(requestUrl(simulator, field(submitted, 'request_id')), KEY);
    expect([result.status, result.headers.get('x-fal-error-type')]).toEqual([422, failure.code]);
    expect(await json(result)).toEqual({
      detail: [{ loc: ['body', 'prompt'], msg: 'not this', type: failure.code }],
    });
  });

  test('cancels what is not over', async () => {
    const simulator = await opened();
    const id = field(await json(await submit(simulator, { prompt: 'a cat' })), 'request_id');
    const cancel = () => fetch(requestUrl(simulator, id, '/cancel'), { method: 'PUT', headers: KEY });
    expect((await cancel()).status).toBe(202);
    expect((await cancel()).status).toBe(400);
    expect((await get(requestUrl(simulator, id), KEY)).status).toBe(499);
    expect(events(simulator).filter((event) => event === 'cancel')).toHaveLength(2);
  });

  test('renders images by the name of the model, as many as are asked for', async () => {
    const simulator = await opened({ script: { life: AT_ONCE } });
    const submitted = await json(
      await submit(simulator, { prompt: 'a cat', num_images: 2 }, 'fal-ai/flux/dev'),
    );
    const url = requestUrl(simulator, field(submitted, 'request_id'), '', 'fal-ai/flux');
    const result = await json(await get(url, KEY));
    expect(field(result, 'images')).toHaveLength(2);
    const image = await get(String(field(result, 'images.1.url')), {});
    expect(image.headers.get('content-type')).toBe('image/png');
    await image.arrayBuffer();
    expect(simulator.ledger()[0]).toMatchObject({ kind: 'image', promptSha256: sha256Hex('a cat') });
  });

  test('refuses other schemes, and bodies that its models would', async () => {
    const simulator = await opened();
    const url = `${simulator.url}/fal/${APP}`;
    const bearer = await post(url, { prompt: 'a' }, { authorization: 'Bearer id:secret' });
    expect([bearer.status, await json(bearer)]).toEqual([
      401,
      { detail: 'Authentication is required to access this application' },
    ]);
    for (const body of [{}, { prompt: 'a', num_images: 9 }, { prompt: 'a', duration: 5 }]) {
      const response = await submit(simulator, body);
      expect([response.status, field(await json(response), 'detail.0.loc.0')]).toEqual([422, 'body']);
    }
    expect(events(simulator)).not.toContain('submit.billed');
  });
});
