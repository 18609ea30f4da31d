import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shortened, widthOf, wrapped } from '../../src/drawing/text-size.js';

const LETTER = widthOf('x'.repeat(100)) / 100;

test('Chinese signs and emoji take more room than letters, and accents none', () => {
  expect(widthOf('漢')).toBeGreaterThan(LETTER * 1.6);
  expect(widthOf('🙂')).toBeGreaterThan(LETTER * 2);
  expect(widthOf('👩‍👩‍👧')).toBe(widthOf('🙂'));
  expect(widthOf('e\u0301')).toBe(widthOf('e'));
});

test('no line is wider than was asked for, and none of the text is lost', () => {
  const text = fc.stringMatching(/^[a-z漢🙂 é]{0,120}$/u);
  fc.assert(
    fc.property(text, fc.integer({ min: 4, max: 40 }), (given, columns) => {
      const lines = wrapped(given, columns);
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(Math.ceil(columns * 0.61 * 12) + 1);
      expect(lines.join('').replaceAll(' ', '')).toBe(given.replaceAll(' ', ''));
      expect(widthOf(shortened(given, columns))).toBeLessThanOrEqual(Math.ceil(columns * 0.61 * 12) + 1);
    }),
  );
});

test('what goes on in a second line is indented', () => {
  expect(wrapped('send answers [mayRetry] / noteFault', 28)).toEqual([
    'send answers [mayRetry] /',
    '  noteFault',
  ]);
});
