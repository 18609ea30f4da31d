/**
 * Secrets that a text names: `password=...`, `"token": "..."`, `OPENAI_API_KEY=...`.
 *
 * Pure. Callers: redaction.ts. Invariant: what follows a name that is no secret's is looked at as well.
 */
import { firstNonJson, type Json } from '../../json.js';
import { isSecretName, mayBeSecret } from './secret-names.js';

const NAME = /([a-z][\w.-]{0,63})(?:\\*["'])?\s{0,4}[:=]\s{0,4}/gi;
const VALUE = /^(?:(\\*["'])(.*?)\1|([^\s"'\\,;&<>{}[\]()]+))/;

/** The text with every value of a secret's name replaced by what `standIn` makes of it. */
export function replaceNamed(text: string, standIn: (secret: string) => string): string {
  let shown = '';
  let end = 0;
  for (const { 0: before, 1: name = '', index } of text.matchAll(NAME)) {
    if (index < end || !isSecretName(name)) continue;
    const start = index + before.length;
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
