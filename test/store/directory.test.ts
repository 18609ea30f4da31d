/** A directory becomes a store, goes on from a crash half-way there, or is refused and left as it was. */
import { chmod, chown, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { expect, test } from 'vitest';
import { claimDirectory } from '../../src/store/directory.js';
import { openLevelStore, STORE_FORMAT } from '../../src/store/index.js';
import { startChild } from './child.js';
import { commitStep, filesIn, newDirectory, writtenDirectory } from './place.js';

const NOBODY = 65_534;
const MARKER = { application: 'holdfast', format: STORE_FORMAT, state: 'ready' };

async function writeMarker(directory: string, marker: unknown): Promise<void> {
  await writeFile(
    join(directory, 'holdfast.json'),
    typeof marker === 'string' ? marker : JSON.stringify(marker),
  );
}

/** Opens to run and to look, expects the same refusal of both, and no change to any file. */
async function expectRefusal(directory: string, code: string): Promise<void> {
  const before = await filesIn(directory);
  await expect(openLevelStore({ directory })).rejects.toMatchObject({ code });
  await expect(openLevelStore({ directory, purpose: 'look' })).rejects.toMatchObject({ code });
  expect(await filesIn(directory)).toEqual(before);
}

test('a missing directory is created with all above it, and holds what the design says', async () => {
  const directory = join(await newDirectory(), 'a', 'b');
  const store = await openLevelStore({ directory });
  expect(store.generation).toBe(1);
  await store.close();
  expect(Object.keys(await filesIn(directory))).toEqual(
    expect.arrayContaining(['/holdfast.json', '/db', '/artifacts', '/attachments']),
  );
});

test('harmless dot files do not make a directory foreign', async () => {
  const directory = await newDirectory();
  for (const name of ['.gitignore', '.DS_Store', '.holdfast-_V1StGXR8_Z5jdHi6B-myT.tmp']) {
    await writeFile(join(directory, name), '');
  }
  await (await openLevelStore({ directory })).close();
});

test('looking creates nothing', async () => {
  const parent = await newDirectory();
  for (const directory of [parent, join(parent, 'missing'), join(parent, 'file', 'below')]) {
    await expect(openLevelStore({ directory, purpose: 'look' })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
  }
  expect(await filesIn(parent)).toEqual({});
});

test('options that are none are INVALID_OPTIONS', async () => {
  const directory = await newDirectory();
  for (const options of [{ directory: '' }, { directory: 'a\0b' }, { directory, chainRowsKept: 0 }]) {
    await expect(openLevelStore(options)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  }
});

test('a directory with other files is STORE_FOREIGN', async () => {
  const directory = await newDirectory();
  await writeFile(join(directory, 'thesis.txt'), 'years of work');
  await expectRefusal(directory, 'STORE_FOREIGN');
});

test('a marker of something else is STORE_FOREIGN', async () => {
  const directory = await newDirectory();
  await writeMarker(directory, { ...MARKER, application: 'another' });
  await expectRefusal(directory, 'STORE_FOREIGN');
});

test('a file in place of the directory is STORE_FOREIGN', async () => {
  const file = join(await newDirectory(), 'file');
  await writeFile(file, '');
  await expect(openLevelStore({ directory: file })).rejects.toMatchObject({ code: 'STORE_FOREIGN' });
  await expect(openLevelStore({ directory: file, purpose: 'look' })).rejects.toMatchObject({
    code: 'STORE_FOREIGN',
  });
});

test('an older format is STORE_FORMAT_OLDER, before the database is touched', async () => {
  const directory = await writtenDirectory(3);
  await writeMarker(directory, { ...MARKER, format: STORE_FORMAT - 1 });
  await expectRefusal(directory, 'STORE_FORMAT_OLDER');
});

test('a newer format is STORE_FORMAT_NEWER, before the database is touched', async () => {
  const directory = await writtenDirectory(3);
  await writeMarker(directory, { ...MARKER, format: STORE_FORMAT + 1 });
  await expectRefusal(directory, 'STORE_FORMAT_NEWER');
});

test.each([['not JSON'], ['{"application":"holdfast"'], ['[]'], ['3'], [''], ['null']])(
  'the marker %j is refused',
  async (marker) => {
    const directory = await writtenDirectory(1);
    await writeMarker(directory, marker);
    await expectRefusal(directory, marker === '[]' ? 'STORE_FOREIGN' : 'STORE_CORRUPTED');
  },
);

test.each([[{ state: 'melting' }], [{ format: -0.5 }], [{ format: '1' }]])(
  'the marker of ours with %j is STORE_CORRUPTED',
  async (change) => {
    const directory = await writtenDirectory(1);
    await writeMarker(directory, { ...MARKER, ...change });
    await expectRefusal(directory, 'STORE_CORRUPTED');
  },
);

test('a directory says that it is being created until its store is there', async () => {
  const directory = await newDirectory();
  const claimed = await claimDirectory(directory, 'run');
  const marker = JSON.parse(await readFile(join(directory, 'holdfast.json'), 'utf8')) as unknown;
  claimed.release();
  expect([claimed.state, marker]).toEqual(['creating', { ...MARKER, state: 'creating' }]);
  await (await openLevelStore({ directory })).close();
  expect(JSON.parse(await readFile(join(directory, 'holdfast.json'), 'utf8'))).toEqual(MARKER);
});

test('a crash right after the marker was written is finished at the next open', async () => {
  const directory = await newDirectory();
  await writeMarker(directory, { ...MARKER, state: 'creating' });
  const store = await openLevelStore({ directory });
  await commitStep(store, 'job/a');
  await store.close();
  await (await openLevelStore({ directory })).close();
});

test('a crash while LevelDB created its files is finished at the next open', async () => {
  const directory = await newDirectory();
  await writeMarker(directory, { ...MARKER, state: 'creating' });
  await mkdir(join(directory, 'db'));
  for (const name of ['LOCK', 'LOG', 'MANIFEST-000001']) await writeFile(join(directory, 'db', name), '');
  await (await openLevelStore({ directory })).close();
});

test('a crash between the first commit and the finished marker loses nothing and goes on', async () => {
  const directory = await writtenDirectory(2);
  await writeMarker(directory, { ...MARKER, state: 'creating' });
  const look = await openLevelStore({ directory, purpose: 'look' });
  expect(await look.get('s\0job/2')).toContain('job/2');
  await look.close();
  await rm(join(directory, 'db'), { recursive: true });
  // By now the marker says `ready`: an empty database is a loss.
  await expectRefusal(directory, 'STORE_CORRUPTED');
});

test('an unfinished marker over data without CURRENT is a loss, not a new store', async () => {
  const directory = await writtenDirectory(2);
  await writeMarker(directory, { ...MARKER, state: 'creating' });
  await rm(join(directory, 'db', 'CURRENT'));
  await expectRefusal(directory, 'STORE_CORRUPTED');
});

test('a path through a file is STORE_UNWRITABLE', async () => {
  const parent = await newDirectory();
  await writeFile(join(parent, 'file'), '');
  await expect(openLevelStore({ directory: join(parent, 'file', 'below') })).rejects.toMatchObject({
    code: 'STORE_UNWRITABLE',
  });
});

test('the same directory by another name is the same store', async () => {
  const directory = await writtenDirectory(1);
  const name = join(await newDirectory(), 'link');
  await symlink(directory, name);
  const store = await openLevelStore({ directory });
  await expect(openLevelStore({ directory: name })).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  await store.close();
  await (await openLevelStore({ directory: name })).close();
});

/** What a user without the right to write there hears. Root has every right, so it becomes someone else. */
async function openUnprivileged(directory: string): Promise<readonly string[]> {
  const child = startChild(directory, 'try', getuid?.() === 0 ? { uid: NOBODY } : {});
  await child.ended;
  return child.lines;
}

test('a directory that may not be written is STORE_UNWRITABLE, empty or full', async () => {
  const empty = await newDirectory();
  await chmod(empty, 0o555);
  expect(await openUnprivileged(empty)).toEqual(['refused STORE_UNWRITABLE']);
  expect(await openUnprivileged(join(empty, 'below'))).toEqual(['refused STORE_UNWRITABLE']);
  expect(await filesIn(empty)).toEqual({});
  await chmod(empty, 0o755);

  const full = await writtenDirectory(1);
  await chmod(full, 0o555);
  await chmod(join(full, 'db'), 0o555);
  await chmod(join(full, 'db', 'LOCK'), 0o444);
  const before = await filesIn(full);
  expect(await openUnprivileged(full)).toEqual(['refused STORE_UNWRITABLE']);
  expect(await filesIn(full)).toEqual(before);
  await chmod(full, 0o755);
  await chmod(join(full, 'db'), 0o755);
});

test('a directory that is given to the user is usable by that user', async () => {
  const directory = await newDirectory();
  if (getuid?.() === 0) await chown(directory, NOBODY, NOBODY);
  expect(await openUnprivileged(directory)).toEqual(['open 1']);
});
