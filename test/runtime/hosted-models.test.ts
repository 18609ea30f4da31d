/**
 * fal, Replicate, Runway, Luma and a model of the AI SDK end to end, where answers are lost, results lie and
 * addresses hold keys.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { describe, expect, test } from 'vitest';
import { fal, fromAiSdkVideoModel, luma, replicate, runway } from '../../src/providers/index.js';
import type { ProviderAdapter } from '../../src/providers/index.js';
import type { SimulatorScript } from '../../src/simulator/index.js';
import { AT_ONCE, buildHouse, delivered, entries, seenAs, video } from './house.js';
import type { House } from './house.js';

const env = () => ({});
const lost = { type: 'resetAfterBody', billed: true } as const;
const neverCame = { type: 'resetAfterBody', billed: false } as const;
const SOON = { queued: { polls: 0 }, running: { polls: 1 } } as const;

type Made = (house: House) => ProviderAdapter;
const falAt: Made = ({ simulator, clock }) =>
  fal({ apiKey: 'k', baseUrl: `${simulator.url}/fal`, clock, env });
const replicateAt: Made = ({ simulator, clock }) =>
  replicate({ apiKey: 'r8_0001', baseUrl: `${simulator.url}/replicate/v1`, clock, env });
const runwayAt: Made = ({ simulator, clock }) =>
  runway({ apiKey: 'key_0001', baseUrl: `${simulator.url}/runway`, clock, env });
const lumaAt: Made = ({ simulator, clock }) =>
  luma({ apiKey: 'luma-0001', baseUrl: `${simulator.url}/luma/dream-machine/v1`, clock, env });

/** `tagged`: with a public URL where nobody listens; it is a tag of the submit, and no more. */
async function ran(script: SimulatorScript, made: Made, tagged?: 'tagged') {
  const house = await buildHouse(script);
  const adapter = made(house);
  const webhooks = { publicUrl: `${house.simulator.url}/nobody` };
  const runtime = await house.open({ providers: [adapter], ...(tagged === undefined ? {} : { webhooks }) });
  const wanted = video({ provider: adapter.id, kind: 'video' });
  const job = await runtime.jobs.submit(wanted);
  return { house, runtime, job, wanted };
}

describe.each([
  ['replicate', replicateAt],
  ['luma', lumaAt],
])('a submit to %s whose answer was lost', (_name, made) => {
  test('is found by the hook it carried, beside a twin that was submitted meanwhile', async () => {
    const faults = [{ route: 'submit', nth: 1, fault: lost }] as const;
    const { house, runtime, job, wanted } = await ran({ life: SOON, faults }, made, 'tagged');
    const twin = await runtime.jobs.submit(wanted);
    const [first, second] = [await delivered(runtime, job), await delivered(runtime, twin)];
    const billed = entries(house, 'submit.billed').map(({ taskId }) => taskId);
    expect([first.ref?.taskId, second.ref?.taskId]).toEqual(billed);
    expect(billed).toHaveLength(2);
  });

  test.each([-3_600_000, 3_600_000])('is found by a clock that is %i ms off', async (clockSkewMs) => {
    const faults = [{ route: 'submit', nth: 1, fault: lost }] as const;
    const { house, runtime, job } = await ran({ life: SOON, faults, clockSkewMs }, made, 'tagged');
    expect((await delivered(runtime, job)).status).toBe('done');
    expect(entries(house, 'submit.received')).toHaveLength(1);
  });

  test('is repeated once two listings show that it never came', async () => {
    const faults = [{ route: 'submit', nth: 1, fault: neverCame }] as const;
    const { house, runtime, job } = await ran({ life: SOON, faults }, made, 'tagged');
    expect((await delivered(runtime, job)).status).toBe('done');
    expect(entries(house, 'submit.received')).toHaveLength(2);
    expect(entries(house, 'submit.billed')).toHaveLength(1);
  });

  test('is found by its prompt where it carried no hook', async () => {
    const faults = [{ route: 'submit', nth: 1, fault: lost }] as const;
    const { house, runtime, job } = await ran({ life: SOON, faults }, made);
    expect((await delivered(runtime, job)).status).toBe('done');
    expect(entries(house, 'submit.received')).toHaveLength(1);
  });

  test('waits for somebody where it carried no hook and nothing is listed', async () => {
    const faults = [{ route: 'submit', nth: 1, fault: neverCame }] as const;
    const { house, runtime, job } = await ran({ life: SOON, faults }, made);
    await seenAs(runtime, job, 'submitUnknown');
    expect(entries(house, 'submit.received')).toHaveLength(1);
  });
});

