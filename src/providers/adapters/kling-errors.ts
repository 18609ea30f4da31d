/**
 * Kling's body codes, and what each means here. The HTTP status alone lies: 429 is also "not paid".
 *
 * Callers: `kling-replies.ts`. Invariant: the code is believed before the HTTP status.
 */
import { parseHttpDate } from '../../clock.js';
import type { ErrorWords } from '../classify.js';
import type { HttpResponse, ProviderErrorClass } from '../port.js';
import { asText, readObject } from '../wire.js';
import { TOKEN_EARLY_SECONDS, TOKEN_LIFE_SECONDS } from './kling-keys.js';

const CLASS_OF_CODE: Readonly<Record<string, ProviderErrorClass>> = {
  1000: 'auth',
  1001: 'auth',
  1002: 'auth',
  1003: 'auth',
  1004: 'auth',
  // Account trouble, arrears, an empty resource pack: HTTP says 429, waiting does not help.
  1100: 'billing',
  1101: 'billing',
  1102: 'billing',
  // This account may not use this model: the job's trouble, so the account's other jobs go on.
  1103: 'validation',
  1200: 'validation',
  1201: 'validation',
  1202: 'validation',
  1203: 'validation',
  1300: 'safety',
  1301: 'safety',
  1302: 'rate',
  1303: 'rate',
  // The caller's address is not on the account's list: HTTP says 429, only a person can mend it.
  1304: 'auth',
  5000: 'server',
  5001: 'server',
  5002: 'server',
};

/** Code 1203 on a GET, or a text that says so: the provider does not know this task (yet). */
const UNKNOWN_TASK = /not[ _]?(found|exist)|does(n't| not) exist|no such task|unknown task/i;
const USED_KEY = /(external_?task_?id|external id)[^.]*\b(exist|duplicat|repeat|used|conflict|unique)/i;
const DUPLICATE_KEY = /\b(duplicat|repeat)\w*[^.]*(external_?task_?id|external id)/i;

/** Code, message and class of an error body; the class is undefined for a code that is not in the table. */
export function klingWords(response: HttpResponse, now: number): ErrorWords {
  const body = readObject(response.text);
  const code = asText(body?.code);
  const message = asText(body?.message) ?? asText(body?.msg);
  return {
    code: code === '0' ? undefined : code,
    message,
    class: code === undefined ? undefined : classOfCode(code, response, now),
  };
}

const NOT_YET_VALID = '1003';
const EXPIRED = '1004';

/**
 * Each call has a token of its own. One that came too early or too late although our clock agrees with the
 * provider's `Date` was held up on its way, and the next will do. Where the clocks differ by more than a
 * token bears, or nothing tells, no token of ours will: the account waits for a person.
 */
function classOfCode(code: string, { headers }: HttpResponse, now: number): ProviderErrorClass | undefined {
  if (code !== NOT_YET_VALID && code !== EXPIRED) return CLASS_OF_CODE[code];
  const theirs = parseHttpDate(headers.date ?? '');
  if (theirs === undefined) return 'auth';
  const aheadMs = now - theirs;
  const bearsMs = 1_000 * (code === EXPIRED ? TOKEN_LIFE_SECONDS : TOKEN_EARLY_SECONDS);
  return (code === EXPIRED ? -aheadMs : aheadMs) < bearsMs ? 'rate' : 'auth';
}

/** The refusal of a POST whose `external_task_id` is taken: an earlier POST of ours came through. */
export function saysKeyUsed(words: ErrorWords): boolean {
  const message = words.message ?? '';
  return USED_KEY.test(message) || DUPLICATE_KEY.test(message);
}

/** True when a lookup was answered with "there is no such task", whatever the HTTP status. */
export function saysUnknownTask(status: number, words: ErrorWords): boolean {
  if (words.class === 'auth' || words.class === 'billing' || words.class === 'rate') return false;
  if (status >= 500 || words.class === 'server') return false;
  return status === 404 || words.code === '1203' || UNKNOWN_TASK.test(words.message ?? '');
}
