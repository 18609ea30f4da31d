/**
 * A backup is one moment, whole, whatever goes on meanwhile and whatever is wrong in it; or there is none.
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { expect, test } from 'vitest';
import { limits } from '../../src/limits.js';
import { openOffline, openRuntime, restore, silentLogger, type Runtime } from '../../src/index.js';
import { keys } from '../../src/store/index.js';
import { auditStore } from '../crash/audit.js';
import { deferred } from '../kernel/fixtures.js';
import { AT_ONCE, buildHouse, delivered, until, video, type House } from '../runtime/house.js';
import { pagedBy } from './paged.js';
import { newTarget, rowsIn } from './place.js';

const DAY_MS = 86_400_000;

/** Three jobs that are done and delivered. */
async function furnished(runtime: Runtime): Promise<readonly string[]> {
  const jobs = await Promise.all(
    ['one', 'two', 'three'].map((prompt) => runtime.jobs.submit(video({ prompt }))),
  );
  for (const job of jobs) await delivered(runtime, job);
  return jobs.map(({ id }) => id);
}

async function furnishedHouse(): Promise<House & { readonly ids: readonly string[] }> {
  const house = await buildHouse({ life: AT_ONCE });
  const runtime = await house.open();
  const ids = await furnished(runtime);
  await runtime.close({ timeoutMs: 0 });
  return { ...house, ids };
}

test('a backup of a directory that lies still has every stored row and every artifact', async () => {
  const house = await furnishedHouse();
  const target = await newTarget();
  const rows = await rowsIn(house.directory);
  const offline = await openOffline({ directory: house.directory, log: silentLogger });
  const report = await offline.backup(target);
  await offline.close();
  expect(await rowsIn(target)).toEqual(rows);
  // Three jobs, their messages, and the conversation they were asked in.
  expect(report).toMatchObject({ directory: target, generation: 1, rows: rows.size, actors: 7 });
  expect(report).toMatchObject({ artifacts: 3, damagedRows: 0, damaged: [], missingArtifacts: [] });
  expect(readdirSync(join(target, 'artifacts')).sort()).toEqual(artifactsIn(house));
  expect((await auditStore(target)).map(({ id }) => id).sort()).toEqual([...house.ids].sort());
});

test('a backup of a running directory has nothing that is committed while it is taken', async () => {
  const house = await buildHouse({ life: AT_ONCE });
  const pages: number[] = [];
  const wrapStore = pagedBy(async (page) => {
    pages.push(page);
    if (page === 1) await runtime.jobs.submit(video({ prompt: 'later' }));
  });
  const runtime = await house.open({ wrapStore });
  const ids = await furnished(runtime);
  const target = await newTarget();
  const report = await runtime.backup(target);
  expect(pages.length).toBeGreaterThan(1);
  const audited = await auditStore(target);
  expect(audited.map(({ id }) => id).sort()).toEqual([...ids].sort());
  expect((await runtime.jobs.list()).items).toHaveLength(4);
  expect(report.generation).toBe(1);
});

test('artifacts are linked, so that a backup costs no room for them, and outlive either side', async () => {
  const house = await furnishedHouse();
  const target = await newTarget();
  const offline = await openOffline({ directory: house.directory, log: silentLogger });
  await offline.backup(target);
  await offline.close();
  const [file = ''] = artifactsIn(house);
  const kept = join(target, 'artifacts', file);
  expect(statSync(kept).ino).toBe(statSync(join(house.directory, 'artifacts', file)).ino);
  rmSync(house.directory, { recursive: true });
  expect(statSync(kept).size).toBeGreaterThan(0);
});

