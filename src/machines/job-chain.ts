/**
 * The fallback chain of a job: which of its providers is asked to take it, and why the others did not.
 *
 * Owns: nothing; pure functions over the context. Callers: job-setup.ts; the façade takes `chainOf` for its
 * view. Invariants:
 *  F1  Another provider is asked only after an answer that proves that no task was made: `rejected`, or
 *      `blocked`. After any doubt, and after a reply that was paid for and lost, the job stays where it is.
 *  F2  A round asks each provider once, in the order of the chain; one that refused for good is in no later
 *      round.
 *  F3  What of `context.input` is a provider's own is always that of the present step.
 */
import type { Change } from './job-rules.js';
import type { ChainStep, JobContext, JobError, JobEvent, JobFault, Refusal } from './job-words.js';

/** What the effect says of an account that is held back, instead of asking in its name. */
export const ACCOUNT_PAUSED = 'accountPaused';

const HELD_CLASSES: ReadonlySet<string> = new Set(['auth', 'billing']);

/** The fault of an answer to a POST that proves that no task was made. */
function refusalIn(event: JobEvent): { readonly type: string; readonly error: JobFault } | undefined {
  if (event.type !== 'xstate.done.actor.submit') return undefined;
  const { output } = event;
  return output.type === 'rejected' || output.type === 'blocked' ? output : undefined;
}

function untilOf({ type, error }: { readonly type: string; readonly error: JobFault }): Refusal['until'] {
  if (type === 'blocked') return error.code === ACCOUNT_PAUSED ? 'resumed' : 'available';
  if (HELD_CLASSES.has(error.class)) return 'resumed';
  return error.retryable ? 'later' : 'never';
}

/** All refusals of this round, and those for good, once this event is noted. */
function refusalsAfter({ refusals = [], step = 0 }: JobContext, event: JobEvent): readonly Refusal[] {
  const refused = refusalIn(event);
  if (refused === undefined) return refusals;
  const { code, message } = refused.error;
  return [
    ...refusals.filter((known) => known.step !== step),
    { step, until: untilOf(refused), code, message },
  ].toSorted((a, b) => a.step - b.step);
}

/** The first step from `from` on that has not refused for good. */
function openStep(
  { input: { chain = [] } }: JobContext,
  refusals: readonly Refusal[],
  from: number,
): number | undefined {
  const closed = new Set(refusals.filter(({ until }) => until === 'never').map(({ step }) => step));
  const at = chain.findIndex((_step, index) => index >= from && !closed.has(index));
  return at < 0 ? undefined : at;
}

function at({ input }: JobContext, step: number): Change {
  return { step, input: { ...input, ...input.chain?.[step] } };
}

/** True when this refusal leaves somebody to ask in this round (F1). */
export function mayAdvance(context: JobContext, event: JobEvent): boolean {
  if (refusalIn(event) === undefined) return false;
  return openStep(context, refusalsAfter(context, event), (context.step ?? 0) + 1) !== undefined;
}

/** A round is over, and a later one may do better by itself. */
export function mayRetryPost(context: JobContext, event: JobEvent): boolean {
  const refused = refusalIn(event);
  if (context.input.chain === undefined) return refused !== undefined && untilOf(refused) === 'later';
  return refused !== undefined && refusalsAfter(context, event).some(({ until }) => until === 'later');
}

/** A round is over, and somebody must mend an account, or give a key, before a later one does better. */
export function mustWait(context: JobContext, event: JobEvent): boolean {
  const refused = refusalIn(event);
  if (context.input.chain === undefined) return refused?.type === 'blocked';
  return refused !== undefined && refusalsAfter(context, event).some(({ until }) => until !== 'never');
}

/** A paused account expires nobody. */
export function mayExpire({ refusals = [] }: JobContext): boolean {
  return refusals.every(({ until }) => until !== 'resumed');
}

/** Keeps why a provider did not take it; `error` is the last reason, or all of them when none is left. */
export function noteRefusal(context: JobContext, event: JobEvent): Change {
  const refused = refusalIn(event);
  if (refused === undefined) return {};
  const { code, message, retryable } = refused.error;
  const error: JobError = { code, message, retryable };
  if (context.input.chain === undefined) return { error };
  const refusals = refusalsAfter(context, event);
  if (openStep(context, refusals, 0) !== undefined) return { error, refusals };
  const reasons = refusals.map((each) => `${nameOf(context.input.chain?.[each.step])}: ${each.message}`);
  return { refusals, error: { ...error, message: `no provider accepted it: ${reasons.join('; ')}` } };
}

/** Goes on to the next provider of this round. */
export function advance(context: JobContext): Change {
  const next = openStep(context, context.refusals ?? [], (context.step ?? 0) + 1);
  return next === undefined ? {} : at(context, next);
}

/** Begins a round with the first provider that has not refused for good. */
export function beginRound(context: JobContext): Change {
  const { refusals = [] } = context;
  const first = openStep(context, refusals, 0);
  if (first === undefined) return {};
  return { ...at(context, first), refusals: refusals.filter(({ until }) => until === 'never') };
}

function nameOf(step: ChainStep | undefined): string {
  return `${step?.provider ?? ''}:${step?.credential ?? ''}`;
}
