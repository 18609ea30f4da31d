/**
 * What caused a step: what its id says, and, where ids say nothing, what the runtime's own kinds are known to
 * do.
 *
 * Pure. Callers: story-journals.ts. Invariants:
 *  C1  A cause is an earlier step; a step that a person or your code sent has none, unless it goes on with
 *      what an earlier one began.
 *  C2  A session's turn is caused by what it took; what is submitted for it names it.
 *  C3  Where no id says so, it goes by order: a running turn has taken the newest message, and what a session
 *      is sent of is of the turn that ran then. Such a cause says that it is inferred.
 */
import { isPlainObject } from '../../json.js';
import type { JournalEntry } from '../kernel/index.js';
import { causeOf } from './lines.js';
import { loose, text } from './titles.js';

export interface StepName {
  readonly address: string;
  readonly seq: number;
}

export interface Cause extends StepName {
  /** By order, not by an id (C3). */
  readonly isInferred?: true;
}

/** Events of the house that only go on with the life of their actor, whoever sends them. */
const GOES_ON: ReadonlySet<string> = new Set([
  ...['provider.available', 'provider.hint', 'provider.evidence', 'effect.interrupted', 'lane.turn'],
  ...['work.claim', 'work.heartbeat', 'work.done', 'work.fail', 'work.requeue', 'work.reclaim'],
  ...['generation.began', 'generation.ended', 'claims.lost', 'runner.available', 'run.released'],
]);

/** Those who speak for an actor itself. */
const OWN_SOURCES: ReadonlySet<string> = new Set(['runtime', 'kernel', 'lane', 'effect', 'timer']);

const INTAKE: ReadonlySet<string> = new Set(['session.enqueue', 'message.arrived', 'batch.retry']);
const TAKES: ReadonlySet<string> = new Set(['turn.begin', 'turn.checkpoint', 'claim.take']);

/** The causes of the step at `index` of a journal, as far as that journal tells. */
export function causesIn(address: string, journal: readonly JournalEntry[], index: number): readonly Cause[] {
  const entry = journal[index];
  if (entry === undefined) return [];
  const own = (seq: number): StepName => ({ address, seq });
  const cause = causeOf(address, entry);
  if (cause !== undefined) return [cause];
  if (address.startsWith('session/')) {
    const found = sessionCauses(journal, index);
    if (found.length > 0) return found.map(({ seq, ...how }) => ({ ...own(seq), ...how }));
  }
  const before = journal[index - 1];
  const goesOn = OWN_SOURCES.has(entry.source) || GOES_ON.has(entry.event.type);
  return goesOn && before !== undefined ? [own(before.seq)] : [];
}

/** C2: what a turn took, and what began the claims that a step is about. */
function sessionCauses(journal: readonly JournalEntry[], index: number): readonly Omit<Cause, 'address'>[] {
  const entry = journal[index];
  if (entry === undefined) return [];
  const { event } = entry;
  const earlier = journal.slice(0, index).toReversed();
  if (TAKES.has(event.type)) {
    const claimId = text(loose(event['claim'])['claimId']);
    const nonces = claimId === undefined ? [] : noncesOf(journal.slice(index), claimId);
    const taken = earlier.filter((one) => INTAKE.has(one.event.type) && nonces.includes(nonceOf(one)));
    const turn = event.type === 'turn.checkpoint' ? earlier.find(begins) : undefined;
    const known = [turn, ...taken].flatMap((one) => (one === undefined ? [] : { seq: one.seq }));
    const newest = taken.length > 0 ? undefined : earlier.find((one) => INTAKE.has(one.event.type));
    return newest === undefined ? known : [...known, { seq: newest.seq, isInferred: true }];
  }
  const ids = claimIdsOf(entry);
  const turnId = text(event['turnId']);
  if (ids.length === 0 && turnId === undefined) return [];
  const begun = earlier.find((one) => {
    if (!TAKES.has(one.event.type)) return false;
    const claimId = text(loose(one.event['claim'])['claimId']) ?? '';
    return ids.includes(claimId) || (turnId !== undefined && one.event['turnId'] === turnId);
  });
  return begun === undefined ? [] : [{ seq: begun.seq }];
}

function begins({ event }: JournalEntry): boolean {
  return event.type === 'turn.begin';
}

/** The batches of a claim by their nonces: who settles or gives back the claim names them. */
function noncesOf(later: readonly JournalEntry[], claimId: string): readonly string[] {
  for (const { event } of later) {
    const claims: readonly unknown[] = Array.isArray(event['claims']) ? event['claims'] : [];
    const claim = claims.map(loose).find((one) => one['claimId'] === claimId);
    const batchIds: unknown = claim?.['batchIds'];
    if (!Array.isArray(batchIds)) continue;
    return batchIds.map((id) => /^bat_\d+_(.+)$/s.exec(String(id))?.[1] ?? '');
  }
  return [];
}

function nonceOf({ event }: JournalEntry): string {
  return text(loose(event['draft'])['nonce']) ?? '-';
}

function claimIdsOf({ event }: JournalEntry): readonly string[] {
  const claims = Array.isArray(event['claims']) ? event['claims'] : [event['claim']];
  return claims.flatMap((claim) => text(loose(claim)['claimId']) ?? []);
}

/** The newest take of a turn before a commit: what was asked for in it came after that. */
export function turnNamed(
  session: string,
  journal: readonly JournalEntry[],
  { turnId, commit }: { readonly turnId: string; readonly commit: number },
): StepName | undefined {
  const taken = journal.findLast(
    ({ event, ...entry }) => entry.commit < commit && TAKES.has(event.type) && event['turnId'] === turnId,
  );
  return taken && { address: session, seq: taken.seq };
}

/** C3: the turn that ran in a session when another actor began; undefined where none did. */
export function turnAt(session: string, journal: readonly JournalEntry[], commit: number): Cause | undefined {
  const before = journal.filter((entry) => entry.commit < commit);
  const { turn } = loose(before.at(-1)?.value);
  if (!isPlainObject(turn) || turn['running'] === undefined) return undefined;
  const began = before.findLast(({ event }) => TAKES.has(event.type) && event.type !== 'claim.take');
  return began && { address: session, seq: began.seq, isInferred: true };
}

/** The step of a schedule whose effect enqueued a work item. */
export function runOf(
  schedule: string,
  journal: readonly JournalEntry[],
  workId: string,
): StepName | undefined {
  const answer = journal.find(({ event }) => workIdIn(event) === workId);
  if (answer !== undefined) return causeOf(schedule, answer);
  const asked = journal.findLast(({ effects = [] }) => effects.some(({ src }) => src === 'enqueue'));
  return asked && { address: schedule, seq: asked.seq };
}

/** The item that a run of a schedule became. */
export function workIdIn(event: JournalEntry['event']): string | undefined {
  const output = loose(event['output']);
  return output['type'] === 'enqueued' ? text(output['workId']) : undefined;
}
