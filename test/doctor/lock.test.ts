/**
 * A doctor and a runtime exclude each other, across processes and within one; a doctor that is killed leaves
 * the directory as it was, and free.
 */
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { examine } from '../../src/index.js';
import { openLevelStore } from '../../src/store/index.js';
import { startChild } from '../store/child.js';
import { databaseFile, filesIn } from '../store/place.js';
import { startDoctor } from './doctor-process.js';
import { entriesIn, entriesOf, examined, flip, patient } from './patients.js';

const STAGES = [
  'holding',
  'files',
  'rows',
  'artifacts',
  'copying',
  'mending',
  'replacing',
  'tidying',
] as const;

test('a directory that a process holds is STORE_LOCKED, and stays as it was', async () => {
  const directory = await patient(3);
  const child = startChild(directory, 'hold');
  await child.heard('open');
  const before = await filesIn(directory);
  await expect(examine({ directory })).rejects.toMatchObject({
    code: 'STORE_LOCKED',
    message: expect.stringContaining(`the database in ${join(directory, 'db')} is held`),
  });
  await expect(examine({ directory, repair: true })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  expect(await filesIn(directory)).toEqual(before);
  child.letGo();
  await child.ended;
  expect((await examined(directory)).verdict).toBe('healthy');
});

test('a directory that this process holds is STORE_LOCKED', async () => {
  const directory = await patient(3);
  const store = await openLevelStore({ directory });
  await expect(examine({ directory })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  // The lock of the first open still stands: a refused one must not let it go.
  const child = startChild(directory, 'try');
  await child.ended;
  expect(child.lines).toEqual(['refused STORE_LOCKED']);
  await store.close();
});

test('an open while the doctor is at work is STORE_LOCKED, in this process and in another', async () => {
  const directory = await patient(3);
  const doctor = startDoctor(directory, { halt: 'rows' });
  expect(await doctor.heard('stage rows')).toBeDefined();
  await expect(openLevelStore({ directory })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  await expect(examine({ directory })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  doctor.letGo();
  await doctor.ended;
  expect(doctor.lines.at(-1)).toBe('verdict healthy');

  let inside: unknown;
  await examine({
    directory,
    onProgress: () => {
      inside ??= openLevelStore({ directory }).catch((error: unknown) => error);
    },
  });
  expect(await inside).toMatchObject({ code: 'STORE_LOCKED' });
  await (await openLevelStore({ directory })).close();
});

test('a killed doctor leaves the directory usable, and the next one takes its litter away', async () => {
  const directory = await patient(30);
  const before = await filesIn(directory);
  const doctor = startDoctor(directory, { halt: 'artifacts' });
  await doctor.heard('stage artifacts');
  doctor.kill();
  await doctor.ended;
  const litter = (await readdir(directory)).filter((name) => name.startsWith('.doctor-'));
  expect(litter).toHaveLength(1);
  const files = Object.entries(await filesIn(directory)).filter(([path]) => !path.startsWith('/.doctor-'));
  expect(Object.fromEntries(files)).toEqual(before);
  expect((await examine({ directory })).verdict).toBe('healthy');
  expect(await filesIn(directory)).toEqual(before);
  expect(await entriesIn(directory)).toEqual(entriesOf(30));
});

test.each(STAGES)('a repair that is killed when it is at %s is finished by the next one', async (stage) => {
  const directory = await patient(120);
  await flip(await databaseFile(directory, '.log'), 9_000);
  const doctor = startDoctor(directory, { halt: stage, repair: true });
  expect(await doctor.heard(`stage ${stage}`)).toBeDefined();
  doctor.kill();
  await doctor.ended;
  const report = await examine({ directory, repair: true });
  const beside = await readdir(dirname(directory));
  expect(beside.filter((name) => name.endsWith('.unfinished'))).toEqual([]);
  expect(report.verdict, JSON.stringify(report.findings)).toBe('healthy');
  const left = await entriesIn(directory);
  expect(left.length).toBeGreaterThan(0);
  expect(entriesOf(120)).toEqual(expect.arrayContaining([...left]));
});
