/** Seedance and MiniMax end to end, where answers are lost, late, or a 200 that is none. */
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Runtime } from '../../src/index.js';
import { minimax, seedance } from '../../src/providers/index.js';
import type { MinimaxOptions, ProviderAdapter } from '../../src/providers/index.js';
import type { SimulatorScript } from '../../src/simulator/index.js';
import { AT_ONCE, buildHouse, delivered, entries, NEVER, seenAs, until, video } from './house.js';
import type { House } from './house.js';

const env = () => ({});
const lost = { type: 'resetAfterBody', billed: true } as const;
const neverCame = { type: 'resetAfterBody', billed: false } as const;

const seedanceAt = ({ simulator, clock }: House): ProviderAdapter =>
  seedance({ apiKey: 'ark-0001', baseUrl: `${simulator.url}/seedance/api/v3`, clock, env });
const minimaxAt = ({ simulator, clock }: House, more: MinimaxOptions = {}): ProviderAdapter =>
  minimax({ apiKey: 'mm-0001', baseUrl: `${simulator.url}/minimax`, clock, env, ...more });

async function ran(script: SimulatorScript, made: (house: House) => ProviderAdapter, extra = {}) {
  const house = await buildHouse(script);
  const adapter = made(house);
  const runtime = await house.open({ providers: [adapter] });
  const job = await runtime.jobs.submit(video({ provider: adapter.id, kind: 'video', ...extra }));
  return { house, runtime, job };
}

describe('a submit to Seedance whose answer was lost', () => {
  test('is found by the seed of the job, beside a twin that was submitted meanwhile', async () => {
    const faults = [{ route: 'submit', nth: 1, fault: lost }] as const;
    const { house, runtime, job } = await ran({ life: AT_ONCE, faults }, seedanceAt);
    const twin = await runtime.jobs.submit(video({ provider: 'seedance', kind: 'video' }));
    const [first, second] = [await delivered(runtime, job), await delivered(runtime, twin)];
    expect([first.status, second.status]).toEqual(['done', 'done']);
    const billed = entries(house, 'submit.billed').map(({ taskId }) => taskId);
    expect(billed).toHaveLength(2);
    expect(first.ref?.taskId).toBe(billed[0]);
    expect(second.ref?.taskId).toBe(billed[1]);
    expect(entries(house, 'list').length).toBeGreaterThan(0);
  });

  test.each([-3_600_000, 3_600_000])('is found by a clock that is %i ms off', async (clockSkewMs) => {
    const faults = [{ route: 'submit', nth: 1, fault: lost }] as const;
    const { house, runtime, job } = await ran({ life: AT_ONCE, faults, clockSkewMs }, seedanceAt);
    expect((await delivered(runtime, job)).status).toBe('done');
    expect(entries(house, 'submit.received')).toHaveLength(1);
  });

  test('is repeated once two listings show that it never came', async () => {
    const faults = [{ route: 'submit', nth: 1, fault: neverCame }] as const;
    const { house, runtime, job } = await ran({ life: AT_ONCE, faults }, seedanceAt);
    expect((await delivered(runtime, job)).status).toBe('done');
    expect(entries(house, 'submit.received')).toHaveLength(2);
    expect(entries(house, 'submit.billed')).toHaveLength(1);
    expect(entries(house, 'list')).toHaveLength(2);
  });

  test.each([lost, neverCame])('and whose seed is the user’s own waits for the user (%j)', async (fault) => {
    const faults = [{ route: 'submit', nth: 1, fault }] as const;
    const { house, runtime, job } = await ran({ life: AT_ONCE, faults }, seedanceAt, { seed: 42 });
    await seenAs(runtime, job, 'submitUnknown');
    expect(entries(house, 'submit.received')).toHaveLength(1);
  });
});

describe('a task of Seedance that is not over in time', () => {
  test('has failed, and is not polled for ever', async () => {
    const extra = { execution_expires_after: 3_600 };
    const { house, runtime, job } = await ran({ life: NEVER }, seedanceAt, { extra, timeoutMs: 86_400_000 });
    await seenAs(runtime, job, 'pending');
    house.simulator.setScript({ clockSkewMs: 3_600_000 });
    expect(await job.settled()).toMatchObject({ status: 'failed', error: { code: 'expired' } });
  });
});

