import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { limits } from '../../src/limits.js';
import { veo } from '../../src/providers/index.js';
import type { HttpResponse, ProviderRequest, TaskRef } from '../../src/providers/index.js';

const adapter = veo({ apiKey: 'AIza-test-key-0001', clock: systemClock, env: () => ({}) });
const request: ProviderRequest = { kind: 'video', prompt: 'a cat' };
const name = 'models/veo-3.1-generate-preview/operations/op1';
const ref: TaskRef = { taskId: name, endpoint: 'operations', generation: 'v1beta', credential: 'default' };
const files = 'https://generativelanguage.googleapis.com/v1beta/files/f1:download';

function reply(status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

const submit = (status: number, body: unknown) =>
  adapter.parseSubmit(reply(status, body), request, 'default');
const poll = (status: number, body: unknown) => adapter.parsePoll(reply(status, body), ref);
const done = (response: object) => ({ name, done: true, response: { generateVideoResponse: response } });
const failing = (status: string, message = 'no', details: readonly object[] = []) => ({
  error: { code: 400, status, message, details },
});

describe('veo requests', () => {
  it('name the model in the path and put the prompt into an instance', () => {
    expect(adapter.buildSubmit(request, { key: 'job_1' })).toEqual({
      method: 'POST',
      path: '/models/veo-3.1-generate-preview:predictLongRunning',
      json: { instances: [{ prompt: 'a cat' }], parameters: {} },
    });
  });

  it('map every neutral field, and lay what is extra under it', () => {
    const full: ProviderRequest = {
      kind: 'video',
      prompt: 'a cat',
      model: 'veo-3.0-fast',
      image: 'data:image/png;base64,cGl4ZWxz',
      size: '1080x1920',
      durationSeconds: 8,
      negativePrompt: 'dogs',
      seed: 7,
      extra: {
        instances: [
          { prompt: 'never wins', lastFrame: { bytesBase64Encoded: 'ZW5k', mimeType: 'image/png' } },
        ],
        parameters: { personGeneration: 'allow_adult', seed: 9 },
        labels: { team: 'cats' },
      },
    };
    expect(adapter.buildSubmit(full, { key: 'job_1' })).toEqual({
      method: 'POST',
      path: '/models/veo-3.0-fast:predictLongRunning',
      json: {
        labels: { team: 'cats' },
        instances: [
          {
            prompt: 'a cat',
            image: { bytesBase64Encoded: 'cGl4ZWxz', mimeType: 'image/png' },
            lastFrame: { bytesBase64Encoded: 'ZW5k', mimeType: 'image/png' },
          },
        ],
        parameters: {
          personGeneration: 'allow_adult',
          aspectRatio: '9:16',
          resolution: '1080p',
          durationSeconds: 8,
          negativePrompt: 'dogs',
          seed: 7,
        },
      },
    });
    const ratio = adapter.buildSubmit({ ...request, size: '3840x2160', aspectRatio: '9:16' }, { key: 'k' });
    expect(ratio).toMatchObject({ json: { parameters: { aspectRatio: '9:16', resolution: '4k' } } });
    const nearest = adapter.buildSubmit({ ...request, size: '600x800' }, { key: 'job_1' });
    expect(nearest).toMatchObject({ json: { parameters: { aspectRatio: '9:16', resolution: '720p' } } });
  });

  it('ask for an event where there is a hook, unless that is switched off', () => {
    const context = { key: 'job_1', callbackUrl: 'https://agent.example/hooks/veo/job_1.mac' };
    const webhookConfig = { uris: [context.callbackUrl], userMetadata: { holdfast_job: 'job_1' } };
    expect(adapter.buildSubmit(request, context)).toMatchObject({ json: { webhookConfig } });
    const without = veo({ dynamicWebhooks: false, env: () => ({}) });
    expect(without.buildSubmit(request, context).json).not.toHaveProperty('webhookConfig');
  });

  it('poll the operation by its name, and nothing else', () => {
    const replyBytesMax = limits.inlineReplyBytesMax;
    expect(adapter.buildPoll(ref)).toEqual({ method: 'GET', path: `/${name}`, replyBytesMax });
    for (const taskId of [
      '../../v1/models',
      'models/../operations/x',
      'operations/..',
      'operations/a?key=b',
    ]) {
      expect(adapter.buildPoll({ ...ref, taskId }).path).toBe(`/${encodeURIComponent(taskId)}`);
    }
  });

  it('are refused with the field named, and what to do', () => {
    expect(adapter.refuse({ ...request, image: 'data:image/png;base64,cGl4ZWxz' })).toBeUndefined();
    expect(adapter.refuse({ ...request, image: 'https://example.com/cat.png' })).toMatch(/send its bytes/);
    expect(adapter.refuse({ ...request, image: 'data:image/png,pixels' })).toMatch(/base64/);
    expect(adapter.refuse({ ...request, durationSeconds: 7.5 })).toMatch(/durationSeconds/);
    expect(adapter.refuse({ ...request, model: '../files' })).toMatch(/model/);
    expect(adapter.refuse({ ...request, kind: 'image' })).toMatch(/kind/);
  });

  it('carry the key in a header, from whichever variable holds it', () => {
    for (const variable of ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY']) {
      const made = veo({ env: () => ({ [variable]: 'AIza-env' }) });
      expect(made.credential('default')).toEqual({ headers: { 'x-goog-api-key': 'AIza-env' } });
    }
    expect(veo({ env: () => ({}) }).credential('default')).toBeUndefined();
  });
});

describe('veo submit replies', () => {
  it('with the name of an operation are accepted', () => {
    expect(submit(200, { name })).toEqual({ type: 'accepted', ref });
    expect(submit(200, { name: 'operations/op1' })).toMatchObject({ ref: { taskId: 'operations/op1' } });
    expect(submit(200, { name, done: true, error: { code: 13, message: 'lost' } })).toMatchObject({
      type: 'accepted',
      settled: { type: 'failed', error: { code: 'INTERNAL' } },
    });
  });

  it.each([
    [400, failing('INVALID_ARGUMENT'), 'rejected', 'validation', false],
    [400, failing('INVALID_ARGUMENT', 'it goes against our content policy'), 'rejected', 'safety', false],
    [400, failing('INVALID_ARGUMENT', 'API key not valid.'), 'rejected', 'auth', false],
    [400, failing('INVALID_ARGUMENT', 'x', [{ reason: 'API_KEY_INVALID' }]), 'rejected', 'auth', false],
    [400, [failing('INVALID_ARGUMENT', 'x', [{ reason: 'API_KEY_EXPIRED' }])], 'rejected', 'auth', false],
    [400, failing('FAILED_PRECONDITION'), 'rejected', 'validation', false],
    [400, failing('FAILED_PRECONDITION', 'Please enable billing'), 'rejected', 'billing', false],
    [401, failing('UNAUTHENTICATED'), 'rejected', 'auth', false],
    [403, failing('PERMISSION_DENIED'), 'rejected', 'auth', false],
    [404, failing('NOT_FOUND'), 'rejected', 'validation', false],
    [429, failing('RESOURCE_EXHAUSTED'), 'rejected', 'rate', true],
    [500, failing('INTERNAL'), 'ambiguous', 'server', true],
    [503, failing('UNAVAILABLE'), 'ambiguous', 'server', true],
    [504, failing('DEADLINE_EXCEEDED'), 'ambiguous', 'server', true],
    [502, '<html>', 'ambiguous', 'server', true],
    [400, '<html>', 'rejected', 'validation', false],
    [200, {}, 'billed', 'unusable', false],
    [200, '', 'billed', 'unusable', false],
    [200, { name: 'models/../../v1/files' }, 'billed', 'unusable', false],
    [200, { name: 'models/veo/operations/..' }, 'billed', 'unusable', false],
    [200, { name: 'https://elsewhere.example/operations/1' }, 'billed', 'unusable', false],
  ])('%i %j is %s (%s)', (status, body, type, errorClass, retryable) => {
    expect(submit(status, body)).toMatchObject({ type, error: { class: errorClass, retryable } });
  });

  it('carry the delay that Google asks for', () => {
    const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '12.5s' }];
    expect(submit(429, failing('RESOURCE_EXHAUSTED', 'wait', details))).toMatchObject({
      error: { retryAfterMs: 12_500, code: 'RESOURCE_EXHAUSTED' },
    });
  });
});

