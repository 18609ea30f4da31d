/**
 * Eleven defects of a system that did this before: each is a test of its own name, and none of them is here.
 */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/ids.js';
import { silentLogger } from '../../src/index.js';
import { pollDelayMs } from '../../src/machines/poll-cadence.js';
import { agnes, kling, minimax, openai, rsclaw, rsclawImage, seedance } from '../../src/providers/index.js';
import type { HttpResponse, ProviderAdapter, TaskRef } from '../../src/providers/index.js';
import type { SimulatorScript } from '../../src/simulator/index.js';
import {
  AT_ONCE,
  buildHouse,
  delivered,
  entries,
  NEVER,
  seen,
  seenAs,
  until,
  video,
  type House,
} from './house.js';

const RUN = { queued: { polls: 1 }, running: { polls: 1 } } as const;
const env = (): Readonly<Record<string, string>> => ({});
const apiKey = 'sk-defects-0123456789';
const reply = (status: number, body: unknown): HttpResponse => {
  return { status, headers: {}, text: typeof body === 'string' ? body : JSON.stringify(body) };
};
const refOf = (more: Partial<TaskRef> = {}): TaskRef => {
  return { taskId: 't1', endpoint: 'videos', generation: 'v1', credential: 'default', ...more };
};

async function houseWith(
  make: (house: House) => ProviderAdapter,
  script: SimulatorScript,
): Promise<{ house: House; adapter: ProviderAdapter }> {
  const house = await buildHouse(script);
  return { house, adapter: make(house) };
}

describe('1. a 401 or a 500 is no "unknown status" that is waited out', () => {
  const adapters = [seedance({ env }), minimax({ env }), kling({ env }), agnes({ env })];

  test.each(adapters.map((adapter) => [adapter.id, adapter] as const))('%s', (_id, adapter) => {
    const refs = [refOf(), refOf({ generation: 'v2' }), refOf({ endpoint: 'images' })];
    for (const ref of refs) {
      const refused = adapter.parsePoll(reply(401, { error: { message: 'who?' }, message: 'who?' }), ref);
      expect(refused).toMatchObject({ type: 'transient', error: { class: 'auth' } });
      const broken = adapter.parsePoll(reply(500, { error: { message: 'oops' }, message: 'oops' }), ref);
      expect(broken).toMatchObject({ type: 'transient', error: { class: 'server' } });
    }
  });
});

test('2. MiniMax: either envelope is read, base_resp is believed, sizes are its own tiers', () => {
  const adapter = minimax({ env });
  const flat = { task_id: 't1', status: 'Processing', base_resp: { status_code: 0 } };
  const nested = { task: { id: 't1', status: 'running' } };
  for (const ref of [refOf({ generation: 'v1' }), refOf({ generation: 'v2' })]) {
    expect(adapter.parsePoll(reply(200, flat), ref)).toEqual({ type: 'pending' });
    expect(adapter.parsePoll(reply(200, nested), ref)).toEqual({ type: 'pending' });
  }
  const unpaid = reply(200, { base_resp: { status_code: 1008, status_msg: 'insufficient balance' } });
  const request = { kind: 'video', prompt: 'a cat', model: 'MiniMax-Hailuo-02', size: '1280x720' } as const;
  expect(adapter.parseSubmit(unpaid, request, 'default')).toMatchObject({
    type: 'rejected',
    error: { class: 'billing' },
  });
  const { json } = adapter.buildSubmit(request, { key: 'job_1' });
  expect(json).toMatchObject({ resolution: expect.stringMatching(/^\d{3,4}P$/) as string });
});

