/**
 * The walk over all actors: the rows that are in the order of addresses, gathered actor by actor.
 *
 * Callers: examination.ts. Invariant: one actor's rows are in memory at a time, reduced to what the checks
 * need; of its inbox and its dedupe rows, which may be many, only what is wrong and what was said of ends.
 */
import { compareKeys, pageNumberOf, partsOf, rangeOf } from '../../store/keys.js';
import { pageNumbers } from '../kernel/page-rows.js';
import type { ActorRecord, JournalEntry } from '../kernel/record.js';
import type { CheckpointRow, JournalRow, PageRow } from './journal-check.js';
import { Cursor, lengthOf, type Found, type Reading, type ReadRow } from './reading.js';
import { entryIn, inboxIn, jsonIn, pageIn, recordIn, wholeIn } from './row-shapes.js';

/** What the walk found of one actor. */
export class Gathered {
  readonly address: string;
  /** Its record's text. */
  record: Found;
  readonly journal: JournalRow[] = [];
  /** The same whole, where they are to be replayed. */
  readonly entries: JournalEntry[] = [];
  /** The oldest checkpoint, where they are to be replayed. */
  checkpoint: ActorRecord | undefined;
  readonly checkpoints: CheckpointRow[] = [];
  /** By their numbers; they come after the checkpoints. */
  readonly pages = new Map<number, PageRow>();
  readonly payloads: string[] = [];
  /** Keys of rows that cannot be read. */
  readonly badPayloads: string[] = [];
  readonly badInbox: string[] = [];
  readonly badDedupe: string[] = [];
  /** The children whose end waits in the inbox, by the ids of their refs. */
  readonly ends = new Set<string>();
  /** True when its parent's stop waits in the inbox. */
  isStopped = false;

  constructor(address: string) {
    this.address = address;
  }
}

const LETTERS = ['s', 'j', 'c', 'p', 'i', 'x'] as const;

/** Every address that has a row, in the order of the store; `keepsEntries` for those to be replayed. */
export async function* gatherActors(
  reading: Reading,
  keepsEntries: (address: string) => boolean,
): AsyncGenerator<Gathered, void, undefined> {
  const cursors = LETTERS.map((letter) => new Cursor(reading, letter, rangeOf(letter)));
  for (;;) {
    for (const cursor of cursors) await cursor.ready();
    const address = first(cursors);
    if (address === undefined) return;
    const gathered = new Gathered(address);
    const keeps = keepsEntries(address);
    for (const cursor of cursors) {
      while (cursor.address === address) {
        add(gathered, cursor.letter, cursor.take(), keeps);
        const loading = cursor.ready();
        if (loading !== undefined) await loading;
      }
    }
    yield gathered;
  }
}

function first(cursors: readonly Cursor[]): string | undefined {
  let smallest: string | undefined;
  for (const { address } of cursors) {
    if (address === undefined) continue;
    if (smallest === undefined || (address !== smallest && compareKeys(address, smallest) < 0))
      smallest = address;
  }
  return smallest;
}

function add(gathered: Gathered, letter: Cursor['letter'], [key, found]: ReadRow, keeps: boolean): void {
  switch (letter) {
    case 's':
      gathered.record = found;
      return;
    case 'j':
      addEntry(gathered, key, found, keeps);
      return;
    case 'c':
      addCheckpoint(gathered, key, found, keeps);
      return;
    case 'p':
      gathered.payloads.push(key);
      if (jsonIn(found) === undefined) gathered.badPayloads.push(key);
      return;
    case 'i':
      addInbox(gathered, key, found);
      return;
    case 'x':
      if (wholeIn(found) === undefined) gathered.badDedupe.push(key);
  }
}

function addEntry(gathered: Gathered, key: string, found: Found, keeps: boolean): void {
  const seq = seqIn(key);
  const bytes = lengthOf(found);
  const entry = entryIn(found);
  if (entry?.seq !== seq) {
    gathered.journal.push({ seq, bytes, entry: undefined });
    return;
  }
  const { commit, at, value, status } = entry;
  gathered.journal.push({ seq, bytes, entry: { commit, at, value, status } });
  if (keeps) gathered.entries.push(entry);
}

/** A checkpoint, or a page that some of them refer to. */
function addCheckpoint(gathered: Gathered, key: string, found: Found, keeps: boolean): void {
  const number = pageNumberOf(key);
  if (number !== undefined) {
    const page = pageIn(found);
    gathered.pages.set(number, { isWhole: page !== undefined, page: keeps ? page : undefined });
    return;
  }
  const seq = seqIn(key);
  const record = recordIn(found);
  const isWhole = record?.seq === seq;
  gathered.checkpoints.push({ seq, isWhole, pages: isWhole ? pageNumbers(record) : [] });
  if (keeps) gathered.checkpoint ??= record;
}

function addInbox(gathered: Gathered, key: string, found: Found): void {
  const row = inboxIn(found);
  if (row === undefined) gathered.badInbox.push(key);
  else if (row.type === 'stop') gathered.isStopped = true;
  else if (row.type === 'event' && row.from !== undefined && !row.event.type.startsWith('xstate.snapshot.'))
    gathered.ends.add(row.from);
}

function seqIn(key: string): number {
  return Number.parseInt(partsOf(key)[1] ?? '', 16);
}
