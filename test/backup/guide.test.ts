/** What docs/guide-backup.md says, run: its code is in examples/backup. */
import { existsSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backUp, goBackTo } from '../../examples/backup/nightly.js';
import { buildHouse, delivered, video } from '../runtime/house.js';
import { newTarget } from './place.js';

test('a night’s backup is gone back to, and one with something missing is told of', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const job = await runtime.jobs.submit(video());
  await delivered(runtime, job);
  const shelf = await newTarget('shelf');
  await mkdir(shelf);
  const monday = await backUp(runtime, shelf, 'monday');
  expect(monday).toBe(join(shelf, 'monday'));
  rmSync(join(house.directory, 'artifacts'), { recursive: true });
  await expect(backUp(runtime, shelf, 'tuesday')).rejects.toThrow('1 files missing');
  expect(existsSync(join(shelf, 'tuesday', 'holdfast.json'))).toBe(true);
  await runtime.close({ timeoutMs: 0 });
  const directory = await newTarget('live');
  expect(await goBackTo(monday, directory)).toBe(0);
  const again = await house.open({ directory });
  const [artifact] = (await again.jobs.view(job.id)).artifacts;
  expect(existsSync(artifact?.path ?? '')).toBe(true);
});
