/**
 * The names on the wire: snake_case in JSON and HTTP, camelCase inside, and errors as `{code, message,
 * details}`.
 *
 * Pure. Callers: routes.ts, client.ts, the CLI's JSON output. Invariants:
 *  1  Keys below `entry`, `event`, `extra` and `meta` belong to users and providers: they pass unchanged, in
 *     both directions.
 *  2  `fromWire(toWire(x))` equals `x`, undefined fields aside.
 *  3  An error comes out of `errorFromWire` with the code and details it had before `errorToWire`.
 */
import { errorAdvice, HoldfastError, isHoldfastError, type ErrorCode } from '../errors.js';
import { isPlainObject } from '../json.js';

/** Fields whose content is not ours. */
const FOREIGN: ReadonlySet<string> = new Set(['capsule', 'entry', 'event', 'extra', 'meta', 'byCode']);

export interface WireError {
  readonly code: string;
  /** With the advice of its code. */
  readonly message: string;
  readonly details: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** `sessionKey` → `session_key`, at every depth of our own fields. */
export function toWire(value: unknown): unknown {
  return renamed(value, snakeCase);
}

/** `session_key` → `sessionKey`. Throws INVALID_INPUT for a key that is not snake_case. */
export function fromWire(value: unknown): unknown {
  return renamed(value, camelCase);
}

/** The wire form of anything thrown; what is not ours is told without its inside. */
export function errorToWire(error: unknown): WireError {
  if (!isHoldfastError(error)) {
    return { code: 'INTERNAL', message: 'an unexpected error; the runtime’s log has it', details: {} };
  }
  const { code } = error;
  const details = renamedKeys(error.details, snakeCase);
  const { field } = details;
  if (typeof field !== 'string') return { code, message: error.message, details };
  const named = snakeCase(field);
  const message = error.message.replace(`"${field}"`, `"${named}"`);
  return { code, message, details: { ...details, field: named } };
}

/** The error that a body of the wire tells of; undefined when it tells of none this version knows. */
export function errorFromWire(body: unknown): HoldfastError | undefined {
  const error = isPlainObject(body) ? body['error'] : undefined;
  if (!isPlainObject(error)) return undefined;
  const { code, message, details } = error;
  if (!isCode(code) || typeof message !== 'string') return undefined;
  return new HoldfastError(code, withoutAdvice(message, code), { details: plainDetails(details) });
}

function renamed(value: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      rename(key),
      FOREIGN.has(key) ? item : renamed(item, rename),
    ]),
  );
}

export function snakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camelCase(key: string): string {
  if (/[A-Z]/.test(key)) {
    const field = snakeCase(key);
    throw new HoldfastError('INVALID_INPUT', `"${key}": on the wire it is "${field}"`, {
      details: { field },
    });
  }
  return unsnaked(key);
}

function unsnaked(key: string): string {
  return key.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

function renamedKeys(details: WireError['details'], rename: (key: string) => string): WireError['details'] {
  return Object.fromEntries(Object.entries(details).map(([key, value]) => [rename(key), value]));
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorAdvice, code);
}

function withoutAdvice(message: string, code: ErrorCode): string {
  const advice = `. ${errorAdvice[code]}`;
  return message.endsWith(advice) ? message.slice(0, -advice.length) : message;
}

function plainDetails(details: unknown): WireError['details'] {
  if (!isPlainObject(details)) return {};
  return Object.fromEntries(
    Object.entries(details).flatMap(([key, value]) =>
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? [[unsnaked(key), value] as const]
        : [],
    ),
  );
}
