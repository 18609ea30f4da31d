import { describe, expect, test } from 'vitest';
import type { Simulator } from '../../src/simulator/index.js';
import { AT_ONCE, events, field, get, json, KEY, opened, post } from './opened.js';

const RAY = { model: 'ray-2', prompt: 'a cat' };
const HOOK = 'https://agent.example/hooks/luma/job_1.mac';

function at(simulator: Simulator, path = ''): string {
  return `${simulator.url}/luma/dream-machine/v1/generations${path}`;
}

function submit(simulator: Simulator, body: object = RAY, path = '/video'): Promise<Response> {
  return post(at(simulator, path), body);
}

describe('luma generations', () => {
  test('go from submit to a link that needs no key', async () => {
    const simulator = await opened();
    const response = await submit(simulator, {
      ...RAY,
      callback_url: HOOK,
      duration: '5s',
      resolution: '720p',
    });
    expect(response.status).toBe(201);
    const generation = await json(response);
    expect(generation).toMatchObject({
      state: 'queued',
      assets: null,
      request: { prompt: 'a cat', model: 'ray-2', callback_url: HOOK, duration: '5s', resolution: '720p' },
    });
    const seen: unknown[] = [];
    let last: unknown;
    for (let poll = 0; poll < 4; poll += 1) {
      last = await json(await get(at(simulator, `/${String(field(generation, 'id'))}`)));
      seen.push(field(last, 'state'));
    }
    expect(seen).toEqual(['queued', 'dreaming', 'dreaming', 'completed']);
    const artifact = await get(String(field(last, 'assets.video')), {});
    expect(artifact.headers.get('content-type')).toBe('video/mp4');
    await artifact.arrayBuffer();
  });

  test('of images have models and a path of their own', async () => {
    const simulator = await opened({ script: { life: AT_ONCE } });
    const image = await json(await submit(simulator, { model: 'photon-1', prompt: 'a cat' }, '/image'));
    expect(image).toMatchObject({ generation_type: 'image', state: 'completed' });
    const artifact = await get(String(field(image, 'assets.image')), {});
    expect(artifact.headers.get('content-type')).toBe('image/png');
    await artifact.arrayBuffer();
  });

  test.each([
    ['/video', { ...RAY, model: 'photon-1' }],
    ['/image', RAY],
    ['/video', { model: 'ray-2' }],
    ['/video', { ...RAY, seed: 7 }],
    ['/video', { ...RAY, negative_prompt: 'dogs' }],
    ['/video', { ...RAY, aspect_ratio: '2:1' }],
    ['/video', { ...RAY, resolution: '480p' }],
    ['/video', { ...RAY, duration: 5 }],
    ['/video', { ...RAY, duration: '7s' }],
    ['/video', { ...RAY, callback_url: 'nowhere' }],
    ['/video', { ...RAY, keyframes: { frame0: { type: 'image', url: 'data:image/png;base64,AAAA' } } }],
    ['/video', { ...RAY, keyframes: { frame2: { type: 'generation', id: 'g' } } }],
    ['/video', { ...RAY, keyframes: {} }],
  ])('at %s with %j are refused, and billed to nobody', async (path, body) => {
    const simulator = await opened();
    const response = await submit(simulator, body, path);
    expect([response.status, typeof field(await json(response), 'detail')]).toEqual([400, 'string']);
    expect(events(simulator)).not.toContain('submit.billed');
  });

  test('take keyframes of images and of other generations', async () => {
    const simulator = await opened();
    const keyframes = {
      frame0: { type: 'image', url: 'https://example.com/a.png' },
      frame1: { type: 'generation', id: 'g0' },
    };
    expect((await submit(simulator, { ...RAY, keyframes, loop: true }, '')).status).toBe(201);
  });

  test('are listed newest first, a page at a time', async () => {
    const simulator = await opened();
    const ids: unknown[] = [];
    for (const prompt of ['one', 'two', 'three']) {
      ids.push(field(await json(await submit(simulator, { ...RAY, prompt, callback_url: HOOK })), 'id'));
    }
    const first = await json(await get(at(simulator, '?limit=2&offset=0')));
    expect(first).toMatchObject({
      generations: [{ id: ids[2], request: { prompt: 'three', callback_url: HOOK } }, { id: ids[1] }],
      has_more: true,
      offset: 0,
    });
    const second = await json(await get(at(simulator, '?limit=2&offset=2')));
    expect(second).toMatchObject({ generations: [{ id: ids[0] }], has_more: false, offset: 2 });
    expect((await get(at(simulator, '?limit=0'))).status).toBe(400);
  });

  test('are forgotten, over or not', async () => {
    const simulator = await opened();
    const url = at(simulator, `/${String(field(await json(await submit(simulator)), 'id'))}`);
    expect((await fetch(url, { method: 'DELETE', headers: KEY })).status).toBe(204);
    expect((await get(url)).status).toBe(404);
  });

  test('say why they failed', async () => {
    const failure = { code: 'x', message: 'Frame 0 failed moderation' };
    const simulator = await opened({ script: { life: { ...AT_ONCE, outcome: 'failed', failure } } });
    expect(await json(await submit(simulator))).toMatchObject({
      state: 'failed',
      failure_reason: failure.message,
    });
  });

  test('need a key', async () => {
    const simulator = await opened({ script: { keys: ['sk-test'] } });
    expect((await post(at(simulator, '/video'), RAY, {})).status).toBe(403);
    expect((await post(at(simulator, '/video'), RAY, { authorization: 'Bearer other' })).status).toBe(401);
    const credits = `${simulator.url}/luma/dream-machine/v1/credits`;
    expect(await json(await get(credits))).toMatchObject({ credit_balance: 100_000 });
  });
});
