/** Attachments are there for as long as somebody holds them, and for nobody else. */
import { strict as assert } from 'node:assert';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sha256Hex } from '../../src/ids.js';
import { examine, restore } from '../../src/index.js';
import { limits } from '../../src/limits.js';
import type { ImageSource } from '../../src/providers/index.js';
import { renderArtifact } from '../../src/simulator/index.js';
import type { Store } from '../../src/store/index.js';
import { newTarget } from '../backup/place.js';
import { deferred, reading } from '../kernel/fixtures.js';
import { keeper } from '../kernel/keeper.js';
import { newDirectory } from '../store/place.js';
import { image, kept, namesIn, openPlace, untilNames, type Place } from './attachment-place.js';

const [cat, dog] = [image('cat'), image('dog')];

function release({ parts }: Place, id: string, name: string, ...files: string[]): Promise<unknown> {
  return parts.kernel.send(`keeper/${id}`, { type: 'release', name, files });
}

describe('an image that is put', () => {
  test('is a file named by its content, whole and once, however often and from where it comes', async () => {
    const place = await openPlace();
    const path = join(await newDirectory(), 'a cat');
    writeFileSync(path, cat.bytes);
    const ref = { attachment: cat.file, mime: 'image/png', bytes: cat.bytes.byteLength };
    await place.parts.attachments.during(async ({ put, has }) => {
      const puts = [put(cat.bytes), put({ path }), put(Buffer.from(cat.bytes), { mime: 'image/png' })];
      expect(await Promise.all(puts)).toEqual([ref, ref, ref]);
      expect(has(cat.file)).toBe(true);
      expect(readFileSync(place.parts.attachments.pathOf(cat.file)).equals(cat.bytes)).toBe(true);
      expect(namesIn(place)).toEqual([cat.file, `parts/${cat.file}`]);
    });
  });

  test('is what was written, whatever its owner does to the bytes meanwhile', async () => {
    const place = await openPlace();
    const { bytes } = renderArtifact({ kind: 'image', prompt: '', seed: 1, index: 0, bytesMin: 3_000_000 });
    await place.parts.attachments.during(async ({ put }) => {
      const putting = put(bytes);
      await Promise.resolve();
      bytes.fill(0, 2_000_000);
      const { attachment } = await putting;
      const content = readFileSync(place.parts.attachments.pathOf(attachment));
      expect(attachment).toBe(`${sha256Hex(content)}.png`);
    });
  });

  const film = renderArtifact({ kind: 'video', prompt: 'film', seed: 1, index: 0, bytesMin: 0 }).bytes;
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>');
  const tooBig = Buffer.alloc(limits.imageBytesMax + 1);
  tooBig.set(cat.bytes);
  const refused: readonly { readonly what: string; readonly source: ImageSource; readonly mime?: string }[] =
    [
      { what: 'nothing', source: new Uint8Array() },
      { what: 'junk', source: Buffer.from('no image at all') },
      { what: 'a film', source: film },
      { what: 'a drawing that may run scripts', source: svg },
      { what: 'more than an image may have', source: tooBig },
      { what: 'not what it is said to be', source: cat.bytes, mime: 'image/jpeg' },
      { what: 'at a path where nothing is', source: { path: '/nowhere/at/all' } },
      { what: 'a directory', source: { path: '/tmp' } },
      { what: 'a device', source: { path: '/dev/zero' } },
      { what: 'neither bytes nor a path', source: 'cat.png' as never },
    ];
  test.each(refused)('is refused when it is $what, and leaves nothing', async ({ source, mime }) => {
    const place = await openPlace();
    const putting = place.parts.attachments.during(({ put }) => put(source, { mime }));
    await expect(putting).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(namesIn(place)).toEqual([]);
  });

  test('is refused when the directory takes no file, and taken once it does', async () => {
    const place = await openPlace();
    rmSync(join(place.directory, 'attachments'), { recursive: true });
    writeFileSync(join(place.directory, 'attachments'), 'a file in its place');
    const put = () => place.parts.attachments.during((lease) => lease.put(cat.bytes));
    await expect(put()).rejects.toMatchObject({ code: 'STORE_UNWRITABLE' });
    rmSync(join(place.directory, 'attachments'));
    await expect(put()).resolves.toMatchObject({ attachment: cat.file });
  });

  test('has a name that leads nowhere else', async () => {
    const { parts } = await openPlace();
    for (const name of ['../holdfast.json', 'parts', '', `${cat.file}/..`]) {
      expect(parts.attachments.exists(name)).toBe(false);
      expect(() => parts.attachments.pathOf(name)).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT' }),
      );
    }
  });
});

