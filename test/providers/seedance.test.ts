import { describe, expect, it } from 'vitest';
import { seedance } from '../../src/providers/index.js';
import type { HttpResponse, ProviderRequest, SeedanceOptions, TaskRef } from '../../src/providers/index.js';

const options: SeedanceOptions = { apiKey: 'ark-test-0001', env: () => ({}) };
const adapter = seedance(options);
const video: ProviderRequest = { kind: 'video', prompt: 'a cat' };
const ref: TaskRef = {
  taskId: 'cgt-1',
  endpoint: 'tasks',
  generation: 'v3',
  region: 'intl',
  credential: 'default',
};
const url = 'https://tos.example.com/v.mp4?X-Tos-Signature=1';
/** The first eight hex digits of the SHA-256 of `job_1`, as a number. */
const SEED = 3_139_842_735;

function reply(status: number, body: unknown): HttpResponse {
  return { status, headers: {}, text: typeof body === 'string' ? body : JSON.stringify(body) };
}

const refusal = (status: number, code: string, message = 'words') =>
  reply(status, { error: { code, message, param: '', type: '' } });

describe('seedance options', () => {
  it('choose the region: its house, its model', () => {
    expect(adapter.baseUrl).toBe('https://ark.ap-southeast.bytepluses.com/api/v3');
    const chinese = seedance({ ...options, region: 'cn' });
    expect(chinese.baseUrl).toBe('https://ark.cn-beijing.volces.com/api/v3');
    expect(chinese.buildSubmit(video, { key: 'j' }).json).toMatchObject({
      model: 'doubao-seedance-2-0-260128',
    });
    expect(chinese.parseSubmit(reply(200, { id: 'cgt-1' }), video, 'default')).toMatchObject({
      ref: { region: 'cn' },
    });
    const own = seedance({ ...options, model: 'dreamina' });
    expect(own.buildSubmit(video, { key: 'j' }).json).toMatchObject({ model: 'dreamina' });
  });

  it('take the key from either variable', async () => {
    const at = async (env: Record<string, string>) =>
      (await seedance({ env: () => env }).credential('default'))?.headers;
    expect(await at({ BYTEDANCE_ARK_API_KEY: 'b' })).toEqual({ authorization: 'Bearer b' });
    expect(await at({ BYTEDANCE_ARK_API_KEY: 'b', ARK_API_KEY: 'a' })).toEqual({ authorization: 'Bearer a' });
    expect(await at({})).toBeUndefined();
  });

  it('are what it says of itself', () => {
    expect(adapter.aliases).toEqual(['doubao']);
    expect(adapter.capabilities).toEqual({
      kinds: ['video'],
      webhook: 'unsigned',
      cancel: 'queued',
      pollMinMs: 1_000,
      urlTtlMs: 86_400_000,
    });
  });
});

