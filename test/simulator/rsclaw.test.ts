import { describe, expect, test } from 'vitest';
import { AT_ONCE, events, field, get, json, KEY, opened, post } from './opened.js';

const IMAGE = { image_url: 'https://example.test/a.png' };
const job = (kind: object) => ({
  kind: { kind: 'video', model: 'rsclaw-video-v3', prompt: 'a cat', ...kind },
});

describe("rsclaw's older videos", () => {
  test.each([
    ['videos', { prompt: 'a cat', duration: 5 }],
    ['videos/avatar', { input_reference: IMAGE, audio: 'https://example.test/a.wav' }],
    ['videos/mv', { input_reference: IMAGE, lyrics: 'la la' }],
  ])('of %s go from submit to a storage that asks for no key', async (path, body) => {
    const simulator = await opened();
    const submitted = await json(await post(`${simulator.url}/rsclaw/v1/${path}`, body));
    expect(submitted).toMatchObject({ status: 'queued' });
    const task = `${simulator.url}/rsclaw/v1/videos/${String(field(submitted, 'id'))}`;
    expect((await get(`${task}/content`)).status).toBe(404);
    const seen: unknown[] = [];
    for (let poll = 0; poll < 4; poll += 1) seen.push(field(await json(await get(task)), 'status'));
    expect(seen).toEqual(['queued', 'in_progress', 'in_progress', 'completed']);
    const sent = await get(`${task}/content`);
    expect(sent.status).toBe(307);
    const artifact = await get(sent.headers.get('location') ?? '', {});
    expect(artifact.headers.get('content-type')).toBe('video/mp4');
    await artifact.arrayBuffer();
  });

  test.each([
    ['videos', {}],
    ['videos', { prompt: 'a', duration: '5' }],
    ['videos', { prompt: 'a', input_reference: 'https://example.test/a.png' }],
    ['videos/avatar', { audio: 'x' }],
    ['videos/mv', { input_reference: IMAGE }],
  ])('of %s with %j are refused', async (path, body) => {
    const simulator = await opened();
    const response = await post(`${simulator.url}/rsclaw/v1/${path}`, body);
    expect(response.status).toBe(400);
    expect(field(await json(response), 'error.message')).toBeTypeOf('string');
    expect(events(simulator)).not.toContain('submit.billed');
  });
});

describe("rsclaw's jobs", () => {
  const submit = (url: string, kind: object, key = 'job_1') =>
    post(`${url}/rsclaw/v1/jobs`, job(kind), { ...KEY, 'idempotency-key': key });

  test('tell their progress and hand out their bytes', async () => {
    const simulator = await opened();
    const id = String(field(await json(await submit(simulator.url, {})), 'id'));
    const task = `${simulator.url}/rsclaw/v1/jobs/${id}`;
    for (let poll = 0; poll < 2; poll += 1) await json(await get(task));
    expect(await json(await get(task))).toMatchObject({ status: 'in_progress', progress: 0.5 });
    expect(await json(await get(task))).toMatchObject({ status: 'completed', progress: 1 });
    const content = await get(`${task}/content`);
    expect([content.status, content.headers.get('content-type')]).toEqual([200, 'video/mp4']);
    await content.arrayBuffer();
    expect((await get(`${simulator.url}/rsclaw/v1/videos/${id}`)).status).toBe(404);
    expect((await get(`${task}/content`, {})).status).toBe(401);
  });

  test('sent again under their key are the same job, and billed once', async () => {
    const simulator = await opened();
    const first = await json(await submit(simulator.url, {}));
    const again = await json(await submit(simulator.url, {}));
    expect(field(again, 'id')).toBe(field(first, 'id'));
    expect((await submit(simulator.url, { prompt: 'a dog' })).status).toBe(409);
    expect(events(simulator).filter((event) => event === 'submit.billed')).toHaveLength(1);
  });

  test.each([
    [{ prompt: '' }],
    [{ kind: 'image' }],
    [{ model: 'rsclaw-video-v1' }],
    [{ resolution: '4k' }],
    [{ duration_secs: '5' }],
    [{ frames: { start: 'https://example.test/a.png' } }],
    [{ frames: { start: { type: 'data_uri', data_uri: 'AAAA' } } }],
    [{ references: {} }],
  ])('with %j are refused', async (kind) => {
    const simulator = await opened();
    expect((await submit(simulator.url, kind)).status).toBe(422);
    expect(events(simulator)).not.toContain('submit.billed');
  });
});

describe("rsclaw's images", () => {
  const submit = (url: string, body: object) =>
    post(`${url}/rsclaw_image/v1/images/generations`, { prompt: 'a cat', ...body });

  test('are asked for at a signed URL that needs no key', async () => {
    const simulator = await opened();
    const url = String(field(await json(await submit(simulator.url, { n: 2 })), 'id'));
    const seen: unknown[] = [];
    let last: unknown;
    for (let poll = 0; poll < 4; poll += 1) {
      last = await json(await get(url, {}));
      seen.push(field(last, 'status'));
    }
    expect(seen).toEqual(['queued', 'processing', 'processing', 'completed']);
    expect(field(last, 'data')).toHaveLength(2);
    const image = await get(String(field(last, 'data.1.url')), {});
    expect(image.headers.get('content-type')).toBe('image/png');
    await image.arrayBuffer();
    expect((await get(url.replace(/expires=\d/, 'expires=9'), {})).status).toBe(403);
  });

  test('come with the answer where that is asked for', async () => {
    const simulator = await opened({ script: { life: AT_ONCE, artifacts: { imageBytes: 0 } } });
    const submitted = await json(await submit(simulator.url, { response_format: 'b64_json' }));
    const bytes = Buffer.from(String(field(submitted, 'data.0.b64_json')), 'base64');
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
  });

  test.each([[{ prompt: '' }], [{ n: 9 }], [{ size: 'large' }]])('with %j are refused', async (body) => {
    const simulator = await opened();
    expect((await submit(simulator.url, body)).status).toBe(400);
  });
});
