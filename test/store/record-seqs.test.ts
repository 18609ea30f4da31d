/** The store reads the seq of a record from its front where it can, and always the right one. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecordSeqs, seqOfRecord } from '../../src/store/record-seqs.js';

test('the seq is the one at the top level, whatever stands before it', () => {
  const field = fc.tuple(fc.string(), fc.jsonValue());
  const property = fc.property(fc.array(field), fc.array(field), fc.nat(), (before, after, seq) => {
    const record = Object.fromEntries([...before, ['seq', seq], ...after.filter(([key]) => key !== 'seq')]);
    expect(seqOfRecord(JSON.stringify(record))).toBe(seq);
  });
  fc.assert(property, { numRuns: 300 });
});

test('a record without a numeric seq has none', () => {
  for (const text of [
    '{}',
    '[]',
    '1',
    'null',
    '{"seq":"1"}',
    '{"context":{"seq":1}}',
    '{"a":"\\"seq\\":1,"}',
  ]) {
    expect(seqOfRecord(text)).toBeUndefined();
  }
});

test('the cache holds no more actors than it may, and forgets the oldest first', () => {
  const seqs = new RecordSeqs(2);
  for (const name of ['a', 'b', 'a', 'c']) seqs.learn([{ key: `s\0job/${name}`, value: '{"seq":3}' }]);
  expect([seqs.get('job/a'), seqs.get('job/b'), seqs.get('job/c')]).toEqual([3, undefined, 3]);
});
