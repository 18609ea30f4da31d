/**
 * The words of a job: what goes into the chart, what it hears, what it remembers.
 *
 * Owns: types only. Callers: job.ts, job-rules.ts, the jobs façade (which makes the input and the effects'
 * answers).
 * Invariants: everything here is plain JSON; no key, token or artifact URL with its query is ever part of it.
 */
import type { BackoffPolicy } from './backoff.js';
import type { PollCadence } from './poll-cadence.js';
import type { EffectError } from './reserved.js';

export type SettledStatus = 'done' | 'failed' | 'timedOut' | 'cancelled';
export type JobStatus =
  | 'blocked'
  | 'submitting'
  | 'submitUnknown'
  | 'pending'
  | 'polling'
  | 'fetching'
  | SettledStatus;

/** What is needed to ask the provider again; the provider port's `TaskRef`, sealed. */
export interface JobRef {
  readonly taskId: string;
  readonly endpoint: string;
  readonly generation: string;
  readonly region?: string;
  readonly credential: string;
  /** What is in it must not be read; the façade seals and opens it. */
  readonly sealed?: string;
}

/** A fault at the provider, as the provider port classifies it. */
export interface JobFault {
  readonly class: string;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
}

/** What a user sees of the last fault. */
export interface JobError {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

export interface JobArtifact {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly mime: string;
  readonly width?: number;
  readonly height?: number;
  readonly durationMs?: number;
  /** Redacted. */
  readonly sourceUrl: string;
}

export interface DeliveryTarget {
  readonly channel: string;
  readonly target: string;
  readonly isGroup?: boolean;
  readonly replyTo?: string;
  readonly account?: string;
  readonly meta?: Readonly<Record<string, unknown>>;
}

export interface DeliveryPolicy extends BackoffPolicy {
  /** Attempts before the delivery is a dead letter. */
  readonly attemptsMax: number;
}

/** A turn, among all turns of all sessions. */
export interface TurnName {
  readonly sessionId: string;
  readonly turnId: string;
}

export interface JobInput {
  readonly jobId: string;
  readonly provider: string;
  /** Where its calls wait among those of its account; absent in jobs of earlier versions. */
  readonly lane?: number;
  readonly kind: 'video' | 'image';
  /** Alias, never a key. */
  readonly credential: string;
  readonly sessionKey?: string;
  /** Given when its outcomes are no work for the session's turns: they are in its history alone. */
  readonly wakeSession?: false;
  /** What a session that its wake makes has for `attemptsMax`; absent: the chart's own. */
  readonly sessionAttemptsMax?: number;
  readonly delivery?: DeliveryTarget;
  /** The channel's own retry policy; 30 s x 60 when absent. */
  readonly deliveryPolicy?: DeliveryPolicy;
  readonly origin: 'agent' | 'cron' | 'userDirect';
  /** The turn that asked for it; absent where nobody said so. */
  readonly turn?: TurnName;
  /** The first 80 characters of the prompt. */
  readonly label: string;
  readonly requestHash: string;
  /** Id of the delivery actor of the first outcome. */
  readonly deliveryId: string;
  readonly reconcile: {
    readonly by: 'key' | 'list' | 'none';
    readonly onUnlisted: 'resubmit' | 'hold';
    /** An "absent" counts only from this long after the doubt began. */
    readonly afterMs: number;
  };
  readonly cancelOffered: boolean;
  readonly poll?: PollCadence;
  readonly pollMinMs: number;
  /** From acceptance. */
  readonly timeoutMs: number;
  /** From the creation of the job. */
  readonly submitByMs: number;
  readonly graceMs: number;
  readonly retentionMs: number;
  readonly historyRole: string;
  /** Given when a task made elsewhere is tracked: nothing is submitted. */
  readonly ref?: JobRef;
  /** Two or more providers to try in their order, the first among them; absent: there is one. */
  readonly chain?: readonly ChainStep[];
}

/** What of a job's input is the own of one provider of its chain. */
export type ChainStep = Pick<
  JobInput,
  'provider' | 'credential' | 'requestHash' | 'reconcile' | 'cancelOffered' | 'pollMinMs'
> &
  Partial<Pick<JobInput, 'timeoutMs' | 'poll'>>;

/** Why a provider of the chain did not take the job. */
export interface Refusal {
  /** Its place in the chain, from 0. */
  readonly step: number;
  /**
   * When it may be asked again: by itself `later`, once its account is `resumed`, once its adapter and its
   * key are `available`, or `never`.
   */
  readonly until: 'later' | 'resumed' | 'available' | 'never';
  readonly code: string;
  readonly message: string;
}

/** What a poll or a signed webhook says about a task. URLs stay outside: `fetch` asks for them itself. */
export type PollVerdict =
  | {
      readonly type: 'pending';
      readonly progress?: number;
      readonly unknownStatus?: string;
      readonly retryAfterMs?: number;
    }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly error: JobFault };

export type SubmitAnswer =
  /** `outcome` when the reply was terminal already. */
  | { readonly type: 'accepted'; readonly ref: JobRef; readonly outcome?: PollVerdict }
  | { readonly type: 'rejected'; readonly error: JobFault }
  | { readonly type: 'ambiguous'; readonly error: JobFault }
  | { readonly type: 'billed'; readonly error: JobFault }
  | { readonly type: 'blocked'; readonly error: JobFault }
  /** The job was cancelled before the POST went out. */
  | { readonly type: 'withdrawn' };

