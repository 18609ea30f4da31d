import fc from 'fast-check';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { copyOf, firstNonJson, isPlainObject } from '../src/json.js';

const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000_007);

it(`a copy of JSON is equal to it and shares nothing with it (seed ${seed})`, () => {
  const shared = (one: unknown, other: unknown): boolean => {
    if (typeof one !== 'object' || one === null) return false;
    if (one === other) return true;
    return Object.entries(one).some(([key, part]) =>
      shared(part, Object.entries(other ?? {}).find(([name]) => name === key)?.[1]),
    );
  };
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const copy = copyOf(value);
      expect(copy).toStrictEqual(value);
      expect(shared(value, copy)).toBe(false);
    }),
    { seed },
  );
});

it('a key called __proto__ is copied as a key', () => {
  const value: unknown = JSON.parse('{"__proto__":{"a":1},"b":2}');
  const copy = copyOf(value);
  expect(JSON.stringify(copy)).toBe('{"__proto__":{"a":1},"b":2}');
  expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
});

it('what is nested beyond reason is no JSON, and overflows nothing', () => {
  const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  expect(firstNonJson(nested(400))).toBeUndefined();
  expect(firstNonJson(deep)).toContain('$[0][0]');
});

it('an object of another realm, as tests of jest have them, is as plain as one of ours', () => {
  expect(isPlainObject(runInNewContext('({ a: { b: 1 } })'))).toBe(true);
  expect(firstNonJson(runInNewContext('({ a: [{ b: 1 }] })'))).toBeUndefined();
  expect(firstNonJson(runInNewContext('({ a: new Date(0) })'))).toBe('$.a');
  expect(isPlainObject(Object.create({ inherited: 1 }))).toBe(false);
});