test('3. Kling: a picture’s video is polled as one, at a house that stands, by the right key', async () => {
  const keys = { accessKey: 'access-0123', secretKey: 'secret-0123' };
  const adapter = kling({ env, apiKey: { default: keys }, generation: 'legacy' });
  expect(adapter.baseUrl).not.toBe('https://api.klingai.com');
  const request = { kind: 'video', prompt: 'a cat', image: 'https://example.com/cat.png' } as const;
  const { path } = adapter.buildSubmit(request, { key: 'job_1' });
  expect(path).toBe('/v1/videos/image2video');
  const accepted = adapter.parseSubmit(
    reply(200, { code: 0, data: { task_id: 't1', task_status: 'submitted' } }),
    request,
    'default',
  );
  if (accepted.type !== 'accepted') throw new Error(accepted.type);
  expect(adapter.buildPoll(accepted.ref).path).toBe('/v1/videos/image2video/t1');
  const token = (await adapter.credential('default'))?.headers['authorization'] ?? '';
  const [, claims = ''] = token.replace('Bearer ', '').split('.');
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString('utf8'))).toMatchObject({ iss: 'access-0123' });
  expect(token).not.toContain('secret-0123');
});

test('4. A download that fails is tried again, from a fresh URL: it is paid for', async () => {
  const faults = [
    { route: 'download', nth: 1, fault: { type: 'status', status: 503 } },
    { route: 'download', nth: 2, fault: { type: 'expired' } },
    { route: 'download', nth: 3, fault: { type: 'truncated' } },
  ] as const;
  const { house, adapter } = await houseWith(({ adapters }) => adapters.kling, { life: AT_ONCE, faults });
  const runtime = await house.open({ providers: [adapter] });
  const job = await runtime.jobs.submit(video({ provider: 'kling' }));
  const { status, artifacts } = await delivered(runtime, job);
  expect(status).toBe('done');
  for (const { path, sha256 } of artifacts) expect(sha256Hex(await readFile(path))).toBe(sha256);
  expect(entries(house, 'submit.billed')).toHaveLength(1);
});

test('5. An error page is no film, whatever it says it is; a file is named by its content', async () => {
  const faults = [
    { route: 'download', until: 2, fault: { type: 'mistyped', body: 'xml', lying: true } },
  ] as const;
  const { house, adapter } = await houseWith(({ adapters }) => adapters.kling, { life: AT_ONCE, faults });
  const runtime = await house.open({ providers: [adapter] });
  const job = await runtime.jobs.submit(video({ provider: 'kling' }));
  const { artifacts } = await delivered(runtime, job);
  expect(artifacts.map(({ mime }) => mime)).toEqual(['video/mp4']);
  for (const { path, sha256 } of artifacts) expect(path.endsWith(`/${sha256}.mp4`)).toBe(true);
});

test('6. Ark’s "expired" ends a task; a word nobody knows does not, and is said aloud', () => {
  const adapter = seedance({ env });
  expect(adapter.parsePoll(reply(200, { id: 't1', status: 'expired' }), refOf())).toMatchObject({
    type: 'failed',
  });
  expect(adapter.parsePoll(reply(200, { id: 't1', status: 'resting' }), refOf())).toMatchObject({
    type: 'pending',
    unknownStatus: 'resting',
  });
});

