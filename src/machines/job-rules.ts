/**
 * The rules of a job: pure functions the job chart names as its actions, guards and delays.
 *
 * Owns: nothing; (context, event) in, a change, a yes or no, or milliseconds out. Callers: job.ts; the
 * façade takes `jobStatus` and `isLate` for its view.
 * Invariants:
 *  J1  Time and chance come from the event's envelope alone, so a replay decides the same.
 *  J2  An absent look counts only when it began `reconcile.afterMs` after the doubt; two such looks end the
 *      doubt.
 *  J3  A refused poll (404) within 60 s of acceptance is a provider still catching up; later the task is
 *      lost.
 */
import { clampRetryAfterMs, jitteredBackoffMs } from './backoff.js';
import { envelopeOf } from './envelope.js';
import { deliveriesAfter, deliveriesOver } from './owed-deliveries.js';
import type {
  FetchInput,
  JobContext,
  JobError,
  JobEvent,
  JobFault,
  JobInput,
  JobRef,
  JobStatus,
  PollInput,
  ReconcileInput,
  SubmitInput,
  RemoteTaskInput,
} from './job-words.js';

export type Change = Partial<JobContext>;

export const jobDefaults = {
  timeoutMs: 1_800_000,
  submitByMs: 86_400_000,
  graceMs: 86_400_000,
  retentionMs: 86_400_000,
  reconcileAfterMs: 60_000,
  historyRole: 'assistant',
} as const;

export const jobRules = {
  fetchRetriesMax: 10,
  /** POSTs in doubt; after so many an operator decides. */
  postsInDoubtMax: 5,
  absentsNeeded: 2,
  notFoundGraceMs: 60_000,
  /** A cancelled job waits this long for the answer of its POST (the transport gives up after 120 s). */
  answerPatienceMs: 150_000,
  remoteCancelMs: 60_000,
} as const;

const SUBMIT_BACKOFF = { kind: 'exponential', delayMs: 2_000, maxMs: 300_000 } as const;
const FETCH_BACKOFF = { kind: 'exponential', delayMs: 2_000, maxMs: 300_000 } as const;
const LOOK_BACKOFF = { kind: 'exponential', delayMs: 1_000, maxMs: 60_000 } as const;

export function startJob(input: JobInput): JobContext {
  const { at } = envelopeOf({ input });
  const tracked = input.ref === undefined ? {} : accepted(input, input.ref, at);
  return {
    input: { ...input },
    submittedAt: at,
    posts: 0,
    doubts: 0,
    rejections: 0,
    looks: 0,
    absents: 0,
    pollCount: 0,
    unknownStatuses: 0,
    fetchFailures: 0,
    artifacts: [],
    outcomes: 0,
    deliveries: [],
    ...tracked,
  };
}

function accepted(input: JobInput, ref: JobRef, at: number): Change {
  return { ref, acceptedAt: at, timeoutAt: at + input.timeoutMs };
}

// What the effects are given.

export function submitInput({ input, posts }: JobContext): SubmitInput {
  const chained = input.chain === undefined ? {} : { chained: true as const };
  return {
    provider: input.provider,
    credential: input.credential,
    attempt: posts,
    ...laneIn(input),
    ...chained,
  };
}

/** Jobs of earlier versions have none. */
function laneIn({ lane }: JobInput): Pick<SubmitInput, 'lane'> {
  return lane === undefined ? {} : { lane };
}

export function reconcileInput({ input, looks }: JobContext): ReconcileInput {
  return { provider: input.provider, credential: input.credential, look: looks };
}

/** Only asked for in states that are entered with a reference. */
export function taskInput({ input, ref }: JobContext): RemoteTaskInput {
  if (ref === undefined) throw new Error(`job ${input.jobId} has no task to ask for`);
  return { provider: input.provider, ref, ...laneIn(input) };
}

