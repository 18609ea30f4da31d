/**
 * Redaction: what may be shown of texts, URLs and errors that passed near a key or a signed URL.
 *
 * Callers: the whole room, and whoever logs or stores what came from it.
 * Invariants: the query, fragment and user part of a URL never survive; a given secret never survives; a
 * text comes back no longer than `limits.providerMessageCharsMax`.
 */
import { types } from 'node:util';
import { limits } from '../limits.js';
import type { Credential } from './port.js';

const HIDDEN = '[redacted]';
const URL_USER = /\b([a-z][a-z\d+.-]{0,20}:\/\/)[^\s/?#@"'<>]+@/gi;
const URL_TAIL = /\b([a-z][a-z\d+.-]{0,20}:\/\/[^\s?#"'<>]*)[?#]([^\s"'<>]*)/gi;
const NAMED_SECRET =
  /\b((?:proxy-)?authorization|(?:x-)?(?:goog-)?api[-_]?key)(["']?\s*[:=]\s*["']?)([^"'\r\n,;]+)/gi;
const COOKIES = /\b((?:set-)?cookie)(["']?\s*[:=]\s*["']?)([^"'\r\n]+)/gi;
const SCHEME_SECRET = /\b((?:bearer|basic|key)\s+)([\w.~+/=*-]{6,})/gi;
const KEY_SHAPE = /(?<![A-Za-z\d])(?:sk|pk|rk)-[\w*-]{6,}/g;
/** Who has the address of a hook, or of a bot, may write there. */
const HOOKS = /(?<=\bhooks\.slack\.com\/services\/|\/api\/webhooks\/)[\w/-]{10,}/g;
/** The token of a hook of ours: a job's id and 43 characters that prove it. */
const HOOK_TOKEN = /(?<=\/hooks\/[\w-]{1,64}\/)[\w%~.-]{1,600}\.[\w-]{43}(?![\w-])/g;
const SIGNING_KEY = /\bwhsec_[\w+/=-]{8,}/g;
const BOT_TOKEN = /(?<!\d)\d{6,12}:AA[\w-]{30,}/g;
const OTHER_KEYS =
  /\b(?:(?:sk_live|sk_test|gh[pousr]|github_pat|hf|r8|xox[abeprs])[_-][\w-]{10,}|(?:AKIA|AIza)[\w-]{12,})/g;
const SIGNED_TOKEN = /\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
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
  shown = replaceSecrets(shown, () => HIDDEN);
  if (shown.length <= limits.providerMessageCharsMax) return shown;
  return `${shown.slice(0, limits.providerMessageCharsMax - 1).toWellFormed()}…`;
}

/**
 * The text with every part that looks like a secret replaced by what `standIn` makes of it, and without the
 * users of its URLs. `isKey`: the part is a key by itself, wherever it stands.
 */
export function replaceSecrets(text: string, standIn: (secret: string, isKey: boolean) => string): string {
  const key = (secret: string): string => standIn(secret, true);
  return text
    .replace(PRIVATE_KEY, key)
    .replace(URL_USER, '$1')
    .replace(URL_TAIL, (_all, before: string, tail: string) => `${before}?${standIn(tail, false)}`)
    .replace(
      NAMED_SECRET,
      (_all, name: string, is: string, secret: string) => `${name}${is}${standIn(secret, false)}`,
    )
    .replace(SCHEME_SECRET, (_all, scheme: string, secret: string) => `${scheme}${key(secret)}`)
    .replace(
      COOKIES,
      (_all, name: string, is: string, secret: string) => `${name}${is}${standIn(secret, false)}`,
    )
    .replace(HOOKS, key)
    .replace(HOOK_TOKEN, key)
    .replace(SIGNING_KEY, key)
    .replace(BOT_TOKEN, key)
    .replace(KEY_SHAPE, key)
    .replace(OTHER_KEYS, key)
    .replace(SIGNED_TOKEN, key);
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
