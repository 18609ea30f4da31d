/**
 * The rules of schedules: when a run was missed, and what is remembered of the last ones.
 *
 * Owns: nothing; pure. Callers: schedule.ts. Invariants:
 *  R1  A run is late, and not missed, for a minute.
 *  R2  The history is bounded; the number of a run is used once.
 */
import { envelopeOf } from './envelope.js';
import type {
  EnqueueRunInput,
  PlanInput,
  ScheduleContext,
  ScheduleEvent,
  ScheduleInput,
  ScheduleRun,
} from './work-words.js';

export const scheduleRules = { historyMax: 50, lateMs: 60_000 } as const;

type Change = Partial<ScheduleContext>;

export function startSchedule(input: ScheduleInput): ScheduleContext {
  const { at } = envelopeOf({ input });
  return { input: { ...input }, createdAt: at, anchor: at, runs: 0, history: [] };
}

export function changed({ input, anchor }: ScheduleContext, event: ScheduleEvent): Change {
  if (event.type !== 'schedule.change') return {};
  const isSame = JSON.stringify(event.input.cadence) === JSON.stringify(input.cadence);
  return {
    input: event.input,
    anchor: isSame ? anchor : envelopeOf(event).at,
    nextAt: undefined,
    error: undefined,
  };
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

export function begun(
  context: ScheduleContext,
  event: ScheduleEvent,
  trigger: ScheduleRun['trigger'],
): Change {
  const { at } = envelopeOf(event);
  const dueAt = trigger === 'hand' ? at : (context.nextAt ?? at);
  return { run: { dueAt, trigger }, runs: context.runs + 1 };
}

export function runOf({ input, createdAt, runs }: ScheduleContext): EnqueueRunInput {
  return { schedule: input, createdAt, run: runs };
}

export function missed(context: ScheduleContext, event: ScheduleEvent): Change {
  const { at } = envelopeOf(event);
  return remembered(context, { dueAt: context.nextAt ?? at, at, trigger: 'cadence', outcome: 'missed' });
}

/** What became of the run that was being enqueued. */
export function ran(context: ScheduleContext, event: ScheduleEvent): Change {
  const { at } = envelopeOf(event);
  const run = { dueAt: at, trigger: 'cadence' as const, ...context.run, at };
  if (event.type === 'xstate.error.actor.enqueue') {
    const { name, message, code = name } = event.error;
    return remembered(context, { ...run, outcome: 'refused', error: { code, message } });
  }
  if (event.type !== 'xstate.done.actor.enqueue') return {};
  const { type: outcome, ...rest } = event.output;
  return remembered(context, { ...run, outcome, ...rest });
}

/** How an item ended that a run had enqueued. */
export function settled({ history }: ScheduleContext, event: ScheduleEvent): Change {
  if (event.type !== 'work.settled') return {};
  const { workId, status, error } = event;
  const why = error === undefined ? {} : { error };
  return {
    history: history.map((run) =>
      run.workId === workId && run.outcome === 'enqueued' ? { ...run, outcome: status, ...why } : run,
    ),
  };
}

export function faultIn(event: ScheduleEvent): Change {
  if (event.type !== 'xstate.error.actor.plan') return {};
  const { name, message, code = name } = event.error;
  return { error: { code, message }, nextAt: undefined };
}

function remembered({ history }: ScheduleContext, run: ScheduleRun): Change {
  return { history: [...history, run].slice(-scheduleRules.historyMax) };
}
