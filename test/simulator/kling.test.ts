import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/ids.js';
import type { Simulator } from '../../src/simulator/index.js';
import { AT_ONCE, entry, events, field, get, json, KEY, opened, post } from './opened.js';

function submit(simulator: Simulator, key: string, prompt = 'a cat'): Promise<Response> {
  return post(`${simulator.url}/kling/text-to-video/kling-3`, {
    prompt,
    settings: { duration: 5 },
    options: { external_task_id: key },
  });
}

function submitImage(simulator: Simulator, body: object): Promise<Response> {
  return post(`${simulator.url}/kling/v1/images/generations`, { model_name: 'kling-v2', ...body });
}

describe('the 2026 video API', () => {
  test('takes a task from submit to a link that needs no key', async () => {
    const simulator = await opened();
    const submitted = await json(await submit(simulator, 'job_1'));
    expect(submitted).toMatchObject({
      code: 0,
      data: { status: 'submitted', external_id: 'job_1', outputs: [] },
    });
    const id = String(field(submitted, 'data.id'));
    const tasks = `${simulator.url}/kling/tasks?task_ids=${id}`;
    const seen: unknown[] = [];
    let last: unknown;
    for (let poll = 0; poll < 4; poll += 1) {
      last = await json(await get(tasks));
      seen.push(field(last, 'data.0.status'));
    }
    expect(seen).toEqual(['submitted', 'processing', 'processing', 'succeeded']);
    expect(field(last, 'data.0.outputs.0')).toMatchObject({ type: 'video', duration: '5' });
    const artifact = await get(String(field(last, 'data.0.outputs.0.url')), {});
    expect(artifact.headers.get('content-type')).toBe('video/mp4');
    expect((await artifact.arrayBuffer()).byteLength).toBe(262_144);
    await entry(simulator, 'download.finished');
    expect(simulator.ledger().at(-1)).toMatchObject({ authorized: true, credentialHeaders: [], taskId: id });
  });

  test('finds a task whose answer was lost by its key', async () => {
    const simulator = await opened();
    const id = field(await json(await submit(simulator, 'job_1')), 'data.id');
    const url = `${simulator.url}/kling/tasks?external_task_ids=job_0,job_1`;
    const found = await json(await get(url));
    expect(field(found, 'data')).toHaveLength(1);
    expect(field(found, 'data.0.id')).toBe(id);
    const lookups = simulator.ledger().filter(({ event }) => event === 'lookup');
    expect(lookups.map(({ key, taskId }) => [key, taskId])).toEqual([
      ['job_0', undefined],
      ['job_1', id],
    ]);
  });

  test('refuses a key that was used before, and bills nothing for it', async () => {
    const simulator = await opened();
    await submit(simulator, 'job_1');
    const again = await submit(simulator, 'job_1', 'another prompt');
    expect(again.status).toBe(400);
    expect(await json(again)).toMatchObject({
      code: 1201,
      message: 'external_task_id already exists: job_1',
    });
    expect(events(simulator).filter((event) => event === 'submit.billed')).toHaveLength(1);
  });

  test('reads a prompt from contents, and image-to-video has its own path', async () => {
    const simulator = await opened();
    const response = await post(`${simulator.url}/kling/image-to-video/kling-3`, {
      contents: [
        { type: 'first_frame', url: 'https://example.test/a.png' },
        { type: 'prompt', text: 'a dog' },
      ],
    });
    expect(response.status).toBe(200);
    expect(simulator.ledger()[0]).toMatchObject({ kind: 'video', promptSha256: sha256Hex('a dog') });
  });

  test('refuses what it cannot use with its own codes', async () => {
    const simulator = await opened();
    const url = `${simulator.url}/kling/text-to-video/kling-3`;
    const bodies = [
      {},
      { prompt: 'a'.repeat(2_501) },
      { prompt: 'a', settings: { duration: '5' } },
      { prompt: 'a', options: { external_task_id: 7 } },
      { prompt: 'a', settings: 'fast' },
    ];
    for (const body of bodies) {
      const response = await post(url, body);
      expect(response.status).toBe(400);
      expect(field(await json(response), 'code')).toBe(1201);
    }
    expect(await json(await get(`${simulator.url}/kling/tasks?task_ids=a`, {}))).toMatchObject({
      code: 1001,
    });
    expect(await json(await get(`${simulator.url}/kling/nowhere`))).toMatchObject({ code: 1202 });
    expect((await get(`${simulator.url}/kling/tasks?task_ids=${'a,'.repeat(101)}`)).status).toBe(400);
  });

  test('refuses links that were changed', async () => {
    const simulator = await opened({ script: { life: AT_ONCE } });
    const link = String(field(await json(await submit(simulator, 'job_1')), 'data.outputs.0.url'));
    const forged = await get(link.replace(/expires=\d/, 'expires=9'), KEY);
    expect(forged.status).toBe(403);
    expect(forged.headers.get('content-type')).toBe('application/xml');
    await forged.text();
    const refused = await entry(simulator, 'download.refused');
    expect(refused).toMatchObject({ authorized: false, credentialHeaders: ['authorization'], status: 403 });
  });

  test('puts the public address into its links', async () => {
    const simulator = await opened({ publicUrl: 'https://cdn.example.test/', script: { life: AT_ONCE } });
    const link = String(field(await json(await submit(simulator, 'job_1')), 'data.outputs.0.url'));
    expect(link).toMatch(/^https:\/\/cdn\.example\.test\/kling\/artifacts\//);
  });
});

describe('the image endpoint', () => {
  test('ends in the older word and gives one link an image', async () => {
    const simulator = await opened({ script: { life: { queued: { polls: 0 }, running: { polls: 1 } } } });
    const submitted = await json(
      await submitImage(simulator, { prompt: 'a cat', n: 2, external_task_id: 'job_2' }),
    );
    expect(submitted).toMatchObject({
      code: 0,
      data: { task_status: 'processing', task_info: { external_task_id: 'job_2' } },
    });
    const url = `${simulator.url}/kling/v1/images/generations`;
    const running = await json(await get(`${url}/${String(field(submitted, 'data.task_id'))}`));
    expect(field(running, 'data.task_status')).toBe('processing');
    const done = await json(await get(`${url}/job_2`));
    expect(done).toMatchObject({
      data: { task_status: 'succeed', task_result: { images: [{ index: 0 }, { index: 1 }] } },
    });
    expect(events(simulator).slice(-2)).toEqual(['poll', 'lookup']);
    const image = await get(String(field(done, 'data.task_result.images.1.url')), {});
    expect(image.headers.get('content-type')).toBe('image/png');
    await image.arrayBuffer();
  });

  test('says why a task failed', async () => {
    const failure = { code: '1301', message: 'the prompt was refused' };
    const simulator = await opened({ script: { life: { ...AT_ONCE, outcome: 'failed', failure } } });
    expect(await json(await submitImage(simulator, { prompt: 'a cat' }))).toMatchObject({
      data: { task_status: 'failed', task_status_msg: 'the prompt was refused' },
    });
  });

  test('does not find unknown tasks and refuses a wrong count', async () => {
    const simulator = await opened();
    const missing = await get(`${simulator.url}/kling/v1/images/generations/none`);
    expect(missing.status).toBe(404);
    expect(field(await json(missing), 'code')).toBe(1203);
    expect((await submitImage(simulator, { prompt: 'a', n: 10 })).status).toBe(400);
  });
});
