import { crc32, inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/ids.js';
import { renderArtifact } from '../../src/simulator/index.js';
import { opened, get, json, field, AT_ONCE, videoId } from './opened.js';

const image = { kind: 'image', prompt: 'a cat', seed: 1, index: 0, bytesMin: 0 } as const;
const video = { ...image, kind: 'video' } as const;

interface Part {
  readonly name: string;
  readonly start: number;
  readonly data: Buffer;
}

/** The chunks of a PNG; fails on a wrong CRC. */
function chunksOf(bytes: Buffer): readonly Part[] {
  const chunks: Part[] = [];
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    expect(bytes.readUInt32BE(at + 8 + length)).toBe(crc32(bytes.subarray(at + 4, at + 8 + length)));
    chunks.push({
      name: bytes.toString('latin1', at + 4, at + 8),
      start: at,
      data: bytes.subarray(at + 8, at + 8 + length),
    });
    at += length + 12;
  }
  return chunks;
}

/** The boxes of an MP4 at one level; fails when their lengths do not add up. */
function boxesOf(bytes: Buffer): readonly Part[] {
  const boxes: Part[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = bytes.readUInt32BE(at);
    expect(length).toBeGreaterThanOrEqual(8);
    boxes.push({
      name: bytes.toString('latin1', at + 4, at + 8),
      start: at,
      data: bytes.subarray(at + 8, at + length),
    });
    at += length;
  }
  expect(at).toBe(bytes.length);
  return boxes;
}

function inner(bytes: Buffer, ...path: readonly string[]): Buffer {
  let current = bytes;
  for (const name of path) {
    const found = boxesOf(current).find((box) => box.name === name);
    if (found === undefined) throw new Error(`no box ${name}`);
    current = found.data;
  }
  return current;
}

describe('a PNG artifact', () => {
  test('has a signature, good CRCs and 64 rows of 64 pixels', () => {
    const bytes = Buffer.from(renderArtifact(image).bytes);
    expect(bytes.subarray(0, 8)).toEqual(Buffer.from('89504e470d0a1a0a', 'hex'));
    const chunks = chunksOf(bytes);
    expect(chunks.map((chunk) => chunk.name)).toEqual(['IHDR', 'tEXt', 'IDAT', 'IEND']);
    const pixels = inflateSync(chunks[2]?.data ?? Buffer.alloc(0));
    expect(pixels.length).toBe(64 * (64 * 3 + 1));
    expect(new Set(pixels).size).toBeGreaterThan(100);
  });

  test('says which prompt it was made from', () => {
    const [, text] = chunksOf(Buffer.from(renderArtifact(image).bytes));
    expect(text?.data.toString('latin1')).toBe(`promptSha256\0${sha256Hex('a cat')}`);
  });

  test('shows other pixels for another prompt', () => {
    const idat = (prompt: string): Buffer | undefined =>
      chunksOf(Buffer.from(renderArtifact({ ...image, prompt }).bytes)).find(({ name }) => name === 'IDAT')
        ?.data;
    expect(idat('a cat')).not.toEqual(idat('a dog'));
  });
});

