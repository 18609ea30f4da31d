import { describe, expect, it } from 'vitest';
import { runway } from '../../src/providers/index.js';
import type { HttpResponse, ProviderRequest, TaskRef } from '../../src/providers/index.js';

const adapter = runway({ apiKey: 'key_test', env: () => ({}) });
const video: ProviderRequest = { kind: 'video', prompt: 'a cat' };
const headers = { 'x-runway-version': '2024-11-06' };
const ref: TaskRef = {
  taskId: 't1',
  endpoint: 'text_to_video',
  generation: '2024-11-06',
  credential: 'default',
};

function reply(status: number, body: unknown, more: Record<string, string> = {}): HttpResponse {
  return { status, headers: more, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

const built = (request: ProviderRequest) => adapter.buildSubmit(request, { key: 'job_1' });
const poll = (status: number, body: unknown) => adapter.parsePoll(reply(status, body), ref);
const submit = (status: number, body: unknown) => adapter.parseSubmit(reply(status, body), video, 'default');

describe('runway requests', () => {
  it('for a video from text have what the default model cannot do without', () => {
    expect(built(video)).toEqual({
      method: 'POST',
      path: '/v1/text_to_video',
      headers,
      json: { model: 'gen4.5', promptText: 'a cat', ratio: '1280:720', duration: 5 },
    });
  });

  it('for a video from an image go to their own path, in camel case', () => {
    const request: ProviderRequest = {
      ...video,
      model: 'veo3.1',
      image: 'https://example.com/cat.png',
      negativePrompt: 'dogs',
      durationSeconds: 8,
      size: '1920x1080',
      seed: 7,
      extra: { audio: false, promptText: 'never wins', ratio: 'nor this', duration: 4 },
    };
    expect(built(request)).toEqual({
      method: 'POST',
      path: '/v1/image_to_video',
      headers,
      json: {
        audio: false,
        model: 'veo3.1',
        promptText: 'a cat',
        promptImage: 'https://example.com/cat.png',
        negativePrompt: 'dogs',
        duration: 8,
        ratio: '1920:1080',
        seed: 7,
      },
    });
  });

  it('for an image give what it starts from as a reference', () => {
    const request: ProviderRequest = { kind: 'image', prompt: 'a cat', image: 'https://example.com/cat.png' };
    expect(built(request)).toEqual({
      method: 'POST',
      path: '/v1/text_to_image',
      headers,
      json: {
        model: 'gen4_image',
        promptText: 'a cat',
        ratio: '1920:1080',
        referenceImages: [{ uri: 'https://example.com/cat.png' }],
      },
    });
  });

  it.each([
    ['gen4.5', {}, '1280:720'],
    ['gen4.5', { aspectRatio: '9:16' }, '720:1280'],
    ['gen4.5', { size: '960x960' }, '960:960'],
    ['gen4.5', { aspectRatio: '5:4' }, '5:4'],
    ['hailuo3', { aspectRatio: '9:16' }, '9:16'],
    ['hailuo3', { size: '1280x720' }, '16:9'],
    ['hailuo3', {}, undefined],
  ])('say the ratio as %s has it, for %j', (model, more, ratio) => {
    expect(built({ ...video, model, ...more }).json).toMatchObject(ratio === undefined ? {} : { ratio });
    if (ratio === undefined) expect(built({ ...video, model, ...more }).json).not.toHaveProperty('ratio');
  });

  it('let `extra` say what nothing else says', () => {
    const extra = { ratio: '720:1280', duration: 10, contentModeration: { publicFigureThreshold: 'low' } };
    expect(built({ ...video, extra }).json).toEqual({ model: 'gen4.5', promptText: 'a cat', ...extra });
  });

  it('name the version of the API, each of them', () => {
    const all = [built(video), adapter.buildPoll(ref), adapter.buildCancel?.(ref), adapter.check?.build()];
    for (const request of all) expect(request?.headers).toEqual(headers);
    expect(all.slice(1).map((request) => [request?.method, request?.path])).toEqual([
      ['GET', '/v1/tasks/t1'],
      ['DELETE', '/v1/tasks/t1'],
      ['GET', '/v1/organization'],
    ]);
  });

  it('are refused with the field named', () => {
    expect(adapter.refuse({ ...video, durationSeconds: 4.5 })).toMatch(/whole/);
    expect(adapter.refuse({ ...video, image: 'http://example.com/a.png' })).toMatch(/https/);
    expect(adapter.refuse({ ...video, image: 'data:image/png;base64,AAAA' })).toBeUndefined();
  });

  it('take the base URL and the key from the environment', async () => {
    const own = runway({
      env: () => ({ RUNWAYML_BASE_URL: 'https://proxy.example/r/', RUNWAYML_API_SECRET: 'k' }),
    });
    expect(own.baseUrl).toBe('https://proxy.example/r');
    expect(await own.credential('default')).toEqual({ headers: { authorization: 'Bearer k' } });
    expect(adapter.baseUrl).toBe('https://api.dev.runwayml.com');
  });
});

describe('runway submit replies', () => {
  it('with an id are accepted', () => {
    expect(submit(200, { id: 't1', estimatedCost: { credits: 25 } })).toEqual({ type: 'accepted', ref });
  });

  it.each([
    [
      400,
      { error: 'Validation of body failed', issues: [{ message: 'Invalid option', path: ['ratio'] }] },
      'rejected',
      'validation',
    ],
    [400, { error: 'You do not have enough credits to run this task.' }, 'rejected', 'billing'],
    [400, { error: 'The prompt did not pass our content moderation' }, 'rejected', 'safety'],
    [401, { error: 'Unauthorized' }, 'rejected', 'auth'],
    [403, { error: 'Forbidden' }, 'rejected', 'auth'],
    [404, { error: 'Not found' }, 'rejected', 'validation'],
    [405, '', 'rejected', 'validation'],
    [429, { error: 'You have reached your daily limit' }, 'rejected', 'rate'],
    [500, { error: 'oops' }, 'ambiguous', 'server'],
    [502, '<html>', 'ambiguous', 'server'],
    [503, '', 'ambiguous', 'server'],
    [200, {}, 'billed', 'unusable'],
    [200, 'torn {', 'billed', 'unusable'],
  ])('HTTP %i %j is %s (%s)', (status, body, type, errorClass) => {
    expect(submit(status, body)).toMatchObject({ type, error: { class: errorClass } });
  });

  it('name the field that was wrong', () => {
    const issues = [{ code: 'custom', message: 'Invalid option', path: ['promptImage', 0, 'uri'] }];
    expect(submit(400, { error: 'Validation of body failed', issues })).toMatchObject({
      error: { message: 'HTTP 400: Validation of body failed: promptImage.0.uri: Invalid option' },
    });
  });
});

describe('runway poll replies', () => {
  it.each([
    [{ status: 'PENDING' }, { type: 'pending' }],
    [{ status: 'THROTTLED' }, { type: 'pending' }],
    [
      { status: 'RUNNING', progress: 0.25 },
      { type: 'pending', progress: 0.25 },
    ],
    [
      { status: 'RUNNING', progress: 7 },
      { type: 'pending', progress: 1 },
    ],
    [{ status: 'DREAMING' }, { type: 'pending', unknownStatus: 'DREAMING' }],
    [
      { status: 'SUCCEEDED', output: ['https://c/a.mp4?_jwt=x'] },
      { type: 'done', artifacts: [{ url: 'https://c/a.mp4?_jwt=x', authenticated: false }] },
    ],
  ])('%j', (fields, expected) => {
    expect(poll(200, { id: 't1', ...fields })).toEqual(expected);
  });

  it.each([
    ['SAFETY.INPUT.TEXT', 'safety', false],
    ['SAFETY.OUTPUT.VIDEO', 'safety', false],
    ['INPUT_PREPROCESSING.SAFETY.TEXT', 'safety', false],
    ['ASSET.INVALID', 'validation', false],
    ['INTERNAL.BAD_OUTPUT.CODE01', 'failed', false],
    ['INTERNAL', 'server', true],
    ['INTERNAL.SOMETHING', 'server', true],
    ['INPUT_PREPROCESSING.INTERNAL', 'server', true],
    ['THIRD_PARTY.UNAVAILABLE', 'server', true],
    ['NEVER.HEARD.OF', 'failed', false],
  ])('a failure with the code %s is %s', (failureCode, errorClass, retryable) => {
    expect(poll(200, { id: 't1', status: 'FAILED', failure: 'it went wrong', failureCode })).toMatchObject({
      type: 'failed',
      error: { class: errorClass, code: failureCode, message: 'it went wrong', retryable },
    });
  });

  it('ends without a code, and when it was cancelled', () => {
    const failed = poll(200, { status: 'FAILED', failure: 'content moderation' });
    expect(failed).toMatchObject({ type: 'failed', error: { class: 'safety', code: 'failed' } });
    expect(poll(200, { status: 'CANCELLED' })).toMatchObject({
      type: 'failed',
      error: { code: 'cancelled' },
    });
  });

  it.each([
    [401, { error: 'no' }, 'auth'],
    [404, { error: 'Not found' }, 'notFound'],
    [404, '<html>', 'server'],
    [429, { error: 'slow' }, 'rate'],
    [503, '', 'server'],
    [200, { id: 't1', status: 'SUCCEEDED', output: [] }, 'unusable'],
    [200, { id: 't2', status: 'SUCCEEDED', output: ['https://c/a'] }, 'unusable'],
    [200, {}, 'unusable'],
    [200, '<html>', 'unusable'],
  ])('HTTP %i %j keeps the job alive as %s', (status, body, errorClass) => {
    expect(poll(status, body)).toMatchObject({ type: 'transient', error: { class: errorClass } });
  });
});

it('runway says what it can do', () => {
  expect(adapter.reconcile).toEqual({ by: 'none' });
  expect(adapter.webhook).toBeUndefined();
  expect(adapter.capabilities).toMatchObject({ cancel: 'any', pollMinMs: 5_000, urlTtlMs: 86_400_000 });
  expect(adapter.check?.parse(reply(200, { creditBalance: 3 }))).toBeUndefined();
  expect(adapter.check?.parse(reply(401, { error: 'no' }))).toMatchObject({ class: 'auth' });
});
