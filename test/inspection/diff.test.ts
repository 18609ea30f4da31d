import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { changesBetween } from '../../src/actors/inspection/diff.js';
import type { Change } from '../../src/actors/inspection/face.js';
import type { Json } from '../../src/json.js';

/** What a reader of the changes does with them, one after the other. */
function applied(before: Json, changes: readonly Change[]): unknown {
  const holder = { root: structuredClone(before) as unknown };
  for (const change of changes) {
    const names = change.path.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const path = ['root', ...names.slice(1)];
    const owner = path.slice(0, -1).reduce<unknown>((at, name) => Reflect.get(Object(at), name), holder);
    put(owner, path.at(-1) ?? '', change);
  }
  return holder.root;
}

function put(owner: unknown, name: string, { before, after }: Change): void {
  if (Array.isArray(owner)) {
    const put = after === undefined ? [] : [structuredClone(after)];
    owner.splice(Number(name), before === undefined ? 0 : 1, ...put);
  } else if (typeof owner === 'object' && owner !== null && after === undefined)
    Reflect.deleteProperty(owner, name);
  else {
    const value = structuredClone(after);
    Object.defineProperty(owner, name, { value, enumerable: true, configurable: true, writable: true });
  }
}

describe('what changed between two contexts', () => {
  test('applied to the one before, it makes the one after', () => {
    const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
    const list = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 8 });
    const pairs = fc.oneof(fc.tuple(json, json), fc.tuple(list, list));
    fc.assert(
      fc.property(pairs, ([one, other]) => {
        const [before, after] = [JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(other))] as [
          Json,
          Json,
        ];
        expect(applied(before, changesBetween(before, after))).toEqual(after);
        expect(changesBetween(after, after)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('of a list, what stands before and behind the change is not in it', () => {
    const lines = ['a', 'b', 'c', 'd'];
    expect(changesBetween({ lines }, { lines: ['b', 'c', 'd'] })).toEqual([
      { path: '/lines/0', before: 'a' },
    ]);
    expect(changesBetween({ lines }, { lines: ['a', 'b', 'x', 'c', 'd'] })).toEqual([
      { path: '/lines/2', after: 'x' },
    ]);
  });

  test('names are pointers, those of slashes and of prototypes too', () => {
    const before = JSON.parse('{"a/b": {"~": 1}, "__proto__": 1}') as Json;
    const after = JSON.parse('{"a/b": {"~": 2}, "constructor": 3}') as Json;
    expect(changesBetween(before, after)).toEqual([
      { path: '/a~1b/~0', before: 1, after: 2 },
      { path: '/__proto__', before: 1 },
      { path: '/constructor', after: 3 },
    ]);
  });
});
