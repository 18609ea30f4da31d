/** Our readers of LevelDB's files agree with LevelDB, and never take a changed byte for a whole one. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { Level } from 'level';
import { expect, test } from 'vitest';
import { maskedCrc } from '../../src/store/level-format/crc32c.js';
import { logOf, readLog } from '../../src/store/level-format/log-format.js';
import { readManifest, writesIn } from '../../src/store/level-format/manifest.js';
import { decompressed } from '../../src/store/level-format/snappy.js';
import { checkTable, mendedTable, newestWrite } from '../../src/store/level-format/table-format.js';
import { newDirectory } from './place.js';

const BLOCK_BYTES = 32_768;

async function database(rows: number, textLength: number): Promise<string> {
  const directory = await newDirectory();
  const level = new Level<string, string>(directory);
  await level.open({ writeBufferSize: 65_536 });
  for (let count = 0; count < rows; count += 1) {
    await level.put(`key ${count % 97}`, `value ${count} `.repeat(textLength));
  }
  await level.close();
  return directory;
}

async function filesOf(directory: string, ending: string): Promise<readonly Buffer[]> {
  const names = (await readdir(directory)).filter((name) => name.includes(ending)).sort();
  return await Promise.all(names.map((name) => readFile(join(directory, name))));
}

test('the checksum is that of the specification, masked as LevelDB does', () => {
  const digits = Buffer.from('123456789');
  const crc = 0xe3069283;
  expect(maskedCrc(digits, 0, digits.length)).toBe((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
});

test('logs, manifests and tables that LevelDB wrote are whole', async () => {
  const directory = await database(3_000, 30);
  const [manifest] = await filesOf(directory, 'MANIFEST');
  const { tables, lastSequence } = readManifest(manifest ?? Buffer.alloc(0));
  expect(tables.size).toBeGreaterThan(0);
  const whole = (await filesOf(directory, '.ldb')).filter((bytes) => bytes.length > 0);
  for (const bytes of whole) expect(checkTable(bytes).damage).toEqual([]);
  expect(Math.max(...whole.map(newestWrite))).toBeGreaterThan(0);
  const logs = (await filesOf(directory, '.log')).map(readLog);
  for (const { damage, torn } of logs) expect({ damage, torn }).toEqual({ damage: [], torn: false });
  const last = logs.flatMap(({ records }) => records.map((record) => writesIn(record)?.last ?? 0));
  expect(Math.max(lastSequence, ...last)).toBe(3_000);
});

test('a log written anew is read as the same records, across blocks', () => {
  const sizes = fc.array(fc.nat({ max: 3 * BLOCK_BYTES }), { maxLength: 12 });
  fc.assert(
    fc.property(sizes, fc.nat({ max: 8 }), (lengths, short) => {
      // Records that end just before a block does leave no room for a header.
      const all = [...lengths, Math.max(0, BLOCK_BYTES - 7 - short), 5];
      const records = all.map((length, index) => Buffer.alloc(length, index + 1));
      const again = readLog(logOf(records));
      expect(again.damage).toEqual([]);
      expect(again.torn).toBe(false);
      expect(again.records.map((record) => record.length)).toEqual(all);
      expect(Buffer.concat([...again.records]).equals(Buffer.concat(records))).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('a log with a flipped byte gives whole records alone, and says so', () => {
  const records = Array.from({ length: 40 }, (_, index) => Buffer.alloc(3_000, `record ${index}`));
  const intact = logOf(records);
  fc.assert(
    fc.property(fc.nat({ max: intact.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, bits) => {
      const bytes = Buffer.from(intact);
      bytes.writeUInt8(bytes.readUInt8(at) ^ bits, at);
      const read = readLog(bytes);
      for (const record of read.records) expect(records.some((each) => each.equals(record))).toBe(true);
      if (read.records.length < records.length) expect(read.damage).not.toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test('a damaged length is no death in mid-write, a log that was cut is one', () => {
  const records = Array.from({ length: 5 }, (_, index) => Buffer.alloc(1_000, `record ${index}`));
  const intact = logOf(records);
  for (const index of [0, 2, 4]) {
    const bytes = Buffer.from(intact);
    const at = index * 1_007 + 5;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x40, at);
    expect(readLog(bytes)).toMatchObject({ torn: false, damage: [{ at: index * 1_007 }] });
  }
  for (const end of [1_006, 1_010, 2_500, intact.length - 1]) {
    expect(readLog(intact.subarray(0, end))).toMatchObject({ torn: true, damage: [] });
  }
});

test('zeros in the place of records are damage, unless nothing else follows', () => {
  const intact = logOf(Array.from({ length: 80 }, (_, index) => Buffer.alloc(1_000, `record ${index}`)));
  for (const from of [0, 3 * 1_007]) {
    const bytes = Buffer.from(intact).fill(0, from, from + 512);
    expect(readLog(bytes).damage).not.toEqual([]);
    expect(readLog(Buffer.from(intact).fill(0, from)).damage).toEqual([]);
  }
  expect(readLog(Buffer.from('MANIFEST-000014\n')).damage).toHaveLength(1);
});

test('every block of a table is checked, and a mended table keeps the others', async () => {
  const [table] = (await filesOf(await database(3_000, 30), '.ldb')).filter((bytes) => bytes.length > 0);
  const intact = table ?? Buffer.alloc(0);
  const damaged = Buffer.from(intact);
  damaged.writeUInt8(damaged.readUInt8(100) ^ 1, 100);
  const { damage, blocks } = checkTable(damaged);
  expect(damage).toHaveLength(1);
  const mended = mendedTable(damaged) ?? Buffer.alloc(0);
  expect(checkTable(mended)).toEqual({ damage: [], blocks: blocks - 1, blocksDamaged: 0 });
  const beheaded = intact.subarray(0, intact.length - 1);
  expect(checkTable(beheaded).damage).toEqual(['it has no footer']);
  expect(mendedTable(beheaded)).toBeUndefined();
});

test('bytes that are no snappy block, table or manifest are told, whatever they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
      const bytes = Buffer.from(noise);
      expect(checkTable(bytes).damage).not.toEqual([]);
      expect(() => readManifest(bytes)).toThrow(expect.objectContaining({ name: 'MalformedBytes' }));
      try {
        decompressed(bytes);
      } catch (error) {
        expect(error).toMatchObject({ name: 'MalformedBytes' });
      }
    }),
  );
});
