/**
 * What caused a step: what its id says, and, where ids say nothing, what the runtime's own kinds are known to
 * do.
 *
 * Pure. Callers: story-journals.ts. Invariants:
 *  C1  A cause is an earlier step; a step that a person or your code sent has none, unless it goes on with
 *      what an earlier one began.
 *  C2  A session's turn is caused by what it took; what is submitted while it runs is caused by the turn.
 */
import { isPlainObject } from '../../json.js';
import type { JournalEntry } from '../kernel/index.js';
import { causeOf } from './lines.js';
import { loose, text } from './titles.js';

export interface StepName {
  readonly address: string;
  readonly seq: number;
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
export function causesIn(
  address: string,
  journal: readonly JournalEntry[],
  index: number,
): readonly StepName[] {
  const entry = journal[index];
  if (entry === undefined) return [];
  const own = (seq: number): StepName => ({ address, seq });
  const cause = causeOf(address, entry);
  if (cause !== undefined) return [cause];
  if (address.startsWith('session/')) {
    const found = sessionCauses(journal, index);
    if (found.length > 0) return found.map(own);
  }
  const before = journal[index - 1];
  const goesOn = OWN_SOURCES.has(entry.source) || GOES_ON.has(entry.event.type);
  return goesOn && before !== undefined ? [own(before.seq)] : [];
}

/** C2: what a turn took, and what began the claims that a step is about. */
function sessionCauses(journal: readonly JournalEntry[], index: number): readonly number[] {
  const entry = journal[index];
  if (entry === undefined) return [];
  const { event } = entry;
  const earlier = journal.slice(0, index).toReversed();
  if (TAKES.has(event.type)) {
    const claimId = text(loose(event['claim'])['claimId']);
    const nonces = claimId === undefined ? [] : noncesOf(journal.slice(index), claimId);
    const taken = earlier.filter((one) => INTAKE.has(one.event.type) && nonces.includes(nonceOf(one)));
    const newest = earlier.find((one) => INTAKE.has(one.event.type));
    const turn = event.type === 'turn.checkpoint' ? earlier.find(begins) : undefined;
    const last = taken.length > 0 ? taken : [newest];
    return [...new Set([turn, ...last].flatMap((one) => one?.seq ?? []))];
  }
  const ids = claimIdsOf(entry);
  const turnId = text(event['turnId']);
  if (ids.length === 0 && turnId === undefined) return [];
  const begun = earlier.find((one) => {
    if (!TAKES.has(one.event.type)) return false;
    const claimId = text(loose(one.event['claim'])['claimId']) ?? '';
    return ids.includes(claimId) || (turnId !== undefined && one.event['turnId'] === turnId);
  });
  return begun === undefined ? [] : [begun.seq];
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

/** The turn that ran in a session when another actor began; undefined where none did. */
export function turnAt(
  session: string,
  journal: readonly JournalEntry[],
  commit: number,
): StepName | undefined {
  const before = journal.filter((entry) => entry.commit < commit);
  const { turn } = loose(before.at(-1)?.value);
  if (!isPlainObject(turn) || turn['running'] === undefined) return undefined;
  const began = before.findLast(({ event }) => TAKES.has(event.type) && event.type !== 'claim.take');
  return began && { address: session, seq: began.seq };
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