export type ReconcileAnswer =
  | { readonly type: 'found'; readonly ref: JobRef }
  /** One complete look without finding it. */
  | { readonly type: 'absent' }
  | { readonly type: 'unsupported' }
  | { readonly type: 'wait'; readonly retryAfterMs?: number };

export type PollAnswer =
  | PollVerdict
  | { readonly type: 'transient'; readonly error: JobFault }
  | { readonly type: 'blocked'; readonly error: JobFault };

export type FetchAnswer =
  | { readonly type: 'done'; readonly artifacts: readonly JobArtifact[] }
  | { readonly type: 'stale'; readonly error: JobFault }
  | { readonly type: 'transient'; readonly error: JobFault }
  | { readonly type: 'permanent'; readonly error: JobFault }
  | { readonly type: 'blocked'; readonly error: JobFault };

export interface CancelAnswer {
  readonly type: 'ok' | 'unsupported' | 'error';
}

export interface SubmitInput {
  readonly provider: string;
  readonly credential: string;
  readonly lane?: number;
  /** Given where another provider may be tried: it does not wait for an account that is held back. */
  readonly chained?: true;
  /** 1 for the first POST. */
  readonly attempt: number;
}

export interface ReconcileInput {
  readonly provider: string;
  readonly credential: string;
  /** 1 for the first look of this doubt. */
  readonly look: number;
}

export interface RemoteTaskInput {
  readonly provider: string;
  readonly lane?: number;
  readonly ref: JobRef;
}

export interface PollInput extends RemoteTaskInput {
  /** The deadline has passed: this poll decides. */
  readonly last: boolean;
}

export interface FetchInput extends RemoteTaskInput {
  /** Ask the provider for new URLs, whatever is remembered in memory. */
  readonly fresh: boolean;
}

/** `delivery.settled`, as the delivery chart sends it. */
export interface DeliverySettled {
  readonly type: 'delivery.settled';
  readonly deliveryId: string;
  readonly status: 'delivered' | 'exhausted' | 'dismissed';
  readonly at: number;
  readonly attempts: number;
}

export type JobEvent =
  | { readonly type: 'job.cancel'; readonly reason?: string }
  | { readonly type: 'job.retry' }
  | { readonly type: 'job.adopt'; readonly ref: JobRef }
  | { readonly type: 'job.resubmit' }
  | { readonly type: 'provider.hint' }
  | { readonly type: 'provider.evidence'; readonly ref?: JobRef; readonly outcome: PollVerdict }
  | { readonly type: 'provider.available' }
  | DeliverySettled
  | { readonly type: 'effect.interrupted'; readonly effect: string; readonly src: string }
  | { readonly type: 'xstate.done.actor.submit'; readonly output: SubmitAnswer }
  | { readonly type: 'xstate.done.actor.reconcile'; readonly output: ReconcileAnswer }
  | { readonly type: 'xstate.done.actor.poll'; readonly output: PollAnswer }
  | { readonly type: 'xstate.done.actor.fetch'; readonly output: FetchAnswer }
  | { readonly type: 'xstate.done.actor.cancelRemote'; readonly output: CancelAnswer }
  | {
      readonly type: `xstate.error.actor.${'submit' | 'reconcile' | 'poll' | 'fetch' | 'cancelRemote'}`;
      readonly error: EffectError;
    };

/** One message sent on behalf of the job, as far as the job was told. */
export interface JobDelivery {
  readonly deliveryId: string;
  readonly status: 'queued' | 'delivered' | 'exhausted' | 'dismissed';
  readonly at?: number;
  readonly attempts?: number;
}

export interface JobContext {
  /** With what is the own of the present provider of the chain. */
  readonly input: JobInput;
  /** The present place in the chain, from 0. */
  readonly step?: number;
  /** Why the others, and the present one before, did not take it: of this round, or for good. */
  readonly refusals?: readonly Refusal[];
  readonly submittedAt: number;
  readonly ref?: JobRef | undefined;
  readonly acceptedAt?: number | undefined;
  readonly timeoutAt?: number | undefined;
  /** POSTs asked for. */
  readonly posts: number;
  /** Rejections in a row. */
  readonly rejections: number;
  /** POSTs of which it was not known whether they arrived. */
  readonly doubts?: number;
  /** When it was last unknown whether a POST arrived. */
  readonly doubtSince?: number | undefined;
  readonly looks: number;
  readonly lookedAt?: number | undefined;
  /** Complete looks that count and found nothing. */
  readonly absents: number;
  readonly pollCount: number;
  readonly polledAt?: number | undefined;
  /** There was news since the last poll began. */
  readonly hinted?: true | undefined;
  readonly nextPollAt?: number | undefined;
  /** When a resting state goes on. */
  readonly retryAt?: number | undefined;
  readonly progress?: number | undefined;
  /** Replies with a status word nobody knows. */
  readonly unknownStatuses: number;
  readonly fetchFailures: number;
  readonly error?: JobError | undefined;
  readonly artifacts: readonly JobArtifact[];
  /** The latest outcome; a late success replaces `timedOut`. */
  readonly outcome?: { readonly status: SettledStatus; readonly at: number } | undefined;
  readonly outcomes: number;
  /** When the deadline passed; a success after it is late. */
  readonly timedOutAt?: number | undefined;
  readonly deliveries: readonly JobDelivery[];
}