describe('veo poll replies', () => {
  const sample = (uri: string) => ({ video: { uri } });

  it.each([
    [{ name }, { type: 'pending' }],
    [
      { name, done: false, metadata: { progressPercent: 40 } },
      { type: 'pending', progress: 0.4 },
    ],
    [
      done({ generatedSamples: [sample(`${files}?alt=media`)] }),
      { type: 'done', artifacts: [{ url: `${files}?alt=media`, authenticated: true }] },
    ],
    [
      done({
        generatedSamples: [
          sample(`${files}?key=AIzaSecret&alt=media`),
          sample('https://cdn.example/v.mp4?a=%20b&sig=1'),
        ],
      }),
      {
        type: 'done',
        artifacts: [
          { url: `${files}?alt=media`, authenticated: true },
          { url: 'https://cdn.example/v.mp4?a=%20b&sig=1', authenticated: false },
        ],
      },
    ],
    [
      done({ generatedSamples: [{ video: { encodedVideo: 'dmlkZW8=' } }] }),
      { type: 'done', artifacts: [{ base64: 'dmlkZW8=' }] },
    ],
    [
      done({ raiMediaFilteredCount: 1, raiMediaFilteredReasons: ['A celebrity was named.'] }),
      {
        type: 'failed',
        error: { class: 'safety', code: 'raiMediaFiltered', message: 'A celebrity was named.' },
      },
    ],
    [
      done({ generatedSamples: [], raiMediaFilteredCount: 2 }),
      { type: 'failed', error: { class: 'safety', message: '2 videos were filtered' } },
    ],
    [
      done({ generatedSamples: [sample(files)], raiMediaFilteredCount: 1, raiMediaFilteredReasons: ['one'] }),
      { type: 'done', artifacts: [{ url: files }] },
    ],
    [
      { name, done: true, error: { code: 3, message: 'bad frame' } },
      { type: 'failed', error: { class: 'failed', code: 'INVALID_ARGUMENT', message: 'bad frame' } },
    ],
    [
      { name, done: true, error: { code: 8, message: 'no room' } },
      { type: 'failed', error: { class: 'failed', code: 'RESOURCE_EXHAUSTED', retryable: false } },
    ],
    [
      { name, done: true, error: { code: 3, message: 'violates our safety guidelines' } },
      { type: 'failed', error: { class: 'safety' } },
    ],
    [
      { name, done: true, error: { code: 99 } },
      { type: 'failed', error: { class: 'failed', code: '99' } },
    ],
  ])('%j', (body, expected) => {
    expect(poll(200, body)).toMatchObject(expected);
  });

  it.each([
    [400, failing('INVALID_ARGUMENT', 'x', [{ reason: 'API_KEY_INVALID' }]), 'auth'],
    [401, failing('UNAUTHENTICATED'), 'auth'],
    [403, failing('PERMISSION_DENIED'), 'auth'],
    [404, failing('NOT_FOUND'), 'notFound'],
    [404, '<html>', 'server'],
    [429, failing('RESOURCE_EXHAUSTED'), 'rate'],
    [500, '<html>', 'server'],
    [503, failing('UNAVAILABLE'), 'server'],
    [200, '<html>', 'unusable'],
    [200, {}, 'unusable'],
    [200, { name, done: true }, 'unusable'],
    [200, done({}), 'unusable'],
    [200, { name: 'models/veo/operations/other', done: true, error: { code: 3 } }, 'unusable'],
  ])('%i %j keeps the job alive as %s', (status, body, errorClass) => {
    expect(poll(status, body)).toMatchObject({ type: 'transient', error: { class: errorClass } });
  });
});