describe('seedance submit replies', () => {
  const submitted = (response: HttpResponse) => adapter.parseSubmit(response, video, 'default');

  it('with an id are accepted', () => {
    expect(submitted(reply(200, { id: 'cgt-1' }))).toEqual({ type: 'accepted', ref });
  });

  it('that are terminal already are settled', () => {
    const done = { id: 'cgt-1', status: 'succeeded', content: { video_url: url } };
    expect(submitted(reply(200, done))).toMatchObject({ ref, settled: { type: 'done' } });
    expect(submitted(reply(200, { id: 'cgt-1', status: 'expired' }))).toMatchObject({
      settled: { type: 'failed', error: { code: 'expired' } },
    });
  });

  it.each([
    [401, 'AuthenticationError', 'rejected', 'auth', false],
    [403, 'AccessDenied', 'rejected', 'auth', false],
    [403, 'AccountOverdueError', 'rejected', 'billing', false],
    [403, 'OperationDenied.ServiceOverdue', 'rejected', 'billing', false],
    [429, 'SetLimitExceeded', 'rejected', 'billing', false],
    [402, 'PaymentRequired', 'rejected', 'billing', false],
    [403, 'OperationDenied.ServiceNotOpen', 'rejected', 'validation', false],
    [400, 'InvalidParameter', 'rejected', 'validation', false],
    [404, 'ModelNotOpen', 'rejected', 'validation', false],
    [422, 'UnprocessableEntity', 'rejected', 'validation', false],
    [400, 'SensitiveContentDetected', 'rejected', 'safety', false],
    [400, 'InputImageSensitiveContentDetected.PrivacyInformation', 'rejected', 'safety', false],
    [429, 'RateLimitExceeded.EndpointRPMExceeded', 'rejected', 'rate', true],
    [429, 'QuotaExceeded', 'rejected', 'rate', true],
    [408, 'RequestTimeout', 'ambiguous', 'network', true],
    [409, 'Conflict', 'ambiguous', 'validation', false],
    [500, 'InternalServiceError', 'ambiguous', 'server', true],
    [503, 'ServiceUnavailable', 'ambiguous', 'server', true],
    [200, 'AccountOverdueError', 'ambiguous', 'billing', false],
    [200, 'SomethingNew', 'ambiguous', 'unusable', false],
  ])('HTTP %i with %s are %s (%s)', (status, code, type, errorClass, retryable) => {
    expect(submitted(refusal(status, code))).toMatchObject({
      type,
      error: { class: errorClass, code, retryable },
    });
  });

  it.each([
    [502, '<html>', 'ambiguous', 'server'],
    [429, 'busy', 'rejected', 'rate'],
    [200, '<html>', 'billed', 'unusable'],
    [200, { id: '' }, 'billed', 'unusable'],
    [204, '', 'billed', 'unusable'],
  ])('HTTP %i %j is %s (%s)', (status, body, type, errorClass) => {
    expect(submitted(reply(status, body))).toMatchObject({ type, error: { class: errorClass } });
  });
});

describe('seedance poll replies', () => {
  const polled = (body: object) => adapter.parsePoll(reply(200, { id: 'cgt-1', ...body }), ref);

  it('read a finished task as Ark writes it', () => {
    const finished = {
      model: 'seedance-1-0-pro-250528',
      status: 'succeeded',
      content: { video_url: url, last_frame_url: 'https://tos.example.com/f.png' },
      usage: { completion_tokens: 19_845, total_tokens: 19_845 },
      created_at: 1_787_869_631,
      updated_at: 1_787_869_648,
      seed: 17_918,
      resolution: '480p',
      ratio: '16:9',
      duration: 2,
      framespersecond: 24,
      service_tier: 'default',
      execution_expires_after: 172_800,
    };
    expect(polled(finished)).toEqual({ type: 'done', artifacts: [{ url, authenticated: false }] });
  });

  it.each([
    [{ status: 'queued' }, { type: 'pending' }],
    [{ status: 'Running' }, { type: 'pending' }],
    [{ status: 'dreaming' }, { type: 'pending', unknownStatus: 'dreaming' }],
    [{ status: 'expired' }, { type: 'failed', error: { class: 'failed', code: 'expired' } }],
    [{ status: 'cancelled' }, { type: 'failed', error: { class: 'failed', code: 'cancelled' } }],
    [
      { status: 'failed', error: { code: 'InternalServiceError', message: 'gpu lost' } },
      { type: 'failed', error: { class: 'failed', code: 'InternalServiceError', message: 'gpu lost' } },
    ],
    [
      { status: 'failed', error: { code: 'OutputVideoSensitiveContentDetected', message: 'refused' } },
      { type: 'failed', error: { class: 'safety' } },
    ],
    [
      { status: 'failed', failure_reason: 'an old word' },
      { type: 'failed', error: { class: 'failed', code: 'failed', message: 'an old word' } },
    ],
    [
      { status: 'failed', failure_reason: { code: 'SensitiveContent', message: 'old' } },
      { type: 'failed', error: { class: 'safety', code: 'SensitiveContent' } },
    ],
    [
      { status: 'failed', error: null },
      { type: 'failed', error: { message: 'the provider says failed' } },
    ],
    [
      { status: 'succeeded', content: {} },
      { type: 'transient', error: { class: 'unusable' } },
    ],
    [
      { id: 'cgt-2', status: 'failed' },
      { type: 'transient', error: { class: 'unusable' } },
    ],
    [{ id: undefined, status: 'queued' }, { type: 'pending' }],
    [{}, { type: 'transient', error: { class: 'unusable' } }],
  ])('%j', (body, expected) => {
    expect(polled(body)).toMatchObject(expected);
  });

  it.each([
    [refusal(401, 'AuthenticationError'), 'auth'],
    [refusal(403, 'AccountOverdueError'), 'billing'],
    [refusal(429, 'RateLimitExceeded'), 'rate'],
    [refusal(404, 'ResourceNotFound'), 'notFound'],
    [refusal(400, 'InvalidParameter'), 'validation'],
    [refusal(500, 'InternalServiceError'), 'server'],
    [reply(404, '<html>'), 'server'],
    [reply(503, '<html>'), 'server'],
    [reply(200, 'torn {'), 'unusable'],
  ])('%j keeps the job alive as %s', (response, errorClass) => {
    expect(adapter.parsePoll(response, ref)).toMatchObject({
      type: 'transient',
      error: { class: errorClass },
    });
  });
});

