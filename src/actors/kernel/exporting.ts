/**
 * One actor's rows, read for a capsule.
 *
 * Callers: transfer.ts, in the actor's own turn. Invariants: those of E1 and E2 there. It changes nothing.
 */
import { isHoldfastError } from '../../errors.js';
import { splitAddress } from '../../ids.js';
import type { Json } from '../../json.js';
import { limits } from '../../limits.js';
import { keys, partsOf, rangeOf } from '../../store/keys.js';
import type { CommitLoop } from './commit-loop.js';
import { parsedRow, readable, rowOf, scanPast } from './damage.js';
import { unpaged } from './page-rows.js';
import { pagesOf } from './pages.js';
import type { ActorRecord, EffectRow, InboxRow, JournalEntry } from './record.js';
import type { Shape } from './shape.js';

/** Rows that are missing or cannot be read. */
export interface Gap {
  readonly what: 'journal' | 'checkpoint' | 'effect' | 'payload' | 'inbox';
  /** Seqs, an effect's id, a payload's name; of an inbox how many rows. */
  readonly which: string;
}

/** An actor as it is stored. */
export interface ActorRows {
  /** Without its snapshot where that is amortized: the checkpoint and the journal stand for it. */
  readonly record: ActorRecord;
  /** What the journal goes on from; absent when it begins with the creation. */
  readonly checkpoint?: ActorRecord;
  readonly journal: readonly JournalEntry[];
  /** The effects that are not finished. */
  readonly outbox: readonly EffectRow[];
  /** What waits for it, oldest first. */
  readonly inbox: readonly Waiting[];
  readonly payloads: Readonly<Record<string, Json>>;
  /**
   * The attachment files that it holds; absent when it holds none. The files themselves stay where they
   * are.
   */
  readonly holds?: readonly Held[] | undefined;
  /** The states of its machine's version, where they are stored: what a migration needs. */
  readonly shape?: Shape | undefined;
  readonly gaps: readonly Gap[];
}

/** A hold of an attachment file, and its name. */
export interface Held {
  readonly name: string;
  readonly file: string;
}

export interface Waiting {
  readonly ord: string;
  readonly row: InboxRow;
}

/** Undefined when there is no such actor. Throws STORE_CORRUPTED when its record cannot be read. */
export async function readRows(loop: CommitLoop, address: string): Promise<ActorRows | undefined> {
  const key = keys.record(address);
  const text = await loop.read(key);
  if (text === undefined) return undefined;
  const record = parsedRow<ActorRecord>(key, text);
  const gaps: Gap[] = [];
  const from = record.marks[0]?.[0] ?? 0;
  const checkpoint = from === 0 ? undefined : await readCheckpoint(loop, address, from, gaps);
  const holds = await readHolds(loop, address);
  return {
    record,
    ...(checkpoint && { checkpoint }),
    journal: await readJournal(loop, address, [from + 1, record.seq], gaps),
    outbox: await readOutbox(loop, address, record, gaps),
    inbox: await readInbox(loop, address, gaps),
    payloads: await readPayloads(loop, address, gaps),
    ...(holds.length > 0 && { holds }),
    gaps,
  };
}

async function readCheckpoint(
  loop: CommitLoop,
  address: string,
  seq: number,
  gaps: Gap[],
): Promise<ActorRecord | undefined> {
  const row = await readable<ActorRecord>(loop, keys.checkpoint(address, seq));
  const whole = row && (await withItsPages(loop, address, row));
  if (whole === undefined) gaps.push({ what: 'checkpoint', which: String(seq) });
  return whole;
}

/** Undefined when one of them is missing or cannot be read. */
async function withItsPages(
  loop: CommitLoop,
  address: string,
  row: ActorRecord,
): Promise<ActorRecord | undefined> {
  try {
    return (await unpaged(loop, address, row)).record;
  } catch (error) {
    if (isHoldfastError(error, 'STORE_CORRUPTED')) return undefined;
    throw error;
  }
}

async function readJournal(
  loop: CommitLoop,
  address: string,
  [first, last]: readonly [first: number, last: number],
  gaps: Gap[],
): Promise<readonly JournalEntry[]> {
  const found: JournalEntry[] = [];
  let expected = first;
  const missing = (until: number): void => {
    if (until < expected) return;
    const which = until === expected ? String(until) : `${expected}..${until}`;
    gaps.push({ what: 'journal', which });
  };
  // Bounded: a journal is (see journal.ts).
  const limit = last - first + 2;
  const range = { gte: keys.journal(address, first), lt: keys.journal(address, last + 1) };
  for (const scanned of await scanPast(loop, { ...range, limit })) {
    const entry = rowOf<JournalEntry>(scanned);
    if (entry === undefined) continue;
    missing(entry.seq - 1);
    found.push(entry);
    expected = entry.seq + 1;
  }
  missing(last);
  return found;
}

async function readOutbox(
  loop: CommitLoop,
  address: string,
  record: ActorRecord,
  gaps: Gap[],
): Promise<readonly EffectRow[]> {
  const found: EffectRow[] = [];
  const { kind } = splitAddress(address);
  for (const { id, pool, ord } of record.effects) {
    const row = await readable<EffectRow>(loop, keys.effect(kind, pool, ord));
    if (row === undefined) gaps.push({ what: 'effect', which: id });
    else found.push(row);
  }
  return found;
}

async function readInbox(loop: CommitLoop, address: string, gaps: Gap[]): Promise<readonly Waiting[]> {
  const { capsuleInboxMax } = limits;
  const found: Waiting[] = [];
  const page = await scanPast(loop, { ...rangeOf('i', address), limit: capsuleInboxMax + 1 });
  for (const scanned of page.slice(0, capsuleInboxMax)) {
    const row = rowOf<InboxRow>(scanned);
    if (row !== undefined) found.push({ ord: partsOf(scanned[0])[1] ?? '', row });
  }
  const missing = page.length - found.length;
  if (missing > 0)
    gaps.push({ what: 'inbox', which: page.length > capsuleInboxMax ? 'the rest' : `${missing}` });
  return found;
}

/** Read to the end, however many: each that has no room is named. */
async function readPayloads(
  loop: CommitLoop,
  address: string,
  gaps: Gap[],
): Promise<Readonly<Record<string, Json>>> {
  const found: [string, Json][] = [];
  let bytes = 0;
  for await (const page of pagesOf((options) => scanPast(loop, options), rangeOf('p', address))) {
    for (const [key, text] of page) {
      const name = partsOf(key)[1] ?? '';
      bytes += text?.length ?? 0;
      const value = text === undefined || bytes > limits.capsulePayloadBytesMax ? undefined : jsonOf(text);
      if (value === undefined) gaps.push({ what: 'payload', which: name });
      else found.push([name, value]);
    }
  }
  return Object.fromEntries(found);
}

async function readHolds(loop: CommitLoop, address: string): Promise<readonly Held[]> {
  const found: Held[] = [];
  for await (const page of pagesOf((options) => scanPast(loop, options), rangeOf('f', address))) {
    for (const [key] of page) {
      const [, name = '', file = ''] = partsOf(key);
      found.push({ name, file });
    }
  }
  return found;
}

function jsonOf(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
