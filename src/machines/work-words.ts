/**
 * The words of work items and schedules: what goes into their charts, what they hear, what they remember.
 *
 * Owns: types only. Callers: work-item.ts, schedule.ts and their rules, the work façade.
 * Invariants: everything here is plain JSON; a payload and a result are rows beside the context.
 */
import type { EffectError } from './reserved.js';

/** `scheduled`: its `runAt` is still to come, or it rests after a failure. */
export type WorkStatus = 'scheduled' | 'ready' | 'running' | WorkEnd;
export type WorkEnd = 'done' | 'failed' | 'cancelled';

export interface WorkItemInput {
  readonly workId: string;
  /** The handler's name. */
  readonly kind: string;
  /**
   * For who asks for an item in a step: its payload, which becomes a row. The façade gives the row itself.
   */
  readonly payload?: unknown;
  /** 0 first, to 255; default 128. */
  readonly priority?: number;
  /** Epoch ms; not claimable before. Default: at once. */
  readonly runAt?: number;
  /** Failures and lost claims before it is a dead letter; default 5. */
  readonly attemptsMax?: number;
  /** Held while the item has not ended: one of its kind alone has it. */
  readonly dedupeKey?: string;
  /** `kind/id` of the actor that is told how it ended, as `work.settled`. */
  readonly notify?: string;
  /** How long it stays after it is done or cancelled; ms, default 24 h. */
  readonly retentionMs?: number;
}

/** Who works on an item. */
export interface WorkClaim {
  readonly token: string;
  readonly workerId: string;
  readonly claimedAt: number;
  /** The claim is lost when this has passed. */
  readonly expiresAt: number;
  readonly ttlMs: number;
  /** The generation of the process that works on it; absent: it may work elsewhere, and outlive ours. */
  readonly epoch?: number;
}

export type ClaimEnding = 'done' | 'failed' | 'requeued';

export interface WorkError {
  /** As thrown: an error's `code`, else its name. */
  readonly code: string;
  readonly message: string;
}

export interface WorkItemContext {
  readonly input: Omit<WorkItemInput, 'payload'>;
  readonly priority: number;
  readonly attemptsMax: number;
  readonly createdAt: number;
  /** When it became, or becomes, claimable. */
  readonly runAt: number;
  /** Failures and lost claims since it was enqueued or retried. */
  readonly attempts: number;
  readonly lastError?: WorkError | undefined;
  readonly claim?: WorkClaim | undefined;
  /** The claim that was ended by its holder last: saying so again changes nothing. */
  readonly ended?: { readonly token: string; readonly as: ClaimEnding } | undefined;
  /** Tokens of claims that were taken away, the newest last. */
  readonly lost: readonly string[];
  readonly endedAt?: number | undefined;
  /** True when its `result` row is there. */
  readonly hasResult?: boolean | undefined;
}

export type WorkItemEvent =
  | {
      readonly type: 'work.claim';
      readonly token: string;
      readonly workerId: string;
      readonly ttlMs: number;
      readonly epoch?: number;
    }
  /** Default: the time to live that was claimed with. */
  | { readonly type: 'work.heartbeat'; readonly token: string; readonly ttlMs?: number }
  /** Its result, where there is one, is a row that comes with the event. */
  | { readonly type: 'work.done'; readonly token: string; readonly hasResult: boolean }
  | {
      readonly type: 'work.fail';
      readonly token: string;
      readonly error: WorkError;
      /** False: no further attempt. */
      readonly retry: boolean;
      /** Instead of the back-off; ms. */
      readonly retryInMs?: number;
    }
  | { readonly type: 'work.requeue'; readonly token: string }
  /** Takes the claim away if it has expired by `now`, in epoch ms. */
  | { readonly type: 'work.reclaim'; readonly now: number }
  | { readonly type: 'generation.began'; readonly epoch: number }
  | { readonly type: 'work.retry' }
  | { readonly type: 'work.cancel' };

/** What the actor named by `notify` is told. */
export interface WorkSettled {
  readonly type: 'work.settled';
  readonly workId: string;
  readonly kind: string;
  readonly status: WorkEnd;
  readonly at: number;
  readonly error?: WorkError;
}

