import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { isHoldfastError } from '../../src/errors.js';
import { openai } from '../../src/providers/index.js';
import type { HttpResponse, ProviderRequest, TaskRef } from '../../src/providers/index.js';

const clock = { ...systemClock, now: () => Date.parse('2026-11-22T12:00:00Z') };
const adapter = openai({
  baseUrl: 'https://gateway.example/v1/',
  apiKey: 'sk-test-0001',
  clock,
  env: () => ({}),
});
const request: ProviderRequest = { kind: 'video', prompt: 'a cat', durationSeconds: 8, size: '1280x720' };
const ref: TaskRef = { taskId: 'video_1', endpoint: 'videos', generation: 'v1', credential: 'default' };

function reply(status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

const task = (fields: object): object => ({ id: 'video_1', object: 'video', model: 'sora-2', ...fields });
const submit = (status: number, body: unknown, headers = {}) =>
  adapter.parseSubmit(reply(status, body, headers), request, 'default');
const poll = (status: number, body: unknown, headers = {}) =>
  adapter.parsePoll(reply(status, body, headers), ref);

describe('openai requests', () => {
  it('are multipart with seconds as a string', () => {
    expect(adapter.buildSubmit(request, { key: 'job_1' })).toEqual({
      method: 'POST',
      path: '/videos',
      form: { model: 'sora-2', prompt: 'a cat', seconds: '8', size: '1280x720' },
    });
  });

  it('flatten nested fields in a form and keep them in JSON', () => {
    const full: ProviderRequest = {
      ...request,
      model: 'wan-2',
      image: 'https://example.com/cat.png',
      seed: 7,
      negativePrompt: 'dogs',
      aspectRatio: '16:9',
      extra: { fps: 24, tags: ['a', 'b'], prompt: 'never wins' },
    };
    const body = {
      fps: 24,
      tags: ['a', 'b'],
      prompt: 'a cat',
      model: 'wan-2',
      seconds: '8',
      size: '1280x720',
      input_reference: { image_url: 'https://example.com/cat.png' },
      negative_prompt: 'dogs',
      aspect_ratio: '16:9',
      seed: 7,
    };
    expect(openai({ encoding: 'json', env: () => ({}) }).buildSubmit(full, { key: 'job_1' })).toEqual({
      method: 'POST',
      path: '/videos',
      json: body,
    });
    expect(adapter.buildSubmit(full, { key: 'job_1' }).form).toEqual({
      fps: '24',
      tags: '["a","b"]',
      prompt: 'a cat',
      model: 'wan-2',
      seconds: '8',
      size: '1280x720',
      'input_reference[image_url]': 'https://example.com/cat.png',
      negative_prompt: 'dogs',
      aspect_ratio: '16:9',
      seed: '7',
    });
  });

  it('upload an image that is given as data, and keep it in JSON', () => {
    const image = 'data:image/jpeg;base64,cGl4ZWxz';
    expect(adapter.buildSubmit({ ...request, image }, { key: 'job_1' })).toEqual({
      method: 'POST',
      path: '/videos',
      form: { model: 'sora-2', prompt: 'a cat', seconds: '8', size: '1280x720' },
      files: { input_reference: { name: 'input_reference.jpeg', mime: 'image/jpeg', base64: 'cGl4ZWxz' } },
    });
    const json = openai({ encoding: 'json', env: () => ({}) }).buildSubmit(
      { ...request, image },
      { key: 'k' },
    );
    expect(json).toMatchObject({ json: { input_reference: { image_url: image } } });
    expect(json).not.toHaveProperty('files');
    expect(adapter.refuse({ ...request, image: 'data:image/svg+xml,<svg/>' })).toMatch(/base64/);
  });

  it('poll and list below the base URL', () => {
    expect(adapter.baseUrl).toBe('https://gateway.example/v1');
    expect(adapter.buildPoll({ ...ref, taskId: 'a/b' })).toEqual({ method: 'GET', path: '/videos/a%2Fb' });
    const { reconcile } = adapter;
    if (reconcile.by !== 'list') throw new Error('openai is reconciled by list');
    expect(reconcile.buildPage(request, undefined).path).toBe('/videos?limit=100&order=desc');
    expect(reconcile.buildPage(request, 'video_9').path).toBe('/videos?limit=100&order=desc&after=video_9');
  });

  it('are refused with the field named', () => {
    expect(adapter.refuse(request)).toBeUndefined();
    expect(adapter.refuse({ ...request, prompt: '  ' })).toMatch(/prompt/);
    expect(adapter.refuse({ ...request, kind: 'image' })).toMatch(/kind/);
    expect(adapter.refuse({ ...request, size: 'big' })).toMatch(/size/);
    expect(adapter.refuse({ ...request, durationSeconds: Number.NaN })).toMatch(/durationSeconds/);
    expect(adapter.refuse({ ...request, image: 'file:///etc/passwd' })).toMatch(/image/);
    expect(adapter.refuse({ ...request, aspectRatio: 'wide' })).toMatch(/aspectRatio/);
  });
});

describe('openai credentials', () => {
  it('are looked up at each call, first in the options, then in the environment', () => {
    let key: string | undefined;
    const fromEnvironment = openai({ env: () => ({ OPENAI_API_KEY: key }) });
    expect(fromEnvironment.credential('default')).toBeUndefined();
    key = 'sk-late-1';
    expect(fromEnvironment.credential('default')).toEqual({ headers: { authorization: 'Bearer sk-late-1' } });
    expect(fromEnvironment.credential('other')).toBeUndefined();
    const byAlias = openai({ apiKey: { other: 'k2' }, authHeader: 'api-key', env: () => ({}) });
    expect(byAlias.credential('other')).toEqual({ headers: { 'api-key': 'k2' } });
    expect(byAlias.credential('toString')).toBeUndefined();
    expect(openai({ apiKey: (alias) => `for-${alias}` }).credential('x')).toEqual({
      headers: { authorization: 'Bearer for-x' },
    });
  });

  it('a base URL from the options or the environment is trusted, the default one is not', () => {
    expect(openai({ env: () => ({}) }).trustedOrigins).toEqual([]);
    const local = openai({ env: () => ({ OPENAI_BASE_URL: 'http://127.0.0.1:8000/v1' }) });
    expect(local.trustedOrigins).toEqual(['http://127.0.0.1:8000']);
    for (const baseUrl of [
      'not a url',
      'ftp://x.example',
      'https://u:p@x.example',
      'https://x.example/?k=1',
    ]) {
      expect(() => openai({ baseUrl })).toThrow(
        expect.toSatisfy((error) => isHoldfastError(error, 'INVALID_OPTIONS')),
      );
    }
  });
});

describe('openai submit replies', () => {
  it('with an id are accepted', () => {
    expect(submit(200, task({ status: 'queued' }))).toEqual({ type: 'accepted', ref });
  });

  it('that are terminal already go through the normaliser of the polls', () => {
    expect(
      submit(200, task({ status: 'failed', error: { code: 'moderation_blocked', message: 'no' } })),
    ).toMatchObject({
      type: 'accepted',
      settled: { type: 'failed', error: { class: 'safety', code: 'moderation_blocked' } },
    });
    expect(submit(200, task({ status: 'completed' }))).toMatchObject({ settled: { type: 'done' } });
  });

  it.each([
    [400, { error: { message: 'bad size', code: 'invalid_value' } }, 'rejected', 'validation', false],
    [400, { error: { message: 'blocked', code: 'moderation_blocked' } }, 'rejected', 'safety', false],
    [401, { error: { message: 'bad key' } }, 'rejected', 'auth', false],
    [402, { error: { message: 'pay' } }, 'rejected', 'billing', false],
    [403, '<html>denied</html>', 'rejected', 'auth', false],
    [404, { error: { message: 'no such route' } }, 'rejected', 'validation', false],
    [422, { detail: 'unprocessable' }, 'rejected', 'validation', false],
    [425, '', 'rejected', 'rate', true],
    [429, { error: { code: 'rate_limit_exceeded', message: 'slow down' } }, 'rejected', 'rate', true],
    [429, { error: { code: 'insufficient_quota', message: 'quota' } }, 'rejected', 'billing', false],
    [429, { error: { type: 'insufficient_quota', message: 'quota' } }, 'rejected', 'billing', false],
    [307, '', 'ambiguous', 'unusable', false],
    [408, '', 'ambiguous', 'network', true],
    [409, { error: { message: 'conflict' } }, 'ambiguous', 'validation', false],
    [500, { error: { message: 'oops' } }, 'ambiguous', 'server', true],
    [503, '<html>bad gateway</html>', 'ambiguous', 'server', true],
    [200, { error: { message: 'refused inside a success' } }, 'ambiguous', 'unusable', false],
    [200, '<html>ok</html>', 'billed', 'unusable', false],
    [200, '', 'billed', 'unusable', false],
    [200, '[]', 'billed', 'unusable', false],
    [200, { object: 'video' }, 'billed', 'unusable', false],
  ])('%i %j is %s (%s)', (status, body, type, errorClass, retryable) => {
    expect(submit(status, body)).toMatchObject({ type, error: { class: errorClass, retryable } });
  });

  it('carry Retry-After in each of its forms', () => {
    const at = (headers: Record<string, string>, body: unknown = {}) => {
      const outcome = submit(429, body, headers);
      return outcome.type === 'rejected' ? outcome.error.retryAfterMs : outcome.type;
    };
    expect(at({ 'retry-after': '7' })).toBe(7_000);
    expect(at({ 'retry-after': 'Sun, 22 Nov 2026 12:00:30 GMT' })).toBe(30_000);
    expect(at({ 'retry-after-ms': '2500', 'retry-after': '9' })).toBe(2_500);
    expect(at({}, { error: { message: 'x', details: [{ retryDelay: '12s' }] } })).toBe(12_000);
    expect(at({})).toBeUndefined();
  });
});

describe('openai poll replies', () => {
  it.each([
    [
      { status: 'queued', progress: 0 },
      { type: 'pending', progress: 0 },
    ],
    [
      { status: 'in_progress', progress: 42 },
      { type: 'pending', progress: 0.42 },
    ],
    [
      { status: 'in_progress', progress: 420 },
      { type: 'pending', progress: 1 },
    ],
    [{ status: 'dreaming' }, { type: 'pending', unknownStatus: 'dreaming' }],
    [{ status: 'COMPLETED' }, { type: 'done' }],
    [
      { status: 'failed', error: null },
      { type: 'failed', error: { class: 'failed', code: 'failed' } },
    ],
    [
      { status: 'failed', error: { code: 'gpu', message: 'lost' } },
      { type: 'failed', error: { code: 'gpu' } },
    ],
    [{ status: 'failed', error: { message: 'violates content policy' } }, { error: { class: 'safety' } }],
    [{ status: 'cancelled' }, { type: 'failed', error: { code: 'cancelled' } }],
  ])('%j', (fields, expected) => {
    expect(poll(200, task(fields))).toMatchObject(expected);
  });

  it.each([
    [401, { error: { message: 'revoked' } }, 'auth'],
    [403, {}, 'auth'],
    [402, {}, 'billing'],
    [429, { error: { code: 'insufficient_quota', message: 'quota' } }, 'billing'],
    [404, {}, 'notFound'],
    [404, '<html>', 'server'],
    [429, {}, 'rate'],
    [500, '<html>', 'server'],
    [302, '', 'unusable'],
    [200, '<html>', 'unusable'],
    [200, task({ id: 'video_other', status: 'completed' }), 'unusable'],
    [200, task({}), 'unusable'],
  ])('%i %j keeps the job alive as %s', (status, body, errorClass) => {
    expect(poll(status, body)).toMatchObject({ type: 'transient', error: { class: errorClass } });
  });

  it('lead to the content behind the key, or to the URL a gateway gives, without the key', () => {
    const sources = (fields: object) => {
      const outcome = poll(200, task({ status: 'completed', ...fields }));
      return outcome.type === 'done' ? outcome.artifacts : outcome;
    };
    expect(sources({})).toEqual([
      { url: 'https://gateway.example/v1/videos/video_1/content', authenticated: true },
    ]);
    const cdn = 'https://cdn.example/v.mp4?sig=1';
    for (const fields of [
      { video_url: cdn },
      { url: cdn },
      { data: [{ url: cdn }] },
      { metadata: { url: cdn } },
    ]) {
      expect(sources(fields)).toEqual([{ url: cdn, authenticated: false }]);
    }
    expect(sources({ url: 'https://gateway.example/files/1' })).toEqual([
      { url: 'https://gateway.example/files/1', authenticated: true },
    ]);
    expect(sources({ url: 'javascript:alert(1)' })).toMatchObject([{ authenticated: true }]);
  });
});

describe('openai reconciliation by list', () => {
  const { reconcile } = adapter;
  if (reconcile.by !== 'list') throw new Error('openai is reconciled by list');

  it('holds unless told otherwise', () => {
    expect(reconcile.onUnlisted).toBe('hold');
    expect(openai({ onUnlisted: 'resubmit' }).reconcile).toMatchObject({ onUnlisted: 'resubmit' });
  });

  it('reads a page, and knows when it is the last', () => {
    const data = [
      {
        id: 'video_2',
        created_at: 1_790_000_000,
        model: 'sora-2',
        prompt: 'a cat',
        seconds: '8',
        size: '1280x720',
      },
      { nothing: true },
    ];
    const first = reconcile.parsePage(
      reply(200, { object: 'list', data, has_more: true }),
      request,
      'default',
    );
    expect(first).toEqual({
      type: 'page',
      next: 'video_2',
      tasks: [
        {
          ref: { ...ref, taskId: 'video_2' },
          createdAt: 1_790_000_000_000,
          echo: { dated: 'yes', model: 'sora-2', prompt: 'a cat', seconds: '8', size: '1280x720' },
        },
      ],
      unordered: false,
    });
    const last = reconcile.parsePage(reply(200, { data, has_more: false }), request, 'default');
    expect(last).not.toHaveProperty('next');
    expect(reconcile.parsePage(reply(200, { data: [], has_more: true }), request, 'default')).toEqual({
      type: 'page',
      tasks: [],
      unordered: false,
    });
  });

  it.each([
    [200, {}],
    [200, '<html>'],
    [404, {}],
    [500, ''],
    [401, {}],
  ])('%i %j is no page', (status, body) => {
    expect(reconcile.parsePage(reply(status, body), request, 'default').type).toBe('transient');
  });

  it('takes a task for ours when it echoes the prompt and contradicts nothing', () => {
    const same = (echo: Record<string, string | undefined>, wanted = request) =>
      reconcile.sameRequest({ ref, createdAt: 0, echo: { dated: 'yes', ...echo } }, wanted, { key: 'job_1' });
    expect(same({ model: 'sora-2', prompt: 'a cat', seconds: '8', size: '1280x720' })).toBe(true);
    expect(same({ model: 'sora-2-2025-10-06', prompt: 'a cat' })).toBe(true);
    expect(same({ prompt: 'a cat', seconds: '8.0' })).toBe(true);
    expect(same({ prompt: 'a cat', seconds: '4' }, { kind: 'video', prompt: 'a cat' })).toBe(true);
    expect(same({ model: 'sora-2', seconds: '8', size: '1280x720' })).toBe(false);
    expect(same({ prompt: 'a dog' })).toBe(false);
    expect(same({ prompt: 'a cat', model: 'sora-2x' })).toBe(false);
    expect(same({ prompt: 'a cat', seconds: '4' })).toBe(false);
    expect(same({ prompt: 'a cat', size: '720x1280' })).toBe(false);
  });
});

describe('the check of an openai account', () => {
  const check = (status: number, body: unknown) => adapter.check?.parse(reply(status, body));

  it('lists one video, which changes nothing', () => {
    expect(adapter.check?.build()).toEqual({ method: 'GET', path: '/videos?limit=1' });
  });

  it('says what is wrong', () => {
    expect(check(200, { data: [] })).toBeUndefined();
    expect(check(401, { error: { message: 'bad key' } })).toMatchObject({ class: 'auth' });
    expect(check(404, { error: { message: 'no such route' } })).toMatchObject({ class: 'notFound' });
    expect(check(503, '<html>')).toMatchObject({ class: 'server' });
  });
});

describe('webhooks of an openai project', () => {
  const news = (body: Record<string, unknown>) => adapter.webhook?.parse(body, { credential: 'team' });
  const event = { id: 'evt_1', object: 'event', created_at: 1_790_000_000, data: { id: 'video_1' } };

  it('name a task, and leave it to a poll what became of it', () => {
    for (const type of ['video.completed', 'video.failed']) {
      expect(news({ ...event, type })).toEqual({ ref: { ...ref, credential: 'team' } });
    }
  });

  it.each([
    [{ ...event, type: 'response.completed' }],
    [{ ...event, type: 'video.completed', data: {} }],
    [{ ...event, type: 'video.completed', data: 'video_1' }],
    [{ data: { id: 'video_1' } }],
    [{}],
  ])('%j says nothing of a task', (body) => {
    expect(news(body)).toBeUndefined();
  });

  it('are signed with the secrets of the options, else of the environment', () => {
    const secretsOf = (made: ReturnType<typeof openai>, alias = 'default') => {
      const [scheme] = made.webhook?.schemes ?? [];
      return scheme?.type === 'standard' ? scheme.secrets(alias) : scheme;
    };
    expect(secretsOf(adapter)).toEqual([]);
    const env = () => ({ OPENAI_WEBHOOK_SECRET: 'whsec_new, whsec_old' });
    expect(secretsOf(openai({ env }))).toEqual(['whsec_new', 'whsec_old']);
    expect(secretsOf(openai({ env }), 'other')).toEqual([]);
    expect(secretsOf(openai({ env, webhookSecret: 'whsec_mine' }))).toEqual(['whsec_mine']);
    expect(secretsOf(openai({ env, webhookSecret: ['whsec_a', 'whsec_b'] }))).toEqual(['whsec_a', 'whsec_b']);
    expect(secretsOf(openai({ webhookSecret: (alias) => [`whsec_${alias}`] }), 'other')).toEqual([
      'whsec_other',
    ]);
  });
});
