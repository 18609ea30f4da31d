/**
 * What fal and the models it hosts say when something is wrong, and what each means here.
 *
 * Callers: `fal.ts`. Invariants:
 *  E1  The result of a request that is over is the model's own reply, HTTP status included, and it never
 *      changes. So a status there ends the task when the reply shows that the model, or fal's verdict on it,
 *      made it; a gateway's does not.
 *  E2  Nothing is thrown.
 */
import { providerError, soundsUnsafe } from '../classify.js';
import type { ErrorWords } from '../classify.js';
import type { HttpResponse, ProviderError, ProviderErrorClass } from '../port.js';
import { asList, asText, at, readObject } from '../wire.js';
import type { WireObject } from '../wire.js';

/** Not an error: the result is asked for too early. */
const IN_PROGRESS = /still in progress/i;
const BILLING = /exhausted balance|insufficient (?:balance|credits|funds)|top up|user is locked/i;
/** Types that say the input, not the machine, was at fault. */
const INPUT_TYPES = [
  /^(?:value_error|type_error|missing|bad_request|file_download_error|one_of)/,
  /^(?:unsupported|greater_than|less_than|multiple_of|sequence|feature)_/,
  /_(?:too_large|too_small|too_long|too_short|type|parsing|load_error)$/,
];

/**
 * What is read in an error: `detail` is a text, or a list of `{loc, msg, type}`; fal's own word is beside
 * it.
 */
interface FalWords {
  readonly code: string | undefined;
  readonly message: string | undefined;
}

export function wordsIn(body: WireObject | undefined, headers: HttpResponse['headers'] = {}): FalWords {
  const first = asList(body?.detail)[0];
  const place = asList(at(first, 'loc'))
    .map(asText)
    .filter((part) => part !== undefined)
    .join('.');
  const said =
    asText(at(first, 'msg')) ?? asText(body?.detail) ?? asText(body?.error) ?? asText(body?.message);
  return {
    code: asText(at(first, 'type')) ?? asText(body?.error_type) ?? headers['x-fal-error-type'],
    message: said === undefined || place === '' ? said : `${place}: ${said}`,
  };
}

/** For a submit, a poll, and a result that proves nothing. */
export function falWords(response: HttpResponse): ErrorWords {
  const words = wordsIn(readObject(response.text), response.headers);
  return { ...words, class: classOfRefusal(response.status, words) };
}

export function saysInProgress(response: HttpResponse): boolean {
  return response.status === 400 && IN_PROGRESS.test(wordsIn(readObject(response.text)).message ?? '');
}

/**
 * Why a request that is over gave nothing; undefined when the reply does not prove that it will never give
 * anything. A `detail` list and fal's error type are marks of a verdict at any status; a `detail` text is one
 * at a 4xx that no gateway uses for its own affairs. An unmarked 5xx is a gateway's: it is asked again, until
 * the job's deadline.
 */
export function verdictOf(response: HttpResponse): ProviderError | undefined {
  const body = readObject(response.text);
  if (body === undefined) return undefined;
  const { status, headers } = response;
  const isMarked =
    asText(body.error_type) !== undefined ||
    headers['x-fal-error-type'] !== undefined ||
    asText(at(body.detail, 0, 'type')) !== undefined;
  const isOwnAffair = [401, 402, 403, 404, 408, 425, 429].includes(status);
  const isPlain = status >= 400 && status < 500 && !isOwnAffair && body.detail !== undefined;
  return isMarked || isPlain ? failureOf(wordsIn(body, headers)) : undefined;
}

/** The failure that these words tell of. */
export function failureOf({ code, message }: FalWords): ProviderError {
  const said = message ?? `the request failed${code === undefined ? '' : `: ${code}`}`;
  return providerError(classOfFailure(code, message), { code, message: said });
}

function classOfFailure(code: string | undefined, message: string | undefined): ProviderErrorClass {
  if (soundsUnsafe(code, message)) return 'safety';
  return code !== undefined && INPUT_TYPES.some((form) => form.test(code)) ? 'validation' : 'failed';
}

/** A locked account is a 403 like a wrong key. */
function classOfRefusal(status: number, { code, message }: FalWords): ProviderErrorClass | undefined {
  if ((status === 402 || status === 403) && BILLING.test(message ?? '')) return 'billing';
  if ((status === 400 || status === 422) && soundsUnsafe(code, message)) return 'safety';
  return undefined;
}
