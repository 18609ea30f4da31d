import { expect, test } from 'vitest';
import { wishesOf, wordsOf } from '../src/attempt.js';
import { limits } from '../src/limits.js';

const thrower = (): never => {
  throw new Error('not to be looked at');
};

test('what is thrown is told by its code or name and its message, and what is no error by its JSON', () => {
  const cases: readonly (readonly [thrown: unknown, code: string, message: string])[] = [
    [new TypeError('bad'), 'TypeError', 'bad'],
    [Object.assign(new Error('torn'), { code: 'E_TORN' }), 'E_TORN', 'torn'],
    [Object.assign(new Error('torn'), { code: 7 }), 'Error', 'torn'],
    [new Error(), 'Error', 'no reason given'],
    [{ code: 'E1', message: 'own' }, 'E1', 'own'],
    [{ odd: 1 }, 'Error', '{"odd":1}'],
    ['plain', 'Error', 'plain'],
    [42, 'Error', '42'],
    [{ at: new Date(0) }, 'Error', 'no reason given'],
    ['', 'Error', 'no reason given'],
    [null, 'Error', 'no reason given'],
    [Object.defineProperty({}, 'code', { get: thrower, enumerable: true }), 'Error', 'no reason given'],
    [undefined, 'Error', 'no reason given'],
  ];
  for (const [thrown, code, message] of cases) expect(wordsOf(thrown)).toEqual({ code, message });
});

test('a wish for another attempt is one that the runtime takes', () => {
  const cases: readonly (readonly [thrown: unknown, wishes: object])[] = [
    [{ permanent: true, retryAfterMs: 1 }, { retry: false }],
    [{ retry: false }, { retry: false }],
    [{ permanent: 'yes', retry: true }, {}],
    [{ retryAfterMs: 1_500.4 }, { retryInMs: 1_500 }],
    [{ retryAfterMs: -1 }, { retryInMs: 0 }],
    [{ retryAfterMs: Infinity }, { retryInMs: limits.workRetryInMaxMs }],
    [{ retryAfterMs: Number.NaN }, {}],
    [{ retryAfterMs: '1000' }, {}],
    [Object.defineProperty({}, 'permanent', { get: thrower }), {}],
    ['plain', {}],
    [undefined, {}],
  ];
  for (const [thrown, wishes] of cases) expect(wishesOf(thrown)).toEqual(wishes);
});