test.each([
  ['fal', falAt, lost],
  ['fal', falAt, neverCame],
  ['runway', runwayAt, lost],
  ['runway', runwayAt, neverCame],
])('a submit to %s whose answer was lost waits for somebody', async (_name, made, fault) => {
  const { house, runtime, job } = await ran(
    { life: SOON, faults: [{ route: 'submit', nth: 1, fault }] },
    made,
  );
  await seenAs(runtime, job, 'submitUnknown');
  expect(entries(house, 'submit.received')).toHaveLength(1);
});

describe('the result of a request to fal', () => {
  // The first poll finds it running; the second is over, and its result is asked for at once: the third call.
  test.each([
    ['a page of a gateway', { type: 'status', status: 502, body: 'html' }],
    ['a 500 without a mark', { type: 'status', status: 500 }],
    ['a 429', { type: 'rateLimit' }],
    ['half of an answer', { type: 'halfResponse' }],
    ['a body that breaks off', { type: 'invalidJson' }],
  ] as const)('is asked for again after %s: it is paid for', async (_what, fault) => {
    const faults = [{ route: 'poll', nth: 3, fault }] as const;
    const { house, runtime, job } = await ran({ life: SOON, faults }, falAt);
    expect((await delivered(runtime, job)).status).toBe('done');
    expect(entries(house, 'submit.billed')).toHaveLength(1);
    expect(entries(house, 'poll').map((call) => call.fault ?? 'none')).toEqual([
      'none',
      'none',
      fault.type,
      'none',
      'none',
    ]);
  });

  test('that is the refusal of a model ends the job, with its class', async () => {
    const failure = { code: 'content_policy_violation', message: 'not this' };
    const { job } = await ran({ life: { ...AT_ONCE, outcome: 'failed', failure } }, falAt);
    expect(await job.settled()).toMatchObject({
      status: 'failed',
      error: { code: 'content_policy_violation', message: 'body.prompt: not this', retryable: false },
    });
  });
});

describe('a video of Google’s by the AI SDK', () => {
  const apiKey = 'AIza-hosted-0123456789';
  const modelOf = ({ simulator }: House) =>
    createGoogleGenerativeAI({ apiKey, baseURL: `${simulator.url}/veo/v1beta` }).video(
      'veo-3.1-generate-preview',
    );

  test('is fetched with its key, which is on no disk', async () => {
    const { house, runtime, job } = await ran({ life: SOON }, (own) =>
      fromAiSdkVideoModel(modelOf(own), {
        clock: own.clock,
        baseUrl: `${own.simulator.url}/veo/v1beta`,
        credentialHeaders: () => ({ 'x-goog-api-key': apiKey }),
      }),
    );
    expect((await delivered(runtime, job)).status).toBe('done');
    expect(entries(house, 'download.finished')).toMatchObject([{ credentialHeaders: ['x-goog-api-key'] }]);
    await runtime.close();
    const files = await readdir(house.directory, { recursive: true, withFileTypes: true });
    let looked = 0;
    for (const file of files.filter((one) => one.isFile())) {
      const bytes = await readFile(join(file.parentPath, file.name));
      expect(bytes.includes(apiKey), file.name).toBe(false);
      looked += 1;
    }
    expect(looked).toBeGreaterThan(3);
  });
});