describe('a lease', () => {
  test('ends with its work: what nobody holds goes, what somebody does stays', async () => {
    const place = await openPlace();
    await kept(place, 'k', 'one', 'cat');
    const failing = place.parts.attachments.during(async ({ put }) => {
      await put(cat.bytes);
      await put(dog.bytes);
      throw new Error('the queue is full');
    });
    await expect(failing).rejects.toThrow('the queue is full');
    expect(namesIn(place)).toEqual([cat.file]);
  });

  test('keeps a file that another lease gives up, and one whose last holder releases it', async () => {
    const place = await openPlace();
    await kept(place, 'k', 'one', 'cat', 'dog');
    await place.parts.attachments.during(async ({ has }) => {
      expect(has(cat.file)).toBe(true);
      await release(place, 'k', 'one', cat.file, dog.file);
      // Nobody has the second one, and it goes after the first would.
      await untilNames(place, [cat.file]);
      await place.parts.attachments.during(({ put }) => put(cat.bytes));
      expect(has(cat.file)).toBe(true);
      await place.parts.kernel.send('keeper/k', { type: 'hold', name: 'two', files: [cat.file] });
    });
    expect(namesIn(place)).toEqual([cat.file]);
    await release(place, 'k', 'two', cat.file);
    await untilNames(place, []);
  });

  test('ends after the last of its files has come, when its work gave up after the first', async () => {
    const place = await openPlace();
    const { bytes } = renderArtifact({ kind: 'image', prompt: '', seed: 1, index: 0, bytesMin: 3_000_000 });
    const failing = place.parts.attachments.during(({ put }) =>
      Promise.all([put(bytes), put(new Uint8Array())]),
    );
    await expect(failing).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(namesIn(place)).toEqual([]);
  });

  test('cannot be used when it is over', async () => {
    const place = await openPlace();
    const lease = await place.parts.attachments.during((own) => Promise.resolve(own));
    await expect(lease.put(cat.bytes)).rejects.toThrow(assert.AssertionError);
    expect(() => lease.has(cat.file)).toThrow(assert.AssertionError);
    expect(namesIn(place)).toEqual([]);
  });
});

describe('a file that is held', () => {
  test('goes with its last hold, of two names and two actors, and not before', async () => {
    const place = await openPlace();
    await kept(place, 'k', 'one', 'cat', 'dog');
    await kept(place, 'l', 'one', 'cat');
    await place.parts.kernel.send('keeper/k', { type: 'hold', name: 'two', files: [cat.file] });
    await release(place, 'k', 'one', cat.file, dog.file);
    await untilNames(place, [cat.file]);
    await release(place, 'l', 'one', cat.file);
    expect(namesIn(place)).toEqual([cat.file]);
    await release(place, 'k', 'two', cat.file);
    await untilNames(place, []);
  });

  test('goes with the rows of its actor', async () => {
    const place = await openPlace();
    await kept(place, 'k', 'one', 'cat');
    await place.parts.kernel.send('keeper/k', { type: 'end' });
    expect(namesIn(place)).toEqual([cat.file]);
    place.clock.advance(1_000);
    await untilNames(place, []);
  });

  test('K1: stays while its release is not on disk, whoever looks', async () => {
    const gate = deferred<undefined>();
    let isShut = false;
    const wrap = (store: Store): Store => ({
      ...reading(store, {}),
      get lastCommit() {
        return store.lastCommit;
      },
      commit: async (commit) => {
        if (isShut) await gate.promise;
        await store.commit(commit);
      },
    });
    const place = await openPlace(undefined, wrap);
    await kept(place, 'k', 'one', 'cat');
    isShut = true;
    onTestFinished(() => gate.resolve(undefined));
    const releasing = release(place, 'k', 'one', cat.file);
    // Staged: a read that sees staged rows finds no hold any more.
    const { reader } = place.parts.kernel;
    while (await reader.isReferenced(cat.file)) await new Promise((resolve) => setImmediate(resolve));
    await place.parts.attachments.during(({ put }) => put(cat.bytes));
    expect(namesIn(place)).toEqual([cat.file]);
    gate.resolve(undefined);
    await releasing;
    await untilNames(place, []);
  });

  test('stays when it was taken and held again while somebody looked for its holders', async () => {
    const looked = deferred<undefined>();
    const gate = deferred<undefined>();
    onTestFinished(() => gate.resolve(undefined));
    let staleAt = Infinity;
    const wrap = (store: Store): Store =>
      reading(store, {
        scan: async (options) => {
          const found = await store.scan(options);
          // The kernel's own look, then the two of the removal: the last answers late.
          if (options.gte.startsWith('a\0')) staleAt -= 1;
          if (staleAt === 0) {
            looked.resolve(undefined);
            await gate.promise;
          }
          return found;
        },
      });
    const place = await openPlace(undefined, wrap);
    await kept(place, 'k', 'one', 'cat');
    staleAt = 3;
    await release(place, 'k', 'one', cat.file);
    await looked.promise;
    staleAt = Infinity;
    await place.parts.attachments.during(async ({ has }) => {
      expect(has(cat.file)).toBe(true);
      await place.parts.kernel.send('keeper/k', { type: 'hold', name: 'two', files: [cat.file] });
    });
    gate.resolve(undefined);
    // Whoever looked had its answer before these have theirs.
    await kept(place, 'l', 'one', 'dog');
    expect(namesIn(place)).toEqual([cat.file, dog.file].toSorted());
  });
});

