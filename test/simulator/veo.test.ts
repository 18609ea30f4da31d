import { GoogleGenAI } from '@google/genai';
import { describe, expect, test } from 'vitest';
import type { Simulator } from '../../src/simulator/index.js';
import { AT_ONCE, entry, events, field, get, json, opened, post } from './opened.js';

const KEY = { 'x-goog-api-key': 'AIza-test' };
const MODEL = 'veo-3.1-generate-preview';

function submit(simulator: Simulator, body: object, key: Record<string, string> = KEY): Promise<Response> {
  const url = `${simulator.url}/veo/v1beta/models/${MODEL}:predictLongRunning`;
  return post(url, { instances: [{ prompt: 'a cat' }], ...body }, key);
}

describe('the official client', () => {
  test('generates a video and asks until it is there', async () => {
    const simulator = await opened();
    const httpOptions = { baseUrl: `${simulator.url}/veo` };
    const client = new GoogleGenAI({ apiKey: 'AIza-test', httpOptions });
    const source = { prompt: 'a cat', image: { imageBytes: 'cGl4ZWxz', mimeType: 'image/png' } };
    const config = { aspectRatio: '9:16', durationSeconds: 8, numberOfVideos: 2 };
    let operation = await client.models.generateVideos({ model: MODEL, source, config });
    expect(operation.name).toMatch(/^models\/veo-3\.1-generate-preview\/operations\/[\w-]+$/);
    const seen: unknown[] = [];
    for (let poll = 0; poll < 4; poll += 1) {
      operation = await client.operations.getVideosOperation({ operation });
      seen.push(operation.done ?? false);
    }
    expect(seen).toEqual([false, false, false, true]);
    const uris = operation.response?.generatedVideos?.map(({ video }) => video?.uri ?? '') ?? [];
    expect(uris).toHaveLength(2);
    for (const uri of uris) {
      const file = await get(uri, KEY);
      expect(file.headers.get('content-type')).toBe('video/mp4');
      await file.arrayBuffer();
    }
  });
});

describe('an operation', () => {
  test('leaves a file that needs the key as well as a good link', async () => {
    const simulator = await opened({ script: { life: AT_ONCE } });
    const over = await json(await submit(simulator, {}));
    const uri = String(field(over, 'response.generateVideoResponse.generatedSamples.0.video.uri'));
    expect((await get(uri, {})).status).toBe(403);
    const forged = uri.replace(/signature=(.)/, (_all, digit) => `signature=${digit === '0' ? '1' : '0'}`);
    expect((await get(forged, KEY)).status).toBe(403);
    const file = await get(uri, KEY);
    expect(file.status).toBe(200);
    await file.arrayBuffer();
    const finished = await entry(simulator, 'download.finished');
    expect(finished).toMatchObject({ credentialHeaders: ['x-goog-api-key'] });
  });

  test('that was filtered is done, without videos and with the reasons', async () => {
    const failure = { code: 'SAFETY', message: 'A celebrity was named.' };
    const simulator = await opened({ script: { life: { ...AT_ONCE, outcome: 'failed', failure } } });
    const over = await json(await submit(simulator, {}));
    expect(field(over, 'done')).toBe(true);
    expect(field(over, 'response.generateVideoResponse')).toEqual({
      raiMediaFilteredCount: 1,
      raiMediaFilteredReasons: ['A celebrity was named.'],
    });
  });

  test('that failed says so in an error', async () => {
    const failure = { code: 'gpu', message: 'lost' };
    const simulator = await opened({ script: { life: { ...AT_ONCE, outcome: 'failed', failure } } });
    expect(await json(await submit(simulator, {}))).toMatchObject({ error: { code: 13, message: 'lost' } });
  });

  test('is asked for under its own model', async () => {
    const simulator = await opened();
    const name = String(field(await json(await submit(simulator, {})), 'name'));
    const url = `${simulator.url}/veo/v1beta`;
    expect((await get(`${url}/${name}`, KEY)).status).toBe(200);
    const other = await get(`${url}/${name.replace(MODEL, 'veo-2')}`, KEY);
    expect(field(await json(other), 'error.status')).toBe('NOT_FOUND');
  });

  test.each([
    [{ instances: [] }],
    [{ instances: [{ prompt: '' }] }],
    [{ instances: [{ prompt: 'a', image: { gcsUri: 'gs://a/b.png' } }] }],
    [{ instances: [{ prompt: 'a', image: 'https://example.com/a.png' }] }],
    [{ parameters: [] }],
    [{ parameters: { durationSeconds: '8' } }],
    [{ parameters: { aspectRatio: '4:3' } }],
    [{ parameters: { resolution: '480p' } }],
    [{ parameters: { sampleCount: 5 } }],
    [{ webhookConfig: { uris: 'https://example.com' } }],
  ])('of %j is refused, and nothing is billed', async (body) => {
    const simulator = await opened();
    const response = await submit(simulator, body);
    expect(response.status).toBe(400);
    expect(field(await json(response), 'error.status')).toBe('INVALID_ARGUMENT');
    expect(events(simulator)).not.toContain('submit.billed');
  });

  test('needs the key in its own header, and says what Google says to a bad one', async () => {
    const simulator = await opened({ script: { keys: ['AIza-test'] } });
    expect((await submit(simulator, {}, { authorization: 'Bearer AIza-test' })).status).toBe(403);
    const bad = await submit(simulator, {}, { 'x-goog-api-key': 'AIza-bad' });
    expect(bad.status).toBe(400);
    expect(field(await json(bad), 'error.details.0.reason')).toBe('API_KEY_INVALID');
    expect((await submit(simulator, {})).status).toBe(200);
    expect((await get(`${simulator.url}/veo/v1beta/models?pageSize=1`, KEY)).status).toBe(200);
  });

  test('asks to wait in its own way', async () => {
    const faults = [{ route: 'submit', nth: 1, fault: { type: 'rateLimit' } } as const];
    const simulator = await opened({ script: { faults } });
    const limited = await submit(simulator, {});
    expect(limited.status).toBe(429);
    expect(field(await json(limited), 'error.details.0.retryDelay')).toBe('1s');
  });
});
