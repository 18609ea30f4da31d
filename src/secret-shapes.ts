/**
 * What a secret looks like, wherever it stands: keys of known providers, what follows a scheme or a header's
 * name, the users and the queries of URLs.
 *
 * Pure. Callers: the log, redact.ts of the providers, and through it whoever shows what others wrote.
 * Invariant: what is no secret's shape stays as it is.
 */
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
export const HOOK_TOKEN = /(?<=\/hooks\/[\w-]{1,64}\/)[\w%~.-]{1,600}\.[\w-]{43}(?![\w-])/g;
const SIGNING_KEY = /\bwhsec_[\w+/=-]{8,}/g;
const BOT_TOKEN = /(?<!\d)\d{6,12}:AA[\w-]{30,}/g;
const OTHER_KEYS =
  /\b(?:(?:sk_live|sk_test|gh[pousr]|github_pat|hf|r8|xox[abeprs])[_-][\w-]{10,}|(?:AKIA|AIza)[\w-]{12,})/g;
const SIGNED_TOKEN = /\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;

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

/** The text with nothing that looks like a secret. */
export function withoutSecrets(text: string): string {
  return replaceSecrets(text, () => '[redacted]');
}
