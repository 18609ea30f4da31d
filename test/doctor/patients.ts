/**
 * Directories for the doctor's tests: written by a real store, then damaged on purpose.
 *
 * Callers: test/doctor. Invariant: `before` and `after` an examination a directory has the same files.
 */
import { createHash } from 'node:crypto';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { expect } from 'vitest';
import { examine, type DoctorOptions, type DoctorReport, type FindingCode } from '../../src/index.js';
import { keys, openLevelStore, type Row } from '../../src/store/index.js';
import { filesIn, newDirectory } from '../store/place.js';

/** History entries: rows that need no other row. */
export function entryRow(count: number): Row {
  const ord = count.toString(16).padStart(16, '0');
  const value = JSON.stringify({ at: 1_000 + count, cause: 'note/1', entry: `entry ${count} `.repeat(20) });
  return { key: keys.history('talk', ord), value };
}

/** A closed directory with this many commits of one entry each; tables too, when `flushed`. */
export async function patient(entries: number, flushed = false): Promise<string> {
  const directory = join(await newDirectory(), 'patient');
  const store = await openLevelStore({ directory, durability: 'process' });
  for (let count = 1; count <= entries; count += 1) {
    await store.commit({ number: store.lastCommit + 1, rows: [entryRow(count)], expect: [] });
  }
  await store.close();
  // An open writes the log of the last one into a table.
  if (flushed) await (await openLevelStore({ directory })).close();
  return directory;
}

/** The entries that can be read, by the open store. */
export async function entriesIn(directory: string): Promise<readonly string[]> {
  const store = await openLevelStore({ directory, purpose: 'look' });
  try {
    const rows = await store.scan({ gte: 'h\0', lt: 'h\x01', limit: 100_000 });
    return rows.map(([key, value]) => `${key}=${value}`);
  } finally {
    await store.close();
  }
}

/** The entries as they were written. */
export function entriesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const { key, value } = entryRow(index + 1);
    return `${key}=${value}`;
  });
}

/** Examines without a change to any file. */
export async function examined(
  directory: string,
  options: Partial<DoctorOptions> = {},
): Promise<DoctorReport> {
  const before = await filesIn(directory);
  const report = await examine({ ...options, directory });
  expect(await filesIn(directory)).toEqual(before);
  return report;
}

export function codesOf({ byCode }: Pick<DoctorReport, 'byCode'>): readonly FindingCode[] {
  return Object.keys(byCode) as FindingCode[];
}

export async function flip(file: string, at: number, bits = 0x40): Promise<void> {
  const bytes = await readFile(file);
  bytes.writeUInt8(bytes.readUInt8(at) ^ bits, at);
  await writeFile(file, bytes);
}

export async function cut(file: string, bytes: number): Promise<void> {
  await truncate(file, bytes);
}

/** LevelDB itself, as any tool might open it; it drops damage with a note in its diary. */
export async function openBare(
  directory: string,
  work: (db: Level<string, string>) => Promise<void> = async () => undefined,
): Promise<void> {
  const db = new Level<string, string>(join(directory, 'db'));
  await db.open();
  await work(db);
  await db.close();
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
