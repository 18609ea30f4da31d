/**
 * One actor under examination: what is found of it, and the rows that repair all of that at once.
 *
 * Callers: this folder. Invariants:
 *  X1  Findings of one actor share one repair: what one of them changes in the record no other undoes.
 *  X2  An actor of which something cannot be had again stands still, with the code of the finding: it is in
 *      the list of those who do, and acts on half of itself no more. Who stands still for that already is not
 *      reported for it again.
 */
import { findingKinds, type Finding, type FindingCode } from '../../findings.js';
import { keys } from '../../store/keys.js';
import type { Row } from '../../store/store.js';
import { timerKey } from '../kernel/belongings.js';
import type { ActorRecord } from '../kernel/record.js';
import { listingKey } from './owed-rows.js';
import type { RowFinding } from './scene.js';

interface Note {
  readonly finding: Finding;
  readonly isMended: boolean;
}

export class ActorCase {
  readonly address: string;
  /** As it is stored; undefined when there is none that can be read. */
  readonly record: ActorRecord | undefined;
  #draft: ActorRecord | undefined;
  readonly #notes: Note[] = [];
  readonly #rows = new Map<string, string | undefined>();

  constructor(address: string, record: ActorRecord | undefined) {
    this.address = address;
    this.record = record;
    this.#draft = record;
  }

  get isClean(): boolean {
    return this.#notes.length === 0;
  }

  /**
   * True when an earlier repair, or this one, made it stand still: it acts on nothing until somebody
   * looks.
   */
  get isHeld(): boolean {
    return isHeld(this.#draft);
  }

  /** Says what was found; the rows that repair it are given beside. */
  note(code: FindingCode, what: string, key?: string, isMended = true): void {
    const { address } = this;
    const finding = { code, what: `${address}: ${what}`, address, ...(key === undefined ? {} : { key }) };
    this.#notes.push({ finding, isMended });
  }

  put(key: string, text: string): void {
    this.#rows.set(key, text);
  }

  /** True for a row that the repair writes. */
  puts(key: string): boolean {
    return this.#rows.get(key) !== undefined;
  }

  delete(key: string): void {
    this.#rows.set(key, undefined);
  }

  /** Changes the record, when there is one. */
  change(parts: Partial<ActorRecord>): void {
    if (this.#draft !== undefined) this.#draft = { ...this.#draft, ...parts };
  }

  /** Puts a record where none could be read, or in the place of a wrong one. */
  replace(record: ActorRecord): void {
    this.#draft = record;
  }

  /**
   * Reports what cannot be had again and makes the actor stand still (X2). Without an actor that could, or
   * for one that has ended, it is only reported.
   */
  hold(code: FindingCode, what: string, key?: string): void {
    const draft = this.#draft;
    if (draft === undefined || draft.status !== 'active') {
      this.note(code, what, key, this.#rows.size > 0);
      return;
    }
    const wasHeld = this.isHeld && draft.quarantine === this.record?.quarantine;
    if (wasHeld) return;
    this.note(code, what, key);
    if (this.isHeld) return;
    const { quarantine, at } = draft;
    const message = quarantine === undefined ? what : `${what}; before that: ${quarantine.message}`;
    this.change({ quarantine: { ...quarantine, code, message, at: quarantine?.at ?? at } });
  }

  /** What was found, each with the repair of all. */
  findings(): readonly RowFinding[] {
    if (this.#notes.length === 0) return [];
    this.#settleRecord();
    const mend = Array.from(this.#rows, ([key, value]): Row => ({ key, value }));
    return this.#notes.map(({ finding, isMended }) =>
      isMended && mend.length > 0 ? { ...finding, mend } : finding,
    );
  }

  /** The record's own row, and those that follow from its standing still. */
  #settleRecord(): void {
    const { address } = this;
    const draft = this.#draft;
    if (draft === undefined || draft === this.record) return;
    this.put(keys.record(address), JSON.stringify(draft));
    if (draft.quarantine === undefined) return;
    this.put(listingKey(address), JSON.stringify(address));
    for (const timer of draft.timers) this.delete(timerKey(address, timer));
  }
}

/** True for who stands still for what an examination found. */
export function isHeld(record: ActorRecord | undefined): boolean {
  const code = record?.quarantine?.code;
  return code !== undefined && Object.hasOwn(findingKinds, code);
}
