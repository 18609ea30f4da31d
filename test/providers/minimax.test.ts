import { describe, expect, it } from 'vitest';
import { minimax } from '../../src/providers/index.js';
import type { HttpResponse, MinimaxOptions, ProviderRequest, TaskRef } from '../../src/providers/index.js';

const options: MinimaxOptions = { apiKey: 'mm-test-0001', env: () => ({}) };
const adapter = minimax(options);
const hailuo: ProviderRequest = { kind: 'video', prompt: 'a cat' };
const h3: ProviderRequest = { ...hailuo, model: 'MiniMax-H3' };
const refOf = (generation: string): TaskRef => ({
  taskId: '106916112212032',
  endpoint: 'video_generation',
  generation,
  region: 'intl',
  credential: 'default',
});
const v1 = refOf('v1');
const v2 = refOf('v2');
const url = 'https://cdn.example.com/v.mp4?Signature=1';

function reply(status: number, body: unknown): HttpResponse {
  return { status, headers: {}, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

const baseResp = (status_code: number, status_msg = 'words') => ({ base_resp: { status_code, status_msg } });
const OK = baseResp(0, 'success');
const code = (status_code: number, message?: string) => reply(200, baseResp(status_code, message));
const refusal = (status: number, type: string, message = 'words') =>
  reply(status, { type: 'error', error: { type, message, http_code: String(status) }, request_id: 'r' });

describe('minimax requests', () => {
  const callbackUrl = 'https://agent.example/hooks/minimax/t';

  it('to Hailuo are flat', () => {
    const request: ProviderRequest = {
      ...hailuo,
      image: 'data:image/png;base64,AAAA',
      durationSeconds: 6,
      size: '1280x720',
      extra: { prompt_optimizer: false, last_frame_image: 'https://example.com/b.png', model: 'stolen' },
    };
    expect(adapter.buildSubmit(request, { key: 'job_1', callbackUrl })).toEqual({
      method: 'POST',
      path: '/v1/video_generation',
      json: {
        prompt_optimizer: false,
        last_frame_image: 'https://example.com/b.png',
        model: 'MiniMax-Hailuo-2.3',
        prompt: 'a cat',
        first_frame_image: 'data:image/png;base64,AAAA',
        resolution: '768P',
        duration: 6,
        callback_url: callbackUrl,
      },
    });
  });

  it('to H3 have their prompt and frames in content', () => {
    const audio = { type: 'audio_url', audio_url: { url: 'https://example.com/a.mp3' } };
    const image = 'https://example.com/a.png';
    const request = { ...h3, image, aspectRatio: '9:16', durationSeconds: 15, extra: { content: [audio] } };
    expect(adapter.buildSubmit(request, { key: 'job_1', callbackUrl })).toEqual({
      method: 'POST',
      path: '/v2/video_generation',
      json: {
        model: 'MiniMax-H3',
        content: [
          { type: 'text', text: 'a cat' },
          { type: 'image_url', image_url: { url: image }, role: 'first_frame' },
          audio,
        ],
        ratio: '9:16',
        duration: 15,
        callback_url: callbackUrl,
      },
    });
  });

  it.each([
    ['640x512', '512P', '768P', '4:3'],
    ['1280x720', '768P', '768P', '16:9'],
    ['1920x1080', '1080P', '768P', '16:9'],
    ['1440x2560', '1080P', '2K', '9:16'],
  ])('say %s as %s, or as %s and %s', (size, ofV1, ofV2, ratio) => {
    expect(adapter.buildSubmit({ ...hailuo, size }, { key: 'j' }).json).toMatchObject({ resolution: ofV1 });
    expect(adapter.buildSubmit({ ...h3, size }, { key: 'j' }).json).toMatchObject({
      resolution: ofV2,
      ratio,
    });
  });

  it('poll and call off in the generation that knows the task', () => {
    expect(adapter.buildPoll(v1)).toEqual({
      method: 'GET',
      path: '/v1/query/video_generation?task_id=106916112212032',
    });
    expect(adapter.buildPoll(v2)).toEqual({
      method: 'GET',
      path: '/v2/query/video_generation/106916112212032',
    });
    expect(adapter.buildCancel?.(v2)).toEqual({
      method: 'DELETE',
      path: '/v2/video_generation/106916112212032',
    });
    expect(adapter.buildCancel?.(v1)).toBeUndefined();
  });

  it('go to the generation of their model, unless it is forced', () => {
    const pathOf = (more: MinimaxOptions, request = hailuo) =>
      minimax({ ...options, ...more }).buildSubmit(request, { key: 'j' });
    expect(pathOf({}, { ...hailuo, model: 'minimax-h3-max' }).path).toBe('/v2/video_generation');
    expect(pathOf({ model: 'MiniMax-H3' }).path).toBe('/v2/video_generation');
    expect(pathOf({ generation: 'v2' })).toMatchObject({
      path: '/v2/video_generation',
      json: { model: 'MiniMax-H3' },
    });
    expect(pathOf({ generation: 'v1' }, h3)).toMatchObject({
      path: '/v1/video_generation',
      json: { model: 'MiniMax-H3' },
    });
  });

  it('are refused with the field named', () => {
    expect(adapter.refuse({ ...hailuo, durationSeconds: 10, size: '1280x720' })).toBeUndefined();
    expect(adapter.refuse({ ...h3, durationSeconds: 4, aspectRatio: '1:1' })).toBeUndefined();
    expect(adapter.refuse({ ...hailuo, kind: 'image' })).toMatch(/kind/);
    expect(adapter.refuse({ ...hailuo, prompt: 'x'.repeat(2_001) })).toMatch(/2000/);
    expect(adapter.refuse({ ...h3, prompt: 'x'.repeat(7_000) })).toBeUndefined();
    expect(adapter.refuse({ ...h3, prompt: 'x'.repeat(7_001) })).toMatch(/7000/);
    expect(adapter.refuse({ ...hailuo, durationSeconds: 5 })).toMatch(/6 or 10/);
    expect(adapter.refuse({ ...h3, durationSeconds: 16 })).toMatch(/4 to 15/);
    expect(adapter.refuse({ ...hailuo, aspectRatio: '16:9' })).toMatch(/aspectRatio/);
    expect(adapter.refuse({ ...h3, negativePrompt: 'rain' })).toMatch(/negativePrompt/);
    expect(adapter.refuse({ ...hailuo, seed: 1 })).toMatch(/seed/);
    expect(adapter.refuse({ ...h3, extra: { content: {} } })).toMatch(/extra\.content/);
  });
});

describe('minimax options', () => {
  it('choose the region, and take the key from its variable', async () => {
    expect(adapter.baseUrl).toBe('https://api.minimax.io');
    const chinese = minimax({ region: 'cn', env: () => ({ MINIMAX_API_KEY: 'b' }) });
    expect(chinese.baseUrl).toBe('https://api.minimaxi.com');
    expect((await chinese.credential('default'))?.headers).toEqual({ authorization: 'Bearer b' });
    expect(await minimax({ env: () => ({}) }).credential('default')).toBeUndefined();
  });

  it('say what it can do: v1 alone calls nothing off', () => {
    expect(adapter.capabilities).toEqual({
      kinds: ['video'],
      webhook: 'unsigned',
      cancel: 'queued',
      pollMinMs: 1_000,
      urlTtlMs: 3_600_000,
    });
    expect(adapter.reconcile).toEqual({ by: 'none' });
    const old = minimax({ ...options, generation: 'v1' });
    expect(old.capabilities.cancel).toBe('none');
    expect(old.buildCancel).toBeUndefined();
  });
});

describe('minimax submit replies', () => {
  const submitted = (response: HttpResponse, request = hailuo) =>
    adapter.parseSubmit(response, request, 'default');

  it('with an id are accepted, in the generation that was asked', () => {
    const answer = reply(200, { task_id: '106916112212032', ...OK });
    expect(submitted(answer)).toEqual({ type: 'accepted', ref: v1 });
    expect(submitted(reply(200, { task_id: 106_916_112_212_032 }), h3)).toEqual({
      type: 'accepted',
      ref: v2,
    });
    expect(submitted(reply(200, { task: { id: '106916112212032' } }), h3)).toEqual({
      type: 'accepted',
      ref: v2,
    });
  });

  it('with an id and a refusal are accepted all the same: what was made is asked for', () => {
    const answer = reply(200, { task_id: '106916112212032', ...baseResp(1002) });
    expect(submitted(answer)).toEqual({ type: 'accepted', ref: v1 });
  });

  it('that are terminal already are settled where the link is known', () => {
    const task = { id: '106916112212032', status: 'succeeded', content: { url } };
    expect(submitted(reply(200, { task }), h3)).toMatchObject({ ref: v2, settled: { type: 'done' } });
    const finished = { task_id: '106916112212032', status: 'Success', file_id: '7', ...OK };
    expect(submitted(reply(200, finished))).toEqual({ type: 'accepted', ref: v1 });
    expect(submitted(reply(200, { ...finished, status: 'Fail' }))).toMatchObject({
      settled: { type: 'failed' },
    });
  });

  it.each([
    [1000, 'ambiguous', 'server', true],
    [1001, 'ambiguous', 'server', true],
    [1024, 'ambiguous', 'server', true],
    [1033, 'ambiguous', 'server', true],
    [1002, 'rejected', 'rate', true],
    [1039, 'rejected', 'rate', true],
    [1041, 'rejected', 'rate', true],
    [2045, 'rejected', 'rate', true],
    [1004, 'rejected', 'auth', false],
    [2049, 'rejected', 'auth', false],
    [1008, 'rejected', 'billing', false],
    [2056, 'rejected', 'billing', false],
    [1026, 'rejected', 'safety', false],
    [1027, 'rejected', 'safety', false],
    [1042, 'rejected', 'validation', false],
    [2013, 'rejected', 'validation', false],
    [7777, 'ambiguous', 'unusable', false],
  ])('HTTP 200 with base_resp %i are %s (%s)', (status, type, errorClass, retryable) => {
    const expected = { type, error: { class: errorClass, code: String(status), retryable } };
    expect(submitted(code(status))).toMatchObject(expected);
    expect(submitted(reply(200, { task_id: '', ...baseResp(status) }))).toMatchObject(expected);
    // The other generation's envelope is read too.
    expect(submitted(code(status), h3)).toMatchObject(expected);
  });

  it.each([
    [400, 'invalid_request_error', 'rejected', 'validation', false],
    [401, 'authentication_error', 'rejected', 'auth', false],
    [402, 'insufficient_balance_error', 'rejected', 'billing', false],
    [403, 'permission_error', 'rejected', 'auth', false],
    [404, 'not_found_error', 'rejected', 'validation', false],
    [422, 'invalid_request_error', 'rejected', 'safety', false],
    [429, 'rate_limit_error', 'rejected', 'rate', true],
    [429, 'insufficient_balance_error', 'rejected', 'billing', false],
    [408, 'timeout_error', 'ambiguous', 'network', true],
    [500, 'api_error', 'ambiguous', 'server', true],
    [529, 'overloaded_error', 'ambiguous', 'rate', true],
    [200, 'invalid_request_error', 'rejected', 'validation', false],
    [200, 'api_error', 'ambiguous', 'unusable', false],
  ])('HTTP %i with %s are %s (%s)', (status, type, outcome, errorClass, retryable) => {
    for (const request of [hailuo, h3]) {
      expect(submitted(refusal(status, type), request)).toMatchObject({
        type: outcome,
        error: { class: errorClass, code: type, retryable },
      });
    }
  });

  it.each([
    [502, '<html>', 'ambiguous', 'server'],
    [200, '<html>', 'billed', 'unusable'],
    [200, OK, 'billed', 'unusable'],
    [200, { task_id: '0', ...OK }, 'billed', 'unusable'],
    [400, { error: { message: 'sensitive words' } }, 'rejected', 'safety'],
  ])('HTTP %i %j is %s (%s)', (status, body, type, errorClass) => {
    expect(submitted(reply(status, body))).toMatchObject({ type, error: { class: errorClass } });
  });
});

describe('what MiniMax sends to a hook', () => {
  const parse = (body: Record<string, unknown>, request?: ProviderRequest) =>
    adapter.webhook?.parse(body, { credential: 'default', ...(request === undefined ? {} : { request }) });
  const task_id = v1.taskId;

  it('begins with a challenge, which is repeated', () => {
    expect(adapter.webhook?.schemes).toEqual([{ type: 'unsigned' }]);
    expect(adapter.webhook?.challenge?.({ challenge: 'c-1' })).toBe('c-1');
    expect(adapter.webhook?.challenge?.({ challenge: { nested: true } })).toBeUndefined();
    expect(adapter.webhook?.challenge?.({ task_id, status: 'processing' })).toBeUndefined();
    expect(parse({ challenge: 'c-1' })).toBeUndefined();
  });

  it('has the words of v1 in lower case, and a file instead of a link', () => {
    expect(parse({ task_id, status: 'processing', ...OK })).toEqual({
      ref: v1,
      outcome: { type: 'pending' },
    });
    expect(parse({ task_id, status: 'success', file_id: '7', ...OK })).toEqual({ ref: v1 });
    expect(parse({ task_id, status: 'failed', ...baseResp(1027) })).toMatchObject({
      ref: v1,
      outcome: { type: 'failed', error: { class: 'safety' } },
    });
  });

  it('has the envelope of v2, or the request says which generation it is', () => {
    const task = { id: task_id, status: 'succeeded', content: { url } };
    const done = { ref: v2, outcome: { type: 'done', artifacts: [{ url, authenticated: false }] } };
    expect(parse({ task })).toEqual(done);
    expect(parse(task, h3)).toEqual(done);
  });
});

describe('a check of the key', () => {
  it('asks for a task that cannot be, or for one of the list', () => {
    expect(adapter.check?.build().path).toBe('/v1/query/video_generation?task_id=0');
    const newer = minimax({ ...options, generation: 'v2' });
    expect(newer.check?.build().path).toBe('/v2/query/video_generation?page_size=1');
  });

  it.each([
    [code(2013, 'invalid params, task_id'), undefined],
    [reply(200, OK), undefined],
    [reply(200, { tasks: [] }), undefined],
    [refusal(404, 'not_found_error'), undefined],
    [code(2049), 'auth'],
    [code(1008), 'billing'],
    [code(1000), 'server'],
    [refusal(401, 'authentication_error'), 'auth'],
    [reply(200, '<html>'), 'unusable'],
    [reply(503, '<html>'), 'server'],
  ])('%j says %s', (response, errorClass) => {
    expect(adapter.check?.parse(response)?.class).toBe(errorClass);
  });
});
