/**
 * The rules of work items: claims, attempts, back-off, and who may end what.
 *
 * Owns: nothing; pure. Callers: work-item.ts, the work façade, which asks the same before it sends.
 * Invariants:
 *  W1  A claim is ended by its own token alone. One that was taken away is known for what it is.
 *  W2  A claim is over strictly after `expiresAt`, and a heartbeat never shortens it.
 *  W3  A failure and a lost claim count one attempt each; giving back counts none.
 */
import { jitteredBackoffMs, type BackoffPolicy } from './backoff.js';
import { envelopeOf } from './envelope.js';
import type { ActorSend } from './reserved.js';
import type {
  ClaimEnding,
  WorkClaim,
  WorkEnd,
  WorkError,
  WorkItemContext,
  WorkItemEvent,
  WorkItemInput,
  WorkNotice,
  WorkSettled,
  WorkStatus,
} from './work-words.js';

export const workDefaults = {
  priority: 128,
  attemptsMax: 5,
  ttlMs: 60_000,
  retentionMs: 86_400_000,
  deadLetterMs: 30 * 86_400_000,
  backoff: { kind: 'exponential', delayMs: 1_000, factor: 2, maxMs: 900_000 } satisfies BackoffPolicy,
} as const;

const EXPIRED: WorkError = { code: 'claim_token_expired', message: 'claim_token_expired' };
const INTERRUPTED: WorkError = { code: 'claim_interrupted', message: 'claim_interrupted' };
const AT_THE_MAXIMUM = '(max attempts exceeded)';
/** Tokens that are remembered as lost: more would be of workers that have been away for hours. */
const LOST_MAX = 16;

const PRIORITY_MAX = 255;
const ATTEMPTS_MAX = 1_000;

type Change = Partial<WorkItemContext>;

export function startWork(input: WorkItemInput): WorkItemContext {
  const { payload: _payload, retentionMs, ...kept } = input;
  const { at } = envelopeOf({ input });
  const { priority, attemptsMax } = workDefaults;
  return {
    // An item that a step asked for came through no door: it is claimed in its order, tried and kept as long
    // as others are, all the same.
    input: isTime(retentionMs) ? { ...kept, retentionMs } : kept,
    priority: wholeWithin(input.priority, 0, PRIORITY_MAX) ?? priority,
    attemptsMax: wholeWithin(input.attemptsMax, 1, ATTEMPTS_MAX) ?? attemptsMax,
    createdAt: at,
    runAt: isTime(input.runAt) ? Math.max(at, input.runAt) : at,
    attempts: 0,
    lost: [],
  };
}

/** What a snapshot's state is to a user. */
export function workStatus({ value }: { readonly value: unknown }): WorkStatus {
  return value as WorkStatus;
}

/** True while the item may still be worked on: its dedupe key is its own. */
export function isLiveWork(status: WorkStatus): boolean {
  return status === 'scheduled' || status === 'ready' || status === 'running';
}

/** Why a token may not do what it asks for; undefined when it may. */
export type ClaimRefused =
  /** It did so before: nothing is to be done. */
  | { readonly type: 'repeated' }
  /** It was taken away, having expired or with its process. */
  | { readonly type: 'reclaimed' }
  /** It is no claim on this item, or ended otherwise. */
  | { readonly type: 'wrong' };

export function claimRefusal(
  { claim, ended, lost }: WorkItemContext,
  token: string,
  as?: ClaimEnding,
): ClaimRefused | undefined {
  if (claim?.token === token) return undefined;
  if (ended?.token === token && ended.as === as) return { type: 'repeated' };
  return { type: lost.includes(token) ? 'reclaimed' : 'wrong' };
}

export function holdsClaim(context: WorkItemContext, event: WorkItemEvent): boolean {
  return 'token' in event && claimRefusal(context, event.token) === undefined;
}

export function claimed(event: WorkItemEvent): Change {
  if (event.type !== 'work.claim') return {};
  const { token, workerId, ttlMs, epoch } = event;
  const { at } = envelopeOf(event);
  const owner = epoch === undefined ? {} : { epoch };
  const claim: WorkClaim = { token, workerId, claimedAt: at, expiresAt: at + ttlMs, ttlMs, ...owner };
  return { claim };
}

