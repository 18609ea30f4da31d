import { describe, expect, it } from 'vitest';
import { asObject, seedance } from '../../src/providers/index.js';
import type { ProviderRequest, TaskRef } from '../../src/providers/index.js';

const adapter = seedance({ apiKey: 'ark-test-0001', env: () => ({}) });
const video: ProviderRequest = { kind: 'video', prompt: 'a cat' };
const ref: TaskRef = {
  taskId: 'cgt-1',
  endpoint: 'tasks',
  generation: 'v3',
  region: 'intl',
  credential: 'default',
};
/** The first eight hex digits of the SHA-256 of `job_1`, as a number. */
const SEED = 3_139_842_735;

describe('seedance requests', () => {
  const built = (request: ProviderRequest, callbackUrl?: string) =>
    adapter.buildSubmit(request, {
      key: 'job_1',
      ...(callbackUrl === undefined ? {} : { callbackUrl }),
    });

  it('for a video from text carry the prompt as content, and a seed of the job', () => {
    expect(built({ ...video, durationSeconds: 5, aspectRatio: '9:16' }, 'https://agent.example/h/t')).toEqual(
      {
        method: 'POST',
        path: '/contents/generations/tasks',
        json: {
          model: 'seedance-1-0-pro-250528',
          content: [{ type: 'text', text: 'a cat' }],
          ratio: '9:16',
          duration: 5,
          seed: SEED,
          callback_url: 'https://agent.example/h/t',
        },
      },
    );
  });

  it('for a video from an image carry it as the first frame, before what extra.content adds', () => {
    const image = 'https://example.com/a.png';
    const lastFrame = {
      type: 'image_url',
      image_url: { url: 'https://example.com/b.png' },
      role: 'last_frame',
    };
    const extra = { content: [lastFrame], execution_expires_after: 3_600, generate_audio: true };
    expect(built({ ...video, image, size: '1280x720', seed: 7, model: 'ep-7', extra })).toEqual({
      method: 'POST',
      path: '/contents/generations/tasks',
      json: {
        model: 'ep-7',
        content: [
          { type: 'text', text: 'a cat' },
          { type: 'image_url', image_url: { url: image }, role: 'first_frame' },
          lastFrame,
        ],
        execution_expires_after: 3_600,
        generate_audio: true,
        resolution: '720p',
        ratio: '16:9',
        seed: 7,
      },
    });
  });

  it.each([
    ['1280x720', '720p', '16:9'],
    ['864x496', '480p', '16:9'],
    ['1024x1024', '1080p', '1:1'],
    ['1080x1920', '1080p', '9:16'],
    ['640x480', '480p', '4:3'],
    ['2520x1080', '1080p', '21:9'],
  ])('say %s as the nearest words of Ark', (size, resolution, ratio) => {
    expect(built({ ...video, size }).json).toMatchObject({ resolution, ratio });
  });

  it('leave the seed to whom it belongs', () => {
    const seedOf = (more: Partial<ProviderRequest>): unknown =>
      asObject(built({ ...video, ...more }).json)?.['seed'];
    expect(seedOf({})).toBe(SEED);
    expect(seedOf({ seed: 0 })).toBe(0);
    expect(seedOf({ extra: { seed: -1 } })).toBe(-1);
    expect(seedOf({ prompt: 'a cat --seed 9' })).toBeUndefined();
    expect(
      seedOf({ extra: { content: [{ type: 'draft_task', draft_task: { id: 'cgt-0' } }] } }),
    ).toBeUndefined();
  });

  it('poll, call off and check', () => {
    expect(adapter.buildPoll({ ...ref, taskId: 'a/b' })).toEqual({
      method: 'GET',
      path: '/contents/generations/tasks/a%2Fb',
    });
    expect(adapter.buildCancel?.(ref)).toEqual({
      method: 'DELETE',
      path: '/contents/generations/tasks/cgt-1',
    });
    expect(adapter.check?.build()).toEqual({
      method: 'GET',
      path: '/contents/generations/tasks?page_num=1&page_size=1',
    });
  });

  it('are refused with the field named', () => {
    const role = (name: string) => ({ type: 'image_url', image_url: { url: 'https://e.com/x' }, role: name });
    const image = 'https://example.com/a.png';
    expect(adapter.refuse(video)).toBeUndefined();
    expect(adapter.refuse({ ...video, image, extra: { content: [role('last_frame')] } })).toBeUndefined();
    expect(adapter.refuse({ ...video, extra: { content: [role('reference_image')] } })).toBeUndefined();
    expect(adapter.refuse({ ...video, kind: 'image' })).toMatch(/kind/);
    expect(adapter.refuse({ ...video, negativePrompt: 'rain' })).toMatch(/negativePrompt/);
    expect(adapter.refuse({ ...video, durationSeconds: 4.5 })).toMatch(/whole/);
    expect(adapter.refuse({ ...video, seed: 2 ** 32 })).toMatch(/seed/);
    expect(adapter.refuse({ ...video, extra: { content: 'more' } })).toMatch(/extra\.content/);
    expect(adapter.refuse({ ...video, extra: { content: [{ text: 'no type' }] } })).toMatch(/extra\.content/);
    expect(adapter.refuse({ ...video, extra: { content: [role('last_frame')] } })).toMatch(/first_frame/);
    expect(adapter.refuse({ ...video, image, extra: { content: [role('first_frame')] } })).toMatch(/second/);
    expect(adapter.refuse({ ...video, image, extra: { content: [role('reference_image')] } })).toMatch(
      /exclude/,
    );
  });
});
