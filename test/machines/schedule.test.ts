/** The schedule chart, walked by hand: when a run is due, and what becomes of it. */
import { describe, expect, it } from 'vitest';
import { scheduleMachine, scheduleRules } from '../../src/machines/index.js';
import type { NewSchedule, ScheduleContext, ScheduleInput } from '../../src/machines/index.js';
import { answer, drive, START_AT, thrown, throughDisk, type Driver } from './drive.js';

type Schedule = Driver<ReturnType<(typeof scheduleMachine)['getInitialSnapshot']>>;

const HOUR_MS = 3_600_000;
const hourly: ScheduleInput = {
  ...{ name: 'tidy', cadence: { everyMs: HOUR_MS }, kind: 'tidy_up' },
  ...{ catchUp: 'skip', overlap: 'skip' },
};

/** Planned for `nextAt`. */
function scheduled(more: Partial<NewSchedule> = {}, nextAt = START_AT + HOUR_MS): Schedule {
  const schedule = drive(scheduleMachine, { ...hourly, origin: 'first', ...more });
  schedule.send(next(nextAt));
  return schedule;
}

const next = (at: number) => answer('plan', { type: 'next', at });
const never = answer('plan', { type: 'never' });
const enqueued = (workId: string) => answer('enqueue', { type: 'enqueued', workId });
const overlapped = (workId: string) => answer('enqueue', { type: 'overlapped', workId });
const byHand = { type: 'schedule.trigger' };
const ended = (workId: string, status: string, more: object = {}) => ({
  ...{ type: 'work.settled', workId, kind: 'tidy_up', status, at: START_AT },
  ...more,
});

const contextOf = (schedule: Schedule) => schedule.now().snapshot.context as ScheduleContext;
const historyOf = (schedule: Schedule) => contextOf(schedule).history;
const stateOf = (schedule: Schedule) => {
  const { value } = schedule.now().snapshot;
  return typeof value === 'string' ? value : Object.values(value.active ?? {}).join(' ');
};
/** What the effect was asked with last. */
const askedOf = (schedule: Schedule, effect: string): unknown =>
  Reflect.get(Object(schedule.now().snapshot.children[effect]?.getSnapshot()), 'input');

/** Fires the timer so much after it was due. */
function fireLate(schedule: Schedule, lateMs: number): void {
  const [dueMs] = Object.values(schedule.timers());
  const type = 'xstate.after.due.schedule.active.cadence.waiting';
  schedule.send({ type }, { afterMs: (dueMs ?? NaN) + lateMs });
}

