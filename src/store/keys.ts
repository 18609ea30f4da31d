/**
 * The key table: every row of the store, its letter and the parts of its key.
 *
 * Owns: the only place that builds or splits keys. Callers: the store and the kernel.
 * Invariants:
 *  - parts are joined by NUL; none contains NUL (ids are checked at the door), so a range over a prefix never
 *    catches a neighbour whose name merely starts the same;
 *  - numbers are 12 lower-case hex digits (48 bits), so that text order is number order;
 *  - `ord` is commit number x 2^16 + index as 16 hex digits: the only order for things created.
 *
 * | row | key                                   | value                               |
 * |-----|---------------------------------------|-------------------------------------|
 * | m   | name                                  | format, generation                  |
 * | s   | address                               | actor record                        |
 * | j   | address, seq                          | journal entry                       |
 * | c   | address, seq                          | checkpoint: a record as it was      |
 * | c   | address, `p`, number                  | page that checkpoints refer to      |
 * | p   | address, name                         | payload too big for a context       |
 * | d   | kind, dueAt, address, armSeq, index   | timer                               |
 * | o   | kind, pool, ord                       | effect to run                       |
 * | i   | address, ord                          | event waiting for an actor          |
 * | x   | address, eventId                      | dedupe: the seq that consumed it    |
 * | e   | expiry hour, commit number            | keys of what expires in that hour   |
 * | q   | index, ...parts, address              | declared index                      |
 * | n   | kind, version, hash, state            | how many actors are in that state   |
 * | b   | kind, leaf state                      | how long actors stayed in it        |
 * | v   | kind, version, hash                   | the shape of that machine           |
 * | h   | session, ord                          | history entry                       |
 * | a   | file (sha256 and extension), address  | a reference to an artifact file     |
 * | a   | file, address, name                   | a hold of an attachment file        |
 * | f   | address, name, file                   | the same hold, by its actor         |
 * | y   | root address, system id               | the actor or effect that has it     |
 * | k   | commit number                         | rolling hash of commits, their time |
 */
import type { Range } from './store.js';

const SEPARATOR = '\0';
const AFTER_SEPARATOR = '\x01';
const NUMBER_MAX = 2 ** 48 - 1;
/** No seq: pages come after the checkpoints of their actor. */
const PAGES = 'p';

type LettersOf<Text> = Text extends `${infer Letter}${infer More}` ? Letter | LettersOf<More> : never;
export type RowLetter = LettersOf<'msjcpdoixeqnvhafykb'>;

/**
 * A number from 0 to 2^48-1 as text of fixed width; larger ones are clamped (a due time beyond the year
 * 10,000).
 */
export function orderedNumber(value: number): string {
  return Math.min(Math.max(0, Math.floor(value)), NUMBER_MAX)
    .toString(16)
    .padStart(12, '0');
}

/** The order of the `index`-th (0 to 65,535) thing created by a commit. */
export function ordOf(commitNumber: number, index: number): string {
  return orderedNumber(commitNumber) + index.toString(16).padStart(4, '0');
}

/** Joins a row letter and the parts of its key. */
export function keyOf(letter: RowLetter, ...parts: readonly string[]): string {
  return letter + SEPARATOR + parts.join(SEPARATOR);
}

/** The parts of a key, without its letter. */
export function partsOf(key: string): string[] {
  return key.slice(2).split(SEPARATOR);
}

/** All rows whose key starts with these whole parts. */
export function rangeOf(letter: RowLetter, ...parts: readonly string[]): Range {
  if (parts.length === 0) return { gte: letter + SEPARATOR, lt: letter + AFTER_SEPARATOR };
  const prefix = keyOf(letter, ...parts);
  return { gte: prefix + SEPARATOR, lt: prefix + AFTER_SEPARATOR };
}

/** The same rows from after `key` on: how a scan goes to its next page. */
export function rangeAfter(range: Range, key: string): Range {
  return { gte: key + SEPARATOR, lt: range.lt };
}

/** Byte order of keys, as LevelDB sorts them: by code point, where JavaScript's `<` compares UTF-16 units. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return byteRank(left) - byteRank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above U+FFFF: rank them behind the rest of the basic plane. */
function byteRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** The number of a page in its key; undefined when the key is a checkpoint's. */
export function pageNumberOf(key: string): number | undefined {
  const [, name, number] = partsOf(key);
  return name === PAGES && number !== undefined ? Number.parseInt(number, 16) : undefined;
}

export const keys = {
  meta: (name: string) => keyOf('m', name),
  record: (address: string) => keyOf('s', address),
  journal: (address: string, seq: number) => keyOf('j', address, orderedNumber(seq)),
  checkpoint: (address: string, seq: number) => keyOf('c', address, orderedNumber(seq)),
  page: (address: string, number: number) => keyOf('c', address, PAGES, orderedNumber(number)),
  payload: (address: string, name: string) => keyOf('p', address, name),
  timer: (kind: string, dueAt: number, address: string, armSeq: number, index: number) =>
    keyOf('d', kind, orderedNumber(dueAt), address, orderedNumber(armSeq), orderedNumber(index)),
  effect: (kind: string, pool: string, ord: string) => keyOf('o', kind, pool, ord),
  inbox: (address: string, ord: string) => keyOf('i', address, ord),
  dedupe: (address: string, eventId: string) => keyOf('x', address, eventId),
  expiry: (hour: number, commitNumber: number) =>
    keyOf('e', orderedNumber(hour), orderedNumber(commitNumber)),
  index: (name: string, parts: readonly string[], address: string) => keyOf('q', name, ...parts, address),
  count: (kind: string, version: string, hash: string, state: string) =>
    keyOf('n', kind, version, hash, state),
  dwell: (kind: string, state: string) => keyOf('b', kind, state),
  shape: (kind: string, version: string, hash: string) => keyOf('v', kind, version, hash),
  history: (session: string, ord: string) => keyOf('h', session, ord),
  artifact: (file: string, address: string) => keyOf('a', file, address),
  hold: (file: string, address: string, name: string) => keyOf('a', file, address, name),
  held: (address: string, name: string, file: string) => keyOf('f', address, name, file),
  system: (root: string, systemId: string) => keyOf('y', root, systemId),
  chain: (commitNumber: number) => keyOf('k', orderedNumber(commitNumber)),
} as const;
