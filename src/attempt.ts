/**
 * What a worker's handler has thrown: its words, and what it says of further attempts.
 *
 * Pure. Callers: the workers of this process and of others, and who keeps what they say. Invariant: an error
 * says the same wherever its handler ran.
 */
import { firstNonJson } from './json.js';
import { limits } from './limits.js';

export interface ThrownWords {
  readonly code: string;
  readonly message: string;
}

/** Its code, or its name, and its message; of what is no error, its JSON. Secrets are in it still. */
export function wordsOf(thrown: unknown): ThrownWords {
  const { code, name, message } = fieldsOf(thrown);
  return {
    code: [code, name].find(isWord) ?? 'Error',
    message: [message, thrown].find(isWord) ?? shownAs(thrown),
  };
}

/** `permanent: true` or `retry: false` on it: no further attempt; `retryAfterMs`: the next is so far off. */
export function wishesOf(thrown: unknown): { readonly retry?: false; readonly retryInMs?: number } {
  const { permanent, retry, retryAfterMs } = fieldsOf(thrown);
  if (permanent === true || retry === false) return { retry: false };
  if (typeof retryAfterMs !== 'number' || Number.isNaN(retryAfterMs)) return {};
  return { retryInMs: Math.round(Math.min(limits.workRetryInMaxMs, Math.max(0, retryAfterMs))) };
}

type Fields = Readonly<Record<'code' | 'name' | 'message' | 'permanent' | 'retry' | 'retryAfterMs', unknown>>;

function fieldsOf(thrown: unknown): Partial<Fields> {
  try {
    // Of a value that is no object each is undefined.
    const { code, name, message, permanent, retry, retryAfterMs } = Object(thrown) as Fields;
    return { code, name, message, permanent, retry, retryAfterMs };
  } catch {
    // A getter of it throws.
    return {};
  }
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function shownAs(thrown: unknown): string {
  const hasNothing = thrown === undefined || thrown === null || thrown === '';
  try {
    if (!hasNothing && firstNonJson(thrown) === undefined) return JSON.stringify(thrown);
  } catch {
    // The same.
  }
  return 'no reason given';
}
