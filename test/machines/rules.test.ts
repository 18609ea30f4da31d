import { describe, expect, it } from 'vitest';
import {
  backoffMs,
  budgetExceeded,
  clampRetryAfterMs,
  deliveryLane,
  envelopeOf,
  jitteredBackoffMs,
  jitteredMs,
  pollDelayMs,
  providedByRuntime,
  reservedActions,
  withFailure,
} from '../../src/machines/index.js';
import { createActor } from 'xstate';

describe('the envelope', () => {
  const $ = { at: 5, dueAt: 4, id: 'e1', seq: 3, random: 0.25 };

  it('is read from the event', () => {
    expect(envelopeOf({ type: 'x', $ })).toEqual($);
  });

  it('is read from the input of the first event, where it is not enumerable', () => {
    const input = Object.defineProperty({ a: 1 }, '$', { value: $ });
    expect(envelopeOf({ type: 'xstate.init', input })).toEqual($);
    expect(JSON.stringify(input)).toBe('{"a":1}');
  });

  it('falls back to fixed values, so that a chart also runs live', () => {
    const live = { at: 0, id: 'live', seq: 0, random: 0.5 };
    for (const event of [undefined, null, 'x', { type: 'x' }, { input: null }, { $: 'no' }, { $: {} }]) {
      expect(envelopeOf(event)).toEqual(live);
    }
  });

  it('fills in what an envelope leaves out', () => {
    expect(envelopeOf({ $: { at: 9 } })).toEqual({ at: 9, id: 'live', seq: 0, random: 0.5 });
  });
});

describe('back-off', () => {
  it('doubles from the first delay to the ceiling', () => {
    const policy = { kind: 'exponential', delayMs: 2_000, maxMs: 300_000 } as const;
    expect([1, 2, 3, 8, 9, 50].map((failures) => backoffMs(policy, failures))).toEqual([
      2_000, 4_000, 8_000, 256_000, 300_000, 300_000,
    ]);
  });

  it('stays the same when the policy is fixed', () => {
    expect([1, 2, 60].map((n) => backoffMs({ kind: 'fixed', delayMs: 30_000 }, n))).toEqual([
      30_000, 30_000, 30_000,
    ]);
  });

  it('grows by the factor the policy names, and never past a day without a ceiling', () => {
    expect(backoffMs({ kind: 'exponential', delayMs: 100, factor: 3 }, 3)).toBe(900);
    expect(backoffMs({ kind: 'exponential', delayMs: 100 }, 2_000)).toBe(86_400_000);
  });

  it('is moved by 20 % at most, and never above its ceiling', () => {
    expect([0, 0.5, 1].map((random) => jitteredMs(10_000, random))).toEqual([8_000, 10_000, 12_000]);
    const policy = { kind: 'exponential', delayMs: 1_000, maxMs: 1_000 } as const;
    expect(jitteredBackoffMs(policy, 5, 0.99)).toBe(1_000);
  });

  it('honours a Retry-After between one second and fifteen minutes', () => {
    expect([-5, 0, NaN, 1_500, 1e12, Infinity].map(clampRetryAfterMs)).toEqual([
      1_000, 1_000, 1_000, 1_500, 900_000, 900_000,
    ]);
  });
});

describe('the poll cadence', () => {
  const moment = { cadence: {}, pollMinMs: 0, pollCount: 0, random: 0.5 };

  it('is 10 s for the first twelve polls and 60 s from then on', () => {
    expect(pollDelayMs({ ...moment, pollCount: 11 })).toBe(10_000);
    expect(pollDelayMs({ ...moment, pollCount: 12 })).toBe(60_000);
  });

  it('is spread by a fifth either way, but never under the adapter’s minimum', () => {
    expect(pollDelayMs({ ...moment, random: 0 })).toBe(8_000);
    expect(pollDelayMs({ ...moment, random: 0, pollMinMs: 9_000 })).toBe(9_000);
  });

  it('can be overridden in each of its three numbers', () => {
    const cadence = { everyMs: 100, slowMs: 500, fastPolls: 1 };
    expect([0, 1].map((pollCount) => pollDelayMs({ ...moment, cadence, pollCount }))).toEqual([100, 500]);
  });

  it('gives way to a Retry-After, clamped', () => {
    expect(pollDelayMs({ ...moment, retryAfterMs: 42_000 })).toBe(42_000);
    expect(pollDelayMs({ ...moment, retryAfterMs: 1 })).toBe(1_000);
    expect(pollDelayMs({ ...moment, retryAfterMs: 1e9 })).toBe(900_000);
  });
});

describe('the restart budget', () => {
  const budget = { failuresMax: 2, periodMs: 1_000 };
  const after = (times: readonly number[]) =>
    times.reduce<readonly number[]>((window, at) => withFailure(window, at, budget), []);

  it('is exceeded by one failure too many within a period', () => {
    expect(budgetExceeded(after([0, 500]), budget)).toBe(false);
    expect(budgetExceeded(after([0, 500, 999]), budget)).toBe(true);
  });

  it('forgets a failure once it is a whole period old', () => {
    expect(budgetExceeded(after([0, 500, 1_000]), budget)).toBe(false);
  });

  it('holds a bounded number of times', () => {
    expect(after(Array.from({ length: 1_000 }, () => 7))).toHaveLength(3);
  });
});

describe('reserved words', () => {
  it('do nothing when a chart runs live', () => {
    const history = reservedActions['history.append'];
    expect(history(undefined, { session: 's', entry: {} })).toBeUndefined();
  });

  it('refuse to run an effect nobody provided', async () => {
    const actor = createActor(providedByRuntime<string, { readonly a: number }>(), { input: { a: 1 } });
    const failed = new Promise((resolve) => actor.subscribe({ error: resolve }));
    actor.start();
    expect(String(await failed)).toContain('provided by the runtime');
  });

  it('tell lanes apart whatever characters their names hold', () => {
    const lane = (channel: string, account: string, target: string) =>
      deliveryLane({ channel, account, target });
    expect(lane('a/b', 'c', 'd')).not.toBe(lane('a', 'b/c', 'd'));
    expect(deliveryLane({ channel: 'a', target: 'b' })).toBe('a//b');
  });
});
