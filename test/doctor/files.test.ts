/**
 * Every sort of damage to the files of a directory is told by a code of its own, without a change to any
 * file; and a repair leaves a directory that opens, with all that could be kept.
 */
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { examine, findingKinds, type FindingCode } from '../../src/index.js';
import { limits } from '../../src/limits.js';
import { keys, openLevelStore } from '../../src/store/index.js';
import { logOf, readLog } from '../../src/store/level-format/log-format.js';
import { databaseFile, filesIn, newDirectory } from '../store/place.js';
import { codesOf, cut, entriesIn, entriesOf, examined, flip, openBare, patient, sha256 } from './patients.js';

const ENTRIES = 120;
const WHOLE = entriesOf(ENTRIES);

interface Damage {
  readonly flushed?: boolean;
  readonly codes: readonly FindingCode[];
  /** Default: all entries. */
  readonly kept?: 'all' | 'some' | 'none';
  readonly harm: (directory: string) => Promise<unknown>;
}

const marker = (directory: string): string => join(directory, 'holdfast.json');
const current = (directory: string): string => join(directory, 'db', 'CURRENT');

async function changeMarker(directory: string, change: object): Promise<void> {
  const before: unknown = JSON.parse(await readFile(marker(directory), 'utf8'));
  await writeFile(marker(directory), JSON.stringify({ ...Object(before), ...change }));
}

async function manifestOf(directory: string): Promise<string> {
  return join(directory, 'db', (await readFile(current(directory), 'utf8')).trim());
}

async function deleteRow(directory: string, key: string): Promise<void> {
  await openBare(directory, (db) => db.del(key));
}

