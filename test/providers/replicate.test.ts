import { describe, expect, it } from 'vitest';
import { replicate } from '../../src/providers/index.js';
import type { HttpResponse, ListedTask, ProviderRequest, TaskRef } from '../../src/providers/index.js';

const adapter = replicate({ apiKey: 'r8_test', env: () => ({}) });
const video: ProviderRequest = { kind: 'video', prompt: 'a cat' };
const ref: TaskRef = { taskId: 'p1', endpoint: 'predictions', generation: 'v1', credential: 'default' };
const hook = 'https://agent.example/hooks/replicate/job_1.mac';
const VERSION = 'ab'.repeat(32);

function reply(status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

const prediction = (fields: object): object => ({ id: 'p1', error: null, ...fields });
const poll = (status: number, body: unknown) => adapter.parsePoll(reply(status, body), ref);
const submit = (status: number, body: unknown) => adapter.parseSubmit(reply(status, body), video, 'default');

describe('replicate requests', () => {
  it.each([
    ['owner/name', '/models/owner/name/predictions', {}],
    [`owner/name:${VERSION}`, '/predictions', { version: VERSION }],
    [VERSION, '/predictions', { version: VERSION }],
    ['deployments/owner/name', '/deployments/owner/name/predictions', {}],
  ])('for the model %s go to %s', (model, path, more) => {
    expect(adapter.buildSubmit({ ...video, model }, { key: 'job_1' })).toEqual({
      method: 'POST',
      path,
      json: { ...more, input: { prompt: 'a cat' } },
    });
  });

  it('ask for news of the end alone, and never to wait', () => {
    const built = adapter.buildSubmit(video, { key: 'job_1', callbackUrl: hook });
    expect(built).toEqual({
      method: 'POST',
      path: '/models/wan-video/wan-2.2-t2v-fast/predictions',
      json: { input: { prompt: 'a cat' }, webhook: hook, webhook_events_filter: ['completed'] },
    });
    expect(built.headers).toBeUndefined();
  });

  it('put all of the input into `input`', () => {
    const request: ProviderRequest = {
      ...video,
      image: 'data:image/png;base64,AAAA',
      negativePrompt: 'dogs',
      durationSeconds: 5,
      size: '1280x720',
      aspectRatio: '16:9',
      seed: 7,
      extra: { go_fast: true, prompt: 'never wins' },
    };
    expect(adapter.buildSubmit(request, { key: 'job_1' })).toEqual({
      method: 'POST',
      path: '/models/wan-video/wan-2.2-i2v-fast/predictions',
      json: {
        input: {
          go_fast: true,
          prompt: 'a cat',
          image: 'data:image/png;base64,AAAA',
          negative_prompt: 'dogs',
          duration: 5,
          aspect_ratio: '16:9',
          resolution: '720p',
          seed: 7,
        },
      },
    });
    const image: ProviderRequest = { kind: 'image', prompt: 'a cat', size: '1024x768' };
    expect(adapter.buildSubmit(image, { key: 'job_1' })).toEqual({
      method: 'POST',
      path: '/models/black-forest-labs/flux-schnell/predictions',
      json: { input: { prompt: 'a cat', width: 1_024, height: 768 } },
    });
  });

  it.each(['name', '../a', 'a/..', 'a/b/c', 'a/b:', 'a/b?c'])('are refused for the model %s', (model) => {
    expect(adapter.refuse({ ...video, model })).toMatch(/model/);
  });

  it('ask and cancel by id', () => {
    expect(adapter.buildPoll(ref)).toEqual({ method: 'GET', path: '/predictions/p1' });
    expect(adapter.buildCancel?.(ref)).toEqual({ method: 'POST', path: '/predictions/p1/cancel' });
  });
});

describe('replicate submit replies', () => {
  it('with an id are accepted, settled when they are over', () => {
    expect(submit(201, prediction({ status: 'starting', urls: { get: 'https://evil/x' } }))).toEqual({
      type: 'accepted',
      ref,
    });
    expect(submit(201, prediction({ status: 'succeeded', output: 'https://c/v.mp4' }))).toMatchObject({
      settled: { type: 'done', artifacts: [{ url: 'https://c/v.mp4', authenticated: false }] },
    });
  });

  it.each([
    [401, { title: 'Unauthenticated', detail: 'no token', status: 401 }, 'rejected', 'auth'],
    [402, { title: 'Insufficient credit', detail: 'top up', status: 402 }, 'rejected', 'billing'],
    [404, { detail: 'model not found' }, 'rejected', 'validation'],
    [422, { title: 'Input validation failed', detail: '- prompt is required' }, 'rejected', 'validation'],
    [422, { detail: 'NSFW content detected' }, 'rejected', 'safety'],
    [429, { detail: 'throttled' }, 'rejected', 'rate'],
    [408, '', 'ambiguous', 'network'],
    [500, { detail: 'oops' }, 'ambiguous', 'server'],
    [502, '<html>', 'ambiguous', 'server'],
    [201, {}, 'billed', 'unusable'],
    [201, 'torn {', 'billed', 'unusable'],
  ])('HTTP %i %j is %s (%s)', (status, body, type, errorClass) => {
    expect(submit(status, body)).toMatchObject({ type, error: { class: errorClass } });
  });
});

describe('replicate poll replies', () => {
  const [a, b] = ['https://c/a.mp4', 'https://c/b.mp4'];
  const done = (...urls: string[]) => ({
    type: 'done',
    artifacts: urls.map((url) => ({ url, authenticated: false })),
  });

  it.each([
    [{ status: 'starting' }, { type: 'pending' }],
    [{ status: 'processing', logs: '50%' }, { type: 'pending' }],
    [{ status: 'warming' }, { type: 'pending', unknownStatus: 'warming' }],
    [{ status: 'succeeded', output: a }, done(a)],
    [{ status: 'succeeded', output: [a, b] }, done(a, b)],
    [{ status: 'succeeded', output: { video: a, thumbnail: 'https://c/t.png' } }, done(a)],
    [{ status: 'succeeded', output: { images: ['https://c/t.png'] } }, done('https://c/t.png')],
    [
      { status: 'succeeded', output: 'data:image/png;base64,AAAA' },
      { type: 'done', artifacts: [{ base64: 'AAAA' }] },
    ],
  ])('%j', (fields, expected) => {
    expect(poll(200, prediction(fields))).toEqual(expected);
  });

  it.each([
    [{ status: 'failed', error: 'out of memory' }, 'failed', 'failed', 'out of memory'],
    [{ status: 'failed', error: 'NSFW content detected' }, 'failed', 'safety', 'NSFW'],
    [{ status: 'canceled' }, 'canceled', 'failed', 'canceled'],
    [{ status: 'aborted' }, 'aborted', 'failed', 'aborted'],
    [{ status: 'succeeded', output: null, data_removed: true }, 'data_removed', 'failed', 'an hour'],
  ])('%j has failed for good', (fields, code, errorClass, words) => {
    const message: unknown = expect.stringContaining(words);
    expect(poll(200, prediction(fields))).toMatchObject({
      type: 'failed',
      error: { code, class: errorClass, message },
    });
  });

  it.each([
    [401, { detail: 'no' }, 'auth'],
    [402, { detail: 'no' }, 'billing'],
    [404, { detail: 'not found' }, 'notFound'],
    [404, '<html>', 'server'],
    [429, { detail: 'slow' }, 'rate'],
    [503, '', 'server'],
    [200, { status: 'succeeded', output: null }, 'unusable'],
    [200, { id: 'p2', status: 'succeeded', output: 'https://c/v.mp4' }, 'unusable'],
    [200, {}, 'unusable'],
    [200, '<html>', 'unusable'],
  ])('HTTP %i %j keeps the job alive as %s', (status, body, errorClass) => {
    expect(poll(status, body)).toMatchObject({ type: 'transient', error: { class: errorClass } });
  });
});

describe('replicate reconciliation by its listing', () => {
  const { reconcile } = adapter;
  if (reconcile.by !== 'list') throw new Error('replicate is reconciled by list');
  const context = { key: 'job_1', callbackUrl: hook };
  const page = (status: number, body: unknown) => reconcile.parsePage(reply(status, body), video, 'default');
  const listed = (fields: object): ListedTask => {
    const item = { id: 'p1', created_at: '2026-11-22T12:00:00.5Z', input: { prompt: 'a cat' }, ...fields };
    const read = page(200, { results: [item], next: null });
    if (read.type !== 'page' || read.tasks[0] === undefined) throw new Error('one task was listed');
    return read.tasks[0];
  };
  const model = 'wan-video/wan-2.2-t2v-fast';

  it('is tagged by a callback URL alone', () => {
    expect(reconcile.onUnlisted).toBe('hold');
    expect(reconcile.tagged(video, context)).toBe(true);
    expect(reconcile.tagged(video, { key: 'job_1' })).toBe(false);
  });

  it('goes from page to page below the base URL, wherever `next` leads', () => {
    expect(reconcile.buildPage(video, undefined).path).toBe('/predictions');
    const next = 'https://elsewhere.example/v1/predictions?cursor=abc%3D';
    expect(page(200, { results: [], next })).toEqual({
      type: 'page',
      tasks: [],
      unordered: false,
      next: '?cursor=abc%3D',
    });
    expect(reconcile.buildPage(video, '?cursor=abc%3D').path).toBe('/predictions?cursor=abc%3D');
    expect(page(200, { results: [], next: 'https://api.replicate.com/v1/predictions' }).type).toBe(
      'transient',
    );
  });

  it('reads what it needs of a prediction', () => {
    expect(listed({ webhook: hook, model, version: 'hidden' })).toEqual({
      ref,
      createdAt: Date.parse('2026-11-22T12:00:00.5Z'),
      echo: { webhook: hook, model, version: 'hidden', prompt: 'a cat', dated: 'yes' },
    });
  });

  it.each([
    ['our webhook', { webhook: hook }, true],
    ['our webhook at another address', { webhook: 'https://new.example/x/hooks/replicate/job_1.mac' }, true],
    [
      'our webhook signed with another secret',
      { webhook: 'https://a.example/hooks/replicate/job_1.old' },
      true,
    ],
    ['the webhook of a twin', { webhook: 'https://agent.example/hooks/replicate/job_2.mac', model }, false],
    ['the webhook of a longer name', { webhook: 'https://agent.example/hooks/replicate/job_11.mac' }, false],
    ['a webhook that is no URL', { webhook: 'nowhere' }, false],
    ['no webhook, our prompt and model', { model }, true],
    ['no webhook, our prompt', {}, true],
    ['no webhook, another model', { model: 'x/y' }, false],
    ['no webhook, another prompt', { input: { prompt: 'a dog' } }, false],
    ['no webhook and no date', { model, created_at: null }, false],
  ])('takes %s for what it is', (_what, fields, isOurs) => {
    expect(reconcile.sameRequest(listed(fields), video, context)).toBe(isOurs);
  });

  it('finds a tagged submit when webhooks are switched off since', () => {
    expect(reconcile.sameRequest(listed({ webhook: hook }), video, { key: 'job_1' })).toBe(true);
    expect(reconcile.sameRequest(listed({ webhook: hook }), video, { key: 'job_2' })).toBe(false);
  });

  it('compares a version with a version', () => {
    const versioned = { ...video, model: VERSION };
    expect(reconcile.sameRequest(listed({ version: VERSION }), versioned, context)).toBe(true);
    expect(reconcile.sameRequest(listed({ version: 'cd' }), versioned, context)).toBe(false);
  });

  it.each([
    [401, { detail: 'no' }, 'auth'],
    [500, '', 'server'],
    [200, {}, 'unusable'],
    [200, '<html>', 'unusable'],
  ])('HTTP %i %j proves nothing (%s)', (status, body, errorClass) => {
    expect(page(status, body)).toMatchObject({ type: 'transient', error: { class: errorClass } });
  });
});

describe('what replicate posts to a hook', () => {
  const read = (body: Record<string, unknown>) => adapter.webhook?.parse(body, { credential: 'default' });

  it('is the prediction', () => {
    expect(read({ id: 'p1', status: 'succeeded', output: ['https://c/v.mp4'] })).toEqual({
      ref,
      outcome: { type: 'done', artifacts: [{ url: 'https://c/v.mp4', authenticated: false }] },
    });
    expect(read({ id: 'p1', status: 'failed', error: 'oom' })).toMatchObject({ outcome: { type: 'failed' } });
    expect(read({ id: 'p1', status: 'succeeded', output: null })).toEqual({ ref });
    expect(read({ status: 'succeeded' })).toBeUndefined();
  });

  it('is signed with a secret that is given, in the environment, or told', () => {
    const schemeOf = (options: Parameters<typeof replicate>[0]) => {
      const scheme = replicate(options).webhook?.schemes[0];
      if (scheme?.type !== 'standard') throw new Error('replicate signs by the standard');
      return scheme;
    };
    expect(schemeOf({ webhookSecret: ['whsec_b', 'whsec_a'] }).secrets('default')).toEqual([
      'whsec_b',
      'whsec_a',
    ]);
    const env = () => ({ REPLICATE_WEBHOOK_SECRET: 'whsec_e' });
    expect(schemeOf({ env }).secrets('default')).toEqual(['whsec_e']);
    const { told } = schemeOf({ env: () => ({}) });
    expect(told?.build()).toEqual({ method: 'GET', path: '/webhooks/default/secret' });
    expect(told?.parse(reply(200, { key: 'whsec_t' }))).toBe('whsec_t');
    expect(told?.parse(reply(404, '<html>'))).toBeUndefined();
  });
});

it('replicate says what it can do, and checks a key with its account', () => {
  expect(adapter.capabilities).toMatchObject({ webhook: 'signed', cancel: 'any', urlTtlMs: 3_600_000 });
  expect(adapter.check?.build().path).toBe('/account');
  expect(adapter.check?.parse(reply(200, { username: 'me' }))).toBeUndefined();
  expect(adapter.check?.parse(reply(401, { detail: 'no' }))).toMatchObject({ class: 'auth' });
});
