/** What a download that broke off has left goes with its job, or at the next open when there is no job. */
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AT_ONCE, buildHouse, seenAs, until, video } from './house.js';

const SLOW = { life: AT_ONCE, artifacts: { videoBytes: 400_000, bytesPerSecond: 20_000 } } as const;
const partsOf = async (directory: string): Promise<readonly string[]> =>
  readdir(join(directory, 'artifacts', 'parts')).catch(() => []);

test('parts of jobs that are not there, and of no job at all, go at the open', async () => {
  const house = await buildHouse();
  const folder = join(house.directory, 'artifacts', 'parts');
  const first = await house.open();
  await first.close();
  await mkdir(folder, { recursive: true });
  const names = ['job_gone.0.part', 'job_gone.0.note', 'job_gone.0.note.new', 'download_x.part', 'strange'];
  for (const name of names) await writeFile(join(folder, name), 'half');
  await house.open();
  expect(await partsOf(house.directory)).toEqual([]);
});

test('a close in the middle of a download keeps its part, and the next process goes on with it', async () => {
  const house = await buildHouse(SLOW);
  const folder = join(house.directory, 'artifacts', 'parts');
  const first = await house.open();
  const job = await first.jobs.submit(video({ provider: 'kling' }));
  const sizes = async (): Promise<readonly number[]> =>
    Promise.all((await partsOf(house.directory)).map(async (name) => (await stat(join(folder, name))).size));
  await until(first, async () => (await sizes()).some((bytes) => bytes > 0));
  await first.close({ timeoutMs: 0 });
  expect((await partsOf(house.directory)).toSorted()).toEqual([`${job.id}.0.note`, `${job.id}.0.part`]);
  const second = await house.open();
  await until(second, () => house.simulator.ledger().some(({ status }) => status === 206));
  await second.jobs.get(job.id).cancel();
  await until(second, async () => (await partsOf(house.directory)).length === 0);
});

test('a cancelled job leaves no part', async () => {
  const house = await buildHouse(SLOW);
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video({ provider: 'kling' }));
  await seenAs(runtime, job, 'fetching');
  await until(runtime, async () => (await partsOf(house.directory)).length > 0);
  await job.cancel();
  await until(runtime, async () => (await partsOf(house.directory)).length === 0);
});