export function extended({ claim }: WorkItemContext, event: WorkItemEvent): Change {
  if (event.type !== 'work.heartbeat' || claim === undefined) return {};
  const { at } = envelopeOf(event);
  const { ttlMs = claim.ttlMs } = event;
  return { claim: { ...claim, expiresAt: Math.max(claim.expiresAt, at + ttlMs) } };
}

/** From now until the claim is over (W2). */
export function msOfClaim({ claim }: WorkItemContext, event: WorkItemEvent): number {
  return Math.max(0, (claim?.expiresAt ?? 0) + 1 - envelopeOf(event).at);
}

export function isExpired({ claim }: WorkItemContext, event: WorkItemEvent): boolean {
  return event.type === 'work.reclaim' && claim !== undefined && claim.expiresAt < event.now;
}

/** Its process is gone. */
export function isOrphaned({ claim }: WorkItemContext, event: WorkItemEvent): boolean {
  return event.type === 'generation.began' && claim?.epoch !== undefined && claim.epoch < event.epoch;
}

export function isLastAttempt({ attempts, attemptsMax }: WorkItemContext): boolean {
  return attempts + 1 >= attemptsMax;
}

export function mayTryAgain(context: WorkItemContext, event: WorkItemEvent): boolean {
  return event.type === 'work.fail' && event.retry && !isLastAttempt(context);
}

/** The claim is taken away: an attempt is counted, and the token known as lost (W1, W3). */
export function reclaimed(context: WorkItemContext, event: WorkItemEvent): Change {
  const { claim, attempts, lost } = context;
  const why = event.type === 'generation.began' ? INTERRUPTED : EXPIRED;
  const message = isLastAttempt(context) ? `${why.message} ${AT_THE_MAXIMUM}` : why.message;
  return {
    ...{ claim: undefined, attempts: attempts + 1, lastError: { ...why, message } },
    lost: claim === undefined ? lost : [...lost, claim.token].slice(-LOST_MAX),
    runAt: envelopeOf(event).at,
  };
}

export function noteFailure({ attempts }: WorkItemContext, event: WorkItemEvent): Change {
  if (event.type !== 'work.fail') return {};
  return { attempts: attempts + 1, lastError: event.error };
}

/** The back-off after a failure that was counted. */
export function rest({ attempts }: WorkItemContext, event: WorkItemEvent): Change {
  if (event.type !== 'work.fail') return {};
  const { at, random } = envelopeOf(event);
  const { backoff } = workDefaults;
  return { runAt: at + (event.retryInMs ?? jitteredBackoffMs(backoff, attempts, random)) };
}

export function released({ claim }: WorkItemContext, as: ClaimEnding): Change {
  return { claim: undefined, ...(claim === undefined ? {} : { ended: { token: claim.token, as } }) };
}

/** A cancelled item's worker hears that its claim was taken away. */
export function withdrawn({ claim, lost }: WorkItemContext): Change {
  if (claim === undefined) return {};
  return { claim: undefined, lost: [...lost, claim.token].slice(-LOST_MAX) };
}

export function settledFor(
  { input, lastError }: WorkItemContext,
  event: unknown,
  status: WorkEnd,
): ActorSend | undefined {
  const { workId, kind, notify: to } = input;
  if (to === undefined) return undefined;
  const { at } = envelopeOf(event);
  const why = status === 'failed' && lastError !== undefined ? { error: lastError } : {};
  const told: WorkSettled = { type: 'work.settled', workId, kind, status, at, ...why };
  return { to, event: told };
}

export function noticeOf({ input, attempts, lastError }: WorkItemContext): WorkNotice {
  const { code = 'unknown', message = 'no reason given' } = lastError ?? {};
  return { type: 'work.failed', workId: input.workId, kind: input.kind, attempts, code, message };
}

/** Undefined for what is no number. */
function wholeWithin(value: number | undefined, least: number, most: number): number | undefined {
  if (value === undefined || !Number.isFinite(value)) return undefined;
  return Math.min(most, Math.max(least, Math.trunc(value)));
}

function isTime(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value >= 0;
}
