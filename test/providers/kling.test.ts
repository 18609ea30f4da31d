import { describe, expect, it } from 'vitest';
import { kling } from '../../src/providers/index.js';
import type { HttpResponse, ProviderRequest, TaskRef } from '../../src/providers/index.js';

const adapter = kling({ apiKey: 'kk-test-0001', env: () => ({}) });
const video: ProviderRequest = { kind: 'video', prompt: 'a cat', durationSeconds: 5, aspectRatio: '16:9' };
const image: ProviderRequest = { kind: 'image', prompt: 'a cat' };
const videoRef: TaskRef = {
  taskId: '881',
  endpoint: 'text-to-video',
  generation: '2026',
  credential: 'default',
};
const imageRef: TaskRef = {
  taskId: 'img_1',
  endpoint: 'images',
  generation: 'legacy',
  credential: 'default',
};

function reply(status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

const ok = (data: unknown) => reply(200, { code: 0, message: 'SUCCEED', request_id: 'r', data });
const refusal = (status: number, code: number, message = 'words') =>
  reply(status, { code, message, request_id: 'r' });

describe('kling requests', () => {
  it('for a video from text carry the job key in options', () => {
    const callbackUrl = 'https://agent.example/hooks/kling/t';
    expect(adapter.buildSubmit(video, { key: 'job_1', callbackUrl })).toEqual({
      method: 'POST',
      path: '/text-to-video/kling-3.0-turbo',
      json: {
        prompt: 'a cat',
        settings: { aspect_ratio: '16:9', duration: 5 },
        options: { external_task_id: 'job_1', callback_url: callbackUrl },
      },
    });
  });

  it('for a video from an image use contents, and merge extras without losing the key', () => {
    const request: ProviderRequest = {
      kind: 'video',
      prompt: 'it moves',
      model: 'kling-3.0-turbo',
      image: 'data:image/png;base64,AAAA',
      size: '1280x720',
      negativePrompt: 'rain',
      extra: { settings: { audio: true }, options: { external_task_id: 'stolen' }, camera: 'still' },
    };
    expect(adapter.buildSubmit(request, { key: 'job_2' })).toEqual({
      method: 'POST',
      path: '/image-to-video/kling-3.0-turbo',
      json: {
        camera: 'still',
        contents: [
          { type: 'prompt', text: 'it moves' },
          { type: 'first_frame', url: 'AAAA' },
        ],
        negative_prompt: 'rain',
        settings: { audio: true, resolution: '720p', aspect_ratio: '16:9' },
        options: { external_task_id: 'job_2' },
      },
    });
  });

  it('for an image go to the endpoint with the model in the body', () => {
    expect(adapter.buildSubmit({ ...image, size: '1024x1024' }, { key: 'job_3' })).toEqual({
      method: 'POST',
      path: '/v1/images/generations',
      json: { model_name: 'kling-v2-1', prompt: 'a cat', aspect_ratio: '1:1', external_task_id: 'job_3' },
    });
  });

  it('poll and look up in the family that knows the task', () => {
    expect(adapter.buildPoll(videoRef)).toEqual({ method: 'GET', path: '/tasks?task_ids=881' });
    expect(adapter.buildPoll(imageRef)).toEqual({ method: 'GET', path: '/v1/images/generations/img_1' });
    const { reconcile } = adapter;
    if (reconcile.by !== 'key') throw new Error('kling is reconciled by key');
    expect(reconcile.buildLookup(video, { key: 'job/1' }).path).toBe('/tasks?external_task_ids=job%2F1');
    expect(reconcile.buildLookup(image, { key: 'job_1' }).path).toBe('/v1/images/generations/job_1');
  });

  it('are refused with the field named', () => {
    expect(adapter.refuse(video)).toBeUndefined();
    expect(adapter.refuse({ ...video, prompt: 'x'.repeat(2_501) })).toMatch(/2500/);
    expect(adapter.refuse({ ...video, durationSeconds: 4.5 })).toMatch(/whole/);
    expect(adapter.refuse({ ...video, model: '../tasks' })).toMatch(/model/);
  });

  it('take the key from either variable', async () => {
    const at = async (env: Record<string, string>) =>
      (await kling({ env: () => env }).credential('default'))?.headers;
    expect(await at({ KLINGAI_API_KEY: 'b' })).toEqual({ authorization: 'Bearer b' });
    expect(await at({ KLINGAI_API_KEY: 'b', KLING_API_KEY: 'a' })).toEqual({ authorization: 'Bearer a' });
    expect(await at({})).toBeUndefined();
  });
});

describe('kling submit replies', () => {
  it('with an id are accepted, and the ref remembers the endpoint', () => {
    expect(adapter.parseSubmit(ok({ id: '881', status: 'submitted' }), video, 'default')).toEqual({
      type: 'accepted',
      ref: videoRef,
    });
    const withFrame: ProviderRequest = { ...video, image: 'https://example.com/a.png' };
    expect(adapter.parseSubmit(ok({ id: '881', status: 'submitted' }), withFrame, 'default')).toMatchObject({
      ref: { endpoint: 'image-to-video' },
    });
    expect(adapter.parseSubmit(ok({ task_id: 'img_1', task_status: 'submitted' }), image, 'default')).toEqual(
      {
        type: 'accepted',
        ref: imageRef,
      },
    );
  });

  it('that are terminal already are settled', () => {
    const done = ok({
      id: '881',
      status: 'succeeded',
      outputs: [{ type: 'video', url: 'https://cdn.example/v' }],
    });
    expect(adapter.parseSubmit(done, video, 'default')).toMatchObject({ settled: { type: 'done' } });
  });

  it.each([
    [401, 1000, 'rejected', 'auth', false],
    [401, 1001, 'rejected', 'auth', false],
    [401, 1002, 'rejected', 'auth', false],
    [401, 1003, 'rejected', 'auth', false],
    [401, 1004, 'rejected', 'auth', false],
    [429, 1100, 'rejected', 'billing', false],
    [429, 1101, 'rejected', 'billing', false],
    [429, 1102, 'rejected', 'billing', false],
    [403, 1103, 'rejected', 'validation', false],
    [400, 1200, 'rejected', 'validation', false],
    [400, 1201, 'rejected', 'validation', false],
    [404, 1202, 'rejected', 'validation', false],
    [404, 1203, 'rejected', 'validation', false],
    [400, 1300, 'rejected', 'safety', false],
    [400, 1301, 'rejected', 'safety', false],
    [429, 1302, 'rejected', 'rate', true],
    [429, 1303, 'rejected', 'rate', true],
    [429, 1304, 'rejected', 'auth', false],
    [500, 5000, 'ambiguous', 'server', true],
    [503, 5001, 'ambiguous', 'server', true],
    [504, 5002, 'ambiguous', 'server', true],
    [200, 1101, 'rejected', 'billing', false],
    [200, 5000, 'ambiguous', 'server', true],
    [200, 7777, 'ambiguous', 'unusable', false],
  ])('HTTP %i with code %i is %s (%s)', (status, code, type, errorClass, retryable) => {
    expect(adapter.parseSubmit(refusal(status, code), video, 'default')).toMatchObject({
      type,
      error: { class: errorClass, code: String(code), retryable },
    });
  });

  it.each([
    [429, 'busy', 'rejected', 'rate'],
    [502, '<html>', 'ambiguous', 'server'],
    [408, '', 'ambiguous', 'network'],
    [200, '<html>', 'billed', 'unusable'],
    [200, { code: 0, data: {} }, 'billed', 'unusable'],
  ])('HTTP %i %j is %s (%s)', (status, body, type, errorClass) => {
    expect(adapter.parseSubmit(reply(status, body), video, 'default')).toMatchObject({
      type,
      error: { class: errorClass },
    });
  });

  it.each([
    'external_task_id already exists',
    'Duplicate external_task_id: job_1',
    'the externalTaskId has been used before',
    'external_task_id must be unique',
  ])('that call the key used (%s) are ambiguous: our earlier POST came through', (message) => {
    expect(adapter.parseSubmit(refusal(400, 1201, message), video, 'default')).toMatchObject({
      type: 'ambiguous',
      error: { code: '1201' },
    });
  });
});

describe('kling poll replies', () => {
  const pollVideo = (data: unknown) => adapter.parsePoll(ok(data), videoRef);
  const url = 'https://cdn.example/v.mp4?sign=1';

  it('know both words for success', () => {
    const done = { type: 'done', artifacts: [{ url, authenticated: false }] };
    expect(
      pollVideo([{ id: '881', status: 'succeeded', outputs: [{ type: 'video', url, duration: '5' }] }]),
    ).toEqual(done);
    const images = {
      images: [
        { index: 0, url },
        { index: 1, url: `${url}2` },
      ],
    };
    const finished = { task_id: 'img_1', task_status: 'succeed', task_result: images };
    expect(adapter.parsePoll(ok(finished), imageRef)).toEqual({
      type: 'done',
      artifacts: [
        { url, authenticated: false },
        { url: `${url}2`, authenticated: false },
      ],
    });
  });

  it.each([
    [[{ id: '881', status: 'submitted' }], { type: 'pending' }],
    [[{ id: '881', status: 'processing' }], { type: 'pending' }],
    [{ id: '881', status: 'processing' }, { type: 'pending' }],
    [[{ id: '881', status: 'thinking' }], { type: 'pending', unknownStatus: 'thinking' }],
    [[{ id: '881', status: 'failed', message: 'gpu lost' }], { type: 'failed', error: { class: 'failed' } }],
    [
      [{ id: '881', status: 'failed', message: 'risk control' }],
      { type: 'failed', error: { class: 'safety' } },
    ],
    [[{ id: '882', status: 'succeeded' }], { type: 'transient', error: { class: 'notFound' } }],
    [[], { type: 'transient', error: { class: 'notFound' } }],
    [[{ id: '881', status: 'succeeded', outputs: [] }], { type: 'transient', error: { class: 'unusable' } }],
    [[{ id: '881' }], { type: 'transient', error: { class: 'unusable' } }],
    ['text', { type: 'transient', error: { class: 'unusable' } }],
  ])('%j', (data, expected) => {
    expect(pollVideo(data)).toMatchObject(expected);
  });

  it.each([
    [refusal(401, 1004), 'auth'],
    [refusal(429, 1101), 'billing'],
    [refusal(429, 1302), 'rate'],
    [refusal(404, 1203), 'notFound'],
    [refusal(400, 1201, 'task not found'), 'notFound'],
    [refusal(500, 5000), 'server'],
    [reply(404, '<html>'), 'server'],
    [reply(503, '<html>'), 'server'],
    [reply(200, 'torn {'), 'unusable'],
  ])('%j keeps the job alive as %s', (response, errorClass) => {
    expect(adapter.parsePoll(response, videoRef)).toMatchObject({
      type: 'transient',
      error: { class: errorClass },
    });
  });
});

describe('kling reconciliation by key', () => {
  const { reconcile } = adapter;
  if (reconcile.by !== 'key') throw new Error('kling is reconciled by key');
  const lookup = (response: HttpResponse, request = video) =>
    reconcile.parseLookup(response, request, 'default', 'job_1');

  it('finds the task that carries the key, among others too', () => {
    const found = { type: 'found', ref: videoRef };
    expect(
      lookup(
        ok([
          { id: '880', external_id: 'job_0' },
          { id: '881', external_id: 'job_1' },
        ]),
      ),
    ).toEqual(found);
    expect(lookup(ok([{ id: '881', status: 'submitted' }]))).toEqual(found);
    expect(lookup(ok({ task_id: 'img_1', task_info: { external_task_id: 'job_1' } }), image)).toEqual({
      type: 'found',
      ref: imageRef,
    });
  });

  it('never adopts a task with another key', () => {
    expect(lookup(ok([{ id: '880', external_id: 'job_0' }])).type).toBe('absent');
    expect(lookup(ok([{ id: '880' }, { id: '879' }])).type).toBe('transient');
  });

  it.each([ok([]), refusal(404, 1203), refusal(400, 1201, 'task does not exist')])(
    '%j says absent',
    (response) => {
      expect(lookup(response)).toEqual({ type: 'absent' });
    },
  );

  it.each([
    refusal(401, 1001),
    refusal(429, 1302),
    refusal(500, 5000, 'not found'),
    reply(404, '<html>'),
    reply(200, '<html>'),
    reply(200, { code: 0 }),
  ])('%j says nothing', (response) => {
    expect(lookup(response).type).toBe('transient');
  });
});
