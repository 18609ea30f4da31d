/**
 * Every provider that calls back, end to end: its news alone bring a job to its end, for the job polls once
 * an hour; and they tell a job its task whose submit was not answered.
 */
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { Runtime } from '../../src/index.js';
import type { SimulatorScript } from '../../src/simulator/index.js';
import { every, type Entry } from '../providers/every.js';
import { buildHouse, delivered, entries, video, type House } from './house.js';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;
const SECRET = `whsec_${Buffer.from('a secret of every provider').toString('base64')}`;
const VARIABLES = ['OPENAI', 'GEMINI', 'KLING', 'REPLICATE'].map((house) => `${house}_WEBHOOK_SECRET`);
const env = () => Object.fromEntries(VARIABLES.map((name) => [name, SECRET]));
// Hints less than a second apart are one: the last of them must not be such a one.
const LIFE = { queued: { polls: 0 }, running: { ms: 2_500 } } as const;
const nobody = { url: 'https://simulator.example.com', clock: systemClock, env: () => ({}) };
const callers = Object.entries(every).filter(
  ([, entry]) => entry.adapter(nobody).capabilities.webhook !== 'none',
);

/** A house whose simulator can reach the runtime that is opened in it, at the URL that is returned. */
async function reachable(
  script: SimulatorScript,
): Promise<{ house: House; url: string; enter: (runtime: Runtime) => void }> {
  let inside: Runtime | undefined;
  const fetch = (request: Request): Promise<Response> | Response =>
    inside?.fetch(request) ?? new Response(null, { status: 503 });
  const url = await new Promise<string>((resolve) => {
    const server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }: AddressInfo) =>
      resolve(`http://127.0.0.1:${port}`),
    );
    onTestFinished(() => new Promise<void>((closed) => void server.close(() => closed())));
  });
  const projectUrls = { openai: `${url}/hooks/openai`, 'openai-responses': `${url}/hooks/openai-responses` };
  const webhooks = { secrets: [SECRET], projectUrls, retryMs: 100 };
  const house = await buildHouse({ life: LIFE, webhooks, ...script });
  return { house, url, enter: (runtime) => (inside = runtime) };
}

async function rendered(entry: Entry, everyMs: number, script: SimulatorScript = {}) {
  const { house, url, enter } = await reachable(script);
  const place = { url: house.simulator.url, clock: house.clock, apiKey: 'sk-hook-0123456789', env };
  const adapter = entry.adapter(place);
  const runtime = await house.open({
    providers: [adapter],
    webhooks: { publicUrl: url },
    jobs: { reconcileAfterMs: 0, poll: { everyMs, slowMs: everyMs } },
  });
  enter(runtime);
  const wanted = { ...video(), ...entry.request, kind: entry.kinds[0] ?? 'video', provider: adapter.id };
  const job = await runtime.jobs.submit(wanted);
  return { house, adapter, view: await delivered(runtime, job) };
}

test.each(callers)('%s is heard, and believed as far as it is signed', async (_name, entry) => {
  const { house, adapter, view } = await rendered(entry, HOUR_MS);
  expect(view.status).toBe('done');
  expect(entries(house, 'submit.billed')).toHaveLength(1);
  const told = entries(house, 'webhook.sent').filter(({ stage }) => stage === 'succeeded');
  expect(told.map(({ status }) => status)).toContain(200);
  // What is not signed, or says only that there is news, is found out by a poll.
  if (adapter.capabilities.webhook === 'unsigned') expect(view.pollCount).toBeGreaterThan(0);
});

// A response of OpenAI's is not listed, and its events go to the project: they name no job.
const found = callers.filter(([name]) => name !== 'openai-responses');

test.each(found)('%s is heard where its answer was not, and billed once', async (_name, entry) => {
  const faults = [{ route: 'submit', nth: 1, fault: { type: 'resetAfterBody', billed: true } } as const];
  const { house, view } = await rendered(entry, SECOND_MS, { faults });
  expect(view.status).toBe('done');
  expect(entries(house, 'submit.billed')).toHaveLength(1);
});
