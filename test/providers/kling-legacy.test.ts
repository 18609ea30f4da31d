import { describe, expect, it } from 'vitest';
import { kling } from '../../src/providers/index.js';
import type { HttpResponse, ProviderRequest, TaskRef } from '../../src/providers/index.js';

const adapter = kling({ apiKey: 'kk-test-0001', generation: 'legacy', env: () => ({}) });
const modern = kling({ apiKey: 'kk-test-0001', env: () => ({}) });
const video: ProviderRequest = { kind: 'video', prompt: 'a cat', durationSeconds: 5, aspectRatio: '16:9' };
const context = { key: 'job_1', callbackUrl: 'https://agent.example/hooks/kling/t' };
const ours = { external_task_id: 'job_1', callback_url: context.callbackUrl };
const ref = (endpoint: string): TaskRef => ({
  taskId: '881',
  endpoint,
  generation: 'legacy',
  credential: 'default',
});

function reply(status: number, body: unknown): HttpResponse {
  return { status, headers: {}, text: JSON.stringify(body) };
}

const ok = (data: unknown) => reply(200, { code: 0, message: 'SUCCEED', request_id: 'r', data });

describe('kling requests to the older API', () => {
  it('have the model, a duration in words and the job key in the body', () => {
    const request: ProviderRequest = { ...video, size: '1920x1080', extra: { cfg_scale: 0.5 } };
    expect(adapter.buildSubmit(request, context)).toEqual({
      method: 'POST',
      path: '/v1/videos/text2video',
      json: {
        cfg_scale: 0.5,
        model_name: 'kling-v2-6',
        prompt: 'a cat',
        mode: 'pro',
        duration: '5',
        aspect_ratio: '16:9',
        ...ours,
      },
    });
  });

  it('carry an image as bare base64, and leave its shape to it', () => {
    const image = 'data:image/png;base64,AAAA';
    expect(
      adapter.buildSubmit({ ...video, image, negativePrompt: 'rain', extra: { mode: 'std' } }, context),
    ).toEqual({
      method: 'POST',
      path: '/v1/videos/image2video',
      json: {
        model_name: 'kling-v2-6',
        prompt: 'a cat',
        negative_prompt: 'rain',
        mode: 'std',
        duration: '5',
        image: 'AAAA',
        ...ours,
      },
    });
  });

  it('with several images, or a motion, go to the endpoint that has them', () => {
    const image_list = [{ image: 'https://example.com/a.png' }, { image: 'https://example.com/b.png' }];
    expect(adapter.buildSubmit({ ...video, extra: { image_list } }, context)).toEqual({
      method: 'POST',
      path: '/v1/videos/multi-image2video',
      json: {
        image_list,
        model_name: 'kling-v2-6',
        prompt: 'a cat',
        duration: '5',
        aspect_ratio: '16:9',
        ...ours,
      },
    });
    const motion = { video_url: 'https://example.com/dance.mp4', character_orientation: 'video' };
    const still = 'https://example.com/a.png';
    expect(adapter.buildSubmit({ ...video, image: still, extra: motion }, context)).toEqual({
      method: 'POST',
      path: '/v1/videos/motion-control',
      json: { ...motion, model_name: 'kling-v2-6', prompt: 'a cat', image_url: still, ...ours },
    });
  });

  it('for images of an omni model list them', () => {
    const request: ProviderRequest = { kind: 'image', prompt: 'both', model: 'kling-image-o1' };
    const listed = { image: 'https://example.com/b.png' };
    const image = 'data:image/jpeg;base64,BBBB';
    expect(modern.buildSubmit({ ...request, image, extra: { image_list: [listed] } }, context)).toEqual({
      method: 'POST',
      path: '/v1/images/omni-image',
      json: {
        model_name: 'kling-image-o1',
        prompt: 'both',
        image_list: [{ image: 'BBBB' }, listed],
        ...ours,
      },
    });
    expect(modern.buildSubmit(request, context).json).toEqual({
      model_name: 'kling-image-o1',
      prompt: 'both',
      ...ours,
    });
  });

  it.each([
    ['kling-v2-1-master', '/v1/videos/text2video'],
    ['kling-v3', '/v1/videos/text2video'],
    ['kling-3.0-turbo', '/text-to-video/kling-3.0-turbo'],
    ['kling-v3-omni', '/omni-video/kling-v3-omni'],
    ['kling-video-o1', '/omni-video/kling-video-o1'],
  ])('of the model %s go to %s, whatever the generation', (model, path) => {
    expect(adapter.buildSubmit({ ...video, model }, context).path).toBe(path);
    expect(modern.buildSubmit({ ...video, model }, context).path).toBe(path);
  });

  it('of a model that tells nothing go where the option says', () => {
    const request = { ...video, model: 'somebody-elses' };
    expect(adapter.buildSubmit(request, context).path).toBe('/v1/videos/text2video');
    expect(modern.buildSubmit(request, context).path).toBe('/text-to-video/somebody-elses');
  });

  it.each(['text2video', 'image2video', 'multi-image2video', 'motion-control'])(
    'ask for a task of %s below its own path',
    (endpoint) => {
      expect(adapter.buildPoll(ref(endpoint))).toEqual({
        method: 'GET',
        path: `/v1/videos/${endpoint}/881`,
      });
    },
  );

  it('look a lost submit up by its key, below its own path', () => {
    const { reconcile } = adapter;
    if (reconcile.by !== 'key') throw new Error('kling is reconciled by key');
    const image = 'https://example.com/a.png';
    expect(reconcile.buildLookup({ ...video, image }, { key: 'job_1' })).toEqual({
      method: 'GET',
      path: '/v1/videos/image2video/job_1',
    });
    const found = ok({ task_id: '881', task_info: { external_task_id: 'job_1' } });
    expect(reconcile.parseLookup(found, { ...video, image }, 'default', 'job_1')).toEqual({
      type: 'found',
      ref: ref('image2video'),
    });
  });

  it('are refused with the field named', () => {
    const image = 'https://example.com/a.png';
    const image_list = [{ image }];
    expect(adapter.refuse({ ...video, image, extra: { image_list } })).toMatch(/image_list/);
    expect(adapter.refuse({ ...video, extra: { video_url: image } })).toMatch(/image must be given/);
    expect(adapter.refuse({ ...video, image: 'data:image/svg+xml,<svg/>' })).toMatch(/base64/);
    expect(modern.refuse({ ...video, extra: { image_list } })).toMatch(/older API/);
    expect(modern.refuse({ ...video, model: 'kling-v1-6', extra: { image_list } })).toBeUndefined();
    expect(adapter.refuse({ ...video, image, extra: { video_url: image } })).toBeUndefined();
  });
});