export function pollInput(context: JobContext): PollInput {
  return { ...taskInput(context), last: wasLastPoll(context) };
}

export function fetchInput(context: JobContext, fresh: boolean): FetchInput {
  return { ...taskInput(context), fresh };
}

// What an event says.

/** The reference an event carries: an accepted submit, a find, an adoption, a webhook. */
export function refIn(event: JobEvent): JobRef | undefined {
  if ('ref' in event) return event.ref;
  if ('output' in event && 'ref' in event.output) return event.output.ref;
  return undefined;
}

/** The fault an event carries: an answer's error, a terminal reply's, or that of an effect that threw. */
function faultIn(event: JobEvent): JobFault | undefined {
  if (event.type === 'effect.interrupted') {
    return {
      class: 'network',
      code: 'interrupted',
      message: 'the process died in the middle',
      retryable: true,
    };
  }
  if ('error' in event) {
    const { code = event.error.name, message } = event.error;
    return { class: 'server', code, message, retryable: true };
  }
  if ('outcome' in event) return event.outcome.type === 'failed' ? event.outcome.error : undefined;
  if (!('output' in event)) return undefined;
  if ('error' in event.output) return event.output.error;
  const outcome =
    event.type === 'xstate.done.actor.submit' && 'outcome' in event.output && event.output.outcome;
  return outcome && outcome.type === 'failed' ? outcome.error : undefined;
}

export function retryAfterIn(event: JobEvent): number | undefined {
  if ('output' in event && 'retryAfterMs' in event.output) return event.output.retryAfterMs;
  if ('outcome' in event && event.outcome.type === 'pending') return event.outcome.retryAfterMs;
  return faultIn(event)?.retryAfterMs;
}

/**
 * What an event says of the task itself, whether it came by poll, by webhook, or with the answer to the
 * POST.
 */
function verdictIn(event: JobEvent): string | undefined {
  if (event.type === 'provider.evidence') return event.outcome.type;
  if (event.type !== 'xstate.done.actor.submit' || event.output.type !== 'accepted') return undefined;
  return event.output.outcome?.type ?? 'pending';
}

function plain({ code, message, retryable }: JobFault): JobError {
  return { code, message, retryable };
}

// Changes.

/** Takes the reference an event carries; a job that has one keeps it, and its deadline. */
export function adopt(context: JobContext, event: JobEvent): Change {
  const ref = refIn(event);
  if (ref === undefined || context.ref !== undefined) return {};
  const error = context.error?.code === 'cancelled' ? context.error : undefined;
  return { ...accepted(context.input, ref, envelopeOf(event).at), error };
}

export function noteError(event: JobEvent): Change {
  const fault = faultIn(event);
  return fault === undefined ? {} : { error: plain(fault) };
}

export function noteDoubt(context: JobContext, event: JobEvent): Change {
  const doubts = (context.doubts ?? context.posts - 1) + 1;
  return { ...noteError(event), doubts, doubtSince: envelopeOf(event).at, looks: 0, absents: 0 };
}

export function countLook(context: JobContext, event: JobEvent): Change {
  return { looks: context.looks + 1, lookedAt: envelopeOf(event).at, retryAt: undefined };
}

export function countPoll(context: JobContext, event: JobEvent): Change {
  const polledAt = envelopeOf(event).at;
  return { pollCount: context.pollCount + 1, polledAt, nextPollAt: undefined, hinted: undefined };
}

export function keepArtifacts(event: JobEvent): Change {
  if (event.type !== 'xstate.done.actor.fetch' || event.output.type !== 'done') return {};
  return { artifacts: event.output.artifacts, progress: 1, error: undefined };
}

export function countAbsent(context: JobContext): Change {
  return countsAsAbsent(context) ? { absents: context.absents + 1 } : {};
}

