/**
 * What the walk gathered of some actors, checked: each against itself, and against the rows it owes.
 *
 * Callers: examination.ts. Invariants:
 *  A1  What many actors owe is read in one batch.
 *  A2  Nothing is concluded from a record that is not the actor's newest: its other rows may know better.
 */
import { splitAddress } from '../../ids.js';
import type { Json } from '../../json.js';
import { limits } from '../../limits.js';
import { keys } from '../../store/keys.js';
import { timerKey } from '../kernel/belongings.js';
import { kernelEvents } from '../kernel/kernel-events.js';
import { inlined } from '../kernel/page-rows.js';
import type { ActorRecord, TimerRef } from '../kernel/record.js';
import { checkReplay, replay } from '../kernel/replay.js';
import { ActorCase } from './actor-case.js';
import type { Gathered } from './actor-walk.js';
import { checkFamily, relativesOf } from './family-check.js';
import { checkHistory, differs, isBehind, removePages } from './journal-check.js';
import type { KnownMachines } from './known-machines.js';
import { listingKey, owedBy, type OwedRow } from './owed-rows.js';
import { DAMAGED, type Found } from './reading.js';
import { rebuilt } from './rebuild.js';
import { recordIn } from './row-shapes.js';
import type { RowFinding, Scene } from './scene.js';
import { isAnothers } from './stored-machines.js';
import { raise, type Tally } from './tally.js';

interface Checked {
  readonly gathered: Gathered;
  readonly actor: ActorCase;
  /** Undefined for a record that is not to be believed. */
  readonly believed: Believed | undefined;
}

interface Believed {
  /** Without what an ended actor may not have. */
  readonly record: ActorRecord;
  readonly owed: readonly OwedRow[];
  /** What it had. */
  readonly surplus: readonly OwedRow[];
}

/** Checks a batch of actors. */
export async function checkActors(batch: readonly Gathered[], scene: Scene): Promise<readonly RowFinding[]> {
  const checked: Checked[] = [];
  for (const gathered of batch) checked.push(await begin(gathered, scene));
  const found = await scene.reading.many(checked.flatMap(({ believed }) => keysFor(believed)));
  const findings: RowFinding[] = [];
  for (const one of checked) {
    if (one.believed !== undefined) await checkBelieved(one, one.believed, found, scene);
    checkUnreadable(one);
    if (!one.actor.isClean) findings.push(...one.actor.findings());
  }
  return findings;
}

function keysFor(believed: Believed | undefined): readonly string[] {
  if (believed === undefined) return [];
  const { record, owed, surplus } = believed;
  return [...owed, ...surplus].map(({ key }) => key).concat(relativesOf(record));
}

/** Judges the record itself, and adds it up. */
async function begin(gathered: Gathered, scene: Scene): Promise<Checked> {
  const { address } = gathered;
  const { tally, known } = scene;
  const record = recordIn(gathered.record);
  const actor = new ActorCase(address, record);
  const unknown: Checked = { gathered, actor, believed: undefined };
  if (record === undefined) {
    if (isActor(gathered)) await withoutRecord(gathered, actor, scene);
    else checkRemains(gathered, actor);
    return unknown;
  }
  const isForeign = isAnothers(address, record, scene);
  if (isForeign || isBehind(record, gathered) || differs(record, gathered)) {
    tally.suspects.add(address);
    const counted = await notNewest(gathered, actor, record, scene);
    // Counted where its kind has no such machine, it would keep the kind from being defined.
    if (isForeign && counted === record) raise(tally.uncounted, splitAddress(address).kind, 1);
    else tally.add(address, counted);
    return unknown;
  }
  tally.add(address, record);
  checkHistory(actor, record, gathered);
  const tidy = tidied(actor, record, known);
  const owed = owedBy(address, tidy, known).rows;
  const had = tidy === record ? owed : owedBy(address, record, known).rows;
  const surplus = had.filter(({ key }) => owed.every((row) => row.key !== key));
  return { gathered, actor, believed: { record: tidy, owed, surplus } };
}

/** An actor whose record is not there, or cannot be read. */
async function withoutRecord({ address, record }: Gathered, actor: ActorCase, scene: Scene): Promise<void> {
  const { tally, reading } = scene;
  tally.suspects.add(address);
  const made = await rebuilt(scene, address);
  if (made === undefined) raise(tally.uncounted, splitAddress(address).kind, 1);
  else {
    actor.replace(made);
    tally.add(address, made);
  }
  if (record === undefined) {
    actor.note('RECORD_MISSING', 'it has a journal and no record', keys.record(address));
    return;
  }
  // Whoever lists who stands still finds it.
  const listing = listingKey(address);
  const isListed = (await reading.many([listing])).get(listing) !== undefined;
  if (made !== undefined) actor.delete(listing);
  else if (!isListed) actor.put(listing, JSON.stringify(address));
  actor.note('RECORD_UNREADABLE', 'its record cannot be read', keys.record(address));
}

/** What is left at an address where no actor is. */
function checkRemains({ address, checkpoints, pages, payloads }: Gathered, actor: ActorCase): void {
  for (const { seq } of checkpoints) {
    const key = keys.checkpoint(address, seq);
    actor.delete(key);
    actor.note('CHECKPOINT_LITTER', `there is no such actor, but a checkpoint of step ${seq}`, key);
  }
  removePages(actor, { pages }, 'there is no such actor, but pages of its');
  for (const key of payloads) {
    actor.delete(key);
    actor.note('PAYLOAD_ORPHAN', 'there is no such actor, but a payload of its', key);
  }
}

/**
 * The record is an older one than the journal's, or says something else. Resolves with what is to be
 * counted.
 */
