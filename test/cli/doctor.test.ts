/** `holdfast doctor`: its text, its JSON, its exit codes, and what it refuses. */
import { chmod, chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { expect, test } from 'vitest';
import { flip, patient } from '../doctor/patients.js';
import { newWorld } from '../control/world.js';
import { databaseFile, filesIn, newDirectory } from '../store/place.js';
import { cli, told } from './run-cli.js';

const NOBODY = 65_534;

function doctor(directory: string, ...words: readonly string[]) {
  return told(['doctor', '--dir', directory, ...words]);
}

test('a whole directory ends with 0 and one line', async () => {
  const directory = await patient(5);
  expect(await doctor(directory)).toEqual({ code: 0, out: 'healthy: 0 actors, 5 rows\n', err: '' });
});

test('litter alone ends with 0, and is told with what to do', async () => {
  const directory = await patient(2);
  await writeFile(join(directory, 'notes.txt'), 'mine');
  await writeFile(join(directory, '.holdfast-x.tmp'), '');
  const end = await doctor(directory);
  expect(end.code).toBe(0);
  expect(end.out.split('\n').slice(0, 4)).toEqual([
    'litter FILES_UNKNOWN: it does no harm',
    '  notes.txt is not holdfast’s',
    'litter MARKER_TEMPORARY: with --repair, it is removed',
    '  .holdfast-x.tmp is a marker that never got its name',
  ]);
});

test('damage ends with 1, the losses first; a repair tells both states and ends with 0', async () => {
  const directory = await patient(120);
  await flip(await databaseFile(directory, '.log'), 9_000);
  await rm(join(directory, 'holdfast.json'));
  const found = await doctor(directory);
  expect(found.code).toBe(1);
  expect(found.err).toMatch(/^holdfast: DIRECTORY_DAMAGED: [^\n]*lossy[^\n]*\n$/);
  expect(found.out).toMatch(/^loss CHAIN_GAP: [^\n]+\n {2}commits \d+ to \d+ are missing\n/);
  expect(found.out.indexOf('loss LOG_DAMAGED')).toBeLessThan(found.out.indexOf('damage MARKER_MISSING'));
  const mended = await doctor(directory, '--repair');
  expect(mended.code).toBe(0);
  expect(mended.out).toContain(`repaired; the directory as it was is ${directory}.before-repair-1\n`);
  expect(mended.out.trimEnd().split('\n').at(-1)).toMatch(/^healthy: 0 actors, \d+ rows$/);
  expect((await doctor(directory)).code).toBe(0);
});

test('--json prints one value in one line, also where the verdict is bad', async () => {
  const directory = await patient(3);
  const well = await doctor(directory, '--json');
  expect(well.out.split('\n')).toHaveLength(2);
  expect(JSON.parse(well.out)).toMatchObject({ verdict: 'healthy', repaired: false, findings: [] });
  await rm(join(directory, 'db', 'CURRENT'));
  const ill = await doctor(directory, '--json', '--deep');
  expect(ill.code).toBe(1);
  expect(JSON.parse(ill.out)).toMatchObject({
    verdict: 'damaged',
    by_code: { CURRENT_MISSING: 1 },
    findings: [{ code: 'CURRENT_MISSING', file: 'db/CURRENT' }],
  });
  expect(JSON.parse(ill.err)).toMatchObject({ error: { code: 'DIRECTORY_DAMAGED' } });
});

test('a directory of a real runtime is healthy; while that runs it is STORE_LOCKED', async () => {
  const world = await newWorld();
  const busy = await cli(['doctor', '--dir', world.directory]);
  expect(busy).toMatchObject({ code: 4, out: '' });
  expect(busy.err).toMatch(/^holdfast: STORE_LOCKED: /);
  const job = await world.runtime.jobs.submit({ provider: 'openai', kind: 'video', prompt: 'a cat' });
  await job.settled();
  await world.runtime.close();
  const end = await doctor(world.directory, '--deep', '--json');
  expect(JSON.parse(end.out)).toMatchObject({ verdict: 'healthy', findings: [] });
  expect(end.out).toMatch(/"actors":[1-9]/);
});

test('what is no store, no option or no module is a mistake of the command line', async () => {
  const parent = await newDirectory();
  await mkdir(join(parent, 'empty'));
  const wrong = [
    ['doctor', '--dir', join(parent, 'empty')],
    ['doctor', '--dir', join(parent, 'none'), '--repair'],
    ['doctor', '--dir', parent, '--fast'],
    ['doctor', '--dir', parent, '--module', join(parent, 'none.js')],
  ];
  for (const words of wrong) expect(await told(words)).toMatchObject({ code: 2, out: '' });
  expect(Object.keys(await filesIn(parent))).toEqual(['/empty']);
});

test('a newer holdfast’s directory is refused as by an open', async () => {
  const directory = await patient(1);
  const marker = join(directory, 'holdfast.json');
  await writeFile(marker, (await readFile(marker, 'utf8')).replace(/"format":\d+/, '"format":99'));
  await rm(join(directory, 'db'), { recursive: true });
  const end = await doctor(directory);
  expect(end).toMatchObject({ code: 4, out: '' });
  expect(end.err).toMatch(/^holdfast: STORE_FORMAT_NEWER: /);
});

test('where the copy cannot be made a repair is STORE_UNWRITABLE, and nothing is done', async () => {
  const directory = await patient(1);
  await rm(join(directory, 'holdfast.json'));
  const user = getuid?.() === 0 ? NOBODY : (getuid?.() ?? 0);
  const parent = join(directory, '..');
  if (getuid?.() === 0) {
    for (const name of Object.keys(await filesIn(directory))) await chown(join(directory, name), user, user);
    await chown(directory, user, user);
  }
  await chmod(parent, 0o555);
  const before = await filesIn(parent);
  const end = await cli(['doctor', '--dir', directory, '--repair'], { uid: user });
  expect(end).toMatchObject({ code: 4, out: '' });
  expect(end.err).toMatch(/^holdfast: STORE_UNWRITABLE: [^\n]+\n$/);
  expect(await filesIn(parent)).toEqual(before);
  await chmod(parent, 0o755);
});