/** Emitted for logs and alerts when an item becomes a dead letter. */
export interface WorkNotice {
  readonly type: 'work.failed';
  readonly workId: string;
  readonly kind: string;
  readonly attempts: number;
  readonly code: string;
  readonly message: string;
}

/** When a schedule is due: by a cron text, or every so many milliseconds. */
export type Cadence =
  | { readonly cron: string; /** IANA name; default UTC. */ readonly timezone: string }
  | { readonly everyMs: number };

/** What its runs do, and when. Their payload is the row `payload` beside the schedule. */
export interface ScheduleInput {
  readonly name: string;
  readonly cadence: Cadence;
  readonly kind: string;
  readonly priority?: number;
  readonly attemptsMax?: number;
  /** What becomes of a run that was missed while nothing ran. */
  readonly catchUp: 'skip' | 'once';
  /** While the run before has not ended: `skip` leaves this one out, `allow` enqueues it all the same. */
  readonly overlap: 'skip' | 'allow';
}

export interface NewSchedule extends ScheduleInput {
  /** Of this schedule alone: a later one of the same name has another. Default: when it was made. */
  readonly origin?: string;
}

export interface ScheduleRun {
  /** When it was due; epoch ms. */
  readonly dueAt: number;
  readonly at: number;
  readonly trigger: 'cadence' | 'catchUp' | 'hand';
  /**
   * `enqueued`, then how its item ended; `missed`: nothing ran when it was due; `overlapped`: the run before
   * had not ended.
   */
  readonly outcome: 'enqueued' | 'missed' | 'overlapped' | 'refused' | WorkEnd;
  readonly workId?: string;
  readonly error?: WorkError;
}

/** A run that is to be enqueued. */
export interface DueRun extends Pick<ScheduleRun, 'dueAt' | 'trigger'> {
  /** Its number, used once: the item's id is made of it. */
  readonly run: number;
}

export interface ScheduleContext {
  readonly input: ScheduleInput;
  readonly origin: string;
  readonly createdAt: number;
  /** What `everyMs` counts from: when it was made, or its cadence changed. */
  readonly anchor: number;
  /** Absent while it is planned, or paused. */
  readonly nextAt?: number | undefined;
  /** Runs that were to be enqueued, in all. */
  readonly runs: number;
  /** Those that wait to be enqueued; the first of them is under way. */
  readonly due: readonly DueRun[];
  /** Items that ended before it was known that they are ours. */
  readonly early: readonly Pick<WorkSettled, 'workId' | 'status' | 'error'>[];
  /** The last fifty, the newest last. */
  readonly history: readonly ScheduleRun[];
  readonly error?: WorkError | undefined;
}

export interface PlanInput {
  readonly cadence: Cadence;
  /** The next due time after this; epoch ms. */
  readonly after: number;
  /** What `everyMs` counts from; epoch ms. */
  readonly anchor: number;
}

export type PlanAnswer = { readonly type: 'next'; readonly at: number } | { readonly type: 'never' };

export interface EnqueueRunInput {
  readonly schedule: ScheduleInput;
  /** Of the schedule, and the number of the run: the item's id is made of them, once. */
  readonly origin: string;
  readonly run: number;
}

export type EnqueueRunAnswer =
  | { readonly type: 'enqueued'; readonly workId: string }
  | { readonly type: 'overlapped'; readonly workId: string }
  | { readonly type: 'refused'; readonly error: WorkError };

export type ScheduleEvent =
  /** Another cadence, payload or policy under the same name. */
  | { readonly type: 'schedule.change'; readonly input: ScheduleInput }
  | { readonly type: 'schedule.pause' }
  | { readonly type: 'schedule.resume' }
  /** One run now, whatever the cadence, and whether or not it is paused. */
  | { readonly type: 'schedule.trigger' }
  | { readonly type: 'schedule.remove' }
  /** Of the chart itself: a run is due. */
  | (Pick<ScheduleRun, 'dueAt' | 'at' | 'trigger'> & { readonly type: 'schedule.due' })
  | WorkSettled
  | { readonly type: 'xstate.done.actor.plan'; readonly output: PlanAnswer }
  | { readonly type: 'xstate.done.actor.enqueue'; readonly output: EnqueueRunAnswer }
  | { readonly type: `xstate.error.actor.${'plan' | 'enqueue'}`; readonly error: EffectError };