const damages: Readonly<Record<string, Damage>> = {
  'a missing marker': { codes: ['MARKER_MISSING'], harm: (dir) => rm(marker(dir)) },
  'a garbled marker': { codes: ['MARKER_GARBLED'], harm: (dir) => writeFile(marker(dir), '{"applic') },
  'a marker of something else': {
    codes: ['MARKER_FOREIGN'],
    harm: (dir) => changeMarker(dir, { application: 'another' }),
  },
  'a marker of a newer format': {
    codes: ['MARKER_FORMAT'],
    harm: (dir) => changeMarker(dir, { format: 99 }),
  },
  'a marker of an older format': {
    codes: ['MARKER_FORMAT'],
    harm: (dir) => changeMarker(dir, { format: 1 }),
  },
  'an unfinished marker beside data': {
    codes: ['MARKER_UNFINISHED'],
    harm: (dir) => changeMarker(dir, { state: 'creating' }),
  },
  'a marker that never got its name': {
    codes: ['MARKER_TEMPORARY'],
    harm: (dir) => writeFile(join(dir, '.holdfast-x1.tmp'), '{}'),
  },
  'a missing CURRENT': { codes: ['CURRENT_MISSING'], harm: (dir) => rm(current(dir)) },
  'a garbled CURRENT': { codes: ['CURRENT_GARBLED'], harm: (dir) => writeFile(current(dir), 'MANIFEST') },
  'a missing manifest': {
    codes: ['MANIFEST_MISSING'],
    flushed: true,
    harm: async (dir) => rm(await manifestOf(dir)),
  },
  'a CURRENT that names no manifest there is': {
    codes: ['MANIFEST_MISSING'],
    harm: (dir) => writeFile(current(dir), 'MANIFEST-999999\n'),
  },
  'a damaged manifest': {
    codes: ['MANIFEST_DAMAGED'],
    flushed: true,
    harm: async (dir) => flip(await manifestOf(dir), 12),
  },
  'a manifest that LevelDB refuses': {
    codes: ['MANIFEST_DAMAGED'],
    harm: async (dir) => {
      const manifest = await manifestOf(dir);
      const { records } = readLog(await readFile(manifest));
      const others = records.map((record) =>
        Buffer.from(record.toString('latin1').replace('BytewiseComparator', 'AnotherComparator!'), 'latin1'),
      );
      await writeFile(manifest, logOf(others));
    },
  },
  'a manifest that was cut short': {
    codes: ['DATABASE_CUT'],
    harm: async (dir) => {
      await flushInOneRun(dir);
      const manifest = await manifestOf(dir);
      const { records } = readLog(await readFile(manifest));
      await cut(manifest, logOf(records.slice(0, 2)).length);
    },
  },
  'a missing table': {
    codes: ['TABLE_MISSING'],
    flushed: true,
    kept: 'none',
    harm: async (dir) => rm(await databaseFile(dir, '.ldb')),
  },
  'a damaged table': {
    codes: ['CHAIN_GAP', 'TABLE_DAMAGED'],
    flushed: true,
    kept: 'some',
    harm: async (dir) => flip(await databaseFile(dir, '.ldb'), 5_000),
  },
  'a log with a damaged record': {
    codes: ['CHAIN_GAP', 'LOG_DAMAGED'],
    kept: 'some',
    harm: async (dir) => flip(await databaseFile(dir, '.log'), 9_000),
  },
  'a log with a damaged length, which LevelDB takes for its end': {
    codes: ['LOG_DAMAGED'],
    kept: 'some',
    harm: async (dir) => {
      const log = await databaseFile(dir, '.log');
      const { records } = readLog(await readFile(log));
      // In the last block, where a length may lead beyond the end of the file.
      await flip(log, logOf(records.slice(0, -3)).length + 5, 0x80);
    },
  },
  'a missing log': {
    codes: ['LOG_MISSING'],
    flushed: true,
    harm: async (dir) => rm(await databaseFile(dir, '.log')),
  },
  'commits that an earlier recovery dropped': {
    codes: ['CHAIN_GAP', 'LOG_DROPPED'],
    kept: 'some',
    harm: async (dir) => {
      await flip(await databaseFile(dir, '.log'), 9_000);
      await openBare(dir);
    },
  },
  'a missing database': {
    codes: ['DATABASE_MISSING'],
    kept: 'none',
    harm: (dir) => rm(join(dir, 'db'), { recursive: true }),
  },
  'an empty database': {
    codes: ['DATABASE_EMPTY'],
    kept: 'none',
    harm: async (dir) => {
      await rm(join(dir, 'db'), { recursive: true });
      await openBare(dir);
    },
  },
  'a database without its format': {
    codes: ['FORMAT_MISSING'],
    harm: (dir) => deleteRow(dir, keys.meta('format')),
  },
  'a database without its generation': {
    codes: ['FORMAT_MISSING'],
    harm: (dir) => deleteRow(dir, keys.meta('generation')),
  },
  'a commit that is missing': { codes: ['CHAIN_GAP'], harm: (dir) => deleteRow(dir, keys.chain(7)) },
  'a chain without its front': { codes: ['CHAIN_GAP'], harm: (dir) => deleteRow(dir, keys.chain(1)) },
  'a whole chain that is missing': {
    codes: ['CHAIN_GAP'],
    harm: (dir) => openBare(dir, (db) => db.clear({ gte: 'k\0', lt: 'k\x01' })),
  },
  'a link that is another’s': {
    codes: ['CHAIN_LINK'],
    harm: (dir) =>
      openBare(dir, async (db) => {
        await db.put(keys.chain(7), (await db.get(keys.chain(9))) ?? '');
      }),
  },
  'a link that cannot be read': {
    codes: ['CHAIN_LINK'],
    harm: (dir) => openBare(dir, (db) => db.put(keys.chain(7), 'gibberish')),
  },
  'files that are not ours': {
    codes: ['FILES_UNKNOWN'],
    harm: async (dir) => {
      await writeFile(join(dir, 'notes.txt'), 'mine');
      await writeFile(join(dir, 'db', 'notes.txt'), 'mine');
    },
  },
  'a repair that was cut off between two names': {
    codes: ['DATABASE_SWAP'],
    harm: (dir) => rename(join(dir, 'db'), join(dir, 'db.repaired')),
  },
  'a repair that was cut off before it took the place': {
    codes: ['DATABASE_SWAP'],
    harm: (dir) => cp(join(dir, 'db'), join(dir, 'db.repaired'), { recursive: true }),
  },
  'a database that LevelDB does not open': {
    codes: ['DATABASE_UNREADABLE'],
    kept: 'none',
    harm: (dir) => mkdir(join(dir, 'db', '000099.log')),
  },
  'an artifact that nobody refers to': {
    codes: ['ARTIFACT_ORPHAN'],
    harm: (dir) => writeFile(join(dir, 'artifacts', `${sha256('a')}.png`), 'a'),
  },
  'a download that was cut off': {
    codes: ['ARTIFACT_UNFINISHED'],
    harm: async (dir) => {
      await mkdir(join(dir, 'artifacts', 'parts'), { recursive: true });
      await writeFile(join(dir, 'artifacts', 'parts', 'x1'), 'half');
    },
  },
};

/** Has LevelDB make a table of its log while it runs, and note that in its manifest. */
async function flushInOneRun(directory: string): Promise<void> {
  await openBare(directory, async (db) => {
    await db.put('m\0filler', '1');
    // What Level declares is what browsers have too.
    const compact: unknown = Reflect.get(db, 'compactRange');
    if (typeof compact !== 'function') throw new Error('this Level compacts no range');
    await Reflect.apply(compact, db, ['a', 'z']);
    await db.del('m\0filler');
  });
}

