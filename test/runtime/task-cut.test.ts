/** Cuts of text: between graphemes, whatever they are made of; and the parts of checkpoints, joined again. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkpointParts, partsOf } from '../../src/actors/tasks/checkpoints.js';
import { cutText, labelOf } from '../../src/actors/tasks/cut.js';
import { limits } from '../../src/limits.js';

/** What is more than one code unit, and looks like one character. */
const PEOPLE = '👩🏽‍🚀 👨‍👩‍👧‍👦 🇩🇪 🇫🇷 é ñ̃ 각 🐈 \r\n " \\ \u0001 a 漢'.split(' ');
const text = fc.array(fc.constantFrom(...PEOPLE, ' '), { maxLength: 200 }).map((parts) => parts.join(''));
const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 2 ** 31);
const options = { seed, numRuns: 300 };

const graphemes = (whole: string): readonly string[] =>
  [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(whole)].map(
    ({ segment }) => segment,
  );
const jsonBytes = (part: string): number => Buffer.byteLength(JSON.stringify(part)) - 2;

describe(`a cut (seed ${seed})`, () => {
  test('is between graphemes, within its bound, and leaves off no more than it must', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 50, max: 2_000 }), (whole, bytesMax) => {
        const { text: cut, truncated } = cutText(whole, bytesMax);
        const all = graphemes(whole);
        const kept = graphemes(cut);
        expect(all.slice(0, kept.length)).toEqual(kept);
        expect([truncated, jsonBytes(cut) <= bytesMax]).toEqual([kept.length < all.length, true]);
        const next = all[kept.length];
        if (next !== undefined) expect(jsonBytes(cut + next)).toBeGreaterThan(bytesMax);
      }),
      options,
    );
  });

  test('of one endless grapheme is between code points', () => {
    const zalgo = `e${'\u0301'.repeat(1_000)}`;
    expect(cutText(zalgo, 100).text).toBe(zalgo.slice(0, 50));
    const family = '👩‍'.repeat(1_000);
    const { text: cut } = cutText(family, 101);
    expect([cut.isWellFormed(), family.startsWith(cut), cut.length > 0]).toEqual([true, true, true]);
  });

  test.each(PEOPLE.slice(0, 8))('of 200 KB of %s keeps whole ones', (one) => {
    const whole = one.repeat(Math.ceil(200_000 / Buffer.byteLength(one)));
    const { text: cut, truncated } = cutText(whole, limits.taskTextBytesMax);
    expect([truncated, cut.length % one.length, whole.startsWith(cut)]).toEqual([true, 0, true]);
    expect(graphemes(labelOf(whole, 80))).toHaveLength(80);
  });

  test('for a label is of so many graphemes, on one line', () => {
    expect(labelOf('  a cat\n\n on a\tbicycle ', 80)).toBe('a cat on a bicycle');
    fc.assert(
      fc.property(text, (whole) => {
        const label = labelOf(whole, 10);
        expect([graphemes(label).length <= 10, label.isWellFormed()]).toEqual([true, true]);
      }),
      options,
    );
  });
});

describe(`the parts of a checkpoint (seed ${seed})`, () => {
  test('make the text again, end between code points, and are within their bound', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 4, max: 60 }), (whole, bytesMax) => {
        const parts = partsOf(whole, bytesMax);
        expect(parts.join('')).toBe(whole);
        for (const part of parts)
          expect([part.isWellFormed(), Buffer.byteLength(part) <= bytesMax]).toEqual([true, true]);
      }),
      options,
    );
  });

  test('each fit a payload, whatever is escaped in them', () => {
    const state = { said: `${'"\\'.repeat(200_000)}${'🇩🇪'.repeat(30_000)}` };
    const { parts, payloads, chars } = checkpointParts(state);
    const rows = Object.values(payloads).map(String);
    expect([rows.length, rows.join('').length]).toEqual([parts, chars]);
    for (const row of rows)
      expect(Buffer.byteLength(JSON.stringify(row))).toBeLessThanOrEqual(limits.payloadBytesMax);
    expect(JSON.parse(rows.join(''))).toEqual(state);
  });

  test('are refused where they are too many, or no JSON', () => {
    const refused = { code: 'INVALID_INPUT' };
    const large = { said: 'x'.repeat(limits.taskCheckpointBytesMax) };
    expect(() => checkpointParts(large)).toThrow(expect.objectContaining(refused));
    expect(() => checkpointParts({ at: new Map() })).toThrow(expect.objectContaining(refused));
    expect(() => checkpointParts(undefined)).toThrow(expect.objectContaining(refused));
  });
});