export function notePoll(context: JobContext, event: JobEvent): Change {
  const verdict = verdictOf(event);
  if (verdict === undefined) return noteError(event);
  return {
    error: undefined,
    progress: verdict.progress ?? context.progress,
    unknownStatuses: context.unknownStatuses + (verdict.unknownStatus === undefined ? 0 : 1),
  };
}

function verdictOf(event: JobEvent) {
  if (event.type === 'provider.evidence') return event.outcome.type === 'pending' ? event.outcome : undefined;
  if (event.type !== 'xstate.done.actor.poll') return undefined;
  return event.output.type === 'pending' ? event.output : undefined;
}

export function noteCancel(context: JobContext, event: JobEvent): Change {
  const asked = event.type === 'job.cancel' ? event.reason : undefined;
  const doubt = context.doubtSince === undefined || context.ref !== undefined ? '' : '; a task may exist';
  return failure('cancelled', `${asked ?? 'cancelled on request'}${doubt}`);
}

/** Cancelled while the POST was out, and its answer does not say whether there is a task. */
export function noteCancelInDoubt(context: JobContext, event: JobEvent): Change {
  const asked = context.error?.message ?? 'cancelled on request';
  const fault = faultIn(event)?.message ?? 'no answer came';
  return failure('cancelled', `${asked}; the provider may have accepted it (${fault})`);
}

export function noteDownload(event: JobEvent): Change {
  const reason = faultIn(event)?.message ?? 'no reason given';
  const message = `rendered, but could not be downloaded: ${reason}`;
  return { error: { code: 'download-failed', message, retryable: true } };
}

export function noteDelivery(context: JobContext, event: JobEvent): Change {
  return event.type === 'delivery.settled' ? { deliveries: deliveriesAfter(context.deliveries, event) } : {};
}

export function failure(code: string, message: string): Change {
  return { error: { code, message, retryable: false } };
}

export function seconds(durationMs: number): string {
  return `${Math.round(durationMs / 1_000)} s`;
}

// Moments. A resting state keeps its due time in the context, so that a view can show it.

export function restBeforePost(context: JobContext, event: JobEvent): Change {
  const rejections = context.rejections + 1;
  return { rejections, retryAt: restUntil(event, SUBMIT_BACKOFF, rejections) };
}

export function restBeforeLook(context: JobContext, event: JobEvent): Change {
  return { retryAt: restUntil(event, LOOK_BACKOFF, context.looks) };
}

export function restBeforeFetch(context: JobContext, event: JobEvent): Change {
  const fetchFailures = context.fetchFailures + 1;
  return { fetchFailures, retryAt: restUntil(event, FETCH_BACKOFF, fetchFailures) };
}

function restUntil(event: JobEvent, policy: typeof SUBMIT_BACKOFF | typeof LOOK_BACKOFF, failures: number) {
  const { at, random } = envelopeOf(event);
  const asked = retryAfterIn(event);
  return at + (asked === undefined ? jitteredBackoffMs(policy, failures, random) : clampRetryAfterMs(asked));
}

/** Milliseconds from this step to `dueAt`; 0 when it has passed. */
export function msUntil(dueAt: number, event: JobEvent): number {
  return Math.max(0, dueAt - envelopeOf(event).at);
}

/** How long a settled job is kept at least: collected later, so that something late can still come. */
export function keepMs({ input }: JobContext): number {
  return Math.max(input.retentionMs, input.graceMs);
}

// Questions.

function countsAsAbsent({ lookedAt = 0, doubtSince = 0, input }: JobContext): boolean {
  return lookedAt >= doubtSince + input.reconcile.afterMs;
}

/** Asked before an absent look is counted: does this one end the doubt? */
export function provenAbsent(context: JobContext, event: JobEvent): boolean {
  if (event.type !== 'xstate.done.actor.reconcile' || event.output.type !== 'absent') return false;
  return countsAsAbsent(context) && context.absents + 1 >= jobRules.absentsNeeded;
}

