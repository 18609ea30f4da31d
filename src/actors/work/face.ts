/**
 * The words of the work façade: what callers, workers and the doors see of work items and schedules.
 *
 * Types. Callers: the façade's own files, the doors, users. Invariant: everything a caller is shown is plain
 * JSON; times are epoch milliseconds.
 */
import type { Json } from '../../json.js';
import type { ScheduleRun, WorkClaim, WorkError, WorkStatus } from '../../machines/index.js';
import type { Page, PageOptions } from '../kernel/index.js';
import type { OperatorOptions } from '../operator.js';
import type { StandardSchema } from '../schema.js';

/** What is known of a kind of work when the runtime is opened (`work.kinds`). */
export interface WorkKind {
  /** What a payload must be; what the schema makes of it is what is kept. */
  readonly schema?: StandardSchema;
  /**
   * Makes the dedupe key of an item that is enqueued without one, of what the schema has made of its payload:
   * 1 to 300 characters; undefined: it has none.
   */
  readonly dedupeKey?: (payload: never) => string | undefined;
  /** 0 first, to 255; default 128. */
  readonly priority?: number;
  /** 1 to 1,000; default 5. */
  readonly attemptsMax?: number;
  /**
   * How long an item stays after it is done or cancelled; ms, 0 or more, default 24 h. A dead letter: 30
   * days.
   */
  readonly retentionMs?: number;
}

/** What a runtime knows of work (`work`). */
export interface WorkOptions {
  /** By name; a kind that is not named here takes any JSON. */
  readonly kinds?: Readonly<Record<string, WorkKind>>;
  /**
   * With it, `runtime.fetch` serves `/v1/work` to workers elsewhere that send it as a bearer token: 32
   * characters or more. Default: workers come by the control socket alone.
   */
  readonly token?: string;
}

export interface EnqueueOptions {
  /** 0 first, to 255; default the kind's, or 128. */
  readonly priority?: number;
  /** Not claimable before; epoch ms, or a Date. Default: at once. */
  readonly runAt?: number | Date;
  /**
   * While an item of this kind with this key has not ended, enqueueing returns it and writes nothing. 1 to
   * 300 characters; default the kind's, or none.
   */
  readonly dedupeKey?: string;
  /** Failures and lost claims before it is a dead letter; 1 to 1,000, default the kind's, or 5. */
  readonly attemptsMax?: number;
  /** `kind/id` of an actor that gets `work.settled` when the item ends. */
  readonly notify?: string;
}

export interface NewWork extends EnqueueOptions {
  /** The name of its handlers; 1 to 200 characters. */
  readonly kind: string;
  /** JSON of 256 KiB at most; default null. */
  readonly payload?: unknown;
}

export interface EnqueuedWork {
  readonly id: string;
  /** True when an item that holds the key was there already. */
  readonly deduplicated: boolean;
}

export interface WorkItemView {
  readonly id: string;
  readonly kind: string;
  readonly status: WorkStatus;
  readonly priority: number;
  readonly createdAt: number;
  /** When it became, or becomes, claimable. */
  readonly runAt: number;
  /** Failures and lost claims since it was enqueued or retried. */
  readonly attempts: number;
  readonly attemptsMax: number;
  readonly dedupeKey?: string;
  readonly lastError?: WorkError;
  /** Without its token, which proves it. */
  readonly claim?: Omit<WorkClaim, 'token' | 'epoch'>;
  readonly endedAt?: number;
  /** Where one item is asked for; not in listings. */
  readonly payload?: Json;
  readonly result?: Json;
}

export interface ClaimOptions {
  /** Who works, for people; 1 to 300 characters, default this process. */
  readonly workerId?: string;
  /** How long the claim holds without a heartbeat; 1 s to a day, default 60 s. */
  readonly ttlMs?: number;
}

/** An item in a worker's hands. */
export interface ClaimedWork {
  readonly id: string;
  readonly kind: string;
  readonly payload: Json;
  /** Proves the claim: whoever knows it may end it. */
  readonly token: string;
  readonly workerId: string;
  /** Attempts before this one. */
  readonly attempts: number;
  readonly attemptsMax: number;
  readonly priority: number;
  readonly createdAt: number;
  readonly claimedAt: number;
  readonly expiresAt: number;
}

export interface FailOptions {
  /** False: the error is permanent, there is no further attempt. Default true. */
  readonly retry?: boolean;
  /** Instead of the back-off (1 s, doubled each time, 15 min at most, jittered); ms, up to 30 days. */
  readonly retryInMs?: number;
}

export interface ListWork extends Omit<PageOptions, 'newestFirst'> {
  /** Default: items of every status, newest first. With one: in claim order. */
  readonly status?: WorkStatus | undefined;
  readonly kind?: string | undefined;
}

export interface WorkCounts {
  /** Of all kinds, by status. */
  readonly all: Readonly<Record<WorkStatus, number>>;
  /** Of each kind that has an item, by status; `more` when counting stopped at 10,000 of one status. */
  readonly kinds: readonly ({ readonly kind: string; readonly more: boolean } & Readonly<
    Record<WorkStatus, number>
  >)[];
  /** Kinds with ready items for which nothing in this process has a handler. */
  readonly unhandled: readonly string[];
}

