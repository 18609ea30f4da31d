/**
 * When schedules are due. The instants are worked out by hand from the rules of the zones: clocks in the EU
 * change at 01:00 UTC on the last Sundays of March and October (2026: the 29th and the 25th), those in New
 * York at 02:00 of their own time on the second Sunday of March and the first of November (2026: 8 March,
 * 07:00 UTC; 1 November, 06:00 UTC).
 */
import { describe, expect, it } from 'vitest';
import { cadenceOf, nextAfter } from '../../src/actors/work/cadence.js';

const HOUR_MS = 3_600_000;
const NOW = Date.parse('2026-01-01T00:00:00Z');

/** The times that come after `from`, up to the minute, as long as they are before `until`. */
function times(cron: string, timezone: string, from: string, until: string): readonly string[] {
  const found: string[] = [];
  let after = Date.parse(`${from}Z`);
  for (let asked = 0; asked < 1_000; asked += 1) {
    const next = nextAfter({ cadence: { cron, timezone }, after, anchor: 0 });
    if (next.type === 'never' || next.at >= Date.parse(`${until}Z`)) return found;
    expect(next.at).toBeGreaterThan(after);
    found.push(new Date(next.at).toISOString().slice(0, 16));
    after = next.at;
  }
  throw new Error('too many');
}

const refused = (options: Parameters<typeof cadenceOf>[0]) => {
  try {
    return cadenceOf(options, NOW);
  } catch (error) {
    const { code, details } = error as { code: string; details: { field: string } };
    return [code, details.field];
  }
};

describe('where clocks go forward', () => {
  it.each([
    // 02:30 is not there: it reads 03:30, which is 01:30 UTC.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00', ['2026-03-29T01:30', '2026-03-30T00:30']],
    ['30 2 * * *', 'America/New_York', '2026-03-07T12:00', ['2026-03-08T07:30', '2026-03-09T06:30']],
    ['0 3 * * *', 'Europe/Berlin', '2026-03-28T12:00', ['2026-03-29T01:00', '2026-03-30T01:00']],
  ])('%s in %s comes once that day', (cron, timezone, from, expected) => {
    expect(times(cron, timezone, from, `${expected[1]?.slice(0, 10)}T12:00`)).toEqual(expected);
  });

  it('what comes every hour comes every hour', () => {
    expect(times('0 * * * *', 'Europe/Berlin', '2026-03-28T23:30', '2026-03-29T03:01')).toEqual([
      '2026-03-29T00:00',
      '2026-03-29T01:00',
      '2026-03-29T02:00',
      '2026-03-29T03:00',
    ]);
  });
});

describe('where clocks go back', () => {
  it.each([
    // 02:30 is there twice: at 00:30 and at 01:30 UTC.
    ['30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00', ['2026-10-25T00:30', '2026-10-26T01:30']],
    ['30 1 * * *', 'America/New_York', '2026-10-31T12:00', ['2026-11-01T05:30', '2026-11-02T06:30']],
  ])('%s in %s comes once that day', (cron, timezone, from, expected) => {
    expect(times(cron, timezone, from, `${expected[1]?.slice(0, 10)}T12:00`)).toEqual(expected);
  });

  it('is not in the past when it is asked for within the second of the two hours', () => {
    const within = times('30 2 * * *', 'Europe/Berlin', '2026-10-25T01:10', '2026-10-26T12:00');
    expect(within).toEqual(['2026-10-26T01:30']);
    const each = times('*/20 * * * *', 'Europe/Berlin', '2026-10-25T01:10', '2026-10-25T02:01');
    expect(each).toEqual(['2026-10-25T01:20', '2026-10-25T01:40', '2026-10-25T02:00']);
  });

  it.each([
    ['*/30 * * * *', 'Europe/Berlin', '2026-10-24T23:00', '2026-10-25T03:30', 30],
    ['@hourly', 'America/New_York', '2026-11-01T03:00', '2026-11-01T09:00', 60],
    // Half an hour, not a whole one: clocks go back from 02:00 to 01:30, at 15:00 UTC.
    ['*/10 * * * *', 'Australia/Lord_Howe', '2026-04-04T13:00', '2026-04-04T17:00', 10],
  ])('%s in %s comes at equal distances', (cron, timezone, from, until, minutes) => {
    const found = times(cron, timezone, from, until).map((time) => Date.parse(`${time}Z`));
    const gaps = new Set(found.slice(1).map((at, index) => at - (found[index] ?? NaN)));
    expect([...gaps]).toEqual([minutes * 60_000]);
  });
});

