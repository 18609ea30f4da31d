import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { limits } from '../../src/limits.js';
import { openaiResponses } from '../../src/providers/index.js';
import type { HttpResponse, ProviderRequest, TaskRef } from '../../src/providers/index.js';

const clock = { ...systemClock, now: () => Date.parse('2026-11-22T12:00:00Z') };
const adapter = openaiResponses({ apiKey: 'sk-test-0001', clock, env: () => ({}) });
const request: ProviderRequest = { kind: 'image', prompt: 'a cat', size: '1024x1536' };
const ref: TaskRef = { taskId: 'resp_1', endpoint: 'responses', generation: 'v1', credential: 'default' };
const replyBytesMax = limits.inlineReplyBytesMax;

function reply(status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

const response = (fields: object): object => ({ id: 'resp_1', object: 'response', error: null, ...fields });
const submit = (status: number, body: unknown, headers = {}) =>
  adapter.parseSubmit(reply(status, body, headers), request, 'default');
const poll = (status: number, body: unknown) => adapter.parsePoll(reply(status, body), ref);
const drawn = (...results: unknown[]) =>
  results.map((result) => ({ type: 'image_generation_call', status: 'completed', result }));
const said = (...content: object[]) => [{ type: 'message', role: 'assistant', content }];

describe('requests of openai-responses', () => {
  it('ask for an image in the background, stored, under the key of the job', () => {
    expect(adapter.buildSubmit(request, { key: 'job_1' })).toEqual({
      method: 'POST',
      path: '/responses',
      replyBytesMax,
      json: {
        model: 'gpt-5.4',
        input: 'a cat',
        tools: [{ type: 'image_generation', size: '1024x1536' }],
        tool_choice: { type: 'image_generation' },
        background: true,
        store: true,
        metadata: { holdfast_job: 'job_1' },
      },
    });
  });

  it('lay what is extra under it, tool by tool', () => {
    const extra = {
      tools: [{ type: 'web_search' }, { type: 'image_generation', quality: 'high', size: 'auto' }],
      metadata: { team: 'cats' },
      tool_choice: 'auto',
      background: false,
      store: false,
      instructions: 'Draw.',
    };
    expect(adapter.buildSubmit({ ...request, model: 'gpt-5.4-mini', extra }, { key: 'job_1' }).json).toEqual({
      model: 'gpt-5.4-mini',
      input: 'a cat',
      instructions: 'Draw.',
      tools: [{ type: 'image_generation', quality: 'high', size: '1024x1536' }, { type: 'web_search' }],
      tool_choice: 'auto',
      background: true,
      store: true,
      metadata: { team: 'cats', holdfast_job: 'job_1' },
    });
  });

  it('give a model that draws to the tool', () => {
    const wanted = { ...request, model: 'gpt-image-2' };
    const json = { model: 'gpt-5.4', tools: [{ type: 'image_generation', model: 'gpt-image-2' }] };
    expect(adapter.buildSubmit(wanted, { key: 'job_1' })).toMatchObject({ json });
    const always = openaiResponses({ imageModel: 'gpt-image-2', env: () => ({}) });
    expect(always.buildSubmit(request, { key: 'job_1' })).toMatchObject({ json });
  });

  it('say in words what has no field, and show an image beside them', () => {
    const full: ProviderRequest = {
      kind: 'image',
      prompt: 'a cat',
      negativePrompt: 'dogs',
      aspectRatio: '2:3',
      image: 'data:image/png;base64,cGl4ZWxz',
    };
    expect(adapter.buildSubmit(full, { key: 'job_1' })).toMatchObject({
      json: {
        input: [
          {
            role: 'user',
            content: [
              { type: 'input_text', text: 'a cat\n\nDo not show: dogs\n\nAspect ratio: 2:3' },
              { type: 'input_image', image_url: 'data:image/png;base64,cGl4ZWxz' },
            ],
          },
        ],
      },
    });
  });

  it('poll and cancel by the id', () => {
    const path = '/responses/resp_1';
    expect(adapter.buildPoll(ref)).toEqual({ method: 'GET', path, replyBytesMax });
    expect(adapter.buildCancel?.(ref)).toEqual({ method: 'POST', path: `${path}/cancel` });
    expect(adapter.buildPoll({ ...ref, taskId: 'a/b' }).path).toBe('/responses/a%2Fb');
  });

  it('are refused with the field named', () => {
    expect(adapter.refuse(request)).toBeUndefined();
    expect(adapter.refuse({ ...request, kind: 'video' })).toMatch(/kind/);
    expect(adapter.refuse({ ...request, size: 'auto' })).toMatch(/size/);
  });

  it('use the base URL and the keys of OpenAI', () => {
    const env = () => ({ OPENAI_BASE_URL: 'http://127.0.0.1:9/v1', OPENAI_API_KEY: 'sk-env' });
    const local = openaiResponses({ env });
    expect(local.baseUrl).toBe('http://127.0.0.1:9/v1');
    expect(local.credential('default')).toEqual({ headers: { authorization: 'Bearer sk-env' } });
    expect(adapter.baseUrl).toBe('https://api.openai.com/v1');
    expect(adapter.reconcile).toEqual({ by: 'none' });
    expect(adapter.capabilities).toMatchObject({ cancel: 'any', webhook: 'signed', kinds: ['image'] });
  });
});

describe('submit replies of openai-responses', () => {
  it('with an id are accepted, and settled when they are over', () => {
    expect(submit(200, response({ status: 'queued' }))).toEqual({ type: 'accepted', ref });
    expect(submit(200, response({ status: 'completed', output: drawn('aW1n') }))).toEqual({
      type: 'accepted',
      ref,
      settled: { type: 'done', artifacts: [{ base64: 'aW1n' }] },
    });
  });

  it.each([
    [400, { error: { message: 'bad', code: 'invalid_value' } }, 'rejected', 'validation', false],
    [400, { error: { message: 'no', code: 'moderation_blocked' } }, 'rejected', 'safety', false],
    [401, { error: { message: 'bad key' } }, 'rejected', 'auth', false],
    [402, {}, 'rejected', 'billing', false],
    [403, {}, 'rejected', 'auth', false],
    [404, { error: { message: 'no such model' } }, 'rejected', 'validation', false],
    [408, '', 'ambiguous', 'network', true],
    [409, {}, 'ambiguous', 'validation', false],
    [429, { error: { code: 'rate_limit_exceeded', message: 'slow' } }, 'rejected', 'rate', true],
    [429, { error: { code: 'insufficient_quota', message: 'pay' } }, 'rejected', 'billing', false],
    [500, { error: { message: 'oops' } }, 'ambiguous', 'server', true],
    [503, '<html>', 'ambiguous', 'server', true],
    [307, '', 'ambiguous', 'unusable', false],
    [200, '<html>', 'billed', 'unusable', false],
    [200, '', 'billed', 'unusable', false],
    [200, { object: 'response' }, 'billed', 'unusable', false],
  ])('%i %j is %s (%s)', (status, body, type, errorClass, retryable) => {
    expect(submit(status, body)).toMatchObject({ type, error: { class: errorClass, retryable } });
  });

  it('carry Retry-After in milliseconds too', () => {
    expect(submit(429, {}, { 'retry-after-ms': '2500' })).toMatchObject({ error: { retryAfterMs: 2_500 } });
  });
});

describe('poll replies of openai-responses', () => {
  it.each([
    [{ status: 'queued' }, { type: 'pending' }],
    [{ status: 'in_progress' }, { type: 'pending' }],
    [{ status: 'pondering' }, { type: 'pending', unknownStatus: 'pondering' }],
    [
      {
        status: 'completed',
        output: [...said({ type: 'output_text', text: 'here' }), ...drawn('YQ==', 'Yg==')],
      },
      { type: 'done', artifacts: [{ base64: 'YQ==' }, { base64: 'Yg==' }] },
    ],
    [
      { status: 'completed', output: drawn('data:image/png;base64,YQ==') },
      { type: 'done', artifacts: [{ base64: 'YQ==' }] },
    ],
    [
      { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output: drawn('YQ==') },
      { type: 'done', artifacts: [{ base64: 'YQ==' }] },
    ],
    [
      { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output: drawn(null) },
      { type: 'failed', error: { class: 'failed', code: 'max_output_tokens' } },
    ],
    [
      { status: 'incomplete', incomplete_details: { reason: 'content_filter' } },
      { type: 'failed', error: { class: 'safety', code: 'content_filter' } },
    ],
    [{ status: 'incomplete' }, { type: 'failed', error: { class: 'failed', code: 'incomplete' } }],
    [
      { status: 'completed', output: said({ type: 'output_text', text: 'I would rather write.' }) },
      { type: 'failed', error: { class: 'failed', code: 'noImage', message: 'I would rather write.' } },
    ],
    [
      { status: 'completed', output: said({ type: 'refusal', refusal: 'Not that.' }) },
      { type: 'failed', error: { class: 'safety', code: 'refusal', message: 'Not that.' } },
    ],
    [
      { status: 'completed', output: [] },
      { type: 'failed', error: { code: 'noImage' } },
    ],
    [
      { status: 'failed', error: { code: 'server_error', message: 'lost' } },
      { type: 'failed', error: { class: 'failed', code: 'server_error', message: 'lost' } },
    ],
    [
      { status: 'failed', error: { code: 'image_content_policy_violation', message: 'no' } },
      { type: 'failed', error: { class: 'safety' } },
    ],
    [{ status: 'failed' }, { type: 'failed', error: { class: 'failed', code: 'failed' } }],
    [{ status: 'cancelled' }, { type: 'failed', error: { class: 'failed', code: 'cancelled' } }],
  ])('%j', (fields, expected) => {
    expect(poll(200, response(fields))).toMatchObject(expected);
  });

  it.each([
    [401, { error: { message: 'revoked' } }, 'auth'],
    [402, {}, 'billing'],
    [403, {}, 'auth'],
    [404, { error: { message: 'gone' } }, 'notFound'],
    [404, '<html>', 'server'],
    [429, {}, 'rate'],
    [500, '', 'server'],
    [302, '', 'unusable'],
    [200, '<html>', 'unusable'],
    [200, { object: 'response', id: 'resp_1' }, 'unusable'],
    [200, { id: 'resp_2', status: 'completed', output: drawn('YQ==') }, 'unusable'],
  ])('%i %j keeps the job alive as %s', (status, body, errorClass) => {
    expect(poll(status, body)).toMatchObject({ type: 'transient', error: { class: errorClass } });
  });
});

describe('the account of openai-responses', () => {
  const check = (status: number, body: unknown) => adapter.check?.parse(reply(status, body));

  it('is good when a response that cannot exist is not found', () => {
    expect(adapter.check?.build()).toEqual({ method: 'GET', path: '/responses/resp_holdfast_check' });
    expect(check(404, { error: { message: 'not found' } })).toBeUndefined();
    expect(check(400, { error: { message: 'no id' } })).toBeUndefined();
    expect(check(404, '<html>')).toMatchObject({ class: 'server' });
    expect(check(401, { error: { message: 'bad key' } })).toMatchObject({ class: 'auth' });
  });

  it.each(['completed', 'failed', 'cancelled', 'incomplete'])('hears of response.%s', (word) => {
    const body = { object: 'event', type: `response.${word}`, data: { id: 'resp_1' } };
    expect(adapter.webhook?.parse(body, { credential: 'default' })).toEqual({ ref });
  });

  it('hears nothing in other events', () => {
    for (const type of ['video.completed', 'response.created', 7]) {
      expect(adapter.webhook?.parse({ type, data: { id: 'resp_1' } }, { credential: 'x' })).toBeUndefined();
    }
  });
});