describe('the cadence', () => {
  it('is planned after now, and waited for', () => {
    const schedule = drive(scheduleMachine, { ...hourly, origin: 'first' });
    expect(stateOf(schedule)).toBe('planning idle');
    expect(askedOf(schedule, 'plan')).toEqual({
      cadence: hourly.cadence,
      after: START_AT,
      anchor: START_AT,
    });
    schedule.send(next(START_AT + HOUR_MS));
    expect([stateOf(schedule), schedule.timers()]).toEqual(['waiting idle', { due: HOUR_MS }]);
    expect(contextOf(schedule).nextAt).toBe(START_AT + HOUR_MS);
  });

  it('asks for a run when it is due, and plans the next at once', () => {
    const schedule = scheduled();
    schedule.fire('due');
    expect(stateOf(schedule)).toBe('planning enqueueing');
    expect(askedOf(schedule, 'enqueue')).toEqual({ schedule: hourly, origin: 'first', run: 1 });
    expect(askedOf(schedule, 'plan')).toMatchObject({ after: START_AT + HOUR_MS });
    schedule.send(next(START_AT + 2 * HOUR_MS));
    schedule.send(enqueued('work_1'));
    expect(stateOf(schedule)).toBe('waiting idle');
    const at = START_AT + HOUR_MS;
    expect(historyOf(schedule)).toEqual([
      { dueAt: at, at, trigger: 'cadence', outcome: 'enqueued', workId: 'work_1' },
    ]);
  });

  it('takes a run that is less than a minute late for late, and no more', () => {
    const schedule = scheduled();
    fireLate(schedule, scheduleRules.lateMs);
    expect(stateOf(schedule)).toBe('planning enqueueing');
    schedule.send(enqueued('work_1'));
    expect(historyOf(schedule)).toMatchObject([{ dueAt: START_AT + HOUR_MS, trigger: 'cadence' }]);
  });

  it.each([
    ['skip', 'planning idle', [{ outcome: 'missed', trigger: 'cadence' }]],
    ['once', 'planning enqueueing', []],
  ] as const)('was missed for longer: %s', (catchUp, state, history) => {
    const schedule = scheduled({ catchUp });
    fireLate(schedule, 100 * HOUR_MS);
    expect(stateOf(schedule)).toBe(state);
    expect(historyOf(schedule)).toMatchObject(history);
    // Of the hundred that were missed none is planned again.
    expect(askedOf(schedule, 'plan')).toMatchObject({ after: START_AT + 101 * HOUR_MS });
    schedule.send(enqueued('work_1'));
    const last = { dueAt: START_AT + HOUR_MS, at: START_AT + 101 * HOUR_MS };
    const caughtUp = { ...last, trigger: 'catchUp', outcome: 'enqueued' };
    expect(historyOf(schedule)).toMatchObject(
      catchUp === 'once' ? [caughtUp] : [{ ...last, outcome: 'missed' }],
    );
  });

  it('is over when there is no further time, until it is given another', () => {
    const schedule = drive(scheduleMachine, hourly);
    schedule.send(never);
    expect([stateOf(schedule), schedule.timers()]).toEqual(['over idle', {}]);
    schedule.send({ type: 'schedule.change', input: { ...hourly, cadence: { everyMs: 1_000 } } });
    expect(stateOf(schedule)).toBe('planning idle');
  });

  it('that cannot be planned pauses, and says why until it can', () => {
    const schedule = drive(scheduleMachine, hourly);
    schedule.send(thrown('plan', 'no such zone', 'INVALID_INPUT'));
    expect(stateOf(schedule)).toBe('paused idle');
    expect(contextOf(schedule).error).toEqual({ code: 'INVALID_INPUT', message: 'no such zone' });
    schedule.send({ type: 'schedule.resume' });
    schedule.send(next(START_AT + 1));
    expect([stateOf(schedule), contextOf(schedule).error]).toEqual(['waiting idle', undefined]);
  });

  it('that is changed counts from then on; the history stays', () => {
    const schedule = scheduled();
    schedule.fire('due');
    schedule.send(enqueued('work_1'));
    const input = { ...hourly, cadence: { everyMs: 1_000 } };
    schedule.send({ type: 'schedule.change', input }, { afterMs: 5 });
    const at = START_AT + HOUR_MS + 5;
    expect(askedOf(schedule, 'plan')).toEqual({ cadence: input.cadence, after: at, anchor: at });
    expect([contextOf(schedule).input, historyOf(schedule).length]).toEqual([input, 1]);
  });

  it('stays as it is where something else is changed, and so does what is due', () => {
    const schedule = scheduled();
    schedule.send({ type: 'schedule.change', input: { ...hourly, priority: 0 } });
    expect([stateOf(schedule), schedule.timers()]).toEqual(['waiting idle', { due: HOUR_MS }]);
    fireLate(schedule, 0);
    expect(askedOf(schedule, 'enqueue')).toMatchObject({ schedule: { priority: 0 } });
  });
});

describe('a paused schedule', () => {
  it('waits for nothing, and is planned from when it is resumed', () => {
    const schedule = scheduled();
    schedule.send({ type: 'schedule.pause' });
    expect([stateOf(schedule), schedule.timers()]).toEqual(['paused idle', {}]);
    expect(contextOf(schedule).nextAt).toBeUndefined();
    schedule.send({ type: 'schedule.resume' }, { afterMs: 50 * HOUR_MS });
    expect(askedOf(schedule, 'plan')).toMatchObject({ after: START_AT + 50 * HOUR_MS, anchor: START_AT });
  });

  it('may be changed, and stays paused', () => {
    const schedule = scheduled();
    schedule.send({ type: 'schedule.pause' });
    schedule.send({ type: 'schedule.change', input: { ...hourly, cadence: { everyMs: 1_000 } } });
    expect([stateOf(schedule), schedule.timers()]).toEqual(['paused idle', {}]);
    expect(contextOf(schedule).input.cadence).toEqual({ everyMs: 1_000 });
  });

  it('runs by hand all the same', () => {
    const schedule = scheduled();
    schedule.send({ type: 'schedule.pause' });
    schedule.send(byHand, { afterMs: 3 });
    expect(stateOf(schedule)).toBe('paused enqueueing');
    schedule.send(enqueued('work_1'));
    const at = START_AT + 3;
    expect(historyOf(schedule)).toMatchObject([{ dueAt: at, trigger: 'hand', outcome: 'enqueued' }]);
  });
});

