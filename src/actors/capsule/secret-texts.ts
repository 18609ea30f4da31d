/**
 * Secrets that a text names: `password=...`, `"token": "..."`, `OPENAI_API_KEY=...`.
 *
 * Pure. Callers: redaction.ts. Invariant: what follows a name that is no secret's is looked at as well.
 */
import { firstNonJson, type Json } from '../../json.js';
import { isSecretName, mayBeSecret } from './secret-names.js';

/** What stands before the value: a name, at the end of what precedes the `:` or `=`. */
const NAME = /([a-z][\w.-]{0,63})(?:\\*["'])?\s{0,4}$/i;
/** A name, the quote after it with what escapes that, and spaces. */
const NAME_CHARS_MAX = 80;
const IS = /[:=]\s{0,4}/g;
const VALUE = /^(?:(\\*["'])(.*?)\1|([^\s"'\\,;&<>{}[\]()]+))/;

/**
 * The text with every value of a secret's name replaced by what `standIn` makes of it. A name is looked for
 * where a value may follow: to look from each letter on took 3 ms for 900 of them.
 */
export function replaceNamed(text: string, standIn: (secret: string) => string): string {
  let shown = '';
  let end = 0;
  for (const { 0: is, index } of text.matchAll(IS)) {
    if (index < end) continue;
    const [, name = ''] = NAME.exec(text.slice(Math.max(end, index - NAME_CHARS_MAX), index)) ?? [];
    if (!isSecretName(name)) continue;
    const start = index + is.length;
    const [whole = '', quote = '', quoted, bare = ''] = VALUE.exec(text.slice(start)) ?? [];
    const secret = quoted ?? bare;
    if (!mayBeSecret(secret)) continue;
    shown += text.slice(end, start + quote.length) + standIn(secret);
    end = start + whole.length - quote.length;
  }
  return shown + text.slice(end);
}

/** The object or list that a text is the JSON of; undefined for any other text. */
export function jsonWithin(text: string): Json | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    const parsed = JSON.parse(text) as Json;
    // A nest too deep to walk is a text like any other.
    return firstNonJson(parsed) === undefined ? parsed : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
