/**
 * MiniMax's error words in both envelopes, and what each means here.
 *
 * v1: `base_resp: {status_code, status_msg}` under HTTP 200. v2: `{type: 'error', error: {type, message,
 * http_code}}` under the HTTP status it names. Callers: `minimax.ts`. Invariant: a code of the table is
 * believed before the HTTP status; any other means what the status means, and under a 2xx nothing.
 */
import { soundsUnsafe } from '../classify.js';
import type { ErrorWords } from '../classify.js';
import type { ProviderErrorClass } from '../port.js';
import { asText, at } from '../wire.js';
import type { WireObject } from '../wire.js';

const CLASS_OF_CODE: Readonly<Record<string, ProviderErrorClass>> = {
  // Unknown, timed out, internal: the task may exist.
  1000: 'server',
  1001: 'server',
  1024: 'server',
  1033: 'server',
  1002: 'rate',
  1039: 'rate',
  1041: 'rate',
  2045: 'rate',
  1004: 'auth',
  2049: 'auth',
  1008: 'billing',
  // A plan whose allowance is used up.
  2056: 'billing',
  // The prompt or the image, then the video.
  1026: 'safety',
  1027: 'safety',
  1042: 'validation',
  2013: 'validation',
  authentication_error: 'auth',
  permission_error: 'auth',
  insufficient_balance_error: 'billing',
  invalid_request_error: 'validation',
  rate_limit_error: 'rate',
  overloaded_error: 'rate',
};

/** v2 says 422 of what its content rules forbid, and 529 when it has too much to do. */
const CLASS_OF_STATUS: Readonly<Record<number, ProviderErrorClass>> = { 422: 'safety', 529: 'rate' };
const SUCCESS = '0';
const UNKNOWN_TASK = /not[ _]?(found|exist)|does(n't| not) exist|no such|unknown task|invalid task/i;

/** No code when the body says success, or nothing. */
export function minimaxWords(status: number, body: WireObject | undefined): ErrorWords {
  const told = asText(at(body, 'base_resp', 'status_code'));
  const error = asText(at(body, 'error', 'code')) ?? asText(at(body, 'error', 'type'));
  const code = told === undefined || told === SUCCESS ? error : told;
  const message =
    asText(at(body, 'error', 'message')) ??
    asText(at(body, 'base_resp', 'status_msg')) ??
    asText(body?.message);
  return { code, message, class: classOf(status, code, message) };
}

function classOf(
  status: number,
  code: string | undefined,
  message: string | undefined,
): ProviderErrorClass | undefined {
  const byStatus = CLASS_OF_STATUS[status];
  if (byStatus !== undefined) return byStatus;
  if (status === 400 && soundsUnsafe(message)) return 'safety';
  return code !== undefined && Object.hasOwn(CLASS_OF_CODE, code) ? CLASS_OF_CODE[code] : undefined;
}

/** True when "invalid parameter" is how it says that it does not know this task (yet, or any more). */
export function isUnknownTask(words: ErrorWords): boolean {
  return words.class === 'validation' && UNKNOWN_TASK.test(words.message ?? '');
}
