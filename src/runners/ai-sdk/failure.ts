/**
 * What went wrong with a call of the model, and whether it is worth another.
 *
 * Callers: model-call.ts, runner.ts. Invariants:
 *  1  Worth another call is what passes by itself: 408, 425, 429, 5xx, what the SDK calls retryable, a
 *     connection that was refused, cut, or silent for too long, a stream that ended without its end.
 *  2  Nothing of an error is kept but a code and its redacted messages.
 */
import { isPlainObject } from '../../json.js';
import { asText, redactError, retryAfterMs } from '../../providers/index.js';

const TRANSIENT_STATUS = new Set([408, 425, 429]);
const NETWORK_CODE = /^(UND_ERR_|ECONN|EPIPE|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|ENETUNREACH|EHOSTUNREACH)/;
const CAUSES_MAX = 5;
/** What a stream says that came to no end. */
const CUT_OFF = new Set(['AI_InvalidResponseDataError', 'AI_NoOutputGeneratedError']);
/** What the SDK could not read. */
const UNREADABLE = new Set(['AI_JSONParseError', 'AI_TypeValidationError']);

/** Ends a run: its code and message are the task's. */
export class ModelFailure extends Error {
  override readonly name = 'ModelFailure';
  /**
   * `http-<status>`, `network`, `no-answer`, `cut-off`, `stream-error`, `unusable-answer`, ..., or the
   * error's own.
   */
  readonly code: string;
  readonly isTransient: boolean;
  /** How long the provider asks to wait; ms. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: string,
    message: string,
    { isTransient = false, askedMs }: { readonly isTransient?: boolean; readonly askedMs?: number } = {},
  ) {
    super(message);
    this.code = code;
    this.isTransient = isTransient;
    this.retryAfterMs = askedMs;
  }
}

/** What was thrown by a call, judged. `now`, epoch ms, is for a Retry-After that names a date. */
export function failureOf(thrown: unknown, now: number): ModelFailure {
  if (thrown instanceof ModelFailure) return thrown;
  const chain = chainOf(thrown);
  const message = redactError(thrown);
  const answered = chain.find((part) => typeof part['statusCode'] === 'number');
  const status = Number(answered?.['statusCode'] ?? 0);
  const isRetryable = chain.some((part) => part['isRetryable'] === true);
  if (answered !== undefined && status >= 300) {
    const isTransient = TRANSIENT_STATUS.has(status) || status >= 500 || isRetryable;
    const askedMs = retryAfterMs(headersOf(answered), asText(answered['responseBody']) ?? '', now);
    return new ModelFailure(`http-${status}`, `the model's provider answered ${status}: ${message}`, {
      isTransient,
      ...(askedMs === undefined ? {} : { askedMs }),
    });
  }
  if (isRetryable || chain.some(isOfNetwork))
    return new ModelFailure('network', message, { isTransient: true });
  const name = asText(chain[0]?.['name']) ?? 'thrown';
  if (CUT_OFF.has(name)) return new ModelFailure('cut-off', message, { isTransient: true });
  if (UNREADABLE.has(name) || answered !== undefined) return new ModelFailure('unusable-answer', message);
  return new ModelFailure(asText(chain[0]?.['code']) ?? name, message);
}

/** What a stream said instead of going on. Without a reason that lasts, it is worth another call. */
export function streamFailureOf(said: unknown, now: number): ModelFailure {
  const failure = failureOf(said, now);
  if (said instanceof Error || failure.isTransient) return failure;
  return new ModelFailure('stream-error', failure.message, { isTransient: true });
}

/** An error and its causes, as objects to look into: another copy of the SDK has classes of its own. */
function chainOf(thrown: unknown): readonly Readonly<Record<string, unknown>>[] {
  const chain: Readonly<Record<string, unknown>>[] = [];
  let part = thrown;
  while (typeof part === 'object' && part !== null && chain.length < CAUSES_MAX) {
    const found: Readonly<Record<string, unknown>> = part as Record<string, unknown>;
    chain.push(found);
    part = found['cause'];
  }
  return chain;
}

function isOfNetwork({ code }: Readonly<Record<string, unknown>>): boolean {
  return typeof code === 'string' && NETWORK_CODE.test(code);
}

function headersOf({ responseHeaders }: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  if (!isPlainObject(responseHeaders)) return {};
  const texts = Object.entries(responseHeaders).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return Object.fromEntries(texts) as Record<string, string>;
}
