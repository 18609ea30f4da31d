/**
 * Redaction: what may be shown of texts, URLs and errors that passed near a key or a signed URL.
 *
 * Callers: the whole room, and whoever logs or stores what came from it.
 * Invariants: the query, fragment and user part of a URL never survive; a given secret never survives; a
 * text comes back no longer than `limits.providerMessageCharsMax`.
 */
import { types } from 'node:util';
import { limits } from '../limits.js';
import { HOOK_TOKEN, withoutSecrets } from '../secret-shapes.js';
import type { Credential } from './port.js';

const HIDDEN = '[redacted]';
/** A secret shorter than this would blank out ordinary words; no real key is. */
const SECRET_CHARS_MIN = 4;

/** The URL without its user, query and fragment; `?[redacted]` shows that there was one. */
export function redactUrl(url: string): string {
  if (!URL.canParse(url)) return HIDDEN;
  const { protocol, host, pathname, search, hash } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') return `${protocol}${HIDDEN}`;
  const path = pathname.replace(HOOK_TOKEN, HIDDEN);
  return `${protocol}//${host}${path}${search === '' && hash === '' ? '' : `?${HIDDEN}`}`;
}

/** The text without the given secrets, anything that looks like one, and the queries of its URLs. */
export function redactText(text: string, secrets: readonly string[] = []): string {
  let shown = text.slice(0, 4 * limits.providerMessageCharsMax);
  const known = secrets.filter((secret) => secret.length >= SECRET_CHARS_MIN);
  for (const secret of known.toSorted((a, b) => b.length - a.length))
    shown = shown.replaceAll(secret, HIDDEN);
  shown = withoutSecrets(shown);
  if (shown.length <= limits.providerMessageCharsMax) return shown;
  return `${shown.slice(0, limits.providerMessageCharsMax - 1).toWellFormed()}…`;
}

/** A word of somebody else's, such as a code or a status: redacted, and no longer than a word may be. */
export function shortWord(word: string, secrets: readonly string[] = []): string {
  return redactText(word, secrets).slice(0, limits.providerWordCharsMax).toWellFormed();
}

/** The messages of an error and its causes (five at most), redacted, as one line. */
export function redactError(error: unknown, secrets: readonly string[] = []): string {
  const messages: string[] = [];
  let part: unknown = error;
  for (let depth = 0; depth < 5 && part !== undefined; depth += 1) {
    const message = part instanceof Error ? part.message || errorCode(part) || part.name : asShown(part);
    if (!messages.includes(message)) messages.push(message);
    part = part instanceof Error ? part.cause : undefined;
  }
  return redactText(messages.join(': '), secrets);
}

function asShown(thrown: unknown): string {
  return typeof thrown === 'string' ? thrown : (JSON.stringify(thrown) ?? typeof thrown);
}

/**
 * The `code` of a Node or undici error, or its name; undefined when it is not an error. Where a test runner
 * has a realm of its own (jest), an error of Node's own is an instance of another realm's `Error`.
 */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) && !types.isNativeError(error)) return undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/**
 * Every string of a credential that must not be shown: whole header values and what follows a scheme word.
 */
export function secretsOf(credential: Credential | undefined): readonly string[] {
  const values = Object.values(credential?.headers ?? {});
  return values.flatMap((value) => [value, ...value.split(' ').slice(1)]);
}
