/**
 * Journals and checkpoints against their record: what a replay would need is there, and nothing else.
 *
 * Pure. Callers: actor-check.ts. Invariants:
 *  Y1  A cut journal begins where a whole checkpoint, or the record itself, lets it begin, with every entry
 *      from there on.
 *  Y2  Nothing that an amortized record is made from is cut away.
 *  Y3  A checkpoint is whole with all its pages. A page that none refers to is litter: unless one that may
 *      have cannot be read.
 */
import { canonicalJson, type Json } from '../../json.js';
import type { JsonObject } from '../../json.js';
import { keys } from '../../store/keys.js';
import { type ActorRecord, type JournalEntry, valueOf } from '../kernel/record.js';
import type { Marks } from '../kernel/journal.js';
import type { ActorCase } from './actor-case.js';

/** One row of a journal; `entry` is undefined when it cannot be read, or is another's. */
export interface JournalRow {
  readonly seq: number;
  readonly bytes: number;
  readonly entry: Pick<JournalEntry, 'commit' | 'at' | 'value' | 'status'> | undefined;
}

export interface CheckpointRow {
  readonly seq: number;
  readonly isWhole: boolean;
  /** The numbers of its pages. */
  readonly pages: readonly number[];
}

export interface PageRow {
  readonly isWhole: boolean;
  /** Where its actor's journal is to be replayed. */
  readonly page: JsonObject | undefined;
}

export interface History {
  /** In order. */
  readonly journal: readonly JournalRow[];
  readonly checkpoints: readonly CheckpointRow[];
  readonly pages: ReadonlyMap<number, PageRow>;
}

/** True when a journal goes on where its record has stopped: the record is an older one. */
export function isBehind({ seq }: ActorRecord, { journal }: History): boolean {
  return (journal.at(-1)?.seq ?? 0) > seq;
}

/** True when the newest entry says another state than the record. */
export function differs(record: ActorRecord, { journal }: History): boolean {
  const newest = journal.at(-1);
  if (newest?.entry === undefined || newest.seq !== record.seq) return false;
  const { value, status } = newest.entry;
  return status !== record.status || canonicalJson(value) !== canonicalJson(valueOf(record));
}

/** Reports what is wrong with an actor's history. Call for a record that is neither behind nor different. */
export function checkHistory(actor: ActorCase, record: ActorRecord, history: History): void {
  removeLitter(actor, record, history);
  const isWhole = (record.snapshot as Json | undefined) !== undefined;
  // Who stands still because its tail is lost has been told of.
  if (!isWhole && actor.isHeld) return;
  const broken = brokenSteps(actor, record, history);
  const lost = lostCheckpoints(actor, record, history);
  if (broken === 0 && lost.size === 0) return;
  const kept = keptMarks(record.marks, broken, lost);
  if (kept !== undefined) cut(actor, record, history, kept);
  else if (isWhole) beginAnew(actor, record, history);
  else actor.hold('JOURNAL_TAIL', 'its newest state was in its journal alone, and that is not whole');
}

function removeLitter(actor: ActorCase, { marks }: ActorRecord, history: History): void {
  const { journal, checkpoints } = history;
  const { address } = actor;
  const oldest = marks[0]?.[0] ?? 0;
  const old = journal.filter(({ seq }) => seq <= oldest);
  if (old.length > 0) {
    for (const { seq } of old) actor.delete(keys.journal(address, seq));
    const [first] = old;
    actor.note(
      'JOURNAL_LITTER',
      `${old.length} entries before step ${oldest} were cut`,
      first && keys.journal(address, first.seq),
    );
  }
  for (const { seq } of checkpoints) {
    if (marks.some(([mark]) => mark === seq)) continue;
    const key = keys.checkpoint(address, seq);
    actor.delete(key);
    actor.note('CHECKPOINT_LITTER', `nothing needs the checkpoint of step ${seq}`, key);
  }
  const isKnown = ([mark]: Marks[number]): boolean =>
    mark === 0 || checkpoints.some(({ seq, isWhole }) => seq === mark && isWhole);
  if (marks.every(isKnown)) removePages(actor, history, 'no checkpoint refers to pages of its', marks);
}

