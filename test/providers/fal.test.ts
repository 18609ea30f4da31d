import { describe, expect, it } from 'vitest';
import { fal } from '../../src/providers/index.js';
import type { HttpResponse, ProviderRequest, TaskRef } from '../../src/providers/index.js';

const adapter = fal({ apiKey: 'id:secret', env: () => ({}) });
const video: ProviderRequest = { kind: 'video', prompt: 'a cat' };
const image: ProviderRequest = { kind: 'image', prompt: 'a cat' };
const ref: TaskRef = { taskId: 'req_1', endpoint: 'fal-ai/wan', generation: 'queue', credential: 'default' };

function reply(status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

const submit = (status: number, body: unknown, headers = {}) =>
  adapter.parseSubmit(reply(status, body, headers), video, 'default');
const poll = (status: number, body: unknown, headers = {}) =>
  adapter.parsePoll(reply(status, body, headers), ref);
const result = (status: number, body: unknown, headers = {}) =>
  adapter.parseMore?.(reply(status, body, headers), ref);

describe('fal requests', () => {
  it('have the model for a path, and the hook in the query', () => {
    const callbackUrl = 'https://agent.example/hooks/fal/job_1.t?a=b';
    expect(adapter.buildSubmit(video, { key: 'job_1', callbackUrl })).toEqual({
      method: 'POST',
      path: `/fal-ai/wan/v2.2-a14b/text-to-video?fal_webhook=${encodeURIComponent(callbackUrl)}`,
      json: { prompt: 'a cat' },
    });
  });

  it('map what models share, and pass on what is their own', () => {
    const request: ProviderRequest = {
      ...video,
      image: 'https://example.com/cat.png',
      negativePrompt: 'dogs',
      durationSeconds: 5,
      size: '1280x720',
      aspectRatio: '16:9',
      seed: 7,
      extra: { num_frames: 81, prompt: 'never wins' },
    };
    expect(adapter.buildSubmit(request, { key: 'job_1' })).toEqual({
      method: 'POST',
      path: '/fal-ai/wan/v2.2-a14b/image-to-video',
      json: {
        num_frames: 81,
        prompt: 'a cat',
        image_url: 'https://example.com/cat.png',
        negative_prompt: 'dogs',
        duration: '5',
        aspect_ratio: '16:9',
        resolution: '720p',
        seed: 7,
      },
    });
    expect(adapter.buildSubmit({ ...image, size: '1024x768' }, { key: 'job_1' })).toEqual({
      method: 'POST',
      path: '/fal-ai/flux/dev',
      json: { prompt: 'a cat', image_size: { width: 1_024, height: 768 } },
    });
  });

  it('take the models of the options', () => {
    const own = fal({ videoModel: 'me/a', imageToVideoModel: 'me/b', imageModel: 'me/c', env: () => ({}) });
    const pathOf = (request: ProviderRequest) => own.buildSubmit(request, { key: 'k' }).path;
    expect(pathOf(video)).toBe('/me/a');
    expect(pathOf({ ...video, image: 'https://example.com/a.png' })).toBe('/me/b');
    expect(pathOf(image)).toBe('/me/c');
    expect(pathOf({ ...video, model: 'fal-ai/veo3' })).toBe('/fal-ai/veo3');
  });

  it('ask and cancel below owner and alias, without the rest of the model', () => {
    expect(adapter.buildPoll(ref)).toEqual({ method: 'GET', path: '/fal-ai/wan/requests/req_1/status' });
    expect(adapter.buildCancel?.(ref)).toEqual({ method: 'PUT', path: '/fal-ai/wan/requests/req_1/cancel' });
  });

  it.each(['flux', '../x/y', 'fal-ai/./x', 'fal-ai//x', 'fal-ai/x?y', 'workflows/me'])(
    'are refused for the model %s',
    (model) => {
      expect(adapter.refuse({ ...video, model })).toMatch(/model/);
    },
  );

  it('take the key from any of its variables', async () => {
    const headers = async (env: Record<string, string>) =>
      (await fal({ env: () => env }).credential('default'))?.headers;
    expect(await headers({ FAL_API_KEY: 'b' })).toEqual({ authorization: 'Key b' });
    expect(await headers({ FAL_API_KEY: 'b', FAL_KEY: 'a' })).toEqual({ authorization: 'Key a' });
    expect(await headers({ FAL_KEY_ID: 'i', FAL_KEY_SECRET: 's' })).toEqual({ authorization: 'Key i:s' });
    expect(await headers({ FAL_KEY_ID: 'i' })).toBeUndefined();
    expect(await fal({ env: () => ({ FAL_KEY: 'a' }) }).credential('other')).toBeUndefined();
  });
});

describe('fal submit replies', () => {
  it('with a request id are accepted, and the ref keeps owner and alias', () => {
    const queued = {
      request_id: 'req_1',
      status: 'IN_QUEUE',
      queue_position: 3,
      status_url: 'https://evil/x',
    };
    expect(submit(200, queued)).toEqual({ type: 'accepted', ref });
    const workflow = { ...video, model: 'workflows/me/mine' };
    expect(adapter.parseSubmit(reply(200, queued), workflow, 'default')).toMatchObject({
      ref: { endpoint: 'workflows/me/mine' },
    });
  });

  it.each([
    [401, { detail: 'Authentication is required' }, 'rejected', 'auth', false],
    [403, { detail: 'Forbidden' }, 'rejected', 'auth', false],
    [403, { detail: 'User is locked. Reason: Exhausted balance.' }, 'rejected', 'billing', false],
    [402, { detail: 'Payment required' }, 'rejected', 'billing', false],
    [404, { detail: 'Application not found' }, 'rejected', 'validation', false],
    [
      422,
      { detail: [{ loc: ['body', 'prompt'], msg: 'Field required', type: 'missing' }] },
      'rejected',
      'validation',
      false,
    ],
    [422, { detail: [{ msg: 'unsafe', type: 'content_policy_violation' }] }, 'rejected', 'safety', false],
    [429, { detail: 'Rate limit exceeded' }, 'rejected', 'rate', true],
    [408, '', 'ambiguous', 'network', true],
    [409, { detail: 'Conflict' }, 'ambiguous', 'validation', false],
    [500, { detail: 'Internal Server Error' }, 'ambiguous', 'server', true],
    [503, '<html>', 'ambiguous', 'server', true],
    [200, { status: 'IN_QUEUE' }, 'billed', 'unusable', false],
    [200, '<html>', 'billed', 'unusable', false],
  ])('HTTP %i %j is %s (%s)', (status, body, type, errorClass, retryable) => {
    expect(submit(status, body)).toMatchObject({ type, error: { class: errorClass, retryable } });
  });

  it('name the field that was wrong', () => {
    const detail = [{ loc: ['body', 'seed'], msg: 'Input should be an integer', type: 'int_type' }];
    expect(submit(422, { detail })).toMatchObject({
      error: { code: 'int_type', message: 'HTTP 422: body.seed: Input should be an integer' },
    });
  });
});

describe('fal poll replies', () => {
  it.each([
    [202, { status: 'IN_QUEUE', queue_position: 4 }, { type: 'pending' }],
    [202, { status: 'IN_PROGRESS', logs: [] }, { type: 'pending' }],
    [200, { status: 'PAUSED' }, { type: 'pending', unknownStatus: 'PAUSED' }],
    [
      200,
      { status: 'COMPLETED', request_id: 'req_1', response_url: 'https://evil.example/x' },
      { type: 'more', request: { method: 'GET', path: '/fal-ai/wan/requests/req_1' } },
    ],
  ])('HTTP %i %j', (status, body, expected) => {
    expect(poll(status, body)).toEqual(expected);
  });

  it.each([
    [401, { detail: 'no' }, 'auth'],
    [404, { detail: 'Request not found' }, 'notFound'],
    [404, '<html>', 'server'],
    [422, { detail: 'bad' }, 'validation'],
    [429, { detail: 'slow down' }, 'rate'],
    [500, { detail: 'oops' }, 'server'],
    [200, {}, 'unusable'],
    [200, 'torn {', 'unusable'],
    [200, { status: 'COMPLETED', request_id: 'req_2' }, 'unusable'],
  ])('HTTP %i %j keeps the job alive as %s', (status, body, errorClass) => {
    expect(poll(status, body)).toMatchObject({ type: 'transient', error: { class: errorClass } });
  });
});

describe('fal results', () => {
  const url = 'https://v3.fal.media/files/a/out.mp4';
  const open = (address: string) => ({ url: address, authenticated: false });

  it.each([
    [{ video: { url, content_type: 'video/mp4' }, seed: 1 }, [open(url)]],
    [{ video: url }, [open(url)]],
    [{ videos: [{ url }, { url: `${url}?2` }] }, [open(url), open(`${url}?2`)]],
    [
      { images: [{ url: 'https://c/a.png', content_type: 'image/png' }], prompt: 'x' },
      [open('https://c/a.png')],
    ],
    [{ image: { url: 'https://c/a.png' } }, [open('https://c/a.png')]],
    [{ output: { url } }, [open(url)]],
    [{ output: [url] }, [open(url)]],
    [{ data: { video: { url } } }, [open(url)]],
    [{ rendered: { file: { url } } }, [open(url)]],
    [{ images: [{ url: 'data:image/png;base64,AAAA' }] }, [{ base64: 'AAAA' }]],
  ])('find what was made in %j', (body, artifacts) => {
    expect(result(200, body)).toEqual({ type: 'done', artifacts });
  });

  it('leave out a thumbnail beside a video, and what the result repeats of its input', () => {
    const body = {
      video: { url, content_type: 'video/mp4' },
      images: [{ url: 'https://c/thumb.jpg', content_type: 'image/jpeg' }],
      input_image: 'https://example.com/mine.png',
    };
    expect(result(200, body)).toEqual({ type: 'done', artifacts: [open(url)] });
  });

  it('that are not there yet are pending', () => {
    expect(result(400, { detail: 'Request is still in progress' })).toEqual({ type: 'pending' });
  });

  it.each([
    [422, { detail: [{ loc: ['body'], msg: 'no', type: 'content_policy_violation' }] }, {}, 'safety'],
    [
      422,
      { detail: [{ loc: ['body', 'image_url'], msg: 'too big', type: 'image_too_large' }] },
      {},
      'validation',
    ],
    [422, { detail: [{ msg: 'could not load', type: 'image_load_error' }] }, {}, 'validation'],
    [422, { detail: [{ msg: 'no', type: 'no_media_generated' }] }, {}, 'failed'],
    [400, { detail: 'The face was not found' }, {}, 'failed'],
    [500, { detail: [{ msg: 'oops', type: 'internal_server_error' }] }, {}, 'failed'],
    [504, { detail: 'Timed out', error_type: 'generation_timeout' }, {}, 'failed'],
    [503, { detail: 'Runner gone' }, { 'x-fal-error-type': 'runner_disconnected' }, 'failed'],
    [499, { detail: 'Cancelled', error_type: 'client_cancelled' }, {}, 'failed'],
  ])("HTTP %i %j is the model's own, and final", (status, body, headers, errorClass) => {
    expect(result(status, body, headers)).toMatchObject({ type: 'failed', error: { class: errorClass } });
  });

  it.each([
    [401, { detail: 'Authentication is required' }, 'auth'],
    [403, { detail: 'User is locked. Reason: Exhausted balance' }, 'billing'],
    [404, { detail: 'Not found' }, 'notFound'],
    [429, { detail: 'Rate limit exceeded' }, 'rate'],
    [500, { detail: 'Internal Server Error' }, 'server'],
    [502, '<html>Bad gateway</html>', 'server'],
    [400, '<html>', 'validation'],
    [200, { seed: 1 }, 'unusable'],
    [200, 'torn {', 'unusable'],
  ])('HTTP %i %j proves nothing: asked again as %s', (status, body, errorClass) => {
    expect(result(status, body)).toMatchObject({ type: 'transient', error: { class: errorClass } });
  });
});

describe('what fal posts to a hook', () => {
  const context = { request: video, credential: 'default' };
  const read = (body: Record<string, unknown>) => adapter.webhook?.parse(body, context);

  it('is a result, a failure, or news that a poll looks into', () => {
    const video_ = { url: 'https://c/v.mp4', content_type: 'video/mp4' };
    expect(read({ request_id: 'req_1', status: 'OK', payload: { video: video_ } })).toEqual({
      ref,
      outcome: { type: 'done', artifacts: [{ url: 'https://c/v.mp4', authenticated: false }] },
    });
    const detail = [{ loc: ['body', 'prompt'], msg: 'no', type: 'content_policy_violation' }];
    expect(read({ request_id: 'req_1', status: 'ERROR', error: 'x', payload: { detail } })).toMatchObject({
      outcome: { type: 'failed', error: { class: 'safety', code: 'content_policy_violation' } },
    });
    expect(read({ request_id: 'req_1', status: 'OK', payload: null, payload_error: 'too big' })).toEqual({
      ref,
    });
    expect(read({ request_id: 'req_1', status: 'ERROR', error: 'Invalid status code: 500' })).toEqual({
      ref,
    });
    expect(read({ request_id: 'req_1', status: 'LATER' })).toEqual({ ref });
  });

  it('says nothing of a task without its id, and of no path without the request', () => {
    expect(read({ status: 'OK' })).toBeUndefined();
    expect(adapter.webhook?.parse({ request_id: 'r', status: 'OK' }, { credential: 'default' })).toEqual({});
  });

  it('is signed with keys that fal publishes', () => {
    const jwksUrl = 'https://rest.fal.ai/.well-known/jwks.json';
    expect(adapter.webhook?.schemes).toEqual([{ type: 'fal', jwksUrl }]);
    const other = fal({ jwksUrl: 'http://127.0.0.1/jwks', env: () => ({}) });
    expect(other.webhook?.schemes).toEqual([{ type: 'fal', jwksUrl: 'http://127.0.0.1/jwks' }]);
  });
});

describe('the check of a fal key', () => {
  it.each([
    [404, { detail: 'Request not found' }, undefined],
    [422, { detail: 'not a uuid' }, undefined],
    [401, { detail: 'No user found' }, 'auth'],
    [403, { detail: 'Exhausted balance' }, 'billing'],
    [503, '', 'server'],
  ])('reads HTTP %i %j as %s', (status, body, errorClass) => {
    expect(adapter.check?.parse(reply(status, body))?.class).toBe(errorClass);
  });
});

it('fal says what it can do', () => {
  expect(adapter.baseUrl).toBe('https://queue.fal.run');
  expect(adapter.reconcile).toEqual({ by: 'none' });
  expect(adapter.capabilities).toEqual({
    kinds: ['video', 'image'],
    webhook: 'signed',
    cancel: 'any',
    pollMinMs: 1_000,
  });
});