describe('the account of veo', () => {
  it('is checked by a listing of one model', () => {
    expect(adapter.check?.build()).toEqual({ method: 'GET', path: '/models?pageSize=1' });
    expect(adapter.check?.parse(reply(200, { models: [] }))).toBeUndefined();
    const refused = reply(400, failing('INVALID_ARGUMENT', 'API key not valid.'));
    expect(adapter.check?.parse(refused)).toMatchObject({ class: 'auth' });
  });
});

describe('veo webhooks', () => {
  const token = 'eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOjF9.c2lnbmF0dXJl';
  const schemes = adapter.webhook?.schemes ?? [];

  it('are signed with the secret of the project, or by a JWT in the place of the signature', () => {
    expect(schemes.map(({ type }) => type)).toEqual(['standard', 'jwt']);
    const jwt = schemes.find((scheme) => scheme.type === 'jwt');
    expect(jwt?.jwksUrl).toBe('https://generativelanguage.googleapis.com/.well-known/jwks.json');
    expect(jwt?.token({ 'webhook-signature': token }, {})).toBe(token);
    expect(jwt?.token({ authorization: `Bearer ${token}` }, {})).toBe(token);
    expect(jwt?.token({ 'webhook-signature': 'v1,c2lnbmF0dXJl' }, {})).toBeUndefined();
    expect(jwt?.token({}, {})).toBeUndefined();
  });

  it('have their secret from the option or the environment', () => {
    const [standard] = veo({ env: () => ({ GEMINI_WEBHOOK_SECRET: 'whsec_e' }) }).webhook?.schemes ?? [];
    expect(standard?.type === 'standard' && standard.secrets('default')).toEqual(['whsec_e']);
  });

  it('name the operation, and leave it to a poll what became of it', () => {
    const news = (body: Record<string, unknown>) => adapter.webhook?.parse(body, { credential: 'default' });
    const body = { type: 'video.generated', version: 'v1', data: { id: name, output_file_uri: files } };
    expect(news(body)).toEqual({ ref });
    expect(news({ ...body, data: { id: 'op1' } })).toEqual({});
    expect(news({ ...body, data: { id: '../../x' } })).toEqual({});
    expect(news({ ...body, type: 'batch.succeeded' })).toBeUndefined();
    expect(news({})).toBeUndefined();
  });
});