describe('a crash', () => {
  test('between a put and its hold leaves a file that the next open removes; held ones stay', async () => {
    const place = await openPlace();
    await kept(place, 'k', 'one', 'cat');
    const never = deferred<undefined>();
    const put = deferred<undefined>();
    const lost = place.parts.attachments.during(async (lease) => {
      await lease.put(cat.bytes);
      await lease.put(dog.bytes);
      put.resolve(undefined);
      await never.promise;
    });
    await put.promise;
    writeFileSync(join(place.directory, 'attachments/parts/half.part'), 'half an image');
    const again = await place.crash();
    expect(namesIn(again)).toEqual([cat.file]);
    const report = await examine({ directory: await closed(again), machines: [{ machine: keeper }] });
    expect(report).toMatchObject({ verdict: 'healthy', findings: [] });
    never.resolve(undefined);
    await lost;
  });
});

async function closed({ close, directory }: Place): Promise<string> {
  await close();
  return directory;
}

describe('a backup', () => {
  test('has the attachments that are held, and a restore brings them back', async () => {
    const place = await openPlace();
    await kept(place, 'k', 'one', 'cat', 'dog');
    await kept(place, 'l', 'one', 'dog');
    const backup = await newTarget('backup');
    const report = await place.parts.backups.take(backup);
    expect(report).toMatchObject({ attachments: 2, artifacts: 0, missingFiles: 0, missingAttachments: [] });
    await release(place, 'k', 'one', cat.file, dog.file);
    await release(place, 'l', 'one', dog.file);
    await untilNames(place, []);
    writeFileSync(join(backup, 'attachments', dog.file), 'no dog');
    const directory = await newTarget('restored');
    const restored = await restore(backup, directory);
    expect(restored).toMatchObject({ attachments: 1, missingFiles: 1, missingAttachments: [dog.file] });
    expect(namesIn({ directory })).toEqual([cat.file]);
    expect(readFileSync(join(directory, 'attachments', cat.file)).equals(cat.bytes)).toBe(true);
  });

  test('lets no attachment go until it is whole', async () => {
    const place = await openPlace();
    await kept(place, 'k', 'one', 'cat');
    await place.parts.attachments.paused(async () => {
      await release(place, 'k', 'one', cat.file);
      await place.parts.attachments.during(({ put }) => put(dog.bytes));
      expect(namesIn(place)).toEqual([cat.file, dog.file, `parts/${dog.file}`].toSorted());
    });
    await untilNames(place, []);
  });
});

describe('the doctor', () => {
  test('tells of attachments that are missing, another, of nobody and unfinished', async () => {
    const place = await openPlace();
    const [bird, fish] = [image('bird'), image('fish')];
    await kept(place, 'k', 'one', 'cat', 'dog', 'bird');
    const directory = await closed(place);
    const folder = join(directory, 'attachments');
    // The same file among the artifacts is no substitute.
    writeFileSync(join(directory, 'artifacts', cat.file), cat.bytes);
    rmSync(join(folder, cat.file));
    writeFileSync(join(folder, dog.file), 'no dog');
    writeFileSync(join(folder, fish.file), fish.bytes);
    mkdirSync(join(folder, 'parts'), { recursive: true });
    writeFileSync(join(folder, 'parts', fish.file), '');
    const machines = [{ machine: keeper }];
    const { findings } = await examine({ directory, machines, deep: true });
    const told = findings.map(({ code, file, address }) => [code, file, address]);
    expect(told).toEqual(
      expect.arrayContaining([
        ['ARTIFACT_MISSING', `attachments/${cat.file}`, 'keeper/k'],
        ['ARTIFACT_CONTENT', `attachments/${dog.file}`, undefined],
        ['ARTIFACT_ORPHAN', `attachments/${fish.file}`, undefined],
        ['ARTIFACT_UNFINISHED', `attachments/parts/${fish.file}`, undefined],
      ]),
    );
    expect(told).toHaveLength(4);
    await examine({ directory, machines, repair: true });
    expect(namesIn({ directory })).toEqual([dog.file, bird.file].toSorted());
  });
});