describe('MiniMax’s first API', () => {
  test.each([
    ['1002', 'rate', { type: 'rateLimit', retryAfter: 'none' }],
    ['1039', 'rate', { type: 'rateLimit', retryAfter: 'none', code: '1039' }],
  ] as const)('is asked again after %s in a 200', async (_code, _class, fault) => {
    const faults = [{ route: 'submit', nth: 1, fault }] as const;
    const { house, runtime, job } = await ran({ life: AT_ONCE, faults }, minimaxAt);
    expect((await delivered(runtime, job)).status).toBe('done');
    expect(entries(house, 'submit.received')).toHaveLength(2);
    expect(entries(house, 'submit.billed')).toHaveLength(1);
  });

  test('leaves a job in doubt after 1000 in a 200, and nothing is repeated', async () => {
    const fault = { type: 'status', status: 500, billed: true } as const;
    const { house, runtime, job } = await ran(
      { life: AT_ONCE, faults: [{ route: 'submit', nth: 1, fault }] },
      minimaxAt,
    );
    const view = await seenAs(runtime, job, 'submitUnknown');
    expect(view.error).toMatchObject({ code: '1000' });
    expect(entries(house, 'submit.received')).toHaveLength(1);
  });

  test('pauses the account after 1008 in a 200', async () => {
    const fault = { type: 'status', status: 402 } as const;
    const { house, runtime } = await ran(
      { life: AT_ONCE, faults: [{ route: 'submit', nth: 1, fault }] },
      minimaxAt,
    );
    await until(runtime, async () =>
      (await runtime.accounts.list()).some(({ status }) => status === 'paused'),
    );
    expect(entries(house, 'submit.billed')).toEqual([]);
  });

  test('fetches by a fresh link when the first is stale', async () => {
    const faults = [{ route: 'download', nth: 1, fault: { type: 'expired' } }] as const;
    const { house, runtime, job } = await ran({ life: AT_ONCE, faults }, minimaxAt);
    expect((await delivered(runtime, job)).status).toBe('done');
    expect(entries(house, 'download.refused')).toHaveLength(1);
    expect(entries(house, 'submit.billed')).toHaveLength(1);
  });
});

/** A house whose simulator can reach the runtime that is opened in it. */
async function reachable(script: SimulatorScript) {
  let inside: Runtime | undefined;
  const fetch = (request: Request): Promise<Response> | Response =>
    inside?.fetch(request) ?? new Response(null, { status: 503 });
  const publicUrl = await new Promise<string>((resolve) => {
    const server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }: AddressInfo) =>
      resolve(`http://127.0.0.1:${port}`),
    );
    onTestFinished(() => new Promise<void>((closed) => void server.close(() => closed())));
  });
  const house = await buildHouse({ ...script, webhooks: { retryMs: 100 } });
  const open = async (adapter: ProviderAdapter): Promise<Runtime> => {
    inside = await house.open({ providers: [adapter], webhooks: { publicUrl } });
    return inside;
  };
  return { house, open };
}

describe('a submit to MiniMax whose answer was lost', () => {
  test.each(['v1', 'v2'] as const)(
    'is told of by the callback, after its challenge (%s)',
    async (generation) => {
      const faults = [{ route: 'submit', nth: 1, fault: lost }] as const;
      const life = { queued: { polls: 0 }, running: { ms: 2_000 } } as const;
      const { house, open } = await reachable({ life, faults });
      const runtime = await open(minimaxAt(house, { generation }));
      const job = await runtime.jobs.submit(video({ provider: 'minimax', kind: 'video' }));
      const view = await delivered(runtime, job);
      expect(view).toMatchObject({ status: 'done', ref: { generation } });
      expect(entries(house, 'submit.received')).toHaveLength(1);
      expect(entries(house, 'webhook.challenged').map(({ status }) => status)).toEqual([200]);
    },
  );
});
