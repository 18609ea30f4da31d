import { describe, expect, test } from 'vitest';
import type { Simulator } from '../../src/simulator/index.js';
import { AT_ONCE, entry, events, field, get, json, opened, post } from './opened.js';

const V20 = 'agnes-video-v2.0';
const V25 = 'agnes-video-2.5';

function submit(simulator: Simulator, body: object): Promise<Response> {
  return post(`${simulator.url}/agnes/v1/videos`, { model: V20, prompt: 'a cat', ...body });
}

describe('a task of Agnes', () => {
  test('goes from submit to a link that needs no key, asked for by its video id', async () => {
    const simulator = await opened();
    const submitted = await json(await submit(simulator, { width: 1152, height: 768, num_frames: 121 }));
    expect(submitted).toMatchObject({ status: 'queued', progress: 0, model: V20 });
    const seen: unknown[] = [];
    let last: unknown;
    for (let poll = 0; poll < 4; poll += 1) {
      last = await json(
        await get(`${simulator.url}/agnes/agnesapi?video_id=${String(field(submitted, 'video_id'))}`),
      );
      seen.push(field(last, 'status'));
    }
    expect(seen).toEqual(['queued', 'in_progress', 'in_progress', 'completed']);
    const artifact = await get(String(field(last, 'metadata.url')), {});
    expect(artifact.headers.get('content-type')).toBe('video/mp4');
    await artifact.arrayBuffer();
    expect(await entry(simulator, 'download.finished')).toMatchObject({ credentialHeaders: [] });
  });

  test('is found by its task id on the older path, and not by that of the other', async () => {
    const simulator = await opened();
    const submitted = await json(await submit(simulator, {}));
    const taskId = String(field(submitted, 'task_id'));
    expect((await get(`${simulator.url}/agnes/v1/videos/${taskId}`)).status).toBe(200);
    expect((await get(`${simulator.url}/agnes/agnesapi?video_id=${taskId}`)).status).toBe(404);
    expect((await get(`${simulator.url}/agnes/agnesapi`)).status).toBe(404);
  });

  test('of a 2.5 model with images is found only when the model is named', async () => {
    const simulator = await opened({ script: { life: AT_ONCE } });
    const body = { model: V25, mode: 'keyframe', first_frame: 'https://example.com/cat.png', seconds: '8' };
    const id = String(field(await json(await submit(simulator, body)), 'video_id'));
    const url = `${simulator.url}/agnes/agnesapi?video_id=${id}`;
    expect((await get(url)).status).toBe(404);
    const found = await json(await get(`${url}&model_name=${V25}`));
    expect(field(found, 'status')).toBe('completed');
    expect(String(field(found, 'url'))).toContain('/agnes/artifacts/');
  });

  test('says why it failed: in a text, or in an object where it is newer', async () => {
    const failure = { code: 'gpu', message: 'the oven is cold' };
    const simulator = await opened({ script: { life: { ...AT_ONCE, outcome: 'failed', failure } } });
    expect(field(await json(await submit(simulator, {})), 'error')).toBe('the oven is cold');
    expect(field(await json(await submit(simulator, { model: V25 })), 'error')).toEqual(failure);
  });
});

test.each([
  [{ prompt: '' }],
  [{ model: '' }],
  [{ image: ['https://example.com/a.png'] }],
  [{ extra_body: { image: 'https://example.com/a.png' } }],
  [{ mode: 'keyframe' }],
  [{ num_frames: 120 }],
  [{ num_frames: 449 }],
  [{ num_frames: '121' }],
  [{ frame_rate: 61 }],
  [{ width: 1280, height: 720 }],
  [{ model: V25, num_frames: 121 }],
  [{ model: V25, negative_prompt: 'dogs' }],
  [{ model: V25, seconds: 8 }],
  [{ model: V25, seconds: '13' }],
  [{ model: V25, mode: 'ti2vid' }],
  [{ model: V25, mode: 'reference', images: [] }],
  [{ model: V25, mode: 'reference', images: ['1', '2', '3', '4', '5', '6'] }],
  [{ model: V25, first_frame: 'https://example.com/a.png' }],
])('Agnes refuses %j, and bills nothing', async (body) => {
  const simulator = await opened();
  const response = await submit(simulator, body);
  expect(response.status).toBe(400);
  expect(field(await json(response), 'error.type')).toBe('agnes_api_error');
  expect(events(simulator)).not.toContain('submit.billed');
});

test('Agnes asks for a key, and knows no other paths', async () => {
  const simulator = await opened();
  expect((await post(`${simulator.url}/agnes/v1/videos`, { prompt: 'a', model: V20 }, {})).status).toBe(401);
  expect(field(await json(await get(`${simulator.url}/agnes/v1/images`)), 'error.code')).toBe('not_found');
});
