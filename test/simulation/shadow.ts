/**
 * The shadow: what must be on the disk, row by row, told of every write when it is done.
 *
 * Owns: a copy of the disk and its rows by actor. Callers: the oracle, which looks at it instead of asking
 * the kernel. Invariants:
 *  H1  It changes with a finished write alone, before whoever asked for the write is answered.
 *  H2  After a loss of power it is what it was before the writes that were lost.
 */
import { partsOf } from '../../src/store/keys.js';
import type { EffectRow } from '../../src/actors/kernel/record.js';

export interface RowChange {
  readonly key: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Letters whose rows belong to one actor each, as far as the oracle counts them. */
export type OwnLetter = 'd' | 'o' | 'i' | 'j' | 'c' | 'p' | 'f';

const HISTORY_MAX = 64;
const NOTHING: ReadonlySet<string> = new Set();

export class Shadow {
  readonly rows = new Map<string, string>();
  readonly #own = new Map<string, Set<string>>();
  readonly #history: (readonly RowChange[])[] = [];

  /** Takes over a write. Returns what it changed, in key order of writing, each key once. */
  apply(rows: readonly { readonly key: string; readonly value: string | undefined }[]): readonly RowChange[] {
    const newest = new Map(rows.map(({ key, value }) => [key, value]));
    const changes = [...newest].map(([key, after]) => ({ key, before: this.rows.get(key), after }));
    for (const { key, after } of changes) this.#set(key, after);
    this.#history.push(changes);
    if (this.#history.length > HISTORY_MAX) this.#history.shift();
    return changes;
  }

  /** How many of the newest writes could be lost. */
  get losable(): number {
    return this.#history.length;
  }

  /** Takes the newest writes back. */
  lose(count: number): void {
    for (const changes of this.#history.splice(this.#history.length - count).reverse())
      for (const { key, before } of changes) this.#set(key, before);
  }

  /** The keys of an actor's rows of one letter. */
  own(letter: OwnLetter, address: string): ReadonlySet<string> {
    return this.#own.get(`${letter}\0${address}`) ?? NOTHING;
  }

  /** A row as JSON. */
  read<Row>(key: string): Row | undefined {
    const text = this.rows.get(key);
    return text === undefined ? undefined : (JSON.parse(text) as Row);
  }

  #set(key: string, value: string | undefined): void {
    const owner = ownerOf(key, value ?? this.rows.get(key));
    if (value === undefined) this.rows.delete(key);
    else this.rows.set(key, value);
    if (owner === undefined) return;
    const name = `${key.slice(0, 1)}\0${owner}`;
    const keys = this.#own.get(name) ?? new Set();
    if (value === undefined) keys.delete(key);
    else keys.add(key);
    if (keys.size === 0) this.#own.delete(name);
    else this.#own.set(name, keys);
  }
}

function ownerOf(key: string, text: string | undefined): string | undefined {
  const letter = key.slice(0, 1);
  if (letter === 'd') return partsOf(key)[2];
  if ('ijcpf'.includes(letter)) return partsOf(key)[0];
  if (letter === 'o' && text !== undefined) return (JSON.parse(text) as EffectRow).address;
  return undefined;
}