describe('kling replies of the older API', () => {
  it('to a submit give a ref that remembers the endpoint', () => {
    const image = 'https://example.com/a.png';
    const accepted = ok({ task_id: '881', task_status: 'submitted' });
    expect(adapter.parseSubmit(accepted, { ...video, image }, 'default')).toEqual({
      type: 'accepted',
      ref: ref('image2video'),
    });
  });

  const url = 'https://cdn.example/v.mp4?sign=1';
  it.each([
    [{ task_status: 'submitted' }, { type: 'pending' }],
    [{ task_status: 'processing' }, { type: 'pending' }],
    [{ task_status: 'dreaming' }, { type: 'pending', unknownStatus: 'dreaming' }],
    [
      { task_status: 'succeed', task_result: { videos: [{ id: 'v', url, duration: '5' }] } },
      { type: 'done', artifacts: [{ url, authenticated: false }] },
    ],
    [
      { task_status: 'succeeded', task_result: { videos: [{ id: 'v', url }] } },
      { type: 'done', artifacts: [{ url, authenticated: false }] },
    ],
    [
      { task_status: 'succeed', task_result: {} },
      { type: 'transient', error: { class: 'unusable' } },
    ],
    [
      { task_status: 'failed', task_status_msg: 'the prompt is sensitive' },
      { type: 'failed', error: { class: 'safety', message: 'the prompt is sensitive' } },
    ],
    [{}, { type: 'transient', error: { class: 'unusable' } }],
  ])('to a poll: %j', (task, expected) => {
    expect(adapter.parsePoll(ok({ task_id: '881', ...task }), ref('text2video'))).toMatchObject(expected);
  });
});
