import OpenAI, { toFile } from 'openai';
import { describe, expect, test } from 'vitest';
import type { Simulator } from '../../src/simulator/index.js';
import { AT_ONCE, events, field, get, json, opened, post, submitVideo, videoId } from './opened.js';

function clientOf(simulator: Simulator, apiKey = 'sk-test'): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${simulator.url}/openai/v1`, maxRetries: 0 });
}

describe('the official client', () => {
  test('creates, polls, downloads and deletes a video', async () => {
    const simulator = await opened();
    const client = clientOf(simulator);
    const created = await client.videos.create({
      prompt: 'a cat',
      seconds: '8',
      size: '1280x720',
      input_reference: await toFile(Buffer.from('pixels'), 'first.png', { type: 'image/png' }),
    });
    expect(created).toMatchObject({
      object: 'video',
      status: 'queued',
      seconds: '8',
      size: '1280x720',
      progress: 0,
    });
    const seen: string[] = [];
    for (let poll = 0; poll < 4; poll += 1) seen.push((await client.videos.retrieve(created.id)).status);
    expect(seen).toEqual(['queued', 'in_progress', 'in_progress', 'completed']);

    const content = await client.videos.downloadContent(created.id);
    expect(content.headers.get('content-type')).toBe('video/mp4');
    expect((await content.arrayBuffer()).byteLength).toBe(262_144);
    const thumbnail = await client.videos.downloadContent(created.id, { variant: 'thumbnail' });
    expect(thumbnail.headers.get('content-type')).toBe('image/png');
    await thumbnail.arrayBuffer();

    expect(await client.videos.delete(created.id)).toMatchObject({ id: created.id, deleted: true });
    await expect(client.videos.retrieve(created.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  test('walks the listing page by page, newest first', async () => {
    const simulator = await opened();
    const client = clientOf(simulator);
    const ids: string[] = [];
    for (const prompt of ['one', 'two', 'three', 'four', 'five']) {
      ids.unshift((await client.videos.create({ prompt })).id);
    }
    const listed: string[] = [];
    for await (const video of client.videos.list({ limit: 2 })) listed.push(video.id);
    expect(listed).toEqual(ids);
    expect(events(simulator).filter((event) => event === 'list')).toHaveLength(3);
    const oldest = await client.videos.list({ limit: 1, order: 'asc' });
    expect(oldest.data[0]?.prompt).toBe('one');
  });

  test('reads a failed video’s error', async () => {
    const failure = { code: 'moderation_blocked', message: 'Not this one' };
    const simulator = await opened({ script: { life: { ...AT_ONCE, outcome: 'failed', failure } } });
    const client = clientOf(simulator);
    const { id } = await client.videos.create({ prompt: 'a cat' });
    expect(await client.videos.retrieve(id)).toMatchObject({ status: 'failed', error: failure });
  });

  test('is told apart by its key', async () => {
    const simulator = await opened({ script: { keys: ['sk-good'] } });
    await expect(clientOf(simulator, 'sk-bad').videos.create({ prompt: 'a' })).rejects.toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    });
    await expect(clientOf(simulator, 'sk-good').videos.create({ prompt: 'a' })).resolves.toBeDefined();
    expect(events(simulator).filter((event) => event === 'submit.billed')).toHaveLength(1);
  });
});

describe('the protocol', () => {
  test('takes JSON as well as multipart', async () => {
    const simulator = await opened();
    expect(field(await json(await submitVideo(simulator, 'in JSON')), 'prompt')).toBe('in JSON');
  });

  test('refuses what the real one refuses, and bills nothing', async () => {
    const simulator = await opened();
    const url = `${simulator.url}/openai/v1/videos`;
    const bodies = [{}, { prompt: '' }, { prompt: 'a', seconds: 4 }];
    for (const body of bodies) {
      const response = await post(url, body);
      expect(response.status).toBe(400);
      expect(field(await json(response), 'error.type')).toBe('invalid_request_error');
    }
    const broken = await fetch(url, {
      method: 'POST',
      headers: { authorization: 'Bearer k' },
      body: '{"prompt"',
    });
    expect(broken.status).toBe(400);
    expect(events(simulator)).not.toContain('submit.billed');
  });

  test('asks for a key', async () => {
    const simulator = await opened();
    const response = await get(`${simulator.url}/openai/v1/videos`, {});
    expect(response.status).toBe(401);
    expect(field(await json(response), 'error.message')).toContain('API key');
    const [list] = simulator.ledger();
    expect(list).toMatchObject({ event: 'list', authorized: false, credentialHeaders: [], status: 401 });
  });

  test('gives no content before the video is ready, nor with an unknown variant or id', async () => {
    const simulator = await opened({ script: { lives: [{ nth: 2, life: AT_ONCE }] } });
    const content = `${simulator.url}/openai/v1/videos`;
    const early = await videoId(simulator);
    const ready = await videoId(simulator);
    expect((await get(`${content}/${early}/content`)).status).toBe(404);
    expect((await get(`${content}/${ready}/content?variant=hologram`)).status).toBe(400);
    expect((await get(`${content}/video_none/content`)).status).toBe(404);
    expect((await get(`${content}/%ff`)).status).toBe(404);
  });

  test('knows no other paths, and says so in its own words', async () => {
    const simulator = await opened();
    const response = await get(`${simulator.url}/openai/v1/images`);
    expect(response.status).toBe(404);
    expect(field(await json(response), 'error.message')).toContain('Invalid URL');
    expect((await get(`${simulator.url}/elsewhere`)).status).toBe(404);
  });

  test('refuses a limit or cursor that means nothing, and to delete what still runs', async () => {
    const simulator = await opened();
    const url = `${simulator.url}/openai/v1/videos`;
    expect((await get(`${url}?limit=0`)).status).toBe(400);
    expect((await get(`${url}?after=video_none`)).status).toBe(400);
    const id = await videoId(simulator);
    const response = await fetch(`${url}/${id}`, {
      method: 'DELETE',
      headers: { authorization: 'Bearer k' },
    });
    expect(response.status).toBe(400);
  });
});