test('7. A POST whose answer is lost is not forgotten nor repeated; nobody shares a directory', async () => {
  const faults = [{ route: 'submit', nth: 1, fault: { type: 'resetAfterBody', billed: true } }] as const;
  const { house, adapter } = await houseWith(({ adapters }) => adapters.kling, { life: RUN, faults });
  const runtime = await house.open({ providers: [adapter] });
  const job = await runtime.jobs.submit(video({ provider: 'kling' }));
  await expect(house.open({ providers: [adapter] })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  expect((await delivered(runtime, job)).status).toBe('done');
  expect(entries(house, 'submit.billed')).toHaveLength(1);
});

test('8. OpenAI videos: a form with text in it, and the key goes along to the content', () => {
  const adapter = openai({ env, apiKey });
  const request = { kind: 'video', prompt: 'a cat', durationSeconds: 8 } as const;
  const { form, json } = adapter.buildSubmit(request, { key: 'job_1' });
  expect(json).toBeUndefined();
  expect(form).toMatchObject({ prompt: 'a cat', seconds: '8' });
  const done = adapter.parsePoll(reply(200, { id: 't1', status: 'completed' }), refOf());
  expect(done).toEqual({
    type: 'done',
    artifacts: [{ url: 'https://api.openai.com/v1/videos/t1/content', authenticated: true }],
  });
});

test('9. Agnes: metadata.url is read, and model_name is sent', () => {
  const adapter = agnes({ env });
  const request = {
    kind: 'video',
    prompt: 'a cat',
    model: 'agnes-video-2.5',
    image: 'https://example.com/a.png',
  } as const;
  const accepted = adapter.parseSubmit(reply(200, { video_id: 'v1', status: 'queued' }), request, 'default');
  if (accepted.type !== 'accepted') throw new Error(accepted.type);
  expect(adapter.buildPoll(accepted.ref).path).toMatch(/\bvideo_id=v1\b.*\bmodel_name=agnes-video-2\.5/);
  const url = 'https://cdn.example.com/a.mp4';
  expect(adapter.parsePoll(reply(200, { status: 'completed', metadata: { url } }), accepted.ref)).toEqual({
    type: 'done',
    artifacts: [{ url, authenticated: false }],
  });
});

test('10. RsClaw: the key follows no redirect out of its house, a secret URL is shown nowhere', async () => {
  const adapter = rsclaw({ env, apiKey });
  expect(adapter.fleet?.(new URL('https://eu.rsclaw.ai'))).toBe(true);
  for (const origin of ['https://rsclaw.ai.example.com', 'http://eu.rsclaw.ai', 'https://evil.com']) {
    expect(adapter.fleet?.(new URL(origin))).toBe(false);
  }
  const lines: string[] = [];
  const write = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    lines.push(JSON.stringify([fields, message]));
  };
  const log = { ...silentLogger, debug: write, info: write, warn: write, error: write };
  const made = ({ simulator, clock }: House): ProviderAdapter =>
    rsclawImage({ env, apiKey, clock, baseUrl: `${simulator.url}/rsclaw_image` });
  const faults = [{ route: 'poll', until: 2, fault: { type: 'resetAfterBody', billed: true } }] as const;
  const { house, adapter: images } = await houseWith(made, { life: RUN, faults });
  const runtime = await house.open({ providers: [images], log });
  const job = await runtime.jobs.submit(video({ provider: 'rsclaw_image', kind: 'image' }));
  await delivered(runtime, job);
  const journal = await runtime.inspect.reader.journal(`job/${job.id}`);
  const shown = JSON.stringify([lines, journal, await job.view(), await runtime.export(`job/${job.id}`)]);
  expect(lines.length).toBeGreaterThan(0);
  expect(shown).not.toMatch(/signature=(?!\[)/);
});

describe('11. Polls are spread, a Retry-After is kept, and what is not wanted is called off', () => {
  test('the cadence is jittered by a fifth, and replaced by what the provider asks for', () => {
    const moment = { cadence: {}, pollMinMs: 1_000, pollCount: 1 };
    expect(pollDelayMs({ ...moment, random: 0 })).toBe(8_000);
    expect(pollDelayMs({ ...moment, random: 0.999 })).toBeGreaterThan(11_900);
    expect(pollDelayMs({ ...moment, random: 0, retryAfterMs: 42_000 })).toBe(42_000);
  });

  test('a job that is cancelled is cancelled at the provider', async () => {
    const made = ({ simulator, clock }: House): ProviderAdapter =>
      seedance({ env, apiKey, clock, baseUrl: `${simulator.url}/seedance/api/v3` });
    const { house, adapter } = await houseWith(made, { life: NEVER });
    const runtime = await house.open({ providers: [adapter] });
    const job = await runtime.jobs.submit(video({ provider: 'seedance' }));
    await seenAs(runtime, job, 'pending');
    await job.cancel();
    await until(runtime, () => entries(house, 'cancel').length === 1);
    expect((await seen(runtime, job, ({ status }) => status === 'cancelled')).error?.code).toBe('cancelled');
  });
});
