import { describe, expect, test } from 'vitest';
import type { Simulator } from '../../src/simulator/index.js';
import { AT_ONCE, events, field, get, json, KEY, opened, post } from './opened.js';

const HEADERS = { ...KEY, 'x-runway-version': '2024-11-06' };
const GEN = { model: 'gen4.5', promptText: 'a cat', ratio: '1280:720', duration: 5 };

function submit(simulator: Simulator, body: object = GEN, path = 'text_to_video'): Promise<Response> {
  return post(`${simulator.url}/runway/v1/${path}`, body, HEADERS);
}

async function taskUrl(simulator: Simulator): Promise<string> {
  return `${simulator.url}/runway/v1/tasks/${String(field(await json(await submit(simulator)), 'id'))}`;
}

describe('runway tasks', () => {
  test('go from submit to links that need no key', async () => {
    const simulator = await opened();
    const submitted = await json(await submit(simulator));
    expect(submitted).toMatchObject({ estimatedCost: { credits: 25 } });
    const url = `${simulator.url}/runway/v1/tasks/${String(field(submitted, 'id'))}`;
    const seen: unknown[] = [];
    let last: unknown;
    for (let poll = 0; poll < 4; poll += 1) {
      last = await json(await get(url, HEADERS));
      seen.push([field(last, 'status'), field(last, 'progress')]);
    }
    expect(seen).toEqual([
      ['PENDING', undefined],
      ['RUNNING', 0],
      ['RUNNING', 0.5],
      ['SUCCEEDED', undefined],
    ]);
    const artifact = await get(String(field(last, 'output.0')), {});
    expect(artifact.headers.get('content-type')).toBe('video/mp4');
    await artifact.arrayBuffer();
  });

  test('are refused without a known version of the API, before all else', async () => {
    const simulator = await opened();
    const url = `${simulator.url}/runway/v1/text_to_video`;
    for (const headers of [KEY, { ...KEY, 'x-runway-version': '2030-01-01' }]) {
      const response = await post(url, GEN, headers);
      expect([response.status, String(field(await json(response), 'error'))]).toEqual([
        400,
        expect.stringMatching(/version/i),
      ]);
    }
    expect((await get(await taskUrl(simulator), KEY)).status).toBe(400);
    expect((await get(`${simulator.url}/runway/v1/organization`, KEY)).status).toBe(400);
    expect((await get(`${simulator.url}/runway/v1/organization`, HEADERS)).status).toBe(200);
    expect(events(simulator).filter((event) => event === 'submit.billed')).toHaveLength(1);
  });

  test.each([
    ['text_to_video', { ...GEN, model: 'gen9' }],
    ['text_to_video', { ...GEN, negative_prompt: 'dogs' }],
    ['text_to_video', { ...GEN, negativePrompt: 'dogs' }],
    ['text_to_video', { ...GEN, ratio: '16:9' }],
    ['text_to_video', { ...GEN, ratio: '960:960' }],
    ['text_to_video', { ...GEN, duration: '5' }],
    ['text_to_video', { ...GEN, duration: 11 }],
    ['text_to_video', { ...GEN, duration: undefined }],
    ['text_to_video', { ...GEN, seed: -1 }],
    ['text_to_video', { ...GEN, promptText: 'a'.repeat(1_001) }],
    ['text_to_video', { ...GEN, promptText: 7 }],
    ['image_to_video', GEN],
    ['image_to_video', { ...GEN, promptImage: 'http://example.com/a.png' }],
    ['text_to_image', GEN],
    ['text_to_image', { model: 'gen4_image_turbo', promptText: 'a', ratio: '1024:1024' }],
  ])('at %s with %j are refused: the union is strict', async (path, body) => {
    const simulator = await opened();
    const response = await submit(simulator, body, path);
    expect([response.status, field(await json(response), 'error')]).toEqual([
      400,
      'Validation of body failed',
    ]);
    expect(events(simulator)).not.toContain('submit.billed');
  });

  test.each([
    ['image_to_video', { ...GEN, promptImage: 'https://example.com/a.png', ratio: '960:960' }],
    [
      'text_to_video',
      { model: 'veo3.1', promptText: 'a', ratio: '1920:1080', negativePrompt: 'dogs', audio: true },
    ],
    ['text_to_image', { model: 'gen4_image', promptText: 'a', ratio: '1024:1024', seed: 1 }],
  ])('at %s with %j are taken', async (path, body) => {
    const simulator = await opened();
    expect((await submit(simulator, body, path)).status).toBe(200);
  });

  test('are cancelled while they are not over, and forgotten after', async () => {
    const simulator = await opened();
    const url = await taskUrl(simulator);
    const remove = () => fetch(url, { method: 'DELETE', headers: HEADERS });
    expect((await remove()).status).toBe(204);
    expect(await json(await get(url, HEADERS))).toMatchObject({ status: 'CANCELLED', cost: { credits: 0 } });
    expect((await remove()).status).toBe(204);
    expect((await remove()).status).toBe(404);
  });

  test('say why they failed, with a code', async () => {
    const failure = { code: 'SAFETY.INPUT.TEXT', message: 'not this' };
    const simulator = await opened({ script: { life: { ...AT_ONCE, outcome: 'failed', failure } } });
    expect(await json(await get(await taskUrl(simulator), HEADERS))).toMatchObject({
      status: 'FAILED',
      failure: 'not this',
      failureCode: 'SAFETY.INPUT.TEXT',
    });
  });
});