describe('runs that come together', () => {
  it('are enqueued one after the other, each under its own number', () => {
    const schedule = scheduled();
    schedule.send(byHand);
    fireLate(schedule, 0);
    schedule.send(byHand);
    const asked: unknown[] = [];
    for (const workId of ['work_1', 'work_2', 'work_3']) {
      asked.push(Reflect.get(Object(askedOf(schedule, 'enqueue')), 'run'));
      schedule.send(workId === 'work_2' ? overlapped('work_1') : enqueued(workId));
    }
    expect([asked, stateOf(schedule)]).toEqual([[1, 2, 3], 'planning idle']);
    expect(historyOf(schedule)).toMatchObject([
      { trigger: 'hand', outcome: 'enqueued', workId: 'work_1' },
      { trigger: 'cadence', outcome: 'overlapped', workId: 'work_1', dueAt: START_AT + HOUR_MS },
      { trigger: 'hand', outcome: 'enqueued', workId: 'work_3' },
    ]);
    expect(contextOf(schedule)).toMatchObject({ runs: 3, due: [] });
  });

  it('are enqueued or said to overlap, however many there are', () => {
    const schedule = scheduled();
    const triggers = scheduleRules.dueMax + 7;
    for (let sent = 0; sent < triggers; sent += 1) schedule.send(byHand);
    expect(historyOf(schedule).filter(({ outcome }) => outcome === 'overlapped')).toHaveLength(7);
    let taken = 0;
    while (stateOf(schedule).endsWith('enqueueing') && taken < triggers) {
      taken += 1;
      schedule.send(enqueued(`work_${taken}`));
    }
    expect([taken, contextOf(schedule).runs]).toEqual([scheduleRules.dueMax, scheduleRules.dueMax]);
    expect(historyOf(schedule)).toHaveLength(scheduleRules.historyMax);
  });

  it('survive a trip to disk', () => {
    const schedule = scheduled();
    schedule.send(byHand);
    schedule.send(byHand);
    const { snapshot } = schedule.now();
    expect(throughDisk(scheduleMachine, snapshot).context).toEqual(snapshot.context);
  });

  it('do not keep those that come after one that was refused', () => {
    const schedule = scheduled();
    schedule.send(byHand);
    schedule.send(byHand);
    schedule.send(thrown('enqueue', 'too late', 'EFFECT_TIMEOUT'));
    schedule.send(answer('enqueue', { type: 'refused', error: { code: 'INVALID_INPUT', message: 'no' } }));
    expect(historyOf(schedule)).toMatchObject([
      { outcome: 'refused', error: { code: 'EFFECT_TIMEOUT', message: 'too late' } },
      { outcome: 'refused', error: { code: 'INVALID_INPUT', message: 'no' } },
    ]);
    expect(stateOf(schedule)).toBe('waiting idle');
  });
});

describe('the end of an item', () => {
  it('becomes the outcome of its run, and a later end that of the earlier', () => {
    const schedule = scheduled();
    schedule.send(byHand);
    schedule.send(enqueued('work_1'));
    const error = { code: 'busy', message: 'the index is busy' };
    schedule.send(ended('work_1', 'failed', { error }));
    expect(historyOf(schedule)).toMatchObject([{ outcome: 'failed', error, trigger: 'hand' }]);
    schedule.send(ended('work_1', 'done'));
    expect(historyOf(schedule)).toMatchObject([{ outcome: 'done' }]);
    expect(historyOf(schedule)[0]).not.toHaveProperty('error');
  });

  it('is not lost when it comes before the run is known to be enqueued', () => {
    const schedule = scheduled();
    schedule.send(byHand);
    schedule.send(byHand);
    schedule.send(ended('work_1', 'done'));
    schedule.send(enqueued('work_1'));
    expect(historyOf(schedule)).toMatchObject([{ outcome: 'done', workId: 'work_1' }]);
    schedule.send(overlapped('work_9'));
    expect(contextOf(schedule)).toMatchObject({ early: [], due: [] });
  });

  it('that is not ours changes nothing', () => {
    const schedule = scheduled();
    schedule.send(byHand);
    schedule.send(overlapped('work_0'));
    const before = contextOf(schedule);
    schedule.send(ended('work_0', 'done'));
    schedule.send(ended('work_7', 'failed'));
    expect(contextOf(schedule)).toEqual(before);
  });
});

it('is over for good once it is removed, whatever it was at', () => {
  const busy = scheduled();
  busy.send(byHand);
  for (const schedule of [scheduled(), busy]) {
    schedule.send({ type: 'schedule.remove' });
    expect([stateOf(schedule), schedule.now().snapshot.status, schedule.timers()]).toEqual([
      'removed',
      'done',
      {},
    ]);
  }
});
