/** A directory that cannot be used: its code, its exit code, and nothing changed in it. */
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { expect, test } from 'vitest';
import { STORE_FORMAT } from '../../src/store/index.js';
import { newDirectory, newWorld } from '../control/world.js';
import { databaseFile, filesIn, writtenDirectory } from '../store/place.js';
import { cli, told, type CliEnd, type CliOptions } from './run-cli.js';

/** A user that is nobody in particular. */
const NOBODY = 65_534;

/** As a user of its own where one is named, in this process otherwise. */
function list(directory: string, options?: CliOptions): Promise<CliEnd> {
  const words = ['jobs', 'list', '--dir', directory];
  return options === undefined ? told(words) : cli(words, options);
}

async function expectRefused(directory: string, code: string, exit = 4, options?: CliOptions): Promise<void> {
  const before = await filesIn(directory);
  const end = await list(directory, options);
  expect(end, code).toMatchObject({ code: exit, out: '' });
  expect(end.err).toMatch(new RegExp(`^holdfast: ${code}: [^\n]+\n$`));
  expect(await filesIn(directory)).toEqual(before);
}

test('a directory held by a process without a control door is STORE_LOCKED', async () => {
  const { directory } = await newWorld({}, { control: false });
  const end = await list(directory, {});
  expect(end).toMatchObject({ code: 4, out: '' });
  expect(end.err).toMatch(/^holdfast: STORE_LOCKED: [^\n]+\n$/);
});

test('a control door of another user is CONTROL_FAILED, and says whose fault that is', async () => {
  const { directory } = await newWorld();
  await chmod(directory, 0o755);
  await chmod(join(directory, 'control.sock'), 0o000);
  const end = await list(directory, { uid: getuid?.() === 0 ? NOBODY : (getuid?.() ?? 0) });
  expect(end).toMatchObject({ code: 4, out: '' });
  expect(end.err).toMatch(/^holdfast: CONTROL_FAILED: [^\n]+ may not be used by this user [^\n]+\n$/);
});

test('somebody else’s directory is STORE_FOREIGN, a newer holdfast’s STORE_FORMAT_NEWER', async () => {
  const foreign = await newDirectory();
  await writeFile(join(foreign, 'thesis.txt'), 'mine');
  await expectRefused(foreign, 'STORE_FOREIGN');

  const newer = await writtenDirectory(1);
  const marker = join(newer, 'holdfast.json');
  const content = await readFile(marker, 'utf8');
  await writeFile(marker, content.replace(`"format":${STORE_FORMAT}`, `"format":${STORE_FORMAT + 1}`));
  await expectRefused(newer, 'STORE_FORMAT_NEWER');
});

test('a damaged store is STORE_CORRUPTED', async () => {
  const lost = await writtenDirectory(1);
  await rm(join(lost, 'db', 'CURRENT'));
  await expectRefused(lost, 'STORE_CORRUPTED');

  const marker = await writtenDirectory(1);
  await writeFile(join(marker, 'holdfast.json'), '{"applic');
  await expectRefused(marker, 'STORE_CORRUPTED');

  const flipped = await writtenDirectory(200);
  const log = await databaseFile(flipped, '.log');
  const bytes = await readFile(log);
  bytes.writeUInt8(bytes.readUInt8(9_000) ^ 0x40, 9_000);
  await writeFile(log, bytes);
  const end = await list(flipped);
  expect(end).toMatchObject({ code: 4, out: '' });
  expect(end.err).toMatch(/^holdfast: STORE_CORRUPTED: [^\n]+\n$/);
});

test('a directory that may not be written is STORE_UNWRITABLE', async () => {
  const directory = await writtenDirectory(1);
  const closed = [
    [directory, 0o555],
    [join(directory, 'db'), 0o555],
    [join(directory, 'db', 'LOCK'), 0o444],
  ] as const;
  for (const [path, mode] of closed) await chmod(path, mode);
  await expectRefused(directory, 'STORE_UNWRITABLE', 4, {
    uid: getuid?.() === 0 ? NOBODY : (getuid?.() ?? 0),
  });
  for (const [path] of closed) await chmod(path, 0o755);
});

test('a directory without a store is a mistake of the command line, and none is made', async () => {
  const parent = await newDirectory();
  await mkdir(join(parent, 'empty'));
  for (const name of ['empty', 'none']) {
    const end = await list(join(parent, name));
    expect(end).toMatchObject({ code: 2, out: '' });
    expect(end.err).toMatch(/^holdfast: INVALID_OPTIONS: [^\n]*holds no store yet[^\n]*\n$/);
  }
  expect(await filesIn(parent)).toEqual({ '/empty': expect.any(String) });
});