describe('a cadence', () => {
  it('by cron text comes on the days that there are', () => {
    expect(times('0 0 29 2 *', 'UTC', '2026-01-01T00:00', '2033-01-01T00:00')).toEqual([
      '2028-02-29T00:00',
      '2032-02-29T00:00',
    ]);
    expect(times('0 12 L * *', 'UTC', '2027-01-31T12:00', '2027-04-01T00:00')).toEqual([
      '2027-02-28T12:00',
      '2027-03-31T12:00',
    ]);
  });

  it('by interval counts from its anchor, whatever was missed', () => {
    const next = (after: number) => nextAfter({ cadence: { everyMs: HOUR_MS }, after, anchor: NOW });
    expect(next(NOW)).toEqual({ type: 'next', at: NOW + HOUR_MS });
    expect(next(NOW + HOUR_MS)).toEqual({ type: 'next', at: NOW + 2 * HOUR_MS });
    expect(next(NOW + 10.5 * HOUR_MS)).toEqual({ type: 'next', at: NOW + 11 * HOUR_MS });
    expect(next(NOW - 10 * HOUR_MS)).toEqual({ type: 'next', at: NOW + HOUR_MS });
  });

  it('that ends comes to its end', () => {
    const year = { cadence: { cron: '0 0 1 1 *', timezone: 'UTC' }, anchor: 0 };
    expect(nextAfter({ ...year, after: Date.parse('2999-06-01T00:00Z') })).toEqual({ type: 'never' });
  });

  it('is kept as it was meant', () => {
    expect(cadenceOf({ every: 1_000 }, NOW)).toEqual({ everyMs: 1_000 });
    expect(cadenceOf({ cron: ' @daily ' }, NOW)).toEqual({ cron: '@daily', timezone: 'UTC' });
    expect(cadenceOf({ cron: '0 0 9 * * MON-FRI', timezone: 'europe/berlin' }, NOW)).toEqual({
      cron: '0 0 9 * * MON-FRI',
      timezone: 'Europe/Berlin',
    });
  });

  it.each([
    [{}, 'cron'],
    [{ cron: '@hourly', every: 1_000 }, 'every'],
    [{ every: 1_000, timezone: 'UTC' }, 'timezone'],
    [{ every: 999 }, 'every'],
    [{ every: 367 * 24 * HOUR_MS }, 'every'],
    [{ every: 1_000.5 }, 'every'],
    [{ cron: '' }, 'cron'],
    [{ cron: '* * * *' }, 'cron'],
    [{ cron: '0 0 0 1 1 * 2027' }, 'cron'],
    [{ cron: '99 * * * *' }, 'cron'],
    [{ cron: 'at noon' }, 'cron'],
    [{ cron: '@reboot' }, 'cron'],
    [{ cron: '2026-05-05T10:00:00' }, 'cron'],
    [{ cron: '0 0 30 2 *' }, 'cron'],
    [{ cron: 7 as never }, 'cron'],
    [{ cron: '@hourly', timezone: 'Mars/Olympus' }, 'timezone'],
    [{ cron: '@hourly', timezone: '' }, 'timezone'],
  ])('%j is refused, and the field named', (options, field) => {
    expect(refused(options)).toEqual(['INVALID_INPUT', field]);
  });
});