describe('an MP4 artifact', () => {
  test('has its boxes in the order a player can start from', () => {
    const bytes = Buffer.from(renderArtifact({ ...video, bytesMin: 100_000 }).bytes);
    expect(boxesOf(bytes).map((box) => box.name)).toEqual(['ftyp', 'moov', 'free', 'mdat', 'free']);
    expect(boxesOf(inner(bytes, 'moov')).map((box) => box.name)).toEqual(['mvhd', 'trak']);
    const table = boxesOf(inner(bytes, 'moov', 'trak', 'mdia', 'minf', 'stbl'));
    expect(table.map((box) => box.name)).toEqual(['stsd', 'stts', 'stss', 'stsc', 'stsz', 'stco']);
  });

  test('has a sample table that meets the media: 20 samples, 10 of them key pictures', () => {
    const bytes = Buffer.from(renderArtifact(video).bytes);
    const table = (name: string): Buffer => inner(bytes, 'moov', 'trak', 'mdia', 'minf', 'stbl', name);
    const count = table('stsz').readUInt32BE(8);
    const sizes = Array.from({ length: count }, (_, index) => table('stsz').readUInt32BE(12 + index * 4));
    let at = table('stco').readUInt32BE(8);
    expect(count).toBe(20);
    expect(table('stss').readUInt32BE(4)).toBe(10);
    for (const [index, size] of sizes.entries()) {
      expect(bytes.readUInt32BE(at)).toBe(size - 4);
      expect((bytes[at + 4] ?? 0) & 0x1f).toBe(index % 2 === 0 ? 5 : 1);
      at += size;
    }
    const media = boxesOf(bytes).find((box) => box.name === 'mdat');
    expect(at).toBe((media?.start ?? 0) + 8 + (media?.data.length ?? 0));
  });

  test('has no start code within a picture', () => {
    const media = inner(Buffer.from(renderArtifact(video).bytes), 'mdat');
    for (let at = 0; at < media.length; at += 4 + media.readUInt32BE(at)) {
      const nal = media.subarray(at + 4, at + 4 + media.readUInt32BE(at));
      for (const code of ['000000', '000001', '000002'])
        expect(nal.includes(Buffer.from(code, 'hex'))).toBe(false);
    }
  });

  test('says which prompt it was made from', () => {
    const note = inner(Buffer.from(renderArtifact(video).bytes), 'free').toString('utf8');
    expect(note).toContain(sha256Hex('a cat'));
  });
});

describe('the bytes of an artifact', () => {
  test('are padded to the size asked for, exactly', () => {
    expect(renderArtifact({ ...image, bytesMin: 50_000 }).bytes.length).toBe(50_000);
    expect(renderArtifact({ ...video, bytesMin: 200_000 }).bytes.length).toBe(200_000);
  });

  test('are equal for equal requests and differ in prompt, seed, index and kind', () => {
    const hash = (change: object): string => sha256Hex(renderArtifact({ ...video, ...change }).bytes);
    const all = [{}, { prompt: 'a dog' }, { seed: 2 }, { index: 1 }, { kind: 'image' }].map(hash);
    expect(new Set(all).size).toBe(5);
    expect(hash({})).toBe(all[0]);
  });

  test('are the same from two simulators with one seed, whatever their task ids', async () => {
    const hashes: string[] = [];
    const ids: string[] = [];
    for (const _ of [1, 2]) {
      const simulator = await opened({ seed: 9, script: { life: AT_ONCE } });
      const id = await videoId(simulator);
      const response = await get(`${simulator.url}/openai/v1/videos/${id}/content`);
      ids.push(id);
      hashes.push(sha256Hex(new Uint8Array(await response.arrayBuffer())));
    }
    expect(ids[0]).not.toBe(ids[1]);
    expect(hashes[0]).toBe(hashes[1]);
  });

  test('tell the images of one task apart', async () => {
    const simulator = await opened({ script: { life: AT_ONCE } });
    const { url } = simulator;
    const submitted = await fetch(`${url}/kling/v1/images/generations`, {
      method: 'POST',
      headers: { authorization: 'Bearer k' },
      body: JSON.stringify({ prompt: 'a cat', n: 2 }),
    });
    const images = field(await json(submitted), 'data.task_result.images');
    const links = [field(images, '0.url'), field(images, '1.url')].map(String);
    const bodies = await Promise.all(links.map(async (link) => (await get(link, {})).arrayBuffer()));
    expect(sha256Hex(new Uint8Array(bodies[0] ?? new ArrayBuffer()))).not.toBe(
      sha256Hex(new Uint8Array(bodies[1] ?? new ArrayBuffer())),
    );
  });
});