async function notNewest(
  { address, journal }: Gathered,
  actor: ActorCase,
  record: ActorRecord,
  scene: Scene,
): Promise<ActorRecord> {
  const newest = journal.at(-1)?.seq ?? record.seq;
  const isOld = newest > record.seq;
  const code = isOld ? 'RECORD_BEHIND' : 'RECORD_DIFFERS';
  const what = isOld
    ? `its record is of step ${record.seq}, its journal goes to ${newest}`
    : `its record is another's, or in another state than its journal says of step ${newest}`;
  const made = record.quarantine === undefined ? await rebuilt(scene, address) : undefined;
  if (made !== undefined) {
    actor.replace(made);
    actor.note(code, what, keys.record(address));
    return made;
  }
  // A writer goes by the journal's newest step: nothing could be written over the older record.
  if (isOld) actor.change({ seq: newest });
  actor.hold(code, what, keys.record(address));
  return record;
}

/** The record without what an actor that has ended may not have (K9), and with what it needs to go. */
function tidied(actor: ActorCase, record: ActorRecord, known: KnownMachines): ActorRecord {
  const { status, timers, effects, children = [], seq, at, quarantine } = record;
  if (status === 'active' || quarantine !== undefined) return record;
  const { retention } = kernelEvents;
  const kept = timers.filter(({ sendId }) => sendId === retention);
  if (kept.length === 1 && timers.length === 1 && effects.length + children.length === 0) return record;
  if (kept.length < timers.length || effects.length + children.length > 0)
    actor.note('RECORD_BUSY', `it is ${status}, and has things under way`, keys.record(actor.address));
  if (kept.length === 0) {
    const retentionMs = known.of(actor.address, record)?.retentionMs ?? limits.retentionMs;
    kept.push({ id: `${seq}:0`, sendId: retention, dueAt: at + retentionMs } satisfies TimerRef);
    actor.note(
      'RECORD_KEPT',
      `it is ${status}, and nothing would ever remove it`,
      keys.record(actor.address),
    );
    for (const timer of kept)
      actor.put(timerKey(actor.address, timer), JSON.stringify({ sendId: retention }));
  }
  const parts = { timers: kept, effects: [], children: undefined };
  actor.change(parts);
  return { ...record, ...parts };
}

async function checkBelieved(
  { gathered, actor }: Checked,
  { record, owed, surplus }: Believed,
  found: ReadonlyMap<string, Found>,
  scene: Scene,
): Promise<void> {
  const { kind } = splitAddress(actor.address);
  for (const row of surplus) if (row.isMine(found.get(row.key))) actor.delete(row.key);
  for (const row of owed) {
    const text = found.get(row.key);
    if (row.isMine(text)) scene.tally.own(row.letter, kind);
    else if (!actor.puts(row.key)) checkOwed(actor, row, text, scene.tally);
  }
  await checkFamily(actor, record, gathered, found, scene);
  if (scene.deep) checkSteps(actor, record, gathered, scene);
}

/** A row that is not as its actor says. */
function checkOwed(actor: ActorCase, row: OwedRow, found: Found, tally: Tally): void {
  const { key, text, what, missing } = row;
  const taken = row.taken?.(found);
  if (taken !== undefined) {
    actor.note(taken, `its ${what} is another's`, key, false);
    return;
  }
  const isThere = found !== undefined;
  const how = isThere ? 'is there, but cannot be read or is not what it says' : 'is not there';
  if (isThere) tally.told.add(key);
  if (text === undefined) {
    if (found === DAMAGED) actor.delete(key);
    actor.hold(missing, `the row of its ${what} ${how}`, key);
    return;
  }
  actor.put(key, text);
  actor.note(missing, `the row of its ${what} ${how}`, key);
}

function checkUnreadable({ gathered, actor }: Checked): void {
  const { badInbox, badPayloads, badDedupe, payloads } = gathered;
  for (const key of badInbox) {
    actor.delete(key);
    actor.hold('INBOX_UNREADABLE', 'something that was sent to it cannot be read', key);
  }
  if (isActor(gathered)) {
    for (const key of badPayloads)
      actor.hold('PAYLOAD_UNREADABLE', `one of its ${payloads.length} payloads cannot be read`, key);
  }
  for (const key of badDedupe) {
    actor.put(key, String(actor.record?.seq ?? 0));
    actor.note('DEDUPE_UNREADABLE', 'which step took an event cannot be read', key);
  }
}

function isActor({ record, journal }: Gathered): boolean {
  return record !== undefined || journal.length > 0;
}

/** The journal leads to the stored snapshot. Only where all of it is there. */
function checkSteps(actor: ActorCase, record: ActorRecord, gathered: Gathered, { known }: Scene): void {
  const { address } = actor;
  const definition = known.of(address, record);
  const { entries } = gathered;
  const oldest = gathered.checkpoint?.seq === record.marks[0]?.[0] ? gathered.checkpoint : undefined;
  const checkpoint = oldest && inlined(oldest, (number) => gathered.pages.get(number)?.page);
  if (definition === undefined || entries.length === 0 || !actor.isClean || actor.isHeld) return;
  const { parent } = record;
  const input = {
    definition,
    address,
    entries,
    ...(checkpoint && { checkpoint }),
    ...(parent && { parent }),
  };
  const stored = record.snapshot as Json | undefined;
  try {
    if (stored === undefined) replay(input);
    else checkReplay(input, stored);
  } catch {
    // It says so, or its code throws where it did not before.
    actor.note(
      'JOURNAL_DIVERGED',
      'its journal leads to another state than its record has',
      undefined,
      false,
    );
  }
}
