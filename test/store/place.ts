/** Directories for the store tests, and looks into them. Callers: the store tests. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { keys, openLevelStore, type Store } from '../../src/store/index.js';

/** A new empty directory that goes when the test ends. */
export async function newDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-store-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A closed store in a new directory, with this many commits of one step each beyond the opening one. */
export async function writtenDirectory(commits: number): Promise<string> {
  const directory = await newDirectory();
  const store = await openLevelStore({ directory, durability: 'process' });
  for (let count = 1; count <= commits; count += 1) await commitStep(store, `job/${count}`);
  await store.close();
  return directory;
}

/** One commit that creates an actor with some text. */
export async function commitStep(store: Store, address: string): Promise<void> {
  const value = JSON.stringify({ seq: 1, text: `the text of ${address} `.repeat(20) });
  const expect = [{ address, expectedSeq: 0, epoch: store.generation }];
  await store.commit({ number: store.lastCommit + 1, rows: [{ key: keys.record(address), value }], expect });
}

/** Every file below a directory with a hash of its content, by relative path. */
export async function filesIn(directory: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const content = entry.isFile() ? await readFile(path) : 'directory';
    found[path.slice(directory.length)] = createHash('sha256').update(content).digest('hex');
  }
  return found;
}

/** The newest file of the database whose name ends so. */
export async function databaseFile(directory: string, ending: string): Promise<string> {
  const names = (await readdir(join(directory, 'db'))).filter((name) => name.endsWith(ending)).sort();
  const name = names.at(-1);
  if (name === undefined) throw new Error(`no ${ending} file in ${directory}`);
  return join(directory, 'db', name);
}
