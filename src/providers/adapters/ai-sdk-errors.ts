/**
 * What an AI SDK model throws, and what each error means here; and how long it may say `error` before that is
 * believed.
 *
 * Callers: `ai-sdk.ts`. Invariants:
 *  E1  A start is `rejected` only for what is thrown before anything is sent, or for a status that proves
 *      that no task was made. An error after a 2xx is `billed`: the provider took it, and its answer was
 *      not understood.
 *  E2  An error of a poll ends nothing.
 *  E3  Nothing of an error but its class, its status and its redacted text is kept.
 */
import { failedPoll, providerError, refusedSubmit, soundsUnsafe, taskFailure } from '../classify.js';
import { redactError } from '../redact.js';
import type { HttpResponse, PollOutcome, ProviderErrorClass, SubmitOutcome } from '../port.js';
import { asNumber, asObject, asText, isSuccess, plainHeaders } from '../wire.js';

/** Thrown before a request is made. */
const NOTHING_SENT: Readonly<Record<string, ProviderErrorClass>> = {
  AI_LoadAPIKeyError: 'auth',
  AI_LoadSettingError: 'auth',
  AI_InvalidArgumentError: 'validation',
  AI_UnsupportedFunctionalityError: 'validation',
  AI_NoSuchModelError: 'validation',
};
const TRACKED_MAX = 10_000;

/** What a start that threw says. `now` is for a Retry-After date. */
export function failedStart(cause: unknown, now: number): SubmitOutcome {
  const message = redactError(cause);
  const unsent = NOTHING_SENT[nameOf(cause)];
  if (unsent !== undefined) {
    return { type: 'rejected', error: providerError(unsent, { code: nameOf(cause), message }) };
  }
  const response = responseOf(cause);
  if (response === undefined) {
    return { type: 'ambiguous', error: providerError('network', { code: nameOf(cause), message }) };
  }
  if (isSuccess(response)) {
    // Without its body the answer broke off: nobody knows what it said.
    const type = response.text === '' ? 'ambiguous' : 'billed';
    return { type, error: providerError('unusable', { message }) };
  }
  const isUnsafe = (response.status === 400 || response.status === 422) && soundsUnsafe(message);
  return refusedSubmit(response, { message, class: isUnsafe ? 'safety' : undefined }, now);
}

/** What a poll that threw says. */
export function failedStatus(cause: unknown, now: number): Extract<PollOutcome, { type: 'transient' }> {
  const message = redactError(cause);
  const response = responseOf(cause);
  if (response !== undefined && !isSuccess(response)) return failedPoll(response, { message }, now);
  const errorClass = NOTHING_SENT[nameOf(cause)] ?? (response === undefined ? 'network' : 'unusable');
  return { type: 'transient', error: providerError(errorClass, { code: nameOf(cause), message }) };
}

/** The reply behind an `APICallError`; undefined when there was none. */
export function responseOf(cause: unknown): HttpResponse | undefined {
  const status = asNumber(fieldOf(cause, 'statusCode'));
  if (status === undefined) return undefined;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(asObject(fieldOf(cause, 'responseHeaders')) ?? {})) {
    headers[name] = asText(value) ?? '';
  }
  return { status, headers: plainHeaders(headers), text: asText(fieldOf(cause, 'responseBody')) ?? '' };
}

function nameOf(cause: unknown): string {
  return asText(fieldOf(cause, 'name')) ?? 'thrown';
}

/** A class of another copy of the SDK is known by its fields alone. */
function fieldOf(cause: unknown, name: string): unknown {
  return typeof cause === 'object' && cause !== null ? Reflect.get(cause, name) : undefined;
}

interface Suspicion {
  readonly errors: number;
  readonly sinceMs: number;
}

/**
 * How often in a row, and for how long, a task has been said to have failed. In memory: a restart counts
 * anew, and so does a task that was pushed out by ten thousand others.
 */
export class Suspicions {
  readonly #errorsMin: number;
  readonly #forMs: number;
  readonly #rows = new Map<string, Suspicion>();

  constructor(errorsMin: number, forMs: number) {
    this.#errorsMin = errorsMin;
    this.#forMs = forMs;
  }

  /** One more error: suspected still, or believed. */
  outcome(taskId: string, said: string, nowMs: number): PollOutcome {
    const { errors, sinceMs } = this.#rows.get(taskId) ?? { errors: 0, sinceMs: nowMs };
    this.#rows.delete(taskId);
    const isBelieved = errors + 1 >= this.#errorsMin && nowMs - sinceMs >= this.#forMs;
    if (isBelieved) {
      return { type: 'failed', error: taskFailure({ code: 'error', message: said }) };
    }
    this.#rows.set(taskId, { errors: errors + 1, sinceMs });
    const [oldest] = this.#rows.keys();
    if (this.#rows.size > TRACKED_MAX && oldest !== undefined) this.#rows.delete(oldest);
    const message = `perhaps it failed (said ${errors + 1} of ${this.#errorsMin} times): ${said}`;
    return { type: 'transient', error: providerError('server', { code: 'suspect', message }) };
  }

  /** It was said to be well. */
  clear(taskId: string): void {
    this.#rows.delete(taskId);
  }
}
