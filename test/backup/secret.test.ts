/** The secret of a directory goes where its rows go: what is sealed in them is read with it alone. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Vault } from '../../src/actors/vault.js';
import { examine, openRuntime, restore, silentLogger, type Runtime } from '../../src/index.js';
import { openLevelStore, secretBelow } from '../../src/store/index.js';
import { newTarget } from './place.js';

const opened = (directory: string): Promise<Runtime> =>
  openRuntime({ directory, control: false, log: silentLogger });
const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777;

test('a backup has it, for its owner alone, and a restored directory opens what was sealed', async () => {
  const [directory, backup, restored] = [await newTarget('a'), await newTarget('b'), await newTarget('c')];
  const runtime = await opened(directory);
  const sealed = await new Vault(() => secretBelow(directory)).seal('a signed URL');
  await runtime.backup(backup);
  await runtime.close();
  await restore(backup, restored);
  for (const place of [backup, restored]) {
    expect(await readFile(join(place, 'secret'), 'utf8')).toBe(
      await readFile(join(directory, 'secret'), 'utf8'),
    );
    expect(await modeOf(join(place, 'secret'))).toBe(0o600);
  }
  expect(await new Vault(() => secretBelow(restored)).open(sealed)).toBe('a signed URL');
  const report = await examine({ directory: restored });
  expect(report.findings).toEqual([]);
});

test('a directory that has none yet is backed up without one', async () => {
  const [directory, backup] = [await newTarget('a'), await newTarget('b')];
  const runtime = await opened(directory);
  await runtime.backup(backup);
  await runtime.close();
  expect(existsSync(join(backup, 'secret'))).toBe(false);
});

test('a backup that is given up leaves none behind', async () => {
  const [directory, backup] = [await newTarget('a'), await newTarget('b')];
  const runtime = await opened(directory);
  await writeFile(join(directory, 'secret'), 'too short\n');
  await expect(runtime.backup(backup)).rejects.toMatchObject({ code: 'STORE_CORRUPTED' });
  expect(existsSync(backup)).toBe(false);
  await runtime.close();
});

test('a secret that is cut off is STORE_CORRUPTED: nothing is sealed with what can be guessed', async () => {
  const directory = await newTarget();
  await (await openLevelStore({ directory })).close();
  await writeFile(join(directory, 'secret'), '\n');
  await expect(secretBelow(directory)).rejects.toMatchObject({ code: 'STORE_CORRUPTED' });
});

test('a directory that holds a secret alone is nobody’s, and is left as it was', async () => {
  const directory = await newTarget();
  await mkdir(directory);
  await secretBelow(directory);
  await expect(openLevelStore({ directory })).rejects.toMatchObject({ code: 'STORE_FOREIGN' });
  expect(existsSync(join(directory, 'secret'))).toBe(true);
});

test('asked for twice at once, a secret is made once', async () => {
  const directory = await newTarget();
  await (await openLevelStore({ directory })).close();
  const vault = new Vault(() => secretBelow(directory));
  const [sealed, token] = await Promise.all([vault.seal('a text'), vault.token('kling', 'job_1')]);
  const later = new Vault(() => secretBelow(directory));
  expect(await later.open(sealed)).toBe('a text');
  expect(await later.jobOf('kling', token)).toBe('job_1');
});