/** Removes the pages that no checkpoint of `marks` refers to; without `what` as a part of another repair. */
export function removePages(
  actor: ActorCase,
  { pages, checkpoints = [] }: Pick<History, 'pages'> & Partial<History>,
  what: string | undefined,
  marks: Marks = [],
): void {
  if (pages.size === 0) return;
  const kept = checkpoints.filter(({ seq }) => marks.some(([mark]) => mark === seq));
  const needed = new Set(kept.flatMap((checkpoint) => checkpoint.pages));
  const left = [...pages.keys()]
    .filter((number) => !needed.has(number))
    .map((number) => keys.page(actor.address, number));
  for (const key of left) actor.delete(key);
  const [first] = left;
  if (what !== undefined && first !== undefined)
    actor.note('CHECKPOINT_LITTER', `${what}: ${left.length}`, first);
}

/** The newest step whose entry is missing or cannot be relied on; 0 when all are whole. */
function brokenSteps(actor: ActorCase, { marks, seq: newest }: ActorRecord, { journal }: History): number {
  const oldest = marks[0]?.[0] ?? 0;
  let expected = oldest + 1;
  let commit = 0;
  let at = 0;
  const missing: number[] = [];
  const unreadable: number[] = [];
  for (const { seq, entry } of journal) {
    if (seq <= oldest || seq > newest) continue;
    for (; expected < seq; expected += 1) missing.push(expected);
    expected = seq + 1;
    // Steps are in the order of their commits, and of their times.
    if (entry === undefined || entry.commit < commit || entry.at < at) unreadable.push(seq);
    else ({ commit, at } = entry);
  }
  for (; expected <= newest; expected += 1) missing.push(expected);
  const { address } = actor;
  const [gap] = missing;
  const [bad] = unreadable;
  if (gap !== undefined)
    actor.note('JOURNAL_GAP', `${missing.length} entries are missing, the first of step ${gap}`);
  if (bad !== undefined) {
    const what = `${unreadable.length} entries cannot be read, or are out of order, the first of step ${bad}`;
    actor.note('JOURNAL_UNREADABLE', what, keys.journal(address, bad));
  }
  return Math.max(0, missing.at(-1) ?? 0, unreadable.at(-1) ?? 0);
}

function lostCheckpoints(
  actor: ActorCase,
  { marks }: ActorRecord,
  { checkpoints, pages }: History,
): ReadonlySet<number> {
  const lost = new Set<number>();
  for (const [mark] of marks) {
    const found = checkpoints.find(({ seq, isWhole }) => seq === mark && isWhole);
    const page = found?.pages.find((number) => pages.get(number)?.isWhole !== true);
    if (mark === 0 || (found !== undefined && page === undefined)) continue;
    lost.add(mark);
    const { address } = actor;
    const key = page === undefined ? keys.checkpoint(address, mark) : keys.page(address, page);
    const which = page === undefined ? '' : `a page of `;
    const what = `${which}the checkpoint of step ${mark} is missing, or cannot be read`;
    actor.note('CHECKPOINT_MISSING', what, key);
  }
  return lost;
}

/** The marks from which all is there; those without a checkpoint between them join the one before. */
function keptMarks(marks: Marks, broken: number, lost: ReadonlySet<number>): Marks | undefined {
  const kept: (readonly [seq: number, bytes: number])[] = [];
  for (const [mark, bytes] of marks) {
    const last = kept.at(-1);
    if (mark >= broken && !lost.has(mark)) kept.push([mark, bytes]);
    else if (last !== undefined) kept[kept.length - 1] = [last[0], last[1] + bytes];
  }
  return kept.length === 0 ? undefined : kept;
}

/** Lets the journal begin at the first of `marks`. */
function cut(actor: ActorCase, { marks: earlier }: ActorRecord, history: History, marks: Marks): void {
  const { journal } = history;
  const { address } = actor;
  const oldest = marks[0]?.[0] ?? 0;
  for (const { seq } of journal) if (seq <= oldest) actor.delete(keys.journal(address, seq));
  for (const [mark] of earlier) {
    const isKept = marks.some(([seq]) => seq === mark);
    if (mark > 0 && !isKept) actor.delete(keys.checkpoint(address, mark));
  }
  removePages(actor, history, undefined, marks);
  actor.change({ marks });
}

/** A new journal: its first checkpoint is the record as it is. */
function beginAnew(actor: ActorCase, record: ActorRecord, history: History): void {
  const marks: Marks = [[record.seq, 0]];
  cut(actor, record, history, marks);
  const { quarantine: _reason, ...checkpoint } = { ...record, marks };
  actor.put(keys.checkpoint(actor.address, record.seq), JSON.stringify(checkpoint));
}
