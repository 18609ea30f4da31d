/**
 * A flipped byte or a cut anywhere in any file: an open refuses it, or the doctor finds it, or all rows are
 * there as they were written. Never another value, and never fewer rows in silence; nor after a repair.
 *
 * Bounded to some places a file; with HOLDFAST_DEEP every seventh byte. The one loss that no file can
 * tell is that of the newest commits by a cut of the log: it looks like a death in mid-write.
 */
import { cp, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { examine, isHoldfastError } from '../../src/index.js';
import { openLevelStore } from '../../src/store/index.js';
import { databaseFile, newDirectory } from '../store/place.js';
import { cut, entriesIn, entriesOf, entryRow, flip, patient } from './patients.js';

const deep = process.env['HOLDFAST_DEEP'] === '1';
const IN_TABLE = 40;
const IN_LOG = 40;
const WHOLE = entriesOf(IN_TABLE + IN_LOG);
const PLACES = 5;
const DEEP_STEP = 7;

/** A directory with entries in a table and in the log. */
async function sweepable(): Promise<string> {
  const directory = await patient(IN_TABLE, true);
  const store = await openLevelStore({ directory });
  for (let count = IN_TABLE + 1; count <= IN_TABLE + IN_LOG; count += 1) {
    await store.commit({ number: store.lastCommit + 1, rows: [entryRow(count)], expect: [] });
  }
  await store.close();
  return directory;
}

const files: Readonly<Record<string, (directory: string) => Promise<string>>> = {
  'the log': (directory) => databaseFile(directory, '.log'),
  'a table': (directory) => databaseFile(directory, '.ldb'),
  'the manifest': async (directory) =>
    join(directory, 'db', (await readFile(join(directory, 'db', 'CURRENT'), 'utf8')).trim()),
  CURRENT: async (directory) => join(directory, 'db', 'CURRENT'),
  'the marker': async (directory) => join(directory, 'holdfast.json'),
};

/** Places in a file of this size: the ends, and as many between as there is time for. */
function placesIn(bytes: number): readonly number[] {
  const step = deep ? DEEP_STEP : Math.max(1, Math.ceil(bytes / PLACES));
  const places = Array.from({ length: Math.ceil(bytes / step) }, (_, index) => index * step);
  return [...new Set([...places, bytes - 1])];
}

interface Outcome {
  /** What an open reads, or undefined where it refuses. */
  readonly read: readonly string[] | undefined;
  readonly found: boolean;
}

/** What an open and the doctor make of a damaged directory, each of a copy of its own. */
async function outcomeOf(directory: string): Promise<Outcome> {
  const copy = `${directory}.opened`;
  await cp(directory, copy, { recursive: true });
  const read = await entriesIn(copy).catch(refused);
  await rm(copy, { recursive: true });
  const report = await examine({ directory }).catch(refused);
  return { read, found: report?.verdict !== 'healthy' };
}

function refused(error: unknown): undefined {
  if (!isHoldfastError(error)) throw error;
}

function isBeginning(read: readonly string[]): boolean {
  return read.every((entry, index) => entry === WHOLE[index]);
}

/** What a repair calls whole opens, and holds nothing that was not written. */
async function expectMended(directory: string, where: string): Promise<void> {
  const report = await examine({ directory, repair: true }).catch(refused);
  if (report?.verdict !== 'healthy' && report?.verdict !== 'litter') return;
  expect(WHOLE, where).toEqual(expect.arrayContaining([...(await entriesIn(directory))]));
}

async function sweep(
  name: string,
  harm: (file: string, at: number) => Promise<void>,
  mayLoseEnd: boolean,
): Promise<number> {
  const pristine = await sweepable();
  const parent = await newDirectory();
  const fileIn = files[name];
  if (fileIn === undefined) throw new Error(`no file is called ${name}`);
  let noticed = 0;
  for (const at of placesIn((await stat(await fileIn(pristine))).size)) {
    const directory = join(parent, `at-${at}`);
    await cp(pristine, directory, { recursive: true });
    await harm(await fileIn(directory), at);
    const { read, found } = await outcomeOf(directory);
    const where = `${name} at byte ${at}`;
    if (read !== undefined) {
      expect(WHOLE, where).toEqual(expect.arrayContaining([...read]));
      const excused = found || (mayLoseEnd && isBeginning(read));
      if (!excused) expect(read, where).toEqual(WHOLE);
    }
    if (read === undefined) expect(found, where).toBe(true);
    if (read === undefined || found) noticed += 1;
    await expectMended(directory, where);
    await rm(directory, { recursive: true });
  }
  return noticed;
}

test.each(Object.keys(files))('a flipped byte in %s is refused, found or harmless', async (name) => {
  expect(await sweep(name, (file, at) => flip(file, at), false)).toBeGreaterThan(0);
});

test.each(Object.keys(files))('%s cut short is refused, found or loses its end alone', async (name) => {
  const noticed = await sweep(name, cut, name === 'the log');
  if (name !== 'the log') expect(noticed).toBeGreaterThan(0);
});
