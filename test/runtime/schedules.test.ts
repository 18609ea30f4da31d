/** Schedules in a whole runtime, over simulated time: each run once, whatever happens to the process. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import type { ScheduleOptions } from '../../src/index.js';
import { createTestRuntime } from '../../src/testing/index.js';
import { createDyingDisk } from './dying-disk.js';
import { movableOpened, placeOpened, type WorkPlace } from './work-place.js';

const HOUR_MS = 3_600_000;
/** 2026-01-01T00:00:00Z, where test runtimes begin. */
const START_AT = 1_767_225_600_000;
const hourly: ScheduleOptions = { every: HOUR_MS, kind: 'tidy', payload: { deep: true } };

const place = () => placeOpened();

const outcomes = async ({ work }: WorkPlace) =>
  (await work.scheduleHistory('tidy')).map(({ outcome }) => outcome);

const itemIds = async ({ work }: WorkPlace) => (await work.list()).items.map(({ id }) => id);

/** Works on what waits, and tells how many there were. */
async function workOff({ test: runtime, work }: WorkPlace): Promise<number> {
  const items = await work.claimMany('tidy', 100);
  for (const { token } of items) await work.done(token);
  await runtime.settle();
  return items.length;
}

/** The process is down for so long. */
async function afterDowntime(from: WorkPlace, downMs: number): Promise<WorkPlace> {
  const startAt = from.test.clock.now() + downMs;
  await from.test.close();
  const next = await placeOpened({ disk: from.test.disk, startAt });
  await next.test.settle();
  return next;
}

