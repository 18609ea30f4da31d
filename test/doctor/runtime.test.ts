/** A runtime's own directory, damaged and repaired: what is left of it runs on. */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { examine } from '../../src/index.js';
import { newWorld, opened } from '../control/world.js';
import { databaseFile } from '../store/place.js';
import { codesOf, examined, flip } from './patients.js';

const JOBS = 12;

async function finishedWorld() {
  const world = await newWorld();
  const { runtime } = world;
  const jobs = await Promise.all(
    Array.from({ length: JOBS }, (_, index) =>
      runtime.jobs.submit({ provider: 'openai', kind: 'video', prompt: `cat ${index}` }),
    ),
  );
  for (const job of jobs) await job.settled();
  await runtime.close();
  return world;
}

test('damage in mid-log: the losses are named, the rest goes on, and new work is done', async () => {
  const { directory, options } = await finishedWorld();
  const log = await databaseFile(directory, '.log');
  await flip(log, Math.floor((await stat(log)).size / 2));
  const found = await examined(directory, { deep: true });
  expect(found.verdict).toBe('lossy');
  expect(codesOf(found)).toContain('LOG_DAMAGED');

  const report = await examine({ directory, repair: true });
  // What the lost commits referred to, or what referred to them, may be missing for good; it is told.
  for (const { code } of report.findings) expect(['ARTIFACT_MISSING', 'INDEX_TAKEN']).toContain(code);
  expect(report.before?.counts.actors).toBeGreaterThan(0);

  const runtime = await opened({ ...options, directory });
  const job = await runtime.jobs.submit({ provider: 'openai', kind: 'video', prompt: 'a dog' });
  await job.settled();
  const { items } = await runtime.jobs.list();
  expect(items.length).toBeGreaterThan(1);
  await runtime.close();
});

test('without its manifest and CURRENT a directory comes back whole', async () => {
  const { directory, options } = await finishedWorld();
  const manifest = await databaseFile(directory, '');
  expect(manifest).toBe(join(directory, 'db', 'MANIFEST-000002'));
  await rm(manifest);
  await rm(join(directory, 'db', 'CURRENT'));
  const report = await examine({ directory, repair: true, deep: true });
  expect(report).toMatchObject({ verdict: 'healthy', repaired: true });
  const runtime = await opened({ ...options, directory });
  expect((await runtime.jobs.list({ status: 'done' })).items).toHaveLength(JOBS);
  await runtime.close();
});
