/**
 * The rules of schedules: when a run was missed, and what is remembered of the last ones.
 *
 * Owns: nothing; pure. Callers: schedule.ts. Invariants:
 *  R1  A run is late, and not missed, for a minute.
 *  R2  The history is bounded; the number of a run is used once.
 *  R3  A run that is due is enqueued, or the history says why it was not.
 */
import { envelopeOf } from './envelope.js';
import type {
  DueRun,
  EnqueueRunInput,
  NewSchedule,
  PlanInput,
  ScheduleContext,
  ScheduleEvent,
  ScheduleRun,
} from './work-words.js';

/** `dueMax`: runs that wait to be enqueued; `earlyMax`: items that ended before their run was noted. */
export const scheduleRules = { historyMax: 50, lateMs: 60_000, dueMax: 50, earlyMax: 50 } as const;

type Change = Partial<ScheduleContext>;

export function startSchedule(given: NewSchedule): ScheduleContext {
  const { origin, ...input } = given;
  const { at } = envelopeOf({ input: given });
  return {
    ...{ input, origin: origin ?? String(at), createdAt: at, anchor: at },
    ...{ runs: 0, due: [], early: [], history: [] },
  };
}

export function isSameCadence({ input }: ScheduleContext, event: ScheduleEvent): boolean {
  if (event.type !== 'schedule.change') return false;
  return JSON.stringify(event.input.cadence) === JSON.stringify(input.cadence);
}

/** Another cadence counts from now. */
export function changed(context: ScheduleContext, event: ScheduleEvent): Change {
  if (event.type !== 'schedule.change') return {};
  const { input } = event;
  if (isSameCadence(context, event)) return { input };
  return { input, anchor: envelopeOf(event).at, nextAt: undefined, error: undefined };
}

/** The next time is asked for after the last one, or after now where that is later. */
export function planOf({ input, anchor, nextAt }: ScheduleContext, event: ScheduleEvent): PlanInput {
  const { at } = envelopeOf(event);
  return { cadence: input.cadence, after: Math.max(at, nextAt ?? at), anchor };
}

export function planned(event: ScheduleEvent): Change {
  const isNext = event.type === 'xstate.done.actor.plan' && event.output.type === 'next';
  return isNext ? { nextAt: event.output.at, error: undefined } : {};
}

export function msUntilDue({ nextAt }: ScheduleContext, event: ScheduleEvent): number {
  const { at } = envelopeOf(event);
  return Math.max(0, (nextAt ?? at) - at);
}

/** R1. */
export function isMissed({ nextAt }: ScheduleContext, event: ScheduleEvent): boolean {
  const { at } = envelopeOf(event);
  return at - (nextAt ?? at) > scheduleRules.lateMs;
}

/** What the cadence tells of itself when its time has come. */
export function dueEvent(
  { nextAt }: ScheduleContext,
  event: ScheduleEvent,
  trigger: ScheduleRun['trigger'],
): Extract<ScheduleEvent, { type: 'schedule.due' }> {
  const { at } = envelopeOf(event);
  return { type: 'schedule.due', dueAt: nextAt ?? at, at, trigger };
}

function askedBy(event: ScheduleEvent): Pick<ScheduleRun, 'dueAt' | 'at' | 'trigger'> {
  if (event.type === 'schedule.due') {
    const { dueAt, at, trigger } = event;
    return { dueAt, at, trigger };
  }
  const { at } = envelopeOf(event);
  return { dueAt: at, at, trigger: 'hand' };
}

/** One more that is to be enqueued. */
export function joined({ runs, due }: ScheduleContext, event: ScheduleEvent): Change {
  const { dueAt, trigger } = askedBy(event);
  const joining: DueRun = { dueAt, trigger, run: runs + 1 };
  return { due: [...due, joining], runs: runs + 1 };
}

export function hasRoom({ due }: ScheduleContext): boolean {
  return due.length < scheduleRules.dueMax;
}

/** There is no room for it: those before it have not even become items. */
export function leftOut(context: ScheduleContext, event: ScheduleEvent): Change {
  return remembered(context, { ...askedBy(event), outcome: 'overlapped' });
}

export function runOf({ input, origin, due, runs }: ScheduleContext): EnqueueRunInput {
  return { schedule: input, origin, run: due[0]?.run ?? runs };
}

export function missed(context: ScheduleContext, event: ScheduleEvent): Change {
  const { at } = envelopeOf(event);
  return remembered(context, { dueAt: context.nextAt ?? at, at, trigger: 'cadence', outcome: 'missed' });
}

/** What became of the run that was being enqueued. */
export function ran(context: ScheduleContext, event: ScheduleEvent): Change {
  const { at } = envelopeOf(event);
  const [{ dueAt, trigger } = { dueAt: at, trigger: 'cadence' as const }, ...due] = context.due;
  const fate = fateIn(context, event);
  const early = due.length === 0 ? [] : context.early.filter(({ workId }) => workId !== fate.workId);
  return { ...remembered(context, { dueAt, at, trigger, ...fate }), due, early };
}

function fateIn(
  { early }: ScheduleContext,
  event: ScheduleEvent,
): Pick<ScheduleRun, 'outcome' | 'workId' | 'error'> {
  if (event.type === 'xstate.error.actor.enqueue') return { outcome: 'refused', error: errorOf(event) };
  if (event.type !== 'xstate.done.actor.enqueue') return { outcome: 'refused' };
  const { type: outcome, ...rest } = event.output;
  const ended = 'workId' in rest ? early.find(({ workId }) => workId === rest.workId) : undefined;
  if (outcome !== 'enqueued' || ended === undefined) return { outcome, ...rest };
  const { status, workId, error } = ended;
  return { outcome: status, workId, ...(error === undefined ? {} : { error }) };
}

/** How an item ended that a run has enqueued, or is just about to have. */
export function settled({ history, due, early }: ScheduleContext, event: ScheduleEvent): Change {
  if (event.type !== 'work.settled') return {};
  const { workId, status, error } = event;
  const why = error === undefined ? {} : { error };
  // An item may end more than once: a dead letter is retried, and done.
  const isOurs = (run: ScheduleRun): boolean => run.workId === workId && run.outcome !== 'overlapped';
  if (history.some(isOurs)) {
    const ended = (run: ScheduleRun): ScheduleRun => ({ ...runWithoutError(run), outcome: status, ...why });
    return { history: history.map((run) => (isOurs(run) ? ended(run) : run)) };
  }
  if (due.length === 0) return {};
  return { early: [...early, { workId, status, ...why }].slice(-scheduleRules.earlyMax) };
}

function runWithoutError({ error: _error, ...run }: ScheduleRun): ScheduleRun {
  return run;
}

export function faultIn(event: ScheduleEvent): Change {
  if (event.type !== 'xstate.error.actor.plan') return {};
  return { error: errorOf(event), nextAt: undefined };
}

function errorOf({
  error: { name, message, code = name },
}: Extract<ScheduleEvent, { readonly error: { readonly name: string } }>): NonNullable<ScheduleRun['error']> {
  return { code, message };
}

function remembered({ history }: ScheduleContext, run: ScheduleRun): Pick<ScheduleContext, 'history'> {
  return { history: [...history, run].slice(-scheduleRules.historyMax) };
}
