/**
 * Kling's two generations and rsclaw's two protocols, end to end, where their answers are lost or lead
 * away.
 */
import { describe, expect, test } from 'vitest';
import { kling, rsclaw, rsclawImage } from '../../src/providers/index.js';
import type { ProviderAdapter, RsclawOptions } from '../../src/providers/index.js';
import type { LedgerEntry, SimulatorScript } from '../../src/simulator/index.js';
import { AT_ONCE, buildHouse, delivered, entries, seen, until, video } from './house.js';
import type { House } from './house.js';

const apiKey = 'rk-private-0001';
const env = () => ({});
const ONE_POLL = { queued: { polls: 1 }, running: { polls: 1 } } as const;
const lost = { type: 'resetAfterBody', billed: true } as const;

const legacy = ({ simulator, clock }: House): ProviderAdapter =>
  kling({
    apiKey: { accessKey: 'ak', secretKey: 'sk' },
    generation: 'legacy',
    baseUrl: `${simulator.url}/kling`,
    clock,
    env,
  });
const rsclawAt = ({ simulator, clock }: House, more: RsclawOptions = {}): ProviderAdapter =>
  rsclaw({ apiKey, baseUrl: `${simulator.url}/rsclaw`, clock, env, ...more });

async function ran(script: SimulatorScript, made: (house: House) => ProviderAdapter, extra = {}) {
  const house = await buildHouse(script);
  const adapter = made(house);
  const runtime = await house.open({ providers: [adapter] });
  const [kind = 'video'] = adapter.capabilities.kinds;
  const job = await runtime.jobs.submit(video({ provider: adapter.id, kind, ...extra }));
  return { house, runtime, job };
}

/** Names of the headers with credentials, by the origin that got them. */
function told(house: House, origin: string): readonly string[] {
  const { host } = new URL(origin);
  const there = house.simulator.ledger().filter((one: LedgerEntry) => one.host === host);
  return there.flatMap(({ credentialHeaders }) => credentialHeaders);
}

describe("Kling's older API", () => {
  test.each([
    ['text2video', {}],
    ['image2video', { image: 'https://example.com/a.png' }],
  ])('finds a lost submit of %s below its own path, by the job key', async (_family, extra) => {
    const faults = [{ route: 'submit', nth: 1, fault: lost }] as const;
    const { house, runtime, job } = await ran({ life: AT_ONCE, faults, keys: ['ak:sk'] }, legacy, extra);
    expect((await delivered(runtime, job)).status).toBe('done');
    expect(entries(house, 'submit.billed')).toHaveLength(1);
    expect(entries(house, 'lookup')[0]).toMatchObject({ key: job.id, authorized: true });
  });

  test('pauses its account when the clocks differ by more than a token bears', async () => {
    const script: SimulatorScript = { life: AT_ONCE, keys: ['ak:sk'], clockSkewMs: -120_000 };
    const { house, runtime, job } = await ran(script, legacy);
    await until(runtime, async () =>
      (await runtime.accounts.list()).some(({ status }) => status === 'paused'),
    );
    house.simulator.setScript({ life: AT_ONCE, keys: ['ak:sk'] });
    await runtime.accounts.resume({ provider: 'kling', credential: 'default' });
    expect((await delivered(runtime, job)).status).toBe('done');
    expect(entries(house, 'submit.billed')).toHaveLength(1);
  });
});

describe("rsclaw's load balancer", () => {
  const sendsOn = (route: string) =>
    [{ route, nth: 1, fault: { type: 'redirect', through: ['foreign'], status: 307 } }] as const;

  test.each(['submit', 'poll'])('may send a %s on within the fleet, key included', async (route) => {
    const script: SimulatorScript = { life: ONE_POLL, faults: sendsOn(route) };
    const { house, runtime, job } = await ran(script, (one) =>
      rsclawAt(one, { fleetOrigins: [one.simulator.foreignUrl] }),
    );
    expect((await delivered(runtime, job)).status).toBe('done');
    expect(entries(house, 'submit.billed')).toHaveLength(1);
    expect([...new Set(told(house, house.simulator.foreignUrl))]).toEqual(['authorization']);
  });

  test('that sends a submit elsewhere leaves it in doubt, and the key at home', async () => {
    const { house, runtime, job } = await ran({ life: AT_ONCE, faults: sendsOn('submit') }, rsclawAt);
    await seen(runtime, job, ({ status }) => status === 'submitUnknown');
    const { host } = new URL(house.simulator.foreignUrl);
    expect(house.simulator.ledger().filter((one) => one.host === host)).toEqual([]);
  });

  test('that sends a download to a storage elsewhere does not take the key there', async () => {
    const { house, runtime, job } = await ran({ life: AT_ONCE, faults: sendsOn('download') }, (one) =>
      rsclawAt(one, { trustedOrigins: [one.simulator.foreignUrl] }),
    );
    expect((await delivered(runtime, job)).status).toBe('done');
    expect(told(house, house.simulator.url)).toContain('authorization');
    expect(told(house, house.simulator.foreignUrl)).toEqual([]);
  });
});

describe("rsclaw's jobs", () => {
  test('whose answer was lost are sent again under their key, and billed once', async () => {
    const faults = [{ route: 'submit', nth: 1, fault: lost }] as const;
    const { house, runtime, job } = await ran({ life: AT_ONCE, faults }, (one) =>
      rsclawAt(one, { protocol: 'jobs' }),
    );
    expect((await delivered(runtime, job)).status).toBe('done');
    expect(entries(house, 'submit.received').length).toBeGreaterThan(1);
    expect(entries(house, 'submit.billed')).toHaveLength(1);
    expect(entries(house, 'submit.billed')[0]).toMatchObject({ key: job.id });
  });
});

describe("rsclaw's images", () => {
  const images = ({ simulator, clock }: House): ProviderAdapter =>
    rsclawImage({ apiKey, baseUrl: `${simulator.url}/rsclaw_image`, clock, env });

  test('are polled without the key, and come inline where that is asked for', async () => {
    const { house, runtime, job } = await ran({ life: ONE_POLL }, images, {
      extra: { response_format: 'b64_json' },
    });
    expect((await delivered(runtime, job)).artifacts).toHaveLength(1);
    const polls = entries(house, 'poll');
    expect(polls.length).toBeGreaterThan(1);
    expect(polls.flatMap(({ credentialHeaders }) => credentialHeaders)).toEqual([]);
    expect((await job.view()).ref?.taskId).toMatch(/^image_[0-9a-f]{32}$/);
  });

  test('whose signed URL is over are lost, and the account goes on', async () => {
    const faults = [
      { route: 'poll', from: 2, fault: { type: 'status', status: 403, body: 'html' } },
    ] as const;
    const { runtime, job } = await ran({ life: { queued: { ms: 3_600_000 } }, faults }, images);
    expect((await job.settled()).error).toMatchObject({ code: 'signatureExpired' });
    expect((await runtime.accounts.list()).filter(({ status }) => status !== 'open')).toEqual([]);
  });
});
