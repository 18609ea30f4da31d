/**
 * Names that say that what they name is a secret.
 *
 * Pure. Callers: redaction.ts. Invariant: the last word decides, so that `tokenCount` and `maxTokens` name a
 * number, and `accessToken` a secret.
 */

const SECRETS: ReadonlySet<string> = new Set([
  'accesstoken',
  'apikey',
  'apikeys',
  'authorization',
  'authtoken',
  'bearer',
  'cookie',
  'cookies',
  'credential',
  'credentials',
  'jwt',
  'otp',
  'pass',
  'passcode',
  'passphrase',
  'passwd',
  'password',
  'passwords',
  'privatekey',
  'pwd',
  'refreshtoken',
  'secret',
  'secretkey',
  'secrets',
  'token',
]);

/** Words that make a secret of a key, or of tokens. */
const OF_KEYS: ReadonlySet<string> = new Set('access api auth encryption private secret signing'.split(' '));
const OF_TOKENS: ReadonlySet<string> = new Set('access api auth bearer id refresh session'.split(' '));

/** Words that stand where a secret could, and are none. */
const PLACEHOLDERS: ReadonlySet<string> = new Set([
  '',
  'basic',
  'bearer',
  'default',
  'false',
  'none',
  'null',
  'true',
  'undefined',
]);

/** True for `authorization`, `x-api-key`, `clientSecret` and the like. */
export function isSecretName(name: string): boolean {
  const words = wordsOf(name);
  const last = words.at(-1) ?? '';
  const before = words.at(-2) ?? '';
  if (SECRETS.has(last)) return true;
  if (last === 'key' || last === 'keys') return OF_KEYS.has(before);
  return last === 'tokens' && OF_TOKENS.has(before);
}

/** False for a text that says that there is no secret, or which of several it is. */
export function mayBeSecret(text: string): boolean {
  return !PLACEHOLDERS.has(text.trim().toLowerCase());
}

function wordsOf(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}
