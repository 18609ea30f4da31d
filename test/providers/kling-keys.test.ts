import { jwtVerify } from 'jose';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { dateOf } from '../../src/clock.js';
import { kling } from '../../src/providers/index.js';
import type { HttpResponse, KlingOptions, ProviderRequest } from '../../src/providers/index.js';
import { createSimulatedClock } from '../../src/testing/index.js';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const clock = createSimulatedClock(NOW);
const env = () => ({});
const pair = { accessKey: 'ak-1', secretKey: 'sk-very-private' };
const wanted: ProviderRequest = { kind: 'video', prompt: 'a cat' };

async function tokenOf(options: KlingOptions, alias = 'default'): Promise<string | undefined> {
  const credential = await kling({ clock, env, ...options }).credential(alias);
  return credential?.headers.authorization?.replace('Bearer ', '');
}

describe('a pair of kling keys', () => {
  it('makes a token for each call, good from 5 s ago for half an hour', async () => {
    const token = await tokenOf({ apiKey: pair });
    const key = Buffer.from(pair.secretKey);
    const currentDate = dateOf(NOW);
    const { payload, protectedHeader } = await jwtVerify(token ?? '', key, { currentDate });
    expect(protectedHeader).toEqual({ alg: 'HS256', typ: 'JWT' });
    expect(payload).toEqual({ iss: 'ak-1', exp: NOW / 1_000 + 1_800, nbf: NOW / 1_000 - 5 });
    expect(await tokenOf({ apiKey: pair, clock: createSimulatedClock(NOW + 60_000) })).not.toBe(token);
  });

  it('belongs to an alias, as an API key does', async () => {
    const apiKey = { default: 'kk-plain', studio: pair };
    expect(await tokenOf({ apiKey })).toBe('kk-plain');
    expect(await tokenOf({ apiKey }, 'studio')).toMatch(/^eyJ/);
    expect(await tokenOf({ apiKey: (alias) => (alias === 'studio' ? pair : undefined) }, 'studio')).toMatch(
      /^eyJ/,
    );
    expect(await tokenOf({ apiKey: pair }, 'studio')).toBeUndefined();
  });

  it.each([
    ['KLING_API_KEY', { KLING_API_KEY: 'a', KLINGAI_API_KEY: 'b' }, /^a$/],
    ['KLINGAI_API_KEY', { KLINGAI_API_KEY: 'b' }, /^b$/],
    ['KLING_ACCESS_KEY', { KLING_ACCESS_KEY: 'ak', KLING_SECRET_KEY: 'sk' }, /^eyJ/],
    ['KLINGAI_ACCESS_KEY', { KLINGAI_ACCESS_KEY: 'ak', KLINGAI_SECRET_KEY: 'sk' }, /^eyJ/],
    [
      'nothing, when half of a pair is missing',
      { KLING_ACCESS_KEY: 'ak', KLINGAI_SECRET_KEY: 'sk' },
      /^none$/,
    ],
    ['nothing, when it is blank', { KLING_API_KEY: ' ' }, /^none$/],
  ])('comes from the environment: %s', async (_name, variables, token) => {
    expect((await tokenOf({ env: () => variables })) ?? 'none').toMatch(token);
  });

  it('is preferred in the older generation, the API key in the other', async () => {
    const both = { KLING_API_KEY: 'a', KLING_ACCESS_KEY: 'ak', KLING_SECRET_KEY: 'sk' };
    expect(await tokenOf({ env: () => both })).toBe('a');
    expect(await tokenOf({ env: () => both, generation: 'legacy' })).toMatch(/^eyJ/);
  });
});

describe('a kling token that is refused for its time', () => {
  const adapter = kling({ apiKey: pair, clock, env });
  const refusal = (code: number, aheadMs: number | undefined): HttpResponse => ({
    status: 401,
    headers: aheadMs === undefined ? {} : { date: dateOf(NOW - aheadMs).toUTCString() },
    text: JSON.stringify({ code, message: 'token' }),
  });

  it.each([
    [1003, 0, 'rate', true],
    [1003, 4_000, 'rate', true],
    [1003, 60_000, 'auth', false],
    [1003, undefined, 'auth', false],
    [1004, 0, 'rate', true],
    [1004, -1_200_000, 'rate', true],
    [1004, -1_900_000, 'auth', false],
    [1004, undefined, 'auth', false],
  ])(
    '(%i, our clock ahead by %s ms) is %s: the next one may do, or the account waits',
    (code, aheadMs, errorClass, retryable) => {
      const error = { class: errorClass, code: String(code), retryable };
      const response = refusal(code, aheadMs);
      expect(adapter.parseSubmit(response, wanted, 'default')).toMatchObject({ type: 'rejected', error });
      const ref = { taskId: '1', endpoint: 'text2video', generation: 'legacy', credential: 'default' };
      expect(adapter.parsePoll(response, ref)).toMatchObject({ type: 'transient', error });
    },
  );
});

