import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/errors.js';
import { rsclaw } from '../../src/providers/index.js';
import type { HttpResponse, ProviderRequest, RsclawOptions, TaskRef } from '../../src/providers/index.js';

const plain: RsclawOptions = { apiKey: 'rk-test-0001', env: () => ({}) };
const videos = rsclaw(plain);
const jobs = rsclaw({ ...plain, protocol: 'jobs' });
const video: ProviderRequest = { kind: 'video', prompt: 'a cat', durationSeconds: 5, aspectRatio: '16:9' };
const image = 'https://example.com/a.png';
const context = { key: 'job_1' };
const videoRef: TaskRef = {
  taskId: 'video_1',
  endpoint: 'videos',
  generation: 'videos',
  credential: 'default',
};
const jobRef: TaskRef = { taskId: 'job_9', endpoint: 'jobs', generation: 'jobs', credential: 'default' };

function reply(status: number, body: unknown): HttpResponse {
  return { status, headers: {}, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

describe('rsclaw requests', () => {
  it('to /v1/videos are flat', () => {
    expect(videos.buildSubmit({ ...video, size: '1280x720', image, extra: { fps: 24 } }, context)).toEqual({
      method: 'POST',
      path: '/v1/videos',
      json: {
        fps: 24,
        model: 'rsclaw-video-v3',
        prompt: 'a cat',
        resolution: '720p',
        ratio: '16:9',
        duration: 5,
        input_reference: { image_url: image },
      },
    });
  });

  it.each([
    ['/v1/videos/mv', { lyrics: 'la la' }],
    ['/v1/videos/avatar', { audio: 'https://example.com/a.wav' }],
  ])('go to %s by what drives the image, whose model the server chooses', (path, extra) => {
    expect(videos.buildSubmit({ kind: 'video', prompt: 'sing', image, extra }, context)).toEqual({
      method: 'POST',
      path,
      json: { ...extra, prompt: 'sing', input_reference: { image_url: image } },
    });
  });

  it('to /v1/jobs are typed, and carry the job key for idempotency', () => {
    const data = 'data:image/png;base64,AAAA';
    const extra = {
      generate_audio: true,
      metadata: { tag: 'x' },
      frames: { end: { type: 'url', url: image } },
    };
    expect(jobs.buildSubmit({ ...video, size: '2048x1152', image: data, extra }, context)).toEqual({
      method: 'POST',
      path: '/v1/jobs',
      headers: { 'idempotency-key': 'job_1' },
      json: {
        kind: {
          generate_audio: true,
          kind: 'video',
          model: 'rsclaw-video-v3',
          prompt: 'a cat',
          resolution: '1080p',
          aspect_ratio: '16:9',
          duration_secs: 5,
          frames: { end: { type: 'url', url: image }, start: { type: 'data_uri', data_uri: data } },
          references: [],
        },
        metadata: { tag: 'x' },
      },
    });
    expect(jobs.buildSubmit({ ...video, image }, context).json).toMatchObject({
      kind: { frames: { start: { type: 'url', url: image } } },
      metadata: {},
    });
  });

  it('ask for a task where it lives, whatever the option says now', () => {
    for (const adapter of [videos, jobs]) {
      expect(adapter.buildPoll(videoRef)).toEqual({ method: 'GET', path: '/v1/videos/video_1' });
      expect(adapter.buildPoll(jobRef)).toEqual({ method: 'GET', path: '/v1/jobs/job_9' });
    }
  });

  it('are refused with the field named', () => {
    expect(videos.refuse(video)).toBeUndefined();
    expect(videos.refuse({ ...video, kind: 'image' })).toMatch(/kind/);
    expect(videos.refuse({ ...video, durationSeconds: 4.5 })).toMatch(/whole/);
    expect(videos.refuse({ ...video, extra: { lyrics: 'la' } })).toMatch(/image must be given/);
    expect(jobs.refuse({ ...video, image, extra: { lyrics: 'la' } })).toMatch(/protocol "videos"/);
  });
});

describe('the rsclaw host', () => {
  it.each([
    [undefined, 'https://api.rsclaw.ai'],
    ['https://api.rsclaw.ai/v1/agent', 'https://api.rsclaw.ai'],
    ['https://gate.example.com/rs/v1/', 'https://gate.example.com/rs'],
    ['https://gate.example.com/v1beta', 'https://gate.example.com/v1beta'],
  ])('of %s is %s', (baseUrl, expected) => {
    expect(rsclaw({ ...plain, ...(baseUrl === undefined ? {} : { baseUrl }) }).baseUrl).toBe(expected);
  });

  it.each([
    ['https://eu.rsclaw.ai', true],
    ['https://rsclaw.ai', true],
    ['https://a.b.rsclaw.ai', true],
    ['http://eu.rsclaw.ai', false],
    ['https://eu.rsclaw.ai:8443', false],
    ['https://rsclaw.ai.example.com', false],
    ['https://evilrsclaw.ai', false],
    ['https://r2.cloudflarestorage.com', false],
  ])('has %s in its fleet: %s', (origin, expected) => {
    expect(videos.fleet?.(new URL(origin))).toBe(expected);
  });

  it('of somebody else has what is below it, and what is listed', () => {
    const baseUrl = 'https://gate.example.co.uk';
    const adapter = rsclaw({ ...plain, baseUrl, fleetOrigins: ['http://127.0.0.1:9'] });
    expect(adapter.fleet?.(new URL('https://eu.gate.example.co.uk'))).toBe(true);
    expect(adapter.fleet?.(new URL('https://other.example.co.uk'))).toBe(false);
    expect(adapter.fleet?.(new URL('http://127.0.0.1:9/x'))).toBe(true);
    expect(adapter.trustedOrigins).toContain('http://127.0.0.1:9');
    expect(() => rsclaw({ fleetOrigins: ['no URL'] })).toThrow(
      expect.toSatisfy((error) => isHoldfastError(error, 'INVALID_OPTIONS')),
    );
  });

  it('takes the key from its variable', async () => {
    const adapter = rsclaw({ env: () => ({ RSCLAW_API_KEY: 'rk' }) });
    expect(await adapter.credential('default')).toEqual({ headers: { authorization: 'Bearer rk' } });
    expect(await rsclaw({ env: () => ({}) }).credential('default')).toBeUndefined();
  });
});

describe('rsclaw submit replies', () => {
  it('with an id are accepted, and the ref remembers the protocol', () => {
    expect(videos.parseSubmit(reply(200, { id: 'video_1' }), video, 'default')).toMatchObject({
      type: 'accepted',
      ref: videoRef,
    });
    expect(jobs.parseSubmit(reply(202, { id: 'job_9', status: 'queued' }), video, 'default')).toEqual({
      type: 'accepted',
      ref: jobRef,
    });
    const done = reply(200, { id: 'video_1', status: 'completed' });
    expect(videos.parseSubmit(done, video, 'default')).toMatchObject({ settled: { type: 'done' } });
  });

  it.each([
    [400, { error: { message: 'bad prompt' } }, 'rejected', 'validation'],
    [400, { error: { message: 'blocked by content policy' } }, 'rejected', 'safety'],
    [401, { message: 'no' }, 'rejected', 'auth'],
    [402, { error: { message: 'top up' } }, 'rejected', 'billing'],
    [404, { message: 'no such model' }, 'rejected', 'validation'],
    [408, '', 'ambiguous', 'network'],
    [409, { message: 'in flight' }, 'ambiguous', 'validation'],
    [422, { error: 'resolution' }, 'rejected', 'validation'],
    [429, { message: 'slow down' }, 'rejected', 'rate'],
    [500, '<html>', 'ambiguous', 'server'],
    [502, '<html>', 'ambiguous', 'server'],
    [307, '', 'ambiguous', 'unusable'],
    [200, { error: { message: 'no' } }, 'ambiguous', 'unusable'],
    [200, '<html>', 'billed', 'unusable'],
    [200, {}, 'billed', 'unusable'],
  ])('HTTP %i %j are %s (%s)', (status, body, type, errorClass) => {
    for (const adapter of [videos, jobs]) {
      const outcome = adapter.parseSubmit(reply(status, body), video, 'default');
      expect(outcome).toMatchObject({ type, error: { class: errorClass } });
    }
  });
});

describe('rsclaw poll replies', () => {
  const content = {
    type: 'done',
    artifacts: [{ url: 'https://api.rsclaw.ai/v1/videos/video_1/content', authenticated: true }],
  };
  const url = 'https://cdn.example/v.mp4?sig=1';
  it.each([
    [{ status: 'queued' }, { type: 'pending' }],
    [{ status: 'in_progress' }, { type: 'pending' }],
    [
      { status: 'in_progress', progress: 40 },
      { type: 'pending', progress: 0.4 },
    ],
    [
      { status: 'running', progress: 0.4 },
      { type: 'pending', progress: 0.4 },
    ],
    [{ status: 'dreaming' }, { type: 'pending', unknownStatus: 'dreaming' }],
    [{ status: 'completed' }, content],
    [{ status: 'completed', result: { url } }, { artifacts: [{ url, authenticated: false }] }],
    [
      { status: 'completed', url: 'https://api.rsclaw.ai/v1/files/1' },
      { artifacts: [{ url: 'https://api.rsclaw.ai/v1/files/1', authenticated: true }] },
    ],
    [
      { status: 'failed', error: { message: 'gpu lost' } },
      { type: 'failed', error: { class: 'failed', code: 'failed', message: 'gpu lost' } },
    ],
    [
      { status: 'failed', error: 'nsfw prompt' },
      { type: 'failed', error: { class: 'safety' } },
    ],
    [{ status: 'cancelled' }, { type: 'failed', error: { class: 'failed', code: 'cancelled' } }],
    [
      { id: 'video_2', status: 'completed' },
      { type: 'transient', error: { class: 'unusable' } },
    ],
    [{}, { type: 'transient', error: { class: 'unusable' } }],
  ])('%j', (body, expected) => {
    expect(videos.parsePoll(reply(200, { id: 'video_1', ...body }), videoRef)).toMatchObject(expected);
  });

  it('of /v1/jobs find the artifact below the job', () => {
    const done = reply(200, { id: 'job_9', status: 'completed' });
    expect(jobs.parsePoll(done, jobRef)).toEqual({
      type: 'done',
      artifacts: [{ url: 'https://api.rsclaw.ai/v1/jobs/job_9/content', authenticated: true }],
    });
  });

  it.each([
    [reply(401, { message: 'no' }), 'auth'],
    [reply(402, { message: 'no' }), 'billing'],
    [reply(404, { message: 'no such video' }), 'notFound'],
    [reply(404, '<html>'), 'server'],
    [reply(429, { message: 'slow' }), 'rate'],
    [reply(503, '<html>'), 'server'],
    [reply(307, ''), 'unusable'],
    [reply(200, 'torn {'), 'unusable'],
  ])('%j keep the job alive as %s', (response, errorClass) => {
    expect(videos.parsePoll(response, videoRef)).toMatchObject({
      type: 'transient',
      error: { class: errorClass },
    });
  });
});

describe('rsclaw reconciliation', () => {
  it('is none for /v1/videos', () => {
    expect(videos.reconcile).toEqual({ by: 'none' });
  });

  const { reconcile } = jobs;
  if (reconcile.by !== 'key') throw new Error('jobs are reconciled by key');
  const lookup = (response: HttpResponse) => reconcile.parseLookup(response, video, 'default', 'job_1');

  it('for /v1/jobs is the submit again, under the same key', () => {
    expect(reconcile.buildLookup(video, context)).toEqual(jobs.buildSubmit(video, context));
    expect(lookup(reply(200, { id: 'job_9', status: 'queued' }))).toEqual({ type: 'found', ref: jobRef });
  });

  it.each([
    [400, 'absent'],
    [422, 'absent'],
    [401, 'transient'],
    [402, 'transient'],
    [409, 'transient'],
    [429, 'transient'],
    [500, 'transient'],
    [200, 'transient'],
  ])('says after HTTP %i: %s', (status, type) => {
    expect(lookup(reply(status, { error: { message: 'words' } })).type).toBe(type);
  });
});

describe('the rsclaw check', () => {
  it('asks for what cannot exist, and is content with the word that it does not', () => {
    expect(videos.check?.build()).toEqual({ method: 'GET', path: '/v1/videos/holdfast-check' });
    expect(jobs.check?.build().path).toBe('/v1/jobs/holdfast-check');
    expect(videos.check?.parse(reply(404, { message: 'no such video' }))).toBeUndefined();
    expect(videos.check?.parse(reply(404, '<html>'))).toMatchObject({ class: 'server' });
    expect(videos.check?.parse(reply(401, { message: 'no' }))).toMatchObject({ class: 'auth' });
  });
});
