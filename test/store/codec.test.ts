/** The codec gives back what it was given, or says what is wrong. */
import { expect, test } from 'vitest';
import { decodeValue, encodeValue } from '../../src/store/codec.js';

test('a value comes back as it was written', () => {
  for (const text of ['', '{}', '"é 😀"', JSON.stringify({ a: '\ud800' }), 'x'.repeat(100_000)]) {
    expect(decodeValue(encodeValue(text), 'q\0a')).toBe(text);
  }
});

test('the stored form is the version, eight digits of CRC-32 and the text', () => {
  expect(encodeValue('123456789')).toBe('1cbf43926123456789');
});

test('any changed character is STORE_CORRUPTED and names the key', () => {
  const stored = encodeValue('{"a":1}');
  for (let index = 1; index < stored.length; index += 1) {
    const changed = `${stored.slice(0, index)}#${stored.slice(index + 1)}`;
    expect(() => decodeValue(changed, 'q\0here')).toThrow(/q\\u0000here/);
    expect(() => decodeValue(changed, 'q\0here')).toThrow(
      expect.objectContaining({ code: 'STORE_CORRUPTED', details: { key: 'q\0here' } }),
    );
  }
});

test('a cut value is STORE_CORRUPTED', () => {
  const stored = encodeValue('{"a":1}');
  for (let length = 0; length < stored.length; length += 1) {
    expect(() => decodeValue(stored.slice(0, length), 'q\0a')).toThrow(
      expect.objectContaining({ code: 'STORE_CORRUPTED' }),
    );
  }
});

test('a newer version digit is STORE_FORMAT_NEWER, any other letter is STORE_CORRUPTED', () => {
  const body = encodeValue('1').slice(1);
  expect(() => decodeValue(`2${body}`, 'q\0a')).toThrow(
    expect.objectContaining({ code: 'STORE_FORMAT_NEWER' }),
  );
  for (const letter of ['0', 'x', ' ']) {
    expect(() => decodeValue(letter + body, 'q\0a')).toThrow(
      expect.objectContaining({ code: 'STORE_CORRUPTED' }),
    );
  }
});
