/**
 * The last committed seq of actors, for check S2: a bounded cache, filled from the rows that go by.
 *
 * Owns: the only reading of a record's or a journal entry's seq inside the store room. Callers: row-store.ts.
 * Invariant: a seq in the cache is what the committed rows say; an actor it does not know is read from the
 * database.
 */
import { limits } from '../limits.js';
import type { Row } from './store.js';

/** `"seq"` among the leading fields of a record, when those before it are plain strings and integers. */
const LEADING_SEQ = /^\{(?:"\w+":(?:"(?:[^"\\]|\\.)*"|-?\d+),)*?"seq":(\d+)[,}]/;

const RECORD = 's'.charCodeAt(0);
const JOURNAL = 'j'.charCodeAt(0);
/** A number in a key: 12 hex digits. */
const SEQ_LENGTH = 12;

export class RecordSeqs {
  /** Those used of late, and those used before them: the second go when the first are half of the bound. */
  #recent = new Map<string, number>();
  #earlier = new Map<string, number>();
  readonly #recentMax: number;

  constructor(actorsMax: number = limits.activeActorsMax) {
    this.#recentMax = Math.max(1, actorsMax / 2);
  }

  get(address: string): number | undefined {
    return this.#recent.get(address) ?? this.#earlier.get(address);
  }

  /** Takes note of a committed batch. A record row decides; without one the newest journal entry does. */
  learn(rows: readonly Row[]): void {
    for (const row of rows) {
      if (letterOf(row) === RECORD) this.#set(row.key.slice(2), seqOfRow(row));
    }
    for (const row of rows) {
      if (letterOf(row) === JOURNAL && row.value !== undefined) this.#learnJournal(row.key);
    }
  }

  /** Most entries came with their actor's record, whose seq is the same: then there is nothing to learn. */
  #learnJournal(key: string): void {
    const seq = Number.parseInt(key.slice(-SEQ_LENGTH), 16);
    const address = key.slice(2, -SEQ_LENGTH - 1);
    const known = this.get(address);
    if (known === undefined || known < seq) this.#set(address, seq);
  }

  /** In two halves, and not in one list in order of use: that costs a removal and a new key each time. */
  #set(address: string, seq: number | undefined): void {
    if (seq === undefined) {
      this.#recent.delete(address);
      this.#earlier.delete(address);
      return;
    }
    if (this.#recent.size >= this.#recentMax && !this.#recent.has(address)) {
      this.#earlier = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(address, seq);
  }
}

function letterOf(row: Row): number {
  return row.key.charCodeAt(0);
}

function seqOfRow(row: Row): number | undefined {
  return row.value === undefined ? 0 : seqOfRecord(row.value);
}

/**
 * The numeric `seq` at the top of a record's JSON, or undefined. Parsing all of 1.5 KB costs 10 µs, its front
 * 0.2.
 */
export function seqOfRecord(text: string): number | undefined {
  const leading = LEADING_SEQ.exec(text)?.[1];
  if (leading !== undefined) return Number(leading);
  const record: unknown = JSON.parse(text);
  if (typeof record !== 'object' || record === null || !('seq' in record)) return undefined;
  return typeof record.seq === 'number' ? record.seq : undefined;
}