describe('seedance reconciliation by list', () => {
  const { reconcile } = adapter;
  if (reconcile.by !== 'list') throw new Error('seedance is reconciled by list');
  const context = { key: 'job_1' };
  const task = (id: string, more: object = {}) => ({
    id,
    model: 'seedance-1-0-pro-250528',
    status: 'running',
    created_at: 1_800_000_000,
    seed: SEED,
    ...more,
  });
  const page = (body: unknown, request = video, cursor?: string) =>
    reconcile.parsePage(reply(200, body), request, 'default', cursor);

  it('knows the task by the seed that only this job carried, whatever its model is called', () => {
    const read = page({ total: 2, items: [task('cgt-1', { model: 'renamed' }), task('cgt-0', { seed: 5 })] });
    if (read.type !== 'page') throw new Error('it is a page');
    expect(read.tasks[0]).toEqual({
      ref,
      createdAt: 1_800_000_000_000,
      echo: { seed: String(SEED), model: 'renamed' },
    });
    expect(read.tasks.map((one) => reconcile.sameRequest(one, video, context))).toEqual([true, false]);
    expect(read.tasks.some((one) => reconcile.sameRequest(one, video, { key: 'job_2' }))).toBe(false);
    expect(reconcile.tagged(video, context)).toBe(true);
  });

  it('never takes a task for ours by a seed that the user chose', () => {
    const read = page({ total: 1, items: [task('cgt-1', { seed: 7 })] }, { ...video, seed: 7 });
    if (read.type !== 'page') throw new Error('it is a page');
    for (const request of [
      { ...video, seed: 7 },
      { ...video, extra: { seed: 7 } },
    ]) {
      expect(reconcile.tagged(request, context)).toBe(false);
      expect(read.tasks.some((one) => reconcile.sameRequest(one, request, context))).toBe(false);
    }
    expect(reconcile.onUnlisted).toBe('hold');
  });

  it('goes from page to page by number until it has seen them all', () => {
    expect(reconcile.buildPage(video, undefined).path).toBe(
      '/contents/generations/tasks?page_num=1&page_size=100',
    );
    const first = page({ total: 3, items: [task('a'), task('b')] });
    expect(first).toMatchObject({ next: '2:2', unordered: false });
    expect(reconcile.buildPage(video, '2:2').path).toBe(
      '/contents/generations/tasks?page_num=2&page_size=100',
    );
    expect(page({ total: 3, items: [task('c')] }, video, '2:2')).not.toHaveProperty('next');
    // Without a total the end is an empty page.
    expect(page({ items: [task('a')] })).toHaveProperty('next', '2:1');
    expect(page({ items: [] }, video, '2:1')).not.toHaveProperty('next');
  });

  it('says when the newest may not come first, and lets a task of unknown age count as new', () => {
    const older = task('a', { created_at: 1_700_000_000 });
    expect(page({ total: 2, items: [task('b'), older] })).toMatchObject({ unordered: false });
    expect(page({ total: 2, items: [older, task('b')] })).toMatchObject({ unordered: true });
    const read = page({ total: 1, items: [task('a', { created_at: undefined })] });
    expect(read).toMatchObject({ tasks: [{ createdAt: Number.MAX_SAFE_INTEGER }] });
  });

  it('proves nothing while a task that may be ours does not tell its seed', () => {
    const silent = (more: object) => page({ total: 1, items: [task('a', { seed: undefined, ...more })] });
    expect(silent({}).type).toBe('transient');
    expect(silent({ status: 'succeeded' }).type).toBe('transient');
    expect(silent({ model: undefined }).type).toBe('transient');
    expect(silent({ status: 'failed' }).type).toBe('page');
    expect(silent({ status: 'cancelled' }).type).toBe('page');
    expect(silent({ model: 'another-model' }).type).toBe('page');
    const body = { total: 1, items: [task('a', { seed: undefined, model: 'another-model' })] };
    expect(page(body, { ...video, model: 'ep-2026-x' }).type).toBe('transient');
    expect(page(body, { ...video, seed: 3 }).type).toBe('page');
  });

  it('is not by seed where the model takes none', () => {
    const plain = seedance({ ...options, tagBySeed: false });
    expect(plain.buildSubmit(video, context).json).not.toHaveProperty('seed');
    if (plain.reconcile.by !== 'list') throw new Error('seedance is reconciled by list');
    expect(plain.reconcile.tagged(video, context)).toBe(false);
    expect(plain.reconcile.onUnlisted).toBe('hold');
  });

  it.each([refusal(401, 'AuthenticationError'), refusal(500, 'x'), reply(200, '<html>'), reply(200, {})])(
    '%j says nothing',
    (response) => {
      expect(reconcile.parsePage(response, video, 'default').type).toBe('transient');
    },
  );
});

