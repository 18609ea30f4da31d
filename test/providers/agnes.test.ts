import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { agnes } from '../../src/providers/index.js';
import type { HttpResponse, ProviderRequest, TaskRef } from '../../src/providers/index.js';

const adapter = agnes({ apiKey: 'sk-test-0001', clock: systemClock, env: () => ({}) });
const request: ProviderRequest = { kind: 'video', prompt: 'a cat' };
const newer: ProviderRequest = { ...request, model: 'agnes-video-2.5' };
const ref: TaskRef = {
  taskId: 'video_1',
  endpoint: 'agnesapi/agnes-video-v2.0',
  generation: '2.0',
  region: 'intl',
  credential: 'default',
};

function reply(status: number, body: unknown): HttpResponse {
  return { status, headers: {}, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

const bodyOf = (wanted: ProviderRequest) => adapter.buildSubmit(wanted, { key: 'job_1' }).json;
const submit = (status: number, body: unknown, wanted = request) =>
  adapter.parseSubmit(reply(status, body), wanted, 'default');
const poll = (status: number, body: unknown) => adapter.parsePoll(reply(status, body), ref);
const task = (fields: object): object => ({
  id: 'task_1',
  task_id: 'task_1',
  video_id: 'video_1',
  ...fields,
});

describe('agnes 2.0 requests', () => {
  it('go to /v1/videos with sides and frames as the model wants them', () => {
    const wanted = { ...request, size: '1280x720', durationSeconds: 5, seed: 7, negativePrompt: 'dogs' };
    expect(adapter.buildSubmit(wanted, { key: 'job_1' })).toEqual({
      method: 'POST',
      path: '/v1/videos',
      json: {
        model: 'agnes-video-v2.0',
        prompt: 'a cat',
        width: 1280,
        height: 704,
        frame_rate: 24,
        num_frames: 121,
        seed: 7,
        negative_prompt: 'dogs',
      },
    });
    expect(bodyOf(request)).toEqual({ model: 'agnes-video-v2.0', prompt: 'a cat' });
  });

  it.each([
    [1, 25],
    [2, 49],
    [5, 121],
    [10, 241],
    [18, 433],
    [0.1, 9],
  ])('%d s are %i frames of the form 8n+1', (durationSeconds, frames) => {
    expect(bodyOf({ ...request, durationSeconds })).toMatchObject({ num_frames: frames });
    expect(frames % 8).toBe(1);
  });

  it('count frames at the rate that is asked for', () => {
    const wanted = { ...request, durationSeconds: 7, extra: { frame_rate: 60 } };
    expect(bodyOf(wanted)).toMatchObject({ frame_rate: 60, num_frames: 417 });
    expect(adapter.refuse(wanted)).toBeUndefined();
    expect(adapter.refuse({ ...wanted, durationSeconds: 8 })).toMatch(/at most 7 at 60/);
    expect(adapter.refuse({ ...request, durationSeconds: 19 })).toMatch(/durationSeconds/);
    expect(adapter.refuse({ ...request, extra: { frame_rate: 0 } })).toMatch(/frame_rate/);
  });

  it('know a ratio by its sides', () => {
    expect(bodyOf({ ...request, aspectRatio: '16:9' })).toMatchObject({ width: 1152, height: 640 });
    expect(bodyOf({ ...request, aspectRatio: '1:1' })).toMatchObject({ width: 1152, height: 1152 });
    expect(bodyOf({ ...request, aspectRatio: '9:16' })).toMatchObject({ width: 640, height: 1152 });
    expect(bodyOf({ ...request, size: '20x20' })).toMatchObject({ width: 64, height: 64 });
  });

  it('send one image as a text, several as a list in extra_body', () => {
    const image = 'https://example.com/cat.png';
    expect(bodyOf({ ...request, image })).toMatchObject({ mode: 'ti2vid', image });
    const extra = { extra_body: { image: ['https://example.com/dog.png'], note: 1 } };
    const several = bodyOf({ ...request, image, extra });
    expect(several).toEqual({
      model: 'agnes-video-v2.0',
      prompt: 'a cat',
      mode: 'keyframes',
      extra_body: { image: [image, 'https://example.com/dog.png'], note: 1 },
    });
  });
});

describe('agnes 2.5 requests', () => {
  it('have seconds as a string and a tier for a size, and nothing of 2.0', () => {
    const wanted = { ...newer, size: '1280x720', durationSeconds: 8, seed: 7, negativePrompt: 'dogs' };
    expect(bodyOf(wanted)).toEqual({
      model: 'agnes-video-2.5',
      prompt: 'a cat',
      mode: 'text',
      seconds: '8',
      size: '720P',
      aspect_ratio: '16:9',
      seed: 7,
    });
    expect(bodyOf({ ...newer, size: '2560x1440', aspectRatio: '21:9' })).toMatchObject({
      size: '2K',
      aspect_ratio: '21:9',
    });
  });

  it('begin with an image, or refer to several', () => {
    const image = 'https://example.com/cat.png';
    expect(bodyOf({ ...newer, image })).toMatchObject({ mode: 'keyframe', first_frame: image });
    const referred = bodyOf({ ...newer, image, extra: { images: ['https://example.com/dog.png'] } });
    expect(referred).toEqual({
      model: 'agnes-video-2.5',
      prompt: 'a cat',
      mode: 'reference',
      images: [image, 'https://example.com/dog.png'],
    });
  });

  it('are refused with the field named', () => {
    expect(adapter.refuse({ ...newer, durationSeconds: 12 })).toBeUndefined();
    for (const durationSeconds of [3, 13, 4.5]) {
      expect(adapter.refuse({ ...newer, durationSeconds })).toMatch(/durationSeconds/);
    }
    expect(adapter.refuse({ ...newer, image: 'data:image/png;base64,YQ==' })).toMatch(/https URL/);
    expect(adapter.refuse({ ...newer, extra: { images: ['1', '2', '3', '4', '5', '6'] } })).toMatch(/images/);
    expect(adapter.refuse({ ...request, kind: 'image' })).toMatch(/kind/);
  });
});

describe('agnes houses', () => {
  it('are two, with a key each', () => {
    const env = () => ({ AGNES_API_KEY: 'intl-key', AGNES_CN_API_KEY: 'cn-key' });
    const intl = agnes({ env });
    const cn = agnes({ env, region: 'cn' });
    expect([intl.baseUrl, cn.baseUrl]).toEqual(['https://apihub.agnes-ai.com', 'https://api.agnes-ai.cn']);
    expect(intl.credential('default')).toEqual({ headers: { authorization: 'Bearer intl-key' } });
    expect(cn.credential('default')).toEqual({ headers: { authorization: 'Bearer cn-key' } });
    expect(cn.parseSubmit(reply(200, task({ status: 'queued' })), request, 'x')).toMatchObject({
      ref: { region: 'cn', credential: 'x' },
    });
  });

  it('are an origin: a /v1 at the end of the base URL is left out', () => {
    for (const baseUrl of [
      'https://gateway.example/v1',
      'https://gateway.example/v1/',
      'https://gateway.example',
    ]) {
      expect(agnes({ baseUrl, env: () => ({}) }).baseUrl).toBe('https://gateway.example');
    }
  });
});

describe('agnes submit replies', () => {
  it('give the id a task is asked for by: the video id before any other', () => {
    expect(submit(200, task({ status: 'queued' }))).toEqual({ type: 'accepted', ref });
    expect(submit(200, { data: task({ status: 'queued' }) })).toEqual({ type: 'accepted', ref });
    const older = { taskId: '7', endpoint: 'videos' };
    expect(submit(200, { id: 7, status: 'queued' })).toMatchObject({ ref: older });
    expect(submit(200, { task_id: 7 })).toMatchObject({ type: 'accepted', ref: older });
    expect(submit(200, task({ status: 'queued' }), newer)).toMatchObject({
      ref: { endpoint: 'agnesapi/agnes-video-2.5', generation: '2.5' },
    });
    expect(submit(200, task({ status: 'completed', url: 'https://cdn.example/v.mp4' }))).toMatchObject({
      settled: { type: 'done' },
    });
  });

  it('lead to polls that name the model', () => {
    const path = (fields: Partial<TaskRef>) => adapter.buildPoll({ ...ref, ...fields }).path;
    expect(adapter.buildPoll(ref)).toEqual({
      method: 'GET',
      path: '/agnesapi?video_id=video_1&model_name=agnes-video-v2.0',
    });
    expect(path({ endpoint: 'agnesapi' })).toBe('/agnesapi?video_id=video_1');
    expect(path({ taskId: 'a&b=c' })).toContain('video_id=a%26b%3Dc&');
    expect(path({ endpoint: 'videos', taskId: 'a/b' })).toBe('/v1/videos/a%2Fb');
  });

  it.each([
    [400, { error: { message: 'bad', code: 'invalid_request' } }, 'rejected', 'validation', false],
    [400, { error: 'blocked by the content policy' }, 'rejected', 'safety', false],
    [401, { error: { message: 'Invalid token' } }, 'rejected', 'auth', false],
    [402, {}, 'rejected', 'billing', false],
    [403, { error: { code: 'insufficient_user_quota', message: 'pay' } }, 'rejected', 'billing', false],
    [404, {}, 'rejected', 'validation', false],
    [408, '', 'ambiguous', 'network', true],
    [409, {}, 'ambiguous', 'validation', false],
    [422, { detail: 'no' }, 'rejected', 'validation', false],
    [429, { error: { message: 'slow down' } }, 'rejected', 'rate', true],
    [500, { error: { message: 'oops' } }, 'ambiguous', 'server', true],
    [503, '<html>', 'ambiguous', 'server', true],
    [200, { error: 'refused inside a success' }, 'ambiguous', 'unusable', false],
    [200, { code: 'x', message: 'refused inside a success' }, 'ambiguous', 'unusable', false],
    [200, '<html>', 'billed', 'unusable', false],
    [200, {}, 'billed', 'unusable', false],
  ])('%i %j is %s (%s)', (status, body, type, errorClass, retryable) => {
    expect(submit(status, body)).toMatchObject({ type, error: { class: errorClass, retryable } });
  });
});

describe('agnes poll replies', () => {
  const url = 'https://cdn.example/v.mp4?sig=1';

  it.each([
    [
      { status: 'queued', progress: 0 },
      { type: 'pending', progress: 0 },
    ],
    [
      { status: 'in_progress', progress: 40 },
      { type: 'pending', progress: 0.4 },
    ],
    [{ status: 'processing' }, { type: 'pending' }],
    [{ status: 'simmering' }, { type: 'pending', unknownStatus: 'simmering' }],
    [
      { status: 'failed', error: 'no luck' },
      { type: 'failed', error: { class: 'failed', message: 'no luck' } },
    ],
    [
      { status: 'failed', error: { code: 'gpu', message: 'lost' } },
      { type: 'failed', error: { class: 'failed', code: 'gpu', message: 'lost' } },
    ],
    [
      { status: 'error', error: null },
      { type: 'failed', error: { code: 'failed' } },
    ],
    [
      { status: 'failed', error: 'sensitive content' },
      { type: 'failed', error: { class: 'safety' } },
    ],
    [{ status: 'cancelled' }, { type: 'failed', error: { code: 'cancelled' } }],
  ])('%j', (fields, expected) => {
    expect(poll(200, task(fields))).toMatchObject(expected);
  });

  it.each([
    [{ video_url: url }],
    [{ url }],
    [{ metadata: { url } }],
    [{ data: [{ url }] }],
    [{ remixed_from_video_id: url }],
  ])('find the link in %j', (fields) => {
    for (const status of ['completed', 'succeeded', 'COMPLETED']) {
      expect(poll(200, task({ status, ...fields }))).toEqual({
        type: 'done',
        artifacts: [{ url, authenticated: false }],
      });
    }
  });

  it.each([
    [401, {}, 'auth'],
    [402, {}, 'billing'],
    [404, { error: { message: 'unknown task' } }, 'notFound'],
    [404, '<html>', 'server'],
    [429, {}, 'rate'],
    [500, '<html>', 'server'],
    [302, '', 'unusable'],
    [200, '<html>', 'unusable'],
    [200, {}, 'unusable'],
    [200, { status: 'completed', remixed_from_video_id: 'video_0' }, 'unusable'],
    [200, { status: 'completed', video_id: 'video_2', url }, 'unusable'],
  ])('%i %j keeps the job alive as %s', (status, body, errorClass) => {
    expect(poll(status, body)).toMatchObject({ type: 'transient', error: { class: errorClass } });
  });
});

describe('the account of agnes', () => {
  it('is good when a task that cannot exist is not found', () => {
    const check = (status: number, body: unknown) => adapter.check?.parse(reply(status, body));
    expect(adapter.check?.build()).toEqual({ method: 'GET', path: '/v1/videos/holdfast-check' });
    expect(check(404, { error: { message: 'no such task' } })).toBeUndefined();
    expect(check(404, '<html>')).toMatchObject({ class: 'server' });
    expect(check(401, { error: { message: 'Invalid token' } })).toMatchObject({ class: 'auth' });
  });

  it('can be neither called off nor looked up nor heard of', () => {
    expect(adapter.capabilities).toMatchObject({ webhook: 'none', cancel: 'none' });
    expect(adapter.capabilities).not.toHaveProperty('urlTtlMs');
    expect(adapter.reconcile).toEqual({ by: 'none' });
  });
});
