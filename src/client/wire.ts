/**
 * What the runtime's work routes say, and hear: the names of the wire, read and written.
 *
 * Pure. Callers: door.ts, work-client.ts. Invariants: payloads and results pass as they are, or, where they
 * are not JSON, not at all; an answer of another form is CONTROL_FAILED: the runtime is of another version.
 */
import { wordsOf } from '../attempt.js';
import { errorAdvice, HoldfastError, type ErrorCode } from '../errors.js';
import type { ClaimedWork, EnqueuedWork, FailOptions, NewWork } from '../index.js';
import { firstNonJson, isPlainObject, type Json } from '../json.js';

/** What is not JSON is undefined. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function newWorkOut({ kind, payload, runAt, dedupeKey, attemptsMax, ...same }: NewWork): object {
  const at = runAt === undefined ? undefined : Number(runAt);
  return {
    ...same,
    kind,
    payload: jsonOut('payload', payload),
    run_at_ms: at,
    dedupe_key: dedupeKey,
    attempts_max: attemptsMax,
  };
}

export function enqueuedIn(body: unknown): EnqueuedWork {
  const { id, deduplicated } = fieldsIn(body);
  return { id: textIn(id), deduplicated: deduplicated === true };
}

export function itemsIn<T>(body: unknown, item: (each: unknown) => T): readonly T[] {
  const { items } = fieldsIn(body);
  if (!Array.isArray(items)) throw unreadable();
  return items.map(item);
}

export function claimedIn(body: unknown): ClaimedWork {
  const item = fieldsIn(body);
  return {
    id: textIn(item['id']),
    kind: textIn(item['kind']),
    // It came as JSON.
    payload: item['payload'] as Json,
    token: textIn(item['token']),
    workerId: textIn(item['worker_id']),
    attempts: numberIn(item['attempts']),
    attemptsMax: numberIn(item['attempts_max']),
    priority: numberIn(item['priority']),
    createdAt: numberIn(item['created_at_ms']),
    claimedAt: numberIn(item['claimed_at_ms']),
    expiresAt: numberIn(item['expires_at_ms']),
  };
}

export function expiryIn(body: unknown): number {
  return numberIn(fieldsIn(body)['expires_at_ms']);
}

/** Throws INVALID_INPUT for what the wire would make something else of, as the runtime itself does. */
export function jsonOut(field: string, value: unknown): unknown {
  const bad = value === undefined ? undefined : firstNonJson(value);
  if (bad === undefined) return value;
  throw new HoldfastError('INVALID_INPUT', `"${field}": it is not JSON at ${bad}`, { details: { field } });
}

export function failureOut(token: string, thrown: unknown, { retry, retryInMs }: FailOptions): object {
  return { token, error: wordsOf(thrown), retry, retry_in_ms: retryInMs };
}

/** The error that an answer tells of; undefined when it tells of none this version knows. */
export function errorIn(body: unknown): HoldfastError | undefined {
  const error = isPlainObject(body) ? body['error'] : undefined;
  const { code, message, details } = isPlainObject(error) ? error : {};
  if (!isCode(code) || typeof message !== 'string') return undefined;
  const advice = `. ${errorAdvice[code]}`;
  const said = message.endsWith(advice) ? message.slice(0, -advice.length) : message;
  return new HoldfastError(code, said, { details: detailsIn(details) });
}

function detailsIn(details: unknown): Readonly<Record<string, string | number | boolean>> {
  const told = Object.entries(isPlainObject(details) ? details : {}).flatMap(([name, value]) => {
    const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    const ours = name.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
    return isPlain ? [[ours, value] as const] : [];
  });
  return Object.fromEntries(told);
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorAdvice, code);
}

function fieldsIn(body: unknown): Readonly<Record<string, unknown>> {
  if (isPlainObject(body)) return body;
  throw unreadable();
}

function textIn(value: unknown): string {
  if (typeof value === 'string') return value;
  throw unreadable();
}

function numberIn(value: unknown): number {
  if (typeof value === 'number') return value;
  throw unreadable();
}

function unreadable(): HoldfastError {
  return new HoldfastError('CONTROL_FAILED', 'the answer is not of the form this version knows');
}
