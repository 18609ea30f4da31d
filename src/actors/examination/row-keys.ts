/**
 * What a key may look like, by its letter.
 *
 * Pure. Callers: reading.ts. Invariant: it accepts whatever `keys` of the store's key table makes of a valid
 * address, a number or an ord; `k` and `m` rows are the store's own, which examines them itself.
 */
import { partsOf } from '../../store/keys.js';

const patterns = {
  address: /^[A-Za-z][\w.-]*\/./s,
  number: /^[0-9a-f]{12}$/,
  ord: /^[0-9a-f]{16}$/,
  name: /./s,
  pages: /^p$/,
  text: /^/,
} as const;

type Part = keyof typeof patterns;

const forms: Readonly<Record<string, readonly Part[]>> = {
  s: ['address'],
  j: ['address', 'number'],
  c: ['address', 'number'],
  p: ['address', 'name'],
  d: ['name', 'number', 'address', 'number', 'number'],
  o: ['name', 'name', 'ord'],
  i: ['address', 'ord'],
  x: ['address', 'text'],
  e: ['number', 'number'],
  n: ['name', 'text', 'name', 'name'],
  v: ['name', 'text', 'name'],
  b: ['name', 'name'],
  h: ['text', 'ord'],
  a: ['name', 'address'],
  f: ['address', 'name', 'name'],
  y: ['address', 'text'],
};

/** Of an `a` row that is a hold, which has a name. */
const HOLD: readonly Part[] = ['name', 'address', 'name'];

/** Of a `c` row that is a page. */
const PAGE: readonly Part[] = ['address', 'pages', 'number'];

/** The letters of rows that are examined here. */
export const LETTERS = [...Object.keys(forms), 'q'];

/** The index of events that nobody could take: no actor owes them. */
export const DEAD_LETTERS = 'dead-letter';

/** True for the row of a hold by its file; that of a declared reference has no name. */
export function isHold(parts: readonly string[]): boolean {
  return parts.length === 3;
}

export function isKey(key: string): boolean {
  const parts = partsOf(key);
  const letter = key.slice(0, 1);
  if (letter === 'q') return parts.length >= 2 && isIndexed(parts);
  const form = formOf(letter, parts);
  if (form === undefined) return true;
  return parts.length === form.length && form.every((part, index) => patterns[part].test(parts[index] ?? ''));
}

function formOf(letter: string, parts: readonly string[]): readonly Part[] | undefined {
  if (letter === 'a' && isHold(parts)) return HOLD;
  return letter === 'c' && parts.length === PAGE.length ? PAGE : forms[letter];
}

/** The last part is an address, or empty where one actor alone may have the key. */
function isIndexed(parts: readonly string[]): boolean {
  const last = parts.at(-1) ?? '';
  return last === '' || patterns.address.test(last);
}