test.each(Object.entries(damages))('%s is told, and repaired as far as can be', async (_, damage) => {
  const directory = await patient(ENTRIES, damage.flushed);
  await damage.harm(directory);
  const found = await examined(directory);
  expect(codesOf(found)).toEqual(expect.arrayContaining([...damage.codes]));
  const severities = new Set(found.findings.map(({ code }) => findingKinds[code].severity));
  expect(found.verdict === 'lossy').toBe(severities.has('loss'));

  const report = await examine({ directory, repair: true });
  const { kept = 'all' } = damage;
  const opens = kept !== 'none';
  expect(report.before?.byCode ?? report.byCode).toEqual(found.byCode);
  if (!opens) return;
  expect(['healthy', 'litter'], JSON.stringify(report.findings)).toContain(report.verdict);
  const left = await entriesIn(directory);
  if (kept === 'all') expect(left).toEqual(WHOLE);
  expect(WHOLE).toEqual(expect.arrayContaining([...left]));
  expect(left.length).toBeGreaterThan(0);
  // It runs, and goes on.
  const store = await openLevelStore({ directory });
  await store.commit({ number: store.lastCommit + 1, rows: [], expect: [] });
  await store.close();
  expect((await examined(directory)).verdict).toBe(report.verdict);
});

test('a directory that is whole is healthy, and a repair of it does nothing', async () => {
  for (const flushed of [false, true]) {
    const directory = await patient(ENTRIES, flushed);
    const report = await examined(directory, { repair: true, deep: true });
    expect(report).toMatchObject({ verdict: 'healthy', findings: [], byCode: {}, repaired: false });
  }
});

test('a repair copies the whole directory first, and says where', async () => {
  const directory = await patient(ENTRIES);
  await flip(await databaseFile(directory, '.log'), 9_000);
  const before = await filesIn(directory);
  const report = await examine({ directory, repair: true });
  expect(report.copy).toBe(`${directory}.before-repair-1`);
  const { '/db/LOCK': _, ...files } = before;
  expect(await filesIn(report.copy ?? '')).toEqual(files);
  await rm(marker(directory));
  expect((await examine({ directory, repair: true })).copy).toBe(`${directory}.before-repair-2`);
});

test('a reference without its file, and a file that is not its name, are losses', async () => {
  const directory = await patient(3);
  const [absent, changed] = [`${sha256('absent')}.png`, `${sha256('true')}.png`];
  await writeFile(join(directory, 'artifacts', changed), 'false');
  await refer(directory, absent);
  await refer(directory, changed);
  const report = await examined(directory);
  expect(report.byCode).toMatchObject({ ARTIFACT_MISSING: 1 });
  expect(codesOf(report)).not.toContain('ARTIFACT_CONTENT');
  const deep = await examined(directory, { deep: true });
  expect(deep).toMatchObject({ verdict: 'lossy', byCode: { ARTIFACT_MISSING: 1, ARTIFACT_CONTENT: 1 } });
  const missing = deep.findings.find(({ code }) => code === 'ARTIFACT_MISSING');
  expect(missing).toMatchObject({ file: `artifacts/${absent}`, address: 'job/a' });
});

async function refer(directory: string, file: string): Promise<void> {
  const store = await openLevelStore({ directory });
  const rows = [{ key: keys.artifact(file, 'job/a'), value: 'true' }];
  await store.commit({ number: store.lastCommit + 1, rows, expect: [] });
  await store.close();
}

test('an examination that is cancelled leaves nothing behind', async () => {
  const directory = await patient(3);
  const before = await filesIn(directory);
  const controller = new AbortController();
  const onStage = (stage: string): void => {
    if (stage === 'rows') controller.abort(new Error('enough'));
  };
  const visit = examine({ directory, repair: true, signal: controller.signal, onStage });
  await expect(visit).rejects.toThrow('enough');
  expect(await filesIn(directory)).toEqual(before);
  await (await openLevelStore({ directory })).close();
});

test('more findings than are kept are counted, and all are heard', async () => {
  const directory = await patient(3);
  const count = limits.findingsKept + 5;
  const rows = Array.from({ length: count }, (_, index) => {
    const file = `${sha256(String(index))}.png`;
    return { key: keys.artifact(file, 'job/a'), value: 'true' };
  });
  const store = await openLevelStore({ directory });
  await store.commit({ number: store.lastCommit + 1, rows, expect: [] });
  await store.close();
  let heard = 0;
  const report = await examine({ directory, onFinding: () => (heard += 1) });
  expect(report.findings).toHaveLength(limits.findingsKept);
  expect(report.byCode.ARTIFACT_MISSING).toBe(count);
  expect(heard).toBe(Object.values(report.byCode).reduce((sum, each) => sum + each, 0));
});

test('a directory without a store, and somebody else’s, are refused and left alone', async () => {
  const empty = await newDirectory();
  await expect(examine({ directory: empty, repair: true })).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
  });
  await expect(examine({ directory: join(empty, 'none') })).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
  });
  await expect(examine({ directory: '' })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  const foreign = await newDirectory();
  await openBare(foreign, (db) => db.put('a', 'b'));
  const before = await filesIn(foreign);
  await expect(examine({ directory: foreign, repair: true })).rejects.toMatchObject({
    code: 'STORE_FOREIGN',
  });
  expect(await filesIn(foreign)).toEqual(before);
});
