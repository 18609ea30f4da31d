/**
 * Google's error words: of a reply that is no success, and of an operation that failed.
 *
 * Callers: `veo.ts`. Invariant: a class is given only where the body knows better than the HTTP status.
 */
import { type ErrorWords, soundsUnsafe, taskFailure } from '../classify.js';
import type { HttpResponse, ProviderError, ProviderErrorClass } from '../port.js';
import { asList, asObject, asText, at, readObject } from '../wire.js';

/** `google.rpc.Code`: an operation gives the number alone. */
const STATUS_OF_CODE: Readonly<Record<string, string>> = {
  1: 'CANCELLED',
  2: 'UNKNOWN',
  3: 'INVALID_ARGUMENT',
  4: 'DEADLINE_EXCEEDED',
  5: 'NOT_FOUND',
  7: 'PERMISSION_DENIED',
  8: 'RESOURCE_EXHAUSTED',
  9: 'FAILED_PRECONDITION',
  13: 'INTERNAL',
  14: 'UNAVAILABLE',
  16: 'UNAUTHENTICATED',
};

const CLASS_OF_STATUS: Readonly<Record<string, ProviderErrorClass>> = {
  INVALID_ARGUMENT: 'validation',
  OUT_OF_RANGE: 'validation',
  FAILED_PRECONDITION: 'validation',
  UNAUTHENTICATED: 'auth',
  PERMISSION_DENIED: 'auth',
  RESOURCE_EXHAUSTED: 'rate',
  DEADLINE_EXCEEDED: 'server',
  INTERNAL: 'server',
  UNAVAILABLE: 'server',
};

/** Code, message and class of `{error: {code, message, status, details}}`. */
export function veoWords(response: HttpResponse): ErrorWords {
  // Some of Google's front ends wrap the error in a list.
  const error = asObject(at(errorBody(response.text), 'error'));
  const status = asText(error?.status);
  const message = asText(error?.message);
  return { code: status, message, class: classOf(status, message, error?.details) };
}

function errorBody(text: string): unknown {
  const body = readObject(text);
  return body ?? (text.startsWith('[') ? at(readObject(`{"list":${text}}`), 'list', 0) : undefined);
}

function classOf(
  status: string | undefined,
  message: string | undefined,
  details: unknown,
): ProviderErrorClass | undefined {
  if (status === undefined) return undefined;
  // A key that is not valid is an invalid argument to Google, and answered with 400.
  const reasons = asList(details).map((detail) => asText(at(detail, 'reason')));
  if (reasons.some((reason) => reason?.startsWith('API_KEY_') === true)) return 'auth';
  if (/api key not valid|api key expired/i.test(message ?? '')) return 'auth';
  if (status === 'FAILED_PRECONDITION' && /billing/i.test(message ?? '')) return 'billing';
  const isRefusal = CLASS_OF_STATUS[status] === 'validation';
  return isRefusal && soundsUnsafe(message) ? 'safety' : CLASS_OF_STATUS[status];
}

/** `error` of an operation that is done: its task is over, whatever the class would mean for a call. */
export function veoFailure(error: unknown): ProviderError {
  const number = asText(at(error, 'code'));
  const code = asText(at(error, 'status')) ?? (number === undefined ? undefined : STATUS_OF_CODE[number]);
  const message = asText(at(error, 'message')) ?? 'the provider says that the operation failed';
  return taskFailure({ code: code ?? number, message });
}