describe('a schedule', () => {
  test('enqueues one item each time it is due, with its payload and its options', async () => {
    const at = await place();
    await at.work.schedule('tidy', { ...hourly, priority: 7, attemptsMax: 2 });
    await at.test.advance(HOUR_MS - 1);
    expect(await itemIds(at)).toEqual([]);
    await at.test.advance(1);
    const [first] = (await at.work.list()).items;
    expect(first).toMatchObject({ kind: 'tidy', priority: 7, attemptsMax: 2, createdAt: START_AT + HOUR_MS });
    expect(await at.claim()).toMatchObject({ id: first?.id, payload: { deep: true } });
  });

  test('goes on for as long as it is there, and its history tells how the items ended', async () => {
    const at = await place();
    await at.work.schedule('tidy', hourly);
    for (let hours = 0; hours < 5; hours += 1) {
      await at.test.advance(HOUR_MS);
      const item = await at.claim('tidy');
      if (hours === 3) await at.work.fail(item.token, new Error('no room'), { retry: false });
      else await at.work.done(item.token);
      await at.test.settle();
    }
    const history = await at.work.scheduleHistory('tidy');
    expect(history.map(({ outcome }) => outcome)).toEqual(['done', 'failed', 'done', 'done', 'done']);
    expect(history[1]?.error).toMatchObject({ message: 'no room' });
    expect(history.map(({ dueAt }) => (dueAt - START_AT) / HOUR_MS)).toEqual([5, 4, 3, 2, 1]);
    expect(new Set(history.map(({ workId }) => workId)).size).toBe(5);
    expect(await at.work.scheduleView('tidy')).toMatchObject({
      ...{ name: 'tidy', status: 'active', every: HOUR_MS, kind: 'tidy', payload: { deep: true } },
      ...{ catchUp: 'skip', overlap: 'skip', createdAt: START_AT, runs: 5 },
      ...{ nextAt: START_AT + 6 * HOUR_MS, lastRun: { outcome: 'done' } },
    });
  });

  test('asked for again as it is writes nothing; otherwise it is changed and keeps its history', async () => {
    const at = await place();
    const made = await at.work.schedule('tidy', hourly);
    expect(made).toMatchObject({ nextAt: START_AT + HOUR_MS, runs: 0 });
    await at.test.advance(HOUR_MS);
    const seq = async () => (await at.test.runtime.inspect.reader.record('schedule/tidy'))?.seq;
    const before = await seq();
    expect(await at.work.schedule('tidy', { ...hourly, catchUp: 'skip' })).toMatchObject({ runs: 1 });
    expect(await seq()).toBe(before);
    await at.test.advance(HOUR_MS / 2);
    const changed = await at.work.schedule('tidy', { cron: '0 9 * * *', kind: 'tidy', payload: 'all' });
    expect(changed).toMatchObject({ cron: '0 9 * * *', timezone: 'UTC', payload: 'all', runs: 1 });
    expect(changed.nextAt).toBe(START_AT + 9 * HOUR_MS);
    expect(changed).not.toHaveProperty('every');
    await workOff(at);
    await at.test.advance(8 * HOUR_MS);
    expect(await at.claim()).toMatchObject({ payload: 'all' });
    expect(await outcomes(at)).toEqual(['enqueued', 'done']);
  });

  test('whose payload alone is changed is due as it was', async () => {
    const at = await place();
    await at.work.schedule('tidy', hourly);
    await at.test.advance(HOUR_MS / 2);
    await at.work.schedule('tidy', { ...hourly, payload: 2 });
    await at.test.advance(HOUR_MS / 2);
    expect(await at.claim()).toMatchObject({ payload: 2, createdAt: START_AT + HOUR_MS });
  });

  test('is due at local hours, on the day that clocks go forward too', async () => {
    // Midnight UTC of 28 March 2026; in Berlin it is 09:00 at 08:00 UTC that day, at 07:00 UTC the next.
    const at = await placeOpened({ startAt: Date.parse('2026-03-28T00:00:00Z') });
    await at.work.schedule('tidy', { cron: '0 9 * * *', timezone: 'Europe/Berlin', kind: 'tidy' });
    const found: string[] = [];
    for (let days = 0; days < 2; days += 1) {
      await at.test.advance('24 h');
      const { createdAt, token } = await at.claim();
      found.push(new Date(createdAt).toISOString());
      await at.work.done(token);
    }
    expect(found).toEqual(['2026-03-28T08:00:00.000Z', '2026-03-29T07:00:00.000Z']);
  });

  test('is listed by name, page by page', async () => {
    const at = await place();
    for (const name of ['b', 'a', 'ä', 'c']) await at.work.schedule(name, { ...hourly, kind: `of-${name}` });
    const first = await at.work.schedules({ limit: 2 });
    const rest = await at.work.schedules({ limit: 2, cursor: first.cursor });
    expect([...first.items, ...rest.items].map(({ name }) => name)).toEqual(['a', 'b', 'c', 'ä']);
    for (const limit of [0, 1_001, NaN, 1.5, 'all' as never])
      await expect(at.work.schedules({ limit })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        details: { field: 'limit' },
      });
  });

  test('that is removed enqueues nothing more; another of its name begins anew', async () => {
    const at = await place();
    await at.work.schedule('tidy', hourly);
    await at.work.triggerSchedule('tidy');
    await at.test.settle();
    await at.test.crash();
    const removed = at.work.removeSchedule('tidy');
    await at.test.settle();
    await removed;
    await expect(at.work.scheduleView('tidy')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
    expect((await at.work.schedules()).items).toEqual([]);
    // In the very same millisecond, and its first run is another one.
    expect(await at.work.schedule('tidy', { ...hourly, overlap: 'allow' })).toMatchObject({ runs: 0 });
    await at.work.triggerSchedule('tidy');
    await at.test.settle();
    expect((await itemIds(at)).length).toBe(2);
    expect(await workOff(at)).toBe(2);
    expect(await outcomes(at)).toEqual(['done']);
  });
});