describe('the kling check', () => {
  const adapter = kling({ apiKey: pair, clock, env });
  const checked = (status: number, text: string) => adapter.check?.parse({ status, headers: {}, text });

  it('asks for what cannot exist, and changes nothing', () => {
    expect(adapter.check?.build()).toEqual({
      method: 'GET',
      path: '/tasks?external_task_ids=holdfast-check',
    });
    expect(kling({ generation: 'legacy' }).check?.build()).toEqual({
      method: 'GET',
      path: '/v1/videos/text2video?pageNum=1&pageSize=1',
    });
  });

  it('is content with an answer, and names what is wrong', () => {
    expect(checked(200, '{"code":0,"data":[]}')).toBeUndefined();
    expect(checked(404, '{"code":1203,"message":"task not found"}')).toBeUndefined();
    expect(checked(401, '{"code":1002,"message":"no"}')).toMatchObject({ class: 'auth' });
    expect(checked(429, '{"code":1101,"message":"arrears"}')).toMatchObject({ class: 'billing' });
    expect(checked(404, '<html>')).toMatchObject({ class: 'server' });
    expect(checked(200, '<html>')).toBeDefined();
  });
});

describe('kling callbacks', () => {
  const adapter = kling({ apiKey: pair, env });
  const url = 'https://cdn.example/v.mp4?sign=1';
  const done = { type: 'done', artifacts: [{ url, authenticated: false }] };
  const parse = (body: Readonly<Record<string, unknown>>, request?: ProviderRequest) =>
    adapter.webhook?.parse(body, { credential: 'studio', ...(request === undefined ? {} : { request }) });

  it('of 2026 are read with the endpoint of the job', () => {
    const body = { id: '881', status: 'succeeded', external_id: 'job_1', outputs: [{ type: 'video', url }] };
    const ref = { taskId: '881', endpoint: 'text-to-video', generation: '2026', credential: 'studio' };
    expect(parse(body, wanted)).toEqual({ ref, outcome: done });
    expect(parse(body)).toEqual({ outcome: done });
  });

  it('of the older API are the task itself', () => {
    const body = { task_id: '881', task_status: 'succeed', task_result: { videos: [{ id: 'v', url }] } };
    const ref = { taskId: '881', endpoint: 'text2video', generation: 'legacy', credential: 'studio' };
    expect(parse(body, { ...wanted, model: 'kling-v2-6' })).toEqual({ ref, outcome: done });
  });

  it.each([
    [{ id: '881', status: 'processing' }, { outcome: { type: 'pending' } }],
    [{ id: '881', status: 'failed', message: 'no' }, { outcome: { type: 'failed' } }],
    [{ id: '881', status: 'succeeded', outputs: [] }, {}],
    [{ data: { task_id: 7, task_status: 'processing' } }, { outcome: { type: 'pending' } }],
    [{ hello: 'world' }, undefined],
  ])('%j', (body, expected) => {
    if (expected === undefined) expect(parse(body)).toBeUndefined();
    else expect(parse(body)).toMatchObject(expected);
  });

  it('have their secrets from the option or the environment, two while one takes over', () => {
    const secretsOf = (options: KlingOptions) => {
      const scheme = kling({ env, ...options }).webhook?.schemes[0];
      return scheme?.type === 'standard' ? scheme.secrets('default') : undefined;
    };
    expect(secretsOf({})).toEqual([]);
    expect(secretsOf({ webhookSecret: 'whsec_a' })).toEqual(['whsec_a']);
    expect(secretsOf({ webhookSecret: ['whsec_b', 'whsec_a'] })).toEqual(['whsec_b', 'whsec_a']);
    expect(secretsOf({ env: () => ({ KLING_WEBHOOK_SECRET: 'whsec_b whsec_a' }) })).toHaveLength(2);
  });

  it('are signed as Kling publishes it', () => {
    // Kling's own example; the library's `verify` would ask the clock of the machine.
    const body =
      '{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,' +
      '"update_time":1781080794151}';
    const webhook = new Webhook('whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=');
    expect(webhook.sign('9876543210', dateOf(1_781_080_794_000), body)).toBe(
      'v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=',
    );
  });
});