test('a damaged row is copied as it is and named, and a missing artifact is named', async () => {
  const house = await furnishedHouse();
  const [first = ''] = house.ids;
  const key = keys.payload(`job/${first}`, 'request');
  await spoil(house.directory, key);
  const [file = ''] = artifactsIn(house);
  rmSync(join(house.directory, 'artifacts', file));
  const target = await newTarget();
  const offline = await openOffline({ directory: house.directory, log: silentLogger });
  const report = await offline.backup(target);
  await offline.close();
  expect(report).toMatchObject({ damagedRows: 1, damaged: [key], artifacts: 2 });
  expect(report).toMatchObject({ missingFiles: 1, missingArtifacts: [file] });
  expect(await rowsIn(target)).toEqual(await rowsIn(house.directory));
  const place = await newTarget('restored');
  await expect(restore(target, place)).rejects.toMatchObject({ code: 'STORE_CORRUPTED', details: { key } });
  expect(existsSync(place)).toBe(false);
});

test('a backup is looked at and never run: it is a moment of a life that went on', async () => {
  const house = await furnishedHouse();
  const target = await newTarget();
  const offline = await openOffline({ directory: house.directory, log: silentLogger });
  await offline.backup(target);
  await offline.close();
  const opening = openRuntime({ directory: target, control: false, log: silentLogger });
  await expect(opening).rejects.toMatchObject({ code: 'STORE_FOREIGN' });
  const look = await openOffline({ directory: target, log: silentLogger });
  expect((await look.jobs.list()).items).toHaveLength(3);
  await look.close();
});

test('a target that is taken, inside the directory, or nowhere is refused and left as it was', async () => {
  const house = await buildHouse();
  const runtime = await house.open();
  const full = await newTarget('full');
  await mkdir(full);
  await writeFile(join(full, 'letter.txt'), 'dear');
  const file = await newTarget('file');
  await writeFile(file, 'dear');
  const detour = await newTarget('detour');
  await symlink(house.directory, detour);
  const [nowhere, circle] = [await newTarget('nowhere'), await newTarget('circle')];
  await symlink(join(full, 'nothing'), nowhere);
  await symlink(circle, circle);
  const before = readdirSync(house.directory).sort();
  for (const [target, code] of [
    [full, 'STORE_FOREIGN'],
    [file, 'STORE_FOREIGN'],
    [join(file, 'below'), 'INVALID_INPUT'],
    [join(full, 'no', 'such'), 'INVALID_INPUT'],
    [house.directory, 'INVALID_INPUT'],
    [join(house.directory, 'backup'), 'INVALID_INPUT'],
    [join(detour, 'backup'), 'INVALID_INPUT'],
    [nowhere, 'INVALID_INPUT'],
    [circle, 'INVALID_INPUT'],
    ['', 'INVALID_INPUT'],
  ] as const) {
    await expect(runtime.backup(target), target).rejects.toMatchObject({ code });
  }
  expect(readdirSync(full)).toEqual(['letter.txt']);
  expect(readdirSync(house.directory).sort()).toEqual(before);
});

test('two backups at once are two copies; of two into one target the second is refused', async () => {
  const house = await buildHouse({ life: AT_ONCE });
  const runtime = await house.open();
  await furnished(runtime);
  const [one, two] = [await newTarget(), await newTarget()];
  const outcomes = await Promise.allSettled([runtime.backup(one), runtime.backup(two), runtime.backup(one)]);
  const refused = outcomes.filter(({ status }) => status === 'rejected');
  expect(refused).toMatchObject([{ reason: { code: 'STORE_FOREIGN' } }]);
  expect(await rowsIn(one)).toEqual(await rowsIn(two));
});

test(`more than ${limits.storeViewsMax} backups at once are refused, and nothing is made`, async () => {
  const house = await buildHouse();
  const held = deferred<void>();
  const runtime = await house.open({ wrapStore: pagedBy(() => held.promise) });
  const targets = await Promise.all(Array.from({ length: limits.storeViewsMax }, () => newTarget()));
  const running = targets.map((target) => runtime.backup(target));
  const refused = await newTarget();
  await expect(runtime.backup(refused)).rejects.toMatchObject({ code: 'STORE_BUSY' });
  expect(existsSync(refused)).toBe(false);
  held.resolve(undefined);
  await Promise.all(running);
});

