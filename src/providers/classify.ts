/**
 * What a reply that is no success means for a submit and for a poll: its class. What follows from the class
 * is in decisions.ts.
 *
 * Callers: the adapters, `outcome.ts`, the download.
 * Invariants:
 *  C1  A submit is `rejected` only when the reply proves that no task was made; otherwise it is `ambiguous`.
 *  C2  A poll never ends a task because of an HTTP status: the task is paid, so trouble is `transient`.
 *  C3  Every message is redacted and bounded.
 */
import { decisions } from './decisions.js';
import { retryAfterMs } from './retry-after.js';
import { redactText } from './redact.js';
import type {
  HttpResponse,
  PollOutcome,
  ProviderError,
  ProviderErrorClass,
  SubmitOutcome,
  TaskRef,
} from './port.js';
import { isSuccess, readObject } from './wire.js';

/**
 * What an adapter read in the body of a reply: the provider's code and words, and their class if it knows
 * it.
 */
export interface ErrorWords {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly class?: ProviderErrorClass | undefined;
}

/** Builds a `ProviderError`: retryable by its class, the message redacted. */
export function providerError(
  errorClass: ProviderErrorClass,
  words: { readonly code?: string | undefined; readonly message: string },
  retryAfter?: number,
): ProviderError {
  return {
    class: errorClass,
    code: words.code ?? errorClass,
    message: redactText(words.message),
    retryable: decisions[errorClass].retryable,
    ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
  };
}

/** A submit that was answered with a task, which may be over already: some providers answer at once. */
export function acceptedSubmit(ref: TaskRef, outcome: PollOutcome): SubmitOutcome {
  const isTerminal = outcome.type === 'done' || outcome.type === 'failed';
  return { type: 'accepted', ref, ...(isTerminal ? { settled: outcome } : {}) };
}

/** A submit that was not answered with a task. `now` is for a Retry-After date. */
export function refusedSubmit(response: HttpResponse, words: ErrorWords, now: number): SubmitOutcome {
  const error = errorOf(response, words, now, 'submit');
  if (provesNoTask(response.status, error)) return { type: 'rejected', error };
  return { type: 'ambiguous', error };
}

/** A poll (or a lookup, or a listing) that was not answered with a task. */
export function failedPoll(
  response: HttpResponse,
  words: ErrorWords,
  now: number,
): Extract<PollOutcome, { readonly type: 'transient' }> {
  return { type: 'transient', error: errorOf(response, words, now, 'poll') };
}

/**
 * A success without a task id. Words in it are likely a refusal, and no proof of one: the task is looked for.
 * Without any it is paid for, and lost.
 */
export function submitWithoutTask(
  response: HttpResponse,
  { code, message }: ErrorWords,
  what = 'a submit without a task id',
): SubmitOutcome {
  if (message === undefined) return { type: 'billed', error: unusable(response, what) };
  return { type: 'ambiguous', error: providerError('unusable', { code, message }) };
}

/** What the answer to an adapter's `check` shows to be wrong, where only a success shows nothing. */
export function failedCheck(
  response: HttpResponse,
  words: ErrorWords,
  now: number,
): ProviderError | undefined {
  return isSuccess(response) ? undefined : failedPoll(response, words, now).error;
}

/** Why a task has failed, by the provider's words: for what is in it, or otherwise. */
export function taskFailure(words: {
  readonly code?: string | undefined;
  readonly message: string;
}): ProviderError {
  return providerError(soundsUnsafe(words.code, words.message) ? 'safety' : 'failed', words);
}

/** A poll that says success and cannot be read: asked again. */
export function unusablePoll(
  response: Pick<HttpResponse, 'status' | 'text'>,
  what: string,
): Extract<PollOutcome, { readonly type: 'transient' }> {
  return { type: 'transient', error: unusable(response, what) };
}

/** A reply that says success and cannot be read. */
export function unusable(response: Pick<HttpResponse, 'status' | 'text'>, what: string): ProviderError {
  const message = `HTTP ${response.status}: ${what}: ${response.text.slice(0, 200) || '(empty body)'}`;
  return providerError('unusable', { message });
}

const SAFETY_WORDS =
  /moderation|content[ _-]?polic|safety|sensitive|prohibited|risk control|content filter|nsfw/i;

/**
 * True when a failure text speaks of content rules, so that the agent can rephrase instead of trying again.
 */
export function soundsUnsafe(...texts: readonly (string | undefined)[]): boolean {
  return texts.some((text) => text !== undefined && SAFETY_WORDS.test(text));
}

function errorOf(
  response: HttpResponse,
  words: ErrorWords,
  now: number,
  call: 'submit' | 'poll',
): ProviderError {
  const errorClass = words.class ?? classOfReply(response, call);
  const message = words.message ?? (response.text.slice(0, 200) || 'no body');
  return providerError(
    errorClass,
    { code: words.code ?? `http${response.status}`, message: `HTTP ${response.status}: ${message}` },
    retryAfterMs(response.headers, response.text, now),
  );
}

/**
 * 408 and 5xx may come from a gateway while the provider went on, 409 may be our own earlier submit, and a
 * redirect may follow an accepted form: none of them proves anything. A known body code of the server kind
 * does not either.
 */
function provesNoTask(status: number, error: ProviderError): boolean {
  if (error.class === 'server' || error.class === 'network') return false;
  if (status === 408 || status === 409) return false;
  const isRefusal = status >= 400 && status < 500;
  const isRefusalInsideSuccess = status >= 200 && status < 300;
  return isRefusal || isRefusalInsideSuccess;
}

function classOfReply({ status, text }: HttpResponse, call: 'submit' | 'poll'): ProviderErrorClass {
  switch (status) {
    case 401:
    case 403:
      return 'auth';
    case 402:
      return 'billing';
    case 404:
    case 410:
      if (call === 'submit') return 'validation';
      // A load balancer's page is not the provider's word that a paid task is gone.
      return readObject(text) === undefined ? 'server' : 'notFound';
    case 408:
      return 'network';
    case 425:
    case 429:
    case 529:
      return 'rate';
    default:
      break;
  }
  if (status >= 500) return 'server';
  return status >= 400 ? 'validation' : 'unusable';
}