describe('what cannot be', () => {
  test.each([
    ['', hourly, 'name'],
    ['x'.repeat(201), hourly, 'name'],
    ['\u{1f431}'.repeat(100).repeat(2), hourly, 'name'],
    ['ₓ'.repeat(200), hourly, 'name'],
    ['tidy', { ...hourly, kind: '' }, 'kind'],
    ['tidy', { ...hourly, priority: 256 }, 'priority'],
    ['tidy', { ...hourly, attemptsMax: 0 }, 'attemptsMax'],
    ['tidy', { ...hourly, catchUp: 'all' as never }, 'catchUp'],
    ['tidy', { ...hourly, overlap: true as never }, 'overlap'],
    ['tidy', { ...hourly, timezome: 'UTC' } as never, ''],
    ['tidy', { ...hourly, payload: 'x'.repeat(300_000) }, 'payload'],
    ['tidy', { ...hourly, payload: new Map() }, 'payload'],
    ['tidy', { kind: 'tidy', cron: '0 0 30 2 *' }, 'cron'],
    ['tidy', { kind: 'tidy', cron: '@daily', timezone: 'Mars/Olympus' }, 'timezone'],
    ['tidy', { kind: 'tidy' }, 'cron'],
  ])('is refused at the door, and nothing is written: %#', async (name, options, field) => {
    const { work } = await place();
    const error = { code: 'INVALID_INPUT', details: { field } };
    await expect(work.schedule(name, options)).rejects.toMatchObject(error);
    expect((await work.schedules()).items).toEqual([]);
  });

  test('by its kind’s schema is refused; what the schema makes of a payload is enqueued', async () => {
    const schema = z.object({ page: z.coerce.number() });
    const at = await placeOpened({ work: { kinds: { tidy: { schema, priority: 3 } } } });
    const wrong = at.work.schedule('tidy', { ...hourly, payload: { page: 'one' } });
    await expect(wrong).rejects.toMatchObject({ code: 'INVALID_INPUT', details: { field: 'page' } });
    await at.work.schedule('tidy', { ...hourly, payload: { page: '1' } });
    await at.test.advance(HOUR_MS);
    expect(await at.claim()).toMatchObject({ payload: { page: 1 }, priority: 3 });
  });

  test('nothing can be asked of a schedule that is not there', async () => {
    const { work } = await place();
    const asked = [
      ...[work.scheduleView('nobody'), work.scheduleHistory('nobody'), work.pauseSchedule('nobody')],
      ...[work.resumeSchedule('nobody'), work.triggerSchedule('nobody'), work.removeSchedule('nobody')],
    ];
    for (const answer of await Promise.allSettled(asked))
      expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'ACTOR_NOT_FOUND' } });
    await expect(work.triggerSchedule('')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('a paused schedule', () => {
  test('is not due until it is resumed, and makes up for nothing', async () => {
    const at = await place();
    await at.work.schedule('tidy', { ...hourly, catchUp: 'once' });
    await at.work.pauseSchedule('tidy');
    expect(await at.work.scheduleView('tidy')).toMatchObject({ status: 'paused' });
    expect(await at.work.scheduleView('tidy')).not.toHaveProperty('nextAt');
    await at.test.advance(10.5 * HOUR_MS);
    await at.test.crash();
    await at.work.resumeSchedule('tidy');
    await at.test.settle();
    expect(await at.work.scheduleView('tidy')).toMatchObject({ nextAt: START_AT + 11 * HOUR_MS });
    expect(await itemIds(at)).toEqual([]);
    await at.test.advance(HOUR_MS / 2);
    expect(await outcomes(at)).toEqual(['enqueued']);
  });

  test('runs when it is triggered', async () => {
    const at = await place();
    await at.work.schedule('tidy', hourly);
    await at.work.pauseSchedule('tidy');
    await at.work.triggerSchedule('tidy');
    await at.test.settle();
    expect(await at.work.scheduleHistory('tidy')).toMatchObject([{ trigger: 'hand', outcome: 'enqueued' }]);
    expect(await at.work.scheduleView('tidy')).toMatchObject({ status: 'paused', runs: 1 });
  });
});

describe('while the item of the run before has not ended', () => {
  test('a run is left out, and the history says so', async () => {
    const at = await place();
    await at.work.schedule('tidy', hourly);
    await at.test.advance(3 * HOUR_MS);
    expect(await outcomes(at)).toEqual(['overlapped', 'overlapped', 'enqueued']);
    expect((await itemIds(at)).length).toBe(1);
    await workOff(at);
    await at.test.advance(HOUR_MS);
    expect(await outcomes(at)).toEqual(['enqueued', 'overlapped', 'overlapped', 'done']);
  });

  test('all are enqueued where that is allowed, however fast they come', async () => {
    const at = await place();
    await at.work.schedule('tidy', { ...hourly, overlap: 'allow' });
    await Promise.all(Array.from({ length: 20 }, () => at.work.triggerSchedule('tidy')));
    await at.test.settle();
    expect((await itemIds(at)).length).toBe(20);
    expect(await outcomes(at)).toEqual(Array(20).fill('enqueued'));
    expect(await workOff(at)).toBe(20);
    expect(await outcomes(at)).toEqual(Array(20).fill('done'));
  });

  test('of a burst of triggers each is enqueued or said to overlap', async () => {
    const at = await place();
    await at.work.schedule('tidy', hourly);
    await Promise.all(Array.from({ length: 30 }, () => at.work.triggerSchedule('tidy')));
    await at.test.settle();
    const told = await outcomes(at);
    expect(told.filter((outcome) => outcome === 'overlapped')).toHaveLength(29);
    expect(told.at(-1)).toBe('enqueued');
  });
});

describe('after a time in which nothing ran', () => {
  test.each([
    ['skip', 0, ['missed']],
    ['once', 1, ['enqueued']],
  ] as const)('%s: %i items for all that were due', async (catchUp, items, told) => {
    const before = await place();
    await before.work.schedule('tidy', { ...hourly, overlap: 'allow', catchUp });
    const at = await afterDowntime(before, 100.5 * HOUR_MS);
    expect((await itemIds(at)).length).toBe(items);
    expect(await outcomes(at)).toEqual(told);
    expect(await at.work.scheduleView('tidy')).toMatchObject({ nextAt: START_AT + 101 * HOUR_MS });
    await at.test.advance(HOUR_MS / 2);
    expect((await itemIds(at)).length).toBe(items + 1);
  });

  test('a run that is late by less than a minute runs', async () => {
    const before = await place();
    await before.work.schedule('tidy', hourly);
    const at = await afterDowntime(before, HOUR_MS + 59_000);
    expect(await at.work.scheduleHistory('tidy')).toMatchObject([
      { dueAt: START_AT + HOUR_MS, at: START_AT + HOUR_MS + 59_000, trigger: 'cadence', outcome: 'enqueued' },
    ]);
  });

  test('a clock that was set back enqueues nothing twice, and nothing before its time', async () => {
    const before = await place();
    await before.work.schedule('tidy', { ...hourly, overlap: 'allow' });
    await before.test.advance(2 * HOUR_MS);
    const at = await afterDowntime(before, -1.5 * HOUR_MS);
    await at.test.advance(2.4 * HOUR_MS);
    expect((await itemIds(at)).length).toBe(2);
    await at.test.advance(0.1 * HOUR_MS);
    expect((await itemIds(at)).length).toBe(3);
  });
});

test('a clock that is set forward while it runs makes what was due then missed', async () => {
  const { clock, runtime } = await movableOpened();
  const made = await runtime.work.schedule('tidy', hourly);
  clock.jump(10.5 * HOUR_MS);
  // It is looked at every minute whether the clock was set.
  await clock.advance(120_000);
  expect(await runtime.work.scheduleHistory('tidy')).toMatchObject([
    { dueAt: made.nextAt, outcome: 'missed' },
  ]);
  expect((await runtime.work.list()).items).toEqual([]);
  expect((await runtime.work.scheduleView('tidy')).nextAt).toBe(made.createdAt + 11 * HOUR_MS);
});

describe('whatever commit the process dies at', () => {
  /** A run comes, is worked off and noted, with a death at the `nth` commit of that, if there is one. */
  async function lived(moment: 'before' | 'after', nth: number): Promise<boolean> {
    const dying = createDyingDisk();
    const runtime = await createTestRuntime({
      disk: dying.disk,
      define: ({ work }) => void work.handle('tidy', () => 'tidied'),
    });
    onTestFinished(() => runtime.close());
    await runtime.runtime.work.schedule('tidy', { ...hourly, overlap: 'allow' });
    await runtime.advance(HOUR_MS - 1);
    dying.dieAt(moment, nth);
    await runtime.advance(1).catch((error: unknown) => expect(String(error)).toContain('failed'));
    if (dying.hasDied()) await runtime.crash();
    // The rest that an item gets whose worker died, and no further run.
    await runtime.advance('10 min');
    const { items } = await runtime.runtime.work.list();
    const label = `${moment} commit ${nth}`;
    expect(items, label).toMatchObject([{ status: 'done', kind: 'tidy' }]);
    const [item] = items;
    expect(await runtime.runtime.work.scheduleHistory('tidy'), label).toMatchObject([
      { outcome: 'done', workId: item?.id, dueAt: START_AT + HOUR_MS, trigger: 'cadence' },
    ]);
    return dying.hasDied();
  }

  test.each(['before', 'after'] as const)('%s it is written, a run is enqueued once', async (moment) => {
    let deaths = 0;
    while (deaths < 40 && (await lived(moment, deaths + 1))) deaths += 1;
    expect(deaths).toBeGreaterThan(4);
    expect(deaths).toBeLessThan(40);
  });
});
