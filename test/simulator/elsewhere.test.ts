/** Other origins, trickling bodies and wrong clocks. */
import { describe, expect, test } from 'vitest';
import { parseScript } from '../../src/simulator/index.js';
import type { LedgerEntry, Simulator, SimulatorScript } from '../../src/simulator/index.js';
import { createSimulatedClock } from '../../src/testing/index.js';
import { AT_ONCE, entry, field, get, json, KEY, opened, post, submitVideo, videoId } from './opened.js';

type Fault = NonNullable<SimulatorScript['faults']>[number]['fault'];

/** A finished video whose first download has this fault. */
async function finished(fault: Fault): Promise<readonly [Simulator, string]> {
  const simulator = await opened({
    script: { life: AT_ONCE, faults: [{ route: 'download', nth: 1, fault }] },
  });
  return [simulator, `${simulator.url}/openai/v1/videos/${await videoId(simulator)}/content`];
}

/** The locations of a chain that is followed with the key, and what is at its end. */
async function walked(url: string): Promise<{ readonly hops: readonly string[]; readonly end: Response }> {
  const hops: string[] = [];
  let end = await get(url);
  for (let location = end.headers.get('location'); location !== null && hops.length < 25;) {
    hops.push(location);
    if (!location.startsWith('http://127.0.0.1')) break;
    end = await get(location);
    location = end.headers.get('location');
  }
  return { hops, end };
}

function origins(hops: readonly string[], { url, foreignUrl }: Simulator): string {
  const names: Readonly<Record<string, string>> = { [url]: 'same', [foreignUrl]: 'foreign' };
  return hops.map((hop) => names[new URL(hop).origin] ?? hop).join(' ');
}

const downloads = (simulator: Simulator): readonly LedgerEntry[] =>
  simulator.ledger().filter(({ event }) => event.startsWith('download.'));

describe('a redirect', () => {
  test('leads over both origins to the artifact, and the ledger has who was told what', async () => {
    const fault = { type: 'redirect', through: ['same', 'foreign', 'same'], status: 307 } as const;
    const [simulator, url] = await finished(fault);
    const { hops, end } = await walked(url);
    expect(origins(hops, simulator)).toBe('same foreign same');
    const bytes = Buffer.from(await end.arrayBuffer());
    expect(bytes).toEqual(Buffer.from(await (await get(url)).arrayBuffer()));
    await entry(simulator, 'download.finished');
    const told = downloads(simulator).map(({ event, host, credentialHeaders }) => [
      event,
      host === new URL(simulator.url).host ? 'same' : 'foreign',
      credentialHeaders.join(),
    ]);
    expect(told.slice(0, 4)).toEqual([
      ['download.refused', 'same', 'authorization'],
      ['download.refused', 'same', 'authorization'],
      ['download.refused', 'foreign', 'authorization'],
      ['download.started', 'same', 'authorization'],
    ]);
  });

  test('ends at any URL', async () => {
    const [simulator, url] = await finished({
      type: 'redirect',
      through: ['foreign', 'https://metadata.example/latest?a=b'],
    });
    expect(origins((await walked(url)).hops, simulator)).toBe('foreign https://metadata.example/latest?a=b');
  });

  test('of anything but a download leads to the same path elsewhere, and bills nothing', async () => {
    const simulator = await opened({
      script: { faults: [{ route: 'any', nth: 1, fault: { type: 'redirect', status: 307 } }] },
    });
    const response = await fetch(`${simulator.url}/openai/v1/videos?a=b`, {
      method: 'POST',
      redirect: 'manual',
      headers: KEY,
      body: '{"prompt":"a cat"}',
    });
    const location = response.headers.get('location') ?? '';
    expect(location).toBe(`${simulator.foreignUrl}/openai/v1/videos?a=b`);
    expect(simulator.ledger().map(({ event }) => event)).not.toContain('submit.billed');
    expect((await post(location, { prompt: 'a cat' })).status).toBe(200);
    expect(await entry(simulator, 'submit.billed')).toMatchObject({
      host: new URL(simulator.foreignUrl).host,
    });
  });

  test('whose link was touched leads nowhere', async () => {
    const [simulator, url] = await finished({ type: 'redirect', through: ['foreign'] });
    const { hops } = await walked(url);
    const wrong = (hops[0] ?? '').replace('/0/302/', '/1/302/');
    expect((await get(wrong)).status).toBe(403);
    expect((await get(`${simulator.url}/_hops/openai/none/0/302/s`)).status).toBe(403);
  });

  test('is refused where it says two things, or a URL on the way', () => {
    const rule = (fault: object, route = 'download'): object => ({ faults: [{ route, fault }] });
    const both = { type: 'redirect', location: 'http://127.0.0.1', through: ['same'] };
    expect(() => parseScript(rule(both))).toThrow('not both');
    const middle = { type: 'redirect', through: ['http://127.0.0.1', 'same'] };
    expect(() => parseScript(rule(middle))).toThrow('last hop');
    const long = { type: 'redirect', through: ['same', 'same'] };
    expect(() => parseScript(rule(long, 'submit'))).toThrow('only a download');
  });
});

test('a body trickles at the pace of its rule', async () => {
  const waits: number[] = [];
  const still = createSimulatedClock();
  const simulator = await opened({
    clock: {
      ...still,
      schedule: (delayMs, run) => {
        waits.push(delayMs);
        queueMicrotask(run);
        return () => undefined;
      },
    },
    script: {
      life: AT_ONCE,
      faults: [{ route: 'poll', fault: { type: 'slowBody', bytesPerSecond: 100, chunkBytes: 50 } }],
    },
  });
  const id = await videoId(simulator);
  expect(field(await json(await get(`${simulator.url}/openai/v1/videos/${id}`)), 'id')).toBe(id);
  expect(waits.length).toBeGreaterThan(3);
  expect(new Set(waits)).toEqual(new Set([500]));
});

test('a provider’s clock that is ahead dates its answers, and never the ledger', async () => {
  const clock = createSimulatedClock(Date.UTC(2026, 10, 22));
  const simulator = await opened({ clock, script: { life: AT_ONCE, clockSkewMs: 3_600_000 } });
  const response = await submitVideo(simulator);
  expect(response.headers.get('date')).toBe('Sun, 22 Nov 2026 01:00:00 GMT');
  expect(field(await json(response), 'created_at')).toBe(Date.UTC(2026, 10, 22, 1) / 1_000);
  expect(await entry(simulator, 'submit.billed')).toMatchObject({ at: Date.UTC(2026, 10, 22) });
});

test('a key is revoked in the middle of a job', async () => {
  const simulator = await opened({
    script: { faults: [{ route: 'poll', from: 2, fault: { type: 'unauthorized' } }] },
  });
  const url = `${simulator.url}/openai/v1/videos/${await videoId(simulator)}`;
  expect((await get(url)).status).toBe(200);
  expect((await get(url)).status).toBe(401);
});

test('a key in the query is told of like a header', async () => {
  const simulator = await opened();
  await get(`${simulator.url}/openai/v1/videos?key=secret`);
  expect(await entry(simulator, 'list')).toMatchObject({ credentialHeaders: ['authorization', '?key'] });
});