test('an aborted backup ends with the reason of its signal and leaves nothing', async () => {
  const house = await buildHouse({ life: AT_ONCE });
  const stop = new AbortController();
  const wrapStore = pagedBy((page) => {
    if (page === 2) stop.abort(new Error('enough'));
  });
  const runtime = await house.open({ wrapStore });
  const target = await newTarget();
  await expect(runtime.backup(target, { signal: stop.signal })).rejects.toThrow('enough');
  expect(existsSync(target)).toBe(false);
  const given = await newTarget();
  await mkdir(given);
  await expect(runtime.backup(given, { signal: stop.signal })).rejects.toThrow('enough');
  expect(readdirSync(given)).toEqual([]);
});

test('closing the runtime ends a backup, which leaves nothing', async () => {
  const house = await buildHouse({ life: AT_ONCE });
  const reached = deferred<void>();
  const held = deferred<void>();
  const wrapStore = pagedBy(async (page) => {
    if (page < 2) return;
    reached.resolve(undefined);
    await held.promise;
  });
  const runtime = await house.open({ wrapStore });
  const target = await newTarget();
  const backup = Promise.allSettled([runtime.backup(target)]);
  await reached.promise;
  const closed = runtime.close();
  held.resolve(undefined);
  await closed;
  expect(existsSync(target)).toBe(false);
  expect(await backup).toMatchObject([{ reason: { code: 'RUNTIME_CLOSED' } }]);
  await expect(runtime.backup(target)).rejects.toMatchObject({ code: 'RUNTIME_CLOSED' });
});

test('no artifact goes while a backup runs, and what nobody refers to goes after it', async () => {
  const house = await buildHouse({ life: AT_ONCE });
  const reached = deferred<void>();
  const held = deferred<void>();
  const wrapStore = pagedBy(async () => {
    reached.resolve(undefined);
    await held.promise;
  });
  const runtime = await house.open({ wrapStore, jobs: { retentionMs: 1_000, graceMs: 1_000 } });
  await furnished(runtime);
  const files = artifactsIn(house);
  expect(files).toHaveLength(3);
  const target = await newTarget();
  const backup = runtime.backup(target);
  await reached.promise;
  const gone = until(runtime, async () => (await runtime.jobs.list()).items.length === 0);
  house.clock.advance(DAY_MS);
  await gone;
  expect(artifactsIn(house)).toEqual(files);
  held.resolve(undefined);
  expect(await backup).toMatchObject({ artifacts: 3, missingFiles: 0 });
  expect(readdirSync(join(target, 'artifacts')).sort()).toEqual(files);
  await expect.poll(() => artifactsIn(house), { timeout: 10_000 }).toEqual([]);
});

test('a copy that a crash cut off is no store for anybody, and no place for the next copy', async () => {
  const house = await furnishedHouse();
  const target = await newTarget();
  const offline = await openOffline({ directory: house.directory, log: silentLogger });
  await offline.backup(target);
  // What a crash leaves at the latest: everything but the marker.
  rmSync(join(target, 'holdfast.json'));
  const opening = openRuntime({ directory: target, control: false, log: silentLogger });
  await expect(opening).rejects.toMatchObject({ code: 'STORE_FOREIGN' });
  await expect(openOffline({ directory: target })).rejects.toMatchObject({ code: 'STORE_FOREIGN' });
  await expect(offline.backup(target)).rejects.toMatchObject({ code: 'STORE_FOREIGN' });
  await offline.close();
});

function artifactsIn({ directory }: House): readonly string[] {
  return readdirSync(join(directory, 'artifacts'))
    .filter((name) => name !== 'parts')
    .sort();
}

/** Changes a stored value behind the store's back. */
async function spoil(directory: string, key: string): Promise<void> {
  const level = new Level<string, string>(join(directory, 'db'));
  const stored = (await level.get(key)) ?? '';
  await level.put(key, `${stored.slice(0, -1)}!`);
  await level.close();
}