/** Items that a bulk call is for: the ids, or what a listing finds. */
export type WorkSelection =
  | { readonly ids: readonly string[] }
  | { readonly status?: 'failed' | 'scheduled' | 'ready' | 'running'; readonly kind?: string };

export interface BulkResult {
  /** Those that were changed. */
  readonly ids: readonly string[];
  /** Those that could not be, and why. */
  readonly refused: readonly { readonly id: string; readonly code: string }[];
}

export interface WorkHandlerContext {
  /** Fires when the claim is lost, the item is cancelled or the runtime drains. */
  readonly signal: AbortSignal;
  /** Extends the claim now; the worker does so by itself at a third of its time to live. */
  heartbeat(): Promise<void>;
}

/**
 * Does one item. What it returns is the result; a throw is a failed attempt. Who stops early, for the signal
 * has fired, throws: what was not done is given back, or somebody else's by then.
 */
export type WorkHandler = (item: ClaimedWork, context: WorkHandlerContext) => unknown;

export interface HandleOptions {
  /** Items worked on at once; 1 to 1,000, default 1. */
  readonly concurrency?: number;
  readonly workerId?: string;
  /** Of each claim; 1 s to a day, default 60 s. */
  readonly ttlMs?: number;
}

export interface WorkHandling {
  /** Claims no more; resolves when the handlers that run have come to their end. */
  close(): Promise<void>;
}

export interface ScheduleOptions {
  /** One of the two. A cron text of five or six fields, or a nickname such as `@hourly`. */
  readonly cron?: string;
  /** Milliseconds; 1 s to a year. */
  readonly every?: number;
  /** For `cron`: an IANA name; default UTC. */
  readonly timezone?: string;
  /** Of each run's item; 1 to 200 characters. */
  readonly kind: string;
  /** JSON of 256 KiB at most; default null. */
  readonly payload?: unknown;
  /** 0 first, to 255; default the kind's, or 128. */
  readonly priority?: number;
  /** 1 to 1,000; default the kind's, or 5. */
  readonly attemptsMax?: number;
  /** Of runs that were missed by more than a minute: none (default), or one for them all. */
  readonly catchUp?: 'skip' | 'once';
  /**
   * While the item of the run before has not ended: `skip` (default; items have the key `schedule:<name>`),
   * or `allow` (they have the key that their kind makes, which may keep one out, or none).
   */
  readonly overlap?: 'skip' | 'allow';
}

export interface ScheduleView {
  readonly name: string;
  /** `over`: there is no further time. */
  readonly status: 'active' | 'paused' | 'over';
  readonly cron?: string;
  readonly every?: number;
  readonly timezone?: string;
  readonly kind: string;
  readonly payload: Json;
  readonly catchUp: 'skip' | 'once';
  readonly overlap: 'skip' | 'allow';
  readonly createdAt: number;
  /** Absent while it is paused, or over. */
  readonly nextAt?: number;
  /** Runs that were to be enqueued, in all. */
  readonly runs: number;
  readonly lastRun?: ScheduleRun;
  readonly error?: WorkError;
}

/** What a caller outside of the process may do as well: the doors are written against this. */
export interface WorkFace {
  enqueue(kind: string, payload?: unknown, options?: EnqueueOptions): Promise<EnqueuedWork>;
  enqueueMany(items: readonly NewWork[]): Promise<readonly EnqueuedWork[]>;
  claimNext(kinds?: string | readonly string[], options?: ClaimOptions): Promise<ClaimedWork | undefined>;
  claimMany(
    kinds: string | readonly string[] | undefined,
    max: number,
    options?: ClaimOptions,
  ): Promise<readonly ClaimedWork[]>;
  /** As `claimNext`, and waits for an item until `signal` aborts: undefined then. */
  claimWhenReady(
    kinds: string | readonly string[] | undefined,
    options: ClaimOptions & { readonly signal: AbortSignal },
  ): Promise<ClaimedWork | undefined>;
  /** Tells until when the claim holds. */
  heartbeat(token: string, options?: { readonly ttlMs?: number }): Promise<number>;
  done(token: string, result?: unknown): Promise<void>;
  fail(token: string, error: unknown, options?: FailOptions): Promise<void>;
  requeue(token: string): Promise<void>;
  reclaimStale(now?: number): Promise<readonly string[]>;
  get(id: string): Promise<WorkItemView>;
  list(options?: ListWork): Promise<Page<WorkItemView>>;
  counts(): Promise<WorkCounts>;
  cancel(id: string, by?: OperatorOptions): Promise<void>;
  retry(id: string, by?: OperatorOptions): Promise<void>;
  cancelMany(selection: WorkSelection): Promise<BulkResult>;
  retryMany(selection: WorkSelection): Promise<BulkResult>;
  schedule(name: string, options: ScheduleOptions): Promise<ScheduleView>;
  schedules(options?: PageOptions): Promise<Page<ScheduleView>>;
  scheduleView(name: string): Promise<ScheduleView>;
  /** Newest first; 50 at most. */
  scheduleHistory(name: string): Promise<readonly ScheduleRun[]>;
  pauseSchedule(name: string, by?: OperatorOptions): Promise<void>;
  resumeSchedule(name: string, by?: OperatorOptions): Promise<void>;
  triggerSchedule(name: string, by?: OperatorOptions): Promise<void>;
  removeSchedule(name: string, by?: OperatorOptions): Promise<void>;
}
