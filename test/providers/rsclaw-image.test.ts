import { describe, expect, it } from 'vitest';
import { stableId } from '../../src/ids.js';
import { rsclawImage } from '../../src/providers/index.js';
import type { HttpResponse, ProviderRequest, TaskRef } from '../../src/providers/index.js';

const adapter = rsclawImage({ apiKey: 'rk-test-0001', env: () => ({}) });
const wanted: ProviderRequest = { kind: 'image', prompt: 'a cat', size: '1024x1024' };
const signed = 'https://img.rsclaw.ai/poll/7?sig=s3cret';
const ref: TaskRef = {
  taskId: stableId('image', signed),
  endpoint: 'images',
  generation: 'v1',
  credential: 'default',
  secret: signed,
};
const url = 'https://cdn.example/i.png?sig=1';
const one = { type: 'done', artifacts: [{ url, authenticated: false }] };

function reply(status: number, body: unknown): HttpResponse {
  return { status, headers: {}, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

const submitted = (status: number, body: unknown) =>
  adapter.parseSubmit(reply(status, body), wanted, 'default');

describe('rsclaw_image requests', () => {
  it('name the model in the body', () => {
    expect(
      adapter.buildSubmit({ ...wanted, aspectRatio: '1:1', extra: { n: 2 } }, { key: 'job_1' }),
    ).toMatchObject({
      method: 'POST',
      path: '/v1/images/generations',
      json: { n: 2, model: 'rsclaw-image-v1', prompt: 'a cat', size: '1024x1024', aspect_ratio: '1:1' },
    });
  });

  it('poll by the signed URL alone', () => {
    expect(adapter.buildPoll(ref)).toMatchObject({ method: 'GET', signedUrl: signed });
  });

  it('are refused with the field named', () => {
    expect(adapter.refuse(wanted)).toBeUndefined();
    expect(adapter.refuse({ ...wanted, kind: 'video' })).toMatch(/kind/);
    expect(adapter.refuse({ ...wanted, image: 'https://example.com/a.png' })).toMatch(/image/);
  });
});

describe('rsclaw_image submit replies', () => {
  it.each([
    [{ id: signed }],
    [{ id: 'img_1', poll_url: signed, status: 'queued' }],
    [{ data: { id: signed } }],
  ])('%j are accepted: the URL is sealed, the id is a hash of it', (body) => {
    expect(submitted(200, body)).toEqual({ type: 'accepted', ref });
    expect(ref.taskId).toMatch(/^image_[0-9a-f]{32}$/);
  });

  it('with a path lead to the base URL', () => {
    expect(submitted(200, { id: '/poll/7?sig=s3cret' })).toMatchObject({
      type: 'accepted',
      ref: { secret: 'https://api.rsclaw.ai/poll/7?sig=s3cret' },
    });
  });

  it.each([
    'https://evil.example/poll/7?sig=s3cret',
    'http://img.rsclaw.ai/poll/7?sig=s3cret',
    'https://user:s3cret@img.rsclaw.ai/poll/7',
    'https://img.rsclaw.ai:8443/poll/7?sig=s3cret',
    'http://127.0.0.1/poll/7?sig=s3cret',
  ])('with %s are billed, and nobody asks there', (id) => {
    const outcome = submitted(200, { id });
    expect(outcome).toMatchObject({ type: 'billed', error: { class: 'unusable', code: 'strayUrl' } });
    expect(JSON.stringify(outcome)).not.toContain('s3cret');
  });

  it('with a trusted origin are accepted', () => {
    const trusting = rsclawImage({ apiKey: 'k', trustedOrigins: ['http://127.0.0.1:9'] });
    const body = { id: 'http://127.0.0.1:9/poll/7' };
    expect(trusting.parseSubmit(reply(200, body), wanted, 'default').type).toBe('accepted');
  });

  it('that have the image already are settled', () => {
    expect(submitted(200, { created: 1, data: [{ url }] })).toMatchObject({ type: 'accepted', settled: one });
    expect(submitted(200, { id: signed, status: 'completed', url })).toMatchObject({ ref, settled: one });
  });

  it.each([
    [400, { error: { message: 'bad size' } }, 'rejected', 'validation'],
    [400, { error: { message: 'nsfw' } }, 'rejected', 'safety'],
    [401, { message: 'no' }, 'rejected', 'auth'],
    [402, { message: 'no' }, 'rejected', 'billing'],
    [429, { message: 'slow' }, 'rejected', 'rate'],
    [500, '<html>', 'ambiguous', 'server'],
    [200, { error: { message: 'no' } }, 'ambiguous', 'unusable'],
    [200, { id: 'img_1' }, 'billed', 'unusable'],
    [200, '<html>', 'billed', 'unusable'],
  ])('HTTP %i %j are %s (%s)', (status, body, type, errorClass) => {
    expect(submitted(status, body)).toMatchObject({ type, error: { class: errorClass } });
  });
});

describe('rsclaw_image poll replies', () => {
  const polled = (response: HttpResponse) => adapter.parsePoll(response, ref);

  it.each([
    [{ status: 'queued' }, { type: 'pending' }],
    [{ status: 'pending' }, { type: 'pending' }],
    [{ status: 'processing' }, { type: 'pending' }],
    [{ status: 'in_progress' }, { type: 'pending' }],
    [{ status: 'dreaming' }, { type: 'pending', unknownStatus: 'dreaming' }],
    [{ status: 'completed', url }, one],
    [{ status: 'succeeded', image_url: url }, one],
    [{ status: 'done', data: [{ url }] }, one],
    [
      { status: 'done', data: [{ b64_json: 'AAAA' }] },
      { type: 'done', artifacts: [{ base64: 'AAAA' }] },
    ],
    [
      { status: 'done', data: [{ url }, { b64_json: 'AAAA' }] },
      { type: 'done', artifacts: [{ url }, {}] },
    ],
    [{ status: 'completed', output: { url } }, one],
    [{ status: 'completed', result: { url } }, one],
    [{ url }, one],
    [{ status: 'completed' }, { type: 'transient', error: { class: 'unusable' } }],
    [{}, { type: 'transient', error: { class: 'unusable' } }],
    [
      { status: 'failed', error: { message: 'gpu' } },
      { type: 'failed', error: { class: 'failed' } },
    ],
    [
      { status: 'failed', message: 'content policy' },
      { type: 'failed', error: { class: 'safety' } },
    ],
    [{ status: 'cancelled' }, { type: 'failed', error: { code: 'cancelled' } }],
    [{ status: 'expired' }, { type: 'failed', error: { code: 'expired' } }],
  ])('%j', (body, expected) => {
    expect(polled(reply(200, body))).toMatchObject(expected);
  });

  it.each([401, 403, 410])(
    'HTTP %i says that the signature is over, and is no trouble of the account',
    (status) => {
      const failed = {
        type: 'failed',
        error: { class: 'failed', code: 'signatureExpired', retryable: false },
      };
      expect(polled(reply(status, 'AccessDenied'))).toMatchObject(failed);
      const { secret, ...unsigned } = ref;
      expect(secret).toBe(signed);
      expect(adapter.parsePoll(reply(status, '{}'), unsigned).type).toBe('transient');
    },
  );

  it.each([
    [reply(404, { message: 'not yet' }), 'notFound'],
    [reply(429, { message: 'slow' }), 'rate'],
    [reply(503, '<html>'), 'server'],
    [reply(200, '<html>'), 'unusable'],
  ])('%j keep the job alive as %s', (response, errorClass) => {
    expect(polled(response)).toMatchObject({ type: 'transient', error: { class: errorClass } });
  });
});
