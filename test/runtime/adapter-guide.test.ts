/** What docs/guide-your-own-adapter.md says, run: its code is in examples/adapter. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { brush } from '../../examples/adapter/brush.js';
import { openStudio, type Studio } from '../../examples/adapter/studio.js';
import type { ProviderAdapter } from '../../src/providers/index.js';
import { bundled } from '../bundled.js';
import { buildHouse, seen, type House } from './house.js';

const MAIN = bundled('examples/adapter/main.ts');
const painting = { provider: 'brush', kind: 'image', prompt: 'a lighthouse', origin: 'userDirect' } as const;

async function studioAndHouse(): Promise<{ studio: Studio; house: House; adapter: ProviderAdapter }> {
  const studio = await openStudio();
  onTestFinished(() => studio.close());
  const house = await buildHouse();
  const adapter = brush({ baseUrl: `${studio.url}/v1`, apiKey: 'any', clock: house.clock, env: () => ({}) });
  return { studio, house, adapter };
}

test('the program prints its painting', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-adapter-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN], { cwd: directory });
  expect(stdout).toMatch(/^done: image\/png, \d+ bytes\n$/);
});

test('a submit whose answer nobody could read is found by its key, and paid for once', async () => {
  const { studio, house, adapter } = await studioAndHouse();
  let answers = 0;
  const deaf: ProviderAdapter = {
    ...adapter,
    parseSubmit: (response, ...rest) => {
      answers += 1;
      return adapter.parseSubmit(answers === 1 ? { ...response, status: 502 } : response, ...rest);
    },
  };
  const runtime = await house.open({ providers: [deaf] });
  const job = await runtime.jobs.submit(painting);
  expect((await job.settled()).status).toBe('done');
  expect(studio.billed).toEqual([job.id]);
});

test('it has the limits of its options', () => {
  expect(brush({ limits: { concurrent: 2, perMinute: 30 } }).limits).toEqual({
    concurrent: 2,
    perMinute: 30,
  });
});

test('without a key it waits, and the service is not asked', async () => {
  const { studio, house } = await studioAndHouse();
  const keyless = brush({ baseUrl: `${studio.url}/v1`, env: () => ({}) });
  const runtime = await house.open({ providers: [keyless] });
  const job = await runtime.jobs.submit(painting);
  await seen(runtime, job, ({ status }) => status === 'blocked');
  expect(studio.billed).toEqual([]);
});