export function mayPostAgain(context: JobContext, event: JobEvent): boolean {
  const { reconcile, submitByMs } = context.input;
  const inTime = envelopeOf(event).at < context.submittedAt + submitByMs;
  const allowed = reconcile.by === 'key' || reconcile.onUnlisted === 'resubmit';
  // A job of the first version counted its POSTs alone.
  const isOften = (context.doubts ?? context.posts) >= jobRules.postsInDoubtMax;
  return allowed && inTime && !isOften && provenAbsent(context, event);
}

/** An answer to a POST that leaves open whether a task was made, or says that one was made and lost. */
export function perhapsAccepted(event: JobEvent): boolean {
  if (event.type !== 'xstate.done.actor.submit') return false;
  return event.output.type === 'ambiguous' || event.output.type === 'billed';
}

/** True when the event says `verdict` of the task and there is a reference to go on with. */
export function says(context: JobContext, event: JobEvent, verdict: string): boolean {
  return verdictIn(event) === verdict && (context.ref ?? refIn(event)) !== undefined;
}

export function saysDoneInGrace(context: JobContext, event: JobEvent): boolean {
  const graceUntil = (context.timedOutAt ?? 0) + context.input.graceMs;
  return says(context, event, 'done') && envelopeOf(event).at <= graceUntil;
}

export function taskLost(context: JobContext, event: JobEvent): boolean {
  if (event.type !== 'xstate.done.actor.poll' || event.output.type !== 'transient') return false;
  const ageMs = envelopeOf(event).at - (context.acceptedAt ?? context.submittedAt);
  return event.output.error.class === 'notFound' && ageMs > jobRules.notFoundGraceMs;
}

/** True when the poll that just ended began at or after the deadline. */
export function wasLastPoll({ polledAt = 0, timeoutAt = Infinity }: JobContext): boolean {
  return polledAt >= timeoutAt;
}

/** What ended without being wanted can be called off, where the provider offers that and knows the task. */
export function canWithdraw({ input, ref, outcome }: JobContext): boolean {
  const unwanted = outcome?.status === 'cancelled' || outcome?.status === 'timedOut';
  return unwanted && input.cancelOffered && ref !== undefined;
}

/** True when this event ends the last message of a job that was kept only for it. */
export function lastDeliveryOver(context: JobContext, event: JobEvent): boolean {
  const { deliveries = [] } = noteDelivery(context, event);
  const settledAt = context.outcome?.at ?? Infinity;
  return deliveriesOver(deliveries) && envelopeOf(event).at >= settledAt + keepMs(context);
}

/** True for a success that came after the deadline. */
export function isLate({ outcome, timedOutAt }: JobContext): boolean {
  return outcome?.status === 'done' && timedOutAt !== undefined;
}

const STATUS_OF_STATE = new Map<unknown, JobStatus>([
  ['starting', 'submitting'],
  ['blocked', 'blocked'],
  ['submitting', 'submitting'],
  ['submitUnknown', 'submitUnknown'],
  ['pending', 'pending'],
  ['polling', 'polling'],
  ['fetching', 'fetching'],
]);

/** The status a user sees, from a snapshot: its top state, or the outcome once it is settled. */
export function jobStatus(snapshot: { readonly value: unknown; readonly context: JobContext }): JobStatus {
  const { value, context } = snapshot;
  const top = typeof value === 'object' && value !== null ? Object.keys(value)[0] : value;
  const status = STATUS_OF_STATE.get(top) ?? context.outcome?.status;
  if (status === undefined) throw new Error(`a job in state ${JSON.stringify(value)} has no outcome`);
  return status;
}

const UNWANTED = JSON.stringify({ submitting: { posting: 'unwanted' } });

/** True when the job was cancelled before its POST was answered: a POST that has not gone out need not. */
export function isUnwanted(snapshot: { readonly value: unknown }): boolean {
  return JSON.stringify(snapshot.value) === UNWANTED;
}
