/**
 * Every provider, end to end: submitted, followed, fetched, delivered, and called off where that is offered.
 */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/ids.js';
import { silentLogger } from '../../src/index.js';
import type { JobHandle, JobView, Runtime } from '../../src/index.js';
import type { ProviderAdapter } from '../../src/providers/index.js';
import type { SimulatorScript } from '../../src/simulator/index.js';
import { every, type Entry } from '../providers/every.js';
import { AT_ONCE, buildHouse, entries, NEVER, seen, seenAs, until, video, type House } from './house.js';

const LIFE = { queued: { polls: 1 }, running: { polls: 2 } } as const;
const KEY = 'sk-every-0123456789';
const all = Object.entries(every).flatMap(([name, entry]) =>
  entry.kinds.map((kind) => ({ name, kind, entry, wanted: { ...video(), ...entry.request, kind } })),
);

async function houseOf(
  { adapter }: Entry,
  script: SimulatorScript,
): Promise<{ house: House; adapter: ProviderAdapter }> {
  const house = await buildHouse(script);
  const { clock } = house;
  const place = { url: house.simulator.url, clock, apiKey: KEY, env: () => ({}) };
  return { house, adapter: adapter(place) };
}

/** Resolves once it is so; whenever the next poll has a time, that time comes: nobody waits for it. */
function hurried(
  { clock }: House,
  runtime: Runtime,
  job: JobHandle,
  is: (view: JobView) => boolean,
): Promise<JobView> {
  return seen(runtime, job, (view) => {
    clock.advance(Math.max(0, (view.nextPollAt ?? 0) - clock.now()));
    return is(view);
  });
}

const isDelivered = ({ deliveryStatus }: JobView): boolean => deliveryStatus === 'delivered';
const isSettled = ({ settledAt }: JobView): boolean => settledAt !== undefined;

describe.each(all)('$name, $kind', ({ entry, kind, wanted }) => {
  test('is rendered, fetched and delivered once', async () => {
    const { house, adapter } = await houseOf(entry, {
      life: { queued: { polls: 1 }, running: { polls: 2 } },
    });
    const runtime = await house.open({ providers: [adapter] });
    const job = await runtime.jobs.submit({ ...wanted, provider: adapter.id });
    const { artifacts, status } = await hurried(house, runtime, job, isDelivered);
    expect(status).toBe('done');
    expect(artifacts.length).toBeGreaterThan(0);
    for (const { path, sha256, mime } of artifacts) {
      expect(sha256Hex(await readFile(path))).toBe(sha256);
      expect(mime.startsWith(`${kind}/`)).toBe(true);
    }
    expect(house.sent.map(({ jobId }) => jobId)).toEqual([job.id]);
    expect(entries(house, 'submit.billed')).toHaveLength(1);
  });

  test('goes on when a status word is one nobody knows, and says so', async () => {
    const words: unknown[] = [];
    const log = {
      ...silentLogger,
      warn: (fields: Readonly<Record<string, unknown>>, message: string) => {
        if (message === 'provider.status.unknown') words.push(fields['word']);
      },
    };
    const faults = [{ route: 'poll', nth: 1, fault: { type: 'unknownStatus', word: 'simmering' } } as const];
    const { house, adapter } = await houseOf(entry, { life: LIFE, faults });
    const runtime = await house.open({ providers: [adapter], log });
    const job = await runtime.jobs.submit({ ...wanted, provider: adapter.id });
    expect((await hurried(house, runtime, job, isDelivered)).status).toBe('done');
    // One that says only whether it is over has no word for it.
    if (adapter.direct === undefined && adapter.id !== 'veo') expect(words).toEqual(['simmering']);
  });

  test('a task that fails there fails here, with its reason', async () => {
    const failure = { code: 'generation_failed', message: 'the oven is cold' };
    const { house, adapter } = await houseOf(entry, { life: { ...AT_ONCE, outcome: 'failed', failure } });
    const runtime = await house.open({ providers: [adapter] });
    const job = await runtime.jobs.submit({ ...wanted, provider: adapter.id });
    const view = await hurried(house, runtime, job, isSettled);
    expect(view.status).toBe('failed');
    expect(view.error?.message).toContain('the oven is cold');
  });

  test('is called off at the provider where that is offered', async () => {
    const { house, adapter } = await houseOf(entry, { life: NEVER });
    const runtime = await house.open({ providers: [adapter] });
    const job = await runtime.jobs.submit({ ...wanted, provider: adapter.id });
    const { ref } = await seenAs(runtime, job, 'pending');
    await job.cancel('no longer wanted');
    expect((await job.view()).status).toBe('cancelled');
    // A family of a provider's tasks may have no cancel.
    if (ref !== undefined && adapter.buildCancel?.(ref) !== undefined)
      await until(runtime, () => entries(house, 'cancel').length === 1);
  });

  test('a key that is refused pauses its account, and the job waits for a good one', async () => {
    const { house, adapter } = await houseOf(entry, { life: AT_ONCE, keys: ['another'] });
    const runtime = await house.open({ providers: [adapter] });
    const job = await runtime.jobs.submit({ ...wanted, provider: adapter.id });
    await until(runtime, async () =>
      (await runtime.accounts.list()).some(({ status }) => status === 'paused'),
    );
    expect(entries(house, 'submit.billed')).toEqual([]);
    house.simulator.setScript({ life: AT_ONCE });
    await runtime.accounts.resume({ provider: adapter.id, credential: 'default' });
    expect((await hurried(house, runtime, job, isSettled)).status).toBe('done');
    expect(entries(house, 'submit.billed')).toHaveLength(1);
  });
});
