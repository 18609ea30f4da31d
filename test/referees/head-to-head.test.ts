/**
 * How often a video is paid for when the answer to its submit is lost: each official client as it comes out
 * of the box, and this runtime, through the same faults. docs/head-to-head.md has the table that comes out
 * here.
 *
 * Billed is what the simulator's ledger says: it has read the whole request and made the task, and then
 * resets the connection, or answers 503, at every submit.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Simulator, SimulatorScript } from '../../src/simulator/index.js';
import { every } from '../providers/every.js';
import { buildHouse, entries, seen, video } from '../runtime/house.js';
import { opened } from '../simulator/opened.js';
import {
  falClient,
  googleClient,
  lumaClient,
  openaiClient,
  replicateClient,
  runwayClient,
} from './clients.js';

type Fault = NonNullable<SimulatorScript['faults']>[number]['fault'];

const PROMPT = 'a heron at dawn';
const HOUR_MS = 3_600_000;
const FAULTS = {
  reset: { type: 'resetAfterBody', billed: true },
  unavailable: { type: 'status', status: 503, billed: true },
} as const satisfies Readonly<Record<string, Fault>>;

interface Contestant {
  /** As the table has it. */
  readonly name: string;
  readonly package: string;
  readonly reset: number;
  readonly unavailable: number;
  readonly submit: (simulator: Simulator) => Promise<unknown>;
}

/** The numbers are measured, and change with the clients' versions. */
const clients: readonly Contestant[] = [
  {
    name: 'openai',
    package: 'openai',
    reset: 3,
    unavailable: 3,
    submit: (simulator) => openaiClient(simulator).videos.create({ prompt: PROMPT }),
  },
  {
    name: 'openai, `maxRetries: 0`',
    package: 'openai',
    reset: 1,
    unavailable: 1,
    submit: (simulator) => openaiClient(simulator, { maxRetries: 0 }).videos.create({ prompt: PROMPT }),
  },
  {
    name: 'replicate',
    package: 'replicate',
    reset: 6,
    unavailable: 1,
    submit: (simulator) =>
      replicateClient(simulator).predictions.create({
        model: 'wan-video/wan-2.2-t2v-fast',
        input: { prompt: PROMPT },
      }),
  },
  {
    name: 'fal',
    package: '@fal-ai/client',
    reset: 4,
    unavailable: 4,
    submit: (simulator) =>
      falClient(simulator).queue.submit('fal-ai/veo3/fast', { input: { prompt: PROMPT } }),
  },
  {
    name: 'runway',
    package: '@runwayml/sdk',
    reset: 3,
    unavailable: 3,
    submit: (simulator) =>
      runwayClient(simulator).textToVideo.create({
        model: 'veo3.1',
        promptText: PROMPT,
        ratio: '1280:720',
        duration: 8,
      }),
  },
  {
    name: 'luma',
    package: 'lumaai',
    reset: 3,
    unavailable: 3,
    submit: (simulator) => lumaClient(simulator).generations.create({ model: 'ray-2', prompt: PROMPT }),
  },
  {
    name: 'google',
    package: '@google/genai',
    reset: 1,
    unavailable: 1,
    submit: (simulator) =>
      googleClient(simulator).models.generateVideos({
        model: 'veo-3.1-generate-preview',
        source: { prompt: PROMPT },
      }),
  },
];

/** What becomes of our job when every submit goes wrong: found again, or held for somebody to decide. */
const ours: readonly { readonly entry: string; readonly end: string }[] = [
  { entry: 'openai', end: 'found' },
  { entry: 'replicate', end: 'found' },
  { entry: 'fal', end: 'held' },
  { entry: 'runway', end: 'held' },
  { entry: 'luma', end: 'found' },
  { entry: 'veo', end: 'held' },
];

const billed = (simulator: Simulator): number =>
  simulator.ledger().filter(({ event }) => event === 'submit.billed').length;

describe.each(Object.entries(FAULTS))('when every submit is billed and then meets a %s', (name, fault) => {
  const script: SimulatorScript = { faults: [{ route: 'submit', fault }] };

  test.concurrent.each(clients)('$name bills as often as it was measured', async (client) => {
    const simulator = await opened({ script });
    await expect(client.submit(simulator)).rejects.toBeInstanceOf(Error);
    expect(billed(simulator)).toBe(name === 'reset' ? client.reset : client.unavailable);
  });

  test.each(ours)('holdfast bills once at $entry, and the job is $end', async ({ entry, end }) => {
    const found = every[entry];
    if (found === undefined) throw new Error(`no adapter ${entry}`);
    const house = await buildHouse(script);
    const { simulator, clock } = house;
    const adapter = found.adapter({ url: simulator.url, clock, apiKey: 'key', env: () => ({}) });
    const runtime = await house.open({ providers: [adapter] });
    const request = { ...video(), ...found.request, kind: 'video', prompt: PROMPT } as const;
    const job = await runtime.jobs.submit({ ...request, provider: adapter.id });
    const view = await seen(runtime, job, ({ status }) =>
      ['done', 'submitUnknown', 'failed'].includes(status),
    );
    expect(view.status).toBe(end === 'found' ? 'done' : 'submitUnknown');
    await runtime.close();
    clock.advance(HOUR_MS);
    const again = await house.open({ providers: [adapter] });
    expect((await again.jobs.get(job.id).view()).status).toBe(view.status);
    await again.close();
    expect(entries(house, 'submit.billed')).toHaveLength(1);
  });
});

test('the document has these numbers, with the versions they were measured with', () => {
  const root = new URL('../../', import.meta.url);
  const { devDependencies }: { devDependencies: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(new URL('package.json', root), 'utf8'),
  );
  const rows = [
    ...clients.map(
      (one) => `| ${one.name} | ${devDependencies[one.package]} | ${one.reset} | ${one.unavailable} |`,
    ),
    '| **holdfast**, at each of them | 0.1.0 | **1** | **1** |',
  ];
  const table = rows.join('\n');
  console.info(`\n${table}\n`);
  expect(readFileSync(new URL('docs/head-to-head.md', root), 'utf8')).toContain(table);
});
