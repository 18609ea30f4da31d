import { describe, expect, it } from 'vitest';
import { luma } from '../../src/providers/index.js';
import type { HttpResponse, ListedTask, ProviderRequest, TaskRef } from '../../src/providers/index.js';

const adapter = luma({ apiKey: 'luma-test', env: () => ({}) });
const video: ProviderRequest = { kind: 'video', prompt: 'a cat' };
const image: ProviderRequest = { kind: 'image', prompt: 'a cat' };
const ref: TaskRef = { taskId: 'g1', endpoint: 'generations', generation: 'v1', credential: 'default' };
const hook = 'https://agent.example/hooks/luma/job_1.mac';

function reply(status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

const built = (request: ProviderRequest) => adapter.buildSubmit(request, { key: 'job_1' });
const poll = (status: number, body: unknown) => adapter.parsePoll(reply(status, body), ref);
const submit = (status: number, body: unknown) => adapter.parseSubmit(reply(status, body), video, 'default');

describe('luma requests', () => {
  it('for a video have seconds, tiers and keyframes', () => {
    const request: ProviderRequest = {
      ...video,
      image: 'https://example.com/cat.png',
      durationSeconds: 9,
      size: '1280x720',
      extra: { loop: true, keyframes: { frame1: { type: 'generation', id: 'g0' } }, prompt: 'never wins' },
    };
    expect(adapter.buildSubmit(request, { key: 'job_1', callbackUrl: hook })).toEqual({
      method: 'POST',
      path: '/generations/video',
      json: {
        loop: true,
        model: 'ray-2',
        prompt: 'a cat',
        aspect_ratio: '16:9',
        resolution: '720p',
        duration: '9s',
        keyframes: {
          frame0: { type: 'image', url: 'https://example.com/cat.png' },
          frame1: { type: 'generation', id: 'g0' },
        },
        callback_url: hook,
      },
    });
  });

  it('for an image have a model and a path of their own', () => {
    expect(built({ ...image, aspectRatio: '1:1', image: 'https://example.com/a.png' })).toEqual({
      method: 'POST',
      path: '/generations/image',
      json: {
        model: 'photon-1',
        prompt: 'a cat',
        aspect_ratio: '1:1',
        image_ref: [{ url: 'https://example.com/a.png' }],
      },
    });
  });

  it('poll by id, list by offset, and offer no cancel', () => {
    expect(adapter.buildPoll(ref)).toEqual({ method: 'GET', path: '/generations/g1' });
    expect(adapter.buildCancel).toBeUndefined();
    expect(adapter.capabilities.cancel).toBe('none');
  });

  it.each([
    [{ negativePrompt: 'dogs' }, /negativePrompt/],
    [{ seed: 7 }, /seed/],
    [{ image: 'data:image/png;base64,AAAA' }, /data URI/],
    [{ durationSeconds: 4.5 }, /whole/],
  ])('are refused for %j', (more, words) => {
    expect(adapter.refuse({ ...video, ...more })).toMatch(words);
  });

  it('take the base URL and the key from the environment', async () => {
    const own = luma({ env: () => ({ LUMAAI_BASE_URL: 'https://proxy.example/l', LUMAAI_API_KEY: 'k' }) });
    expect(own.baseUrl).toBe('https://proxy.example/l');
    expect(await own.credential('default')).toEqual({ headers: { authorization: 'Bearer k' } });
    expect(adapter.baseUrl).toBe('https://api.lumalabs.ai/dream-machine/v1');
  });
});

describe('luma submit replies', () => {
  it('with an id are accepted, settled when they are over', () => {
    expect(submit(201, { id: 'g1', state: 'queued' })).toEqual({ type: 'accepted', ref });
    expect(submit(201, { id: 'g1', state: 'completed', assets: { video: 'https://c/v.mp4' } })).toMatchObject(
      {
        settled: { type: 'done' },
      },
    );
  });

  it.each([
    [400, { detail: 'Invalid model' }, 'rejected', 'validation'],
    [400, { detail: 'Insufficient credits' }, 'rejected', 'billing'],
    [400, { detail: 'Your prompt was blocked by moderation' }, 'rejected', 'safety'],
    [401, { detail: 'Invalid API key' }, 'rejected', 'auth'],
    [402, { detail: 'pay' }, 'rejected', 'billing'],
    [403, { detail: 'Not authenticated' }, 'rejected', 'auth'],
    [422, { detail: [{ msg: 'field required', loc: ['body', 'model'] }] }, 'rejected', 'validation'],
    [429, { detail: 'Too many requests' }, 'rejected', 'rate'],
    [408, '', 'ambiguous', 'network'],
    [500, { detail: 'oops' }, 'ambiguous', 'server'],
    [504, '<html>', 'ambiguous', 'server'],
    [201, {}, 'billed', 'unusable'],
    [201, '<html>', 'billed', 'unusable'],
  ])('HTTP %i %j is %s (%s)', (status, body, type, errorClass) => {
    expect(submit(status, body)).toMatchObject({ type, error: { class: errorClass } });
  });
});

describe('luma poll replies', () => {
  const done = (url: string) => ({ type: 'done', artifacts: [{ url, authenticated: false }] });

  it.each([
    [{ state: 'queued' }, { type: 'pending' }],
    [{ state: 'dreaming', assets: { progress_video: 'https://c/p.mp4' } }, { type: 'pending' }],
    [{ state: 'sleeping' }, { type: 'pending', unknownStatus: 'sleeping' }],
    [
      { state: 'completed', assets: { progress_video: 'https://c/p.mp4', video: 'https://c/v.mp4' } },
      done('https://c/v.mp4'),
    ],
    [{ state: 'completed', assets: { image: 'https://c/i.png' } }, done('https://c/i.png')],
  ])('%j', (fields, expected) => {
    expect(poll(200, { id: 'g1', ...fields })).toEqual(expected);
  });

  it.each([
    ['out of GPUs', 'failed'],
    ['Frame 0 failed moderation', 'safety'],
  ])('a failure because of "%s" is %s', (reason, errorClass) => {
    expect(poll(200, { id: 'g1', state: 'failed', failure_reason: reason })).toMatchObject({
      type: 'failed',
      error: { class: errorClass, message: reason },
    });
  });

  it.each([
    [401, { detail: 'no' }, 'auth'],
    [403, { detail: 'Insufficient credits' }, 'billing'],
    [404, { detail: 'Generation not found' }, 'notFound'],
    [404, '<html>', 'server'],
    [429, { detail: 'slow' }, 'rate'],
    [503, '', 'server'],
    [200, { id: 'g1', state: 'completed', assets: null }, 'unusable'],
    [200, { id: 'g2', state: 'completed', assets: { video: 'https://c/v' } }, 'unusable'],
    [200, {}, 'unusable'],
    [200, '<html>', 'unusable'],
  ])('HTTP %i %j keeps the job alive as %s', (status, body, errorClass) => {
    expect(poll(status, body)).toMatchObject({ type: 'transient', error: { class: errorClass } });
  });
});

describe('luma reconciliation by its listing', () => {
  const { reconcile } = adapter;
  if (reconcile.by !== 'list') throw new Error('luma is reconciled by list');
  const context = { key: 'job_1', callbackUrl: hook };
  const page = (body: unknown, status = 200, cursor?: string) =>
    reconcile.parsePage(reply(status, body), video, 'default', cursor);
  const item = (fields: object, request: object = {}): object => ({
    id: 'g1',
    created_at: '2026-11-22T12:00:00.5Z',
    generation_type: 'video',
    request: { prompt: 'a cat', model: 'ray-2', ...request },
    ...fields,
  });
  const listed = (fields: object, request: object = {}): ListedTask => {
    const read = page({ generations: [item(fields, request)], has_more: false });
    if (read.type !== 'page' || read.tasks[0] === undefined) throw new Error('one generation was listed');
    return read.tasks[0];
  };

  it('is tagged by a callback URL alone', () => {
    expect(reconcile.onUnlisted).toBe('hold');
    expect(reconcile.tagged(video, context)).toBe(true);
    expect(reconcile.tagged(video, { key: 'job_1' })).toBe(false);
  });

  it('goes on where the page before it ended', () => {
    expect(reconcile.buildPage(video, undefined).path).toBe('/generations?limit=100&offset=0');
    const generations = [item({ id: 'g3' }), item({ id: 'g2' })];
    expect(page({ generations, has_more: true })).toMatchObject({ next: '2' });
    expect(page({ generations, has_more: true }, 200, '100')).toMatchObject({ next: '102' });
    expect(reconcile.buildPage(video, '102').path).toBe('/generations?limit=100&offset=102');
    expect(page({ generations, has_more: false })).not.toHaveProperty('next');
    expect(page({ generations: [], has_more: true })).not.toHaveProperty('next');
  });

  it('is read to its end when it is not newest first', () => {
    const generations = [
      item({ id: 'g2', created_at: '2026-11-22T11:00:00Z' }),
      item({ id: 'g3', created_at: '2026-11-22T12:00:00Z' }),
    ];
    expect(page({ generations })).toMatchObject({ type: 'page', unordered: true });
    expect(page({ generations: generations.toReversed() })).toMatchObject({ unordered: false });
  });

  it.each([
    ['our callback', {}, { callback_url: hook }, true],
    ['our callback at another address', {}, { callback_url: 'https://b.example/hooks/luma/job_1.mac' }, true],
    ['the callback of a twin', {}, { callback_url: 'https://agent.example/hooks/luma/job_2.mac' }, false],
    ['no callback, our prompt and model', {}, {}, true],
    ['no callback, another prompt', {}, { prompt: 'a dog' }, false],
    ['no callback, another model', {}, { model: 'ray-flash-2' }, false],
    ['no callback, an image', { generation_type: 'image' }, {}, false],
    ['no callback and no date', { created_at: null }, {}, false],
  ])('takes %s for what it is', (_what, fields, request, isOurs) => {
    expect(reconcile.sameRequest(listed(fields, request), video, context)).toBe(isOurs);
  });

  it.each([
    [401, { detail: 'no' }, 'auth'],
    [500, '', 'server'],
    [200, {}, 'unusable'],
  ])('HTTP %i %j proves nothing (%s)', (status, body, errorClass) => {
    expect(page(body, status)).toMatchObject({ type: 'transient', error: { class: errorClass } });
  });
});

it('what luma posts to a hook is the generation, signed by nobody', () => {
  const read = (body: Record<string, unknown>) => adapter.webhook?.parse(body, { credential: 'default' });
  expect(adapter.webhook?.schemes).toEqual([{ type: 'unsigned' }]);
  expect(read({ id: 'g1', state: 'dreaming' })).toEqual({ ref, outcome: { type: 'pending' } });
  expect(read({ id: 'g1', state: 'failed', failure_reason: 'x' })).toMatchObject({
    outcome: { type: 'failed' },
  });
  expect(read({ id: 'g1' })).toEqual({ ref });
  expect(read({ state: 'completed' })).toBeUndefined();
});

it('luma checks a key with its credits', () => {
  expect(adapter.check?.build().path).toBe('/credits');
  expect(adapter.check?.parse(reply(200, { credit_balance: 3 }))).toBeUndefined();
  expect(adapter.check?.parse(reply(401, { detail: 'no' }))).toMatchObject({ class: 'auth' });
});
