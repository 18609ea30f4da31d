/** Artifacts that came with a reply: files by the rules of a download. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { receiveInline } from '../../src/providers/index.js';
import type { DownloadOutcome, JobKind } from '../../src/providers/index.js';

const png = Buffer.concat([
  Buffer.from('89504e470d0a1a0a0000000d49484452000000400000002008060000000000000000', 'hex'),
  randomBytes(600_001),
]);
const ftyp = Buffer.from('000000186674797069736f6d0000020069736f6d69736f32', 'hex');
const PATH = `${createHash('sha256').update(png).digest('hex')}.png`;

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-inline-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const receive = (base64: string, kind: JobKind = 'image', bytesMax = 1_000_000): Promise<DownloadOutcome> =>
  receiveInline({ source: { base64 }, directory, kind, bytesMax });

/** Every file, the unfinished ones in their folder included. */
const files = async (): Promise<readonly string[]> => {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map(({ name }) => name);
};

test.each([
  ['in one line', (text: string) => text],
  ['in lines', (text: string) => text.replaceAll(/.{76}/g, '$&\r\n')],
  ['without padding', (text: string) => text.replaceAll('=', '')],
  ['in the alphabet of URLs', (text: string) => text.replaceAll('+', '-').replaceAll('/', '_')],
])('base64 %s becomes a file named by its hash', async (_name, write) => {
  const outcome = await receive(write(png.toString('base64')));
  expect(outcome).toMatchObject({
    type: 'done',
    artifact: {
      path: PATH,
      bytes: png.length,
      mime: 'image/png',
      width: 64,
      height: 32,
      sourceUrl: 'inline',
    },
  });
  expect(await files()).toEqual([PATH]);
  expect((await readFile(join(directory, PATH))).equals(png)).toBe(true);
});

test('done twice it is one file, even over a damaged one', async () => {
  await receive(png.toString('base64'));
  await writeFile(join(directory, PATH), 'damaged');
  expect((await receive(png.toString('base64'))).type).toBe('done');
  expect((await readFile(join(directory, PATH))).equals(png)).toBe(true);
});

test.each([
  ['too large, by its length', png.toString('base64'), 'permanent', 'tooLarge', 100_000],
  ['too large by a byte', png.toString('base64'), 'permanent', 'tooLarge', png.length - 1],
  ['a film', ftyp.toString('base64'), 'permanent', 'mistyped', 1_000],
  ['a page', Buffer.from('<html></html>').toString('base64'), 'transient', 'mistyped', 1_000],
  ['no base64', '{"error": "later"}', 'transient', 'mistyped', 1_000],
  ['a data URI, which an adapter takes apart', 'data:image/png;base64,AAAA', 'transient', 'mistyped', 1_000],
  ['empty', '', 'transient', 'empty', 1_000],
])('what is %s is refused, and leaves nothing', async (_name, base64, type, code, bytesMax) => {
  expect(await receive(base64, 'image', bytesMax)).toMatchObject({ type, error: { code } });
  expect(await files()).toEqual([]);
});

test('a directory that cannot be written is a fault that may pass', async () => {
  await writeFile(join(directory, 'parts'), 'a file where a folder should be');
  expect((await receive(png.toString('base64'))).type).toBe('transient');
});
