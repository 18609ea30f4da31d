import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { createSimulatedClock } from '../../src/testing/index.js';
import type { Simulator, SimulatorOptions } from '../../src/simulator/index.js';
import { AT_ONCE, events, field, get, json, opened, post } from './opened.js';

const URL_OF_IMAGE = 'https://example.test/a.png';

function submit(simulator: Simulator, path: string, body: object): Promise<Response> {
  return post(`${simulator.url}/kling/v1/${path}`, { prompt: 'a cat', ...body });
}

describe("Kling's older API", () => {
  test.each([
    ['videos/text2video', {}],
    ['videos/image2video', { image: URL_OF_IMAGE }],
    ['videos/multi-image2video', { image_list: [{ image: URL_OF_IMAGE }, { image: 'aGVsbG8=' }] }],
    ['videos/motion-control', { image_url: URL_OF_IMAGE, video_url: 'https://example.test/v.mp4' }],
    ['images/generations', {}],
    ['images/omni-image', { image_list: [{ image: 'aGVsbG8=' }] }],
  ])('takes a task of %s to its link, by its id or its key, below its own path', async (path, body) => {
    const simulator = await opened({ script: { life: AT_ONCE } });
    const submitted = await json(await submit(simulator, path, { ...body, external_task_id: 'job_1' }));
    const id = String(field(submitted, 'data.task_id'));
    expect(field(submitted, 'data.task_info.external_task_id')).toBe('job_1');
    for (const name of [id, 'job_1']) {
      const found = await json(await get(`${simulator.url}/kling/v1/${path}/${name}`));
      expect(field(found, 'data.task_status')).toBe('succeed');
      const results = path.startsWith('videos') ? 'videos' : 'images';
      const link = String(field(found, `data.task_result.${results}.0.url`));
      const artifact = await get(link, {});
      expect(artifact.status).toBe(200);
      await artifact.arrayBuffer();
    }
    expect(events(simulator)).toEqual(expect.arrayContaining(['poll', 'lookup']));
  });

  test('does not find a task below the path of another family', async () => {
    const simulator = await opened();
    const submitted = await json(await submit(simulator, 'videos/image2video', { image: URL_OF_IMAGE }));
    const id = String(field(submitted, 'data.task_id'));
    const elsewhere = await get(`${simulator.url}/kling/v1/videos/text2video/${id}`);
    expect([elsewhere.status, field(await json(elsewhere), 'code')]).toEqual([404, 1203]);
    expect(field(await json(await get(`${simulator.url}/kling/tasks?task_ids=${id}`)), 'data')).toEqual([]);
  });

  test('lists the tasks of a family, newest first', async () => {
    const simulator = await opened();
    for (const key of ['a', 'b', 'c'])
      await submit(simulator, 'videos/text2video', { external_task_id: key });
    await submit(simulator, 'videos/image2video', { image: URL_OF_IMAGE });
    const page = await json(await get(`${simulator.url}/kling/v1/videos/text2video?pageNum=1&pageSize=2`));
    expect(field(page, 'data')).toHaveLength(2);
    expect(field(page, 'data.0.task_info.external_task_id')).toBe('c');
    expect((await get(`${simulator.url}/kling/v1/videos/text2video?pageSize=501`)).status).toBe(400);
  });

  test.each([
    ['videos/text2video', { duration: 5 }],
    ['videos/text2video', { duration: '7' }],
    ['videos/text2video', { mode: 'fast' }],
    ['videos/text2video', { prompt: '' }],
    ['videos/text2video', { callback_url: 'not a URL' }],
    ['videos/image2video', {}],
    ['videos/image2video', { image: 'data:image/png;base64,aGVsbG8=' }],
    ['videos/multi-image2video', { image_list: [] }],
    ['videos/motion-control', { image_url: URL_OF_IMAGE }],
    ['images/generations', { image: 'data:image/png;base64,aGVsbG8=' }],
    ['images/omni-image', { image_list: 'all' }],
  ])('refuses %s with %j', async (path, body) => {
    const simulator = await opened();
    const response = await submit(simulator, path, body);
    expect([response.status, field(await json(response), 'code')]).toEqual([400, 1201]);
    expect(events(simulator)).not.toContain('submit.billed');
  });
});

describe("Kling's tokens", () => {
  const NOW = 1_800_000_000_000;
  const clock = createSimulatedClock(NOW);
  const seconds = NOW / 1_000;

  async function codeFor(
    claims: { readonly exp?: number; readonly nbf?: number; readonly iss?: string },
    options: Partial<SimulatorOptions> = {},
    secret = 'sk-1',
  ): Promise<unknown> {
    const simulator = await opened({ clock, script: { keys: ['ak-1:sk-1', 'plain-1'] }, ...options });
    const times = { exp: seconds + 1_800, nbf: seconds - 5 };
    const token = await new SignJWT({ iss: 'ak-1', ...times, ...claims })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(Buffer.from(secret));
    const headers = { authorization: `Bearer ${token}` };
    return field(await json(await get(`${simulator.url}/kling/tasks?task_ids=a`, headers)), 'code');
  }

  test('are good when a pair of the script signed them, at their time', async () => {
    expect(await codeFor({})).toBe(0);
    expect(await codeFor({}, {}, 'sk-2')).toBe(1002);
    expect(await codeFor({ iss: 'ak-2' })).toBe(1002);
    expect(await codeFor({ nbf: seconds + 1 })).toBe(1003);
    expect(await codeFor({ exp: seconds })).toBe(1004);
  });

  test('may be of any access key where the script names the secret alone', async () => {
    expect(await codeFor({ iss: 'any' }, { script: { keys: ['sk-1'] } })).toBe(0);
    expect(await codeFor({}, { script: {} }, 'whatever')).toBe(0);
  });

  test('stand beside plain keys', async () => {
    const simulator = await opened({ script: { keys: ['ak-1:sk-1', 'plain-1'] } });
    const url = `${simulator.url}/kling/tasks?task_ids=a`;
    expect((await get(url, { authorization: 'Bearer plain-1' })).status).toBe(200);
    expect((await get(url, { authorization: 'Bearer sk-1' })).status).toBe(401);
  });
});