describe('what Ark sends to a hook', () => {
  const parse = (body: Record<string, unknown>) => adapter.webhook?.parse(body, { credential: 'default' });

  it('is the body of a poll, signed by nobody', () => {
    expect(adapter.webhook?.schemes).toEqual([{ type: 'unsigned' }]);
    expect(parse({ id: 'cgt-1', status: 'succeeded', content: { video_url: url } })).toEqual({
      ref,
      outcome: { type: 'done', artifacts: [{ url, authenticated: false }] },
    });
    expect(parse({ id: 'cgt-1', status: 'running' })).toEqual({ ref, outcome: { type: 'pending' } });
    expect(parse({ id: 'cgt-1', status: 'expired' })).toMatchObject({ outcome: { type: 'failed' } });
  });

  it('says nothing without an id, and no outcome without a status', () => {
    expect(parse({ status: 'succeeded' })).toBeUndefined();
    expect(parse({ id: 'cgt-1' })).toEqual({ ref });
  });
});

describe('a check of the key', () => {
  it.each([
    [reply(200, { total: 0, items: [] }), undefined],
    [refusal(401, 'AuthenticationError'), 'auth'],
    [refusal(403, 'AccountOverdueError'), 'billing'],
    [refusal(500, 'InternalServiceError'), 'server'],
    [reply(200, '<html>'), 'unusable'],
  ])('%j says %s', (response, errorClass) => {
    expect(adapter.check?.parse(response)?.class).toBe(errorClass);
  });
});
