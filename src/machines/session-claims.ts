/**
 * Claims on a session's batches: who gets which, what proves it, and how it ends.
 *
 * Pure. Callers: the session chart and the other session files of this room; the façade, for its refusals.
 * Invariants:
 *  C1  A batch has one claim at most, and a claim's token is unknown to everybody but its owner.
 *  C2  A claim that an owner of this process holds ends with its process, whatever a clock says; one that was
 *      handed out ends at `expiresAt`.
 *  C3  Only a new claim supersedes an interrupted one: until then it renews and completes as ever.
 *  C4  Everything a settlement needs is checked before anything changes.
 */
import { changed, dueHeads, earliestDue, found } from './session-pages.js';
import {
  isReady,
  selectBatches,
  type Candidate,
  type Selection,
  type SelectionRefusal,
} from './select-batches.js';
import type {
  BatchHead,
  ClaimAsked,
  ClaimHead,
  ClaimProof,
  SessionContext,
  SessionEvent,
} from './session-words.js';

/** A batch as the selection rule sees it. */
interface Queued extends Candidate {
  readonly head: BatchHead;
}

export type Taking =
  | { readonly type: 'taken'; readonly claim: ClaimHead; readonly heads: readonly BatchHead[] }
  | { readonly type: 'refused'; readonly reason: ClaimRefusal };

export type ClaimRefusal =
  | SelectionRefusal
  | 'idsDiffer'
  | 'turnActive'
  | 'paused'
  | 'claimsMax'
  | 'counterMax';

/** Why a settlement or a renewal is refused: somebody else has, or had, one of its batches. */
export interface Superseded {
  readonly batchId: string;
  /** The claim that has it now; undefined when it is settled or cancelled. */
  readonly by: string | undefined;
}

/**
 * Live claims of one session: a claim needs a place in each step's context. Interrupted ones do not count,
 * since nothing but another claim ends them.
 */
const CLAIMS_MAX = 1_000;

export function batchIdOf({ seq, nonce }: Pick<BatchHead, 'seq' | 'nonce'>): string {
  return `bat_${seq}_${nonce}`;
}

/** The batch of an id, when it is in the queue. */
export function headOf({ pages }: SessionContext, batchId: string): BatchHead | undefined {
  const [, seq, nonce] = /^bat_(\d{1,16})_(.+)$/s.exec(batchId) ?? [];
  const head = seq === undefined ? undefined : found(pages, Number(seq));
  return head?.nonce === nonce ? head : undefined;
}

/** When a claim ends by itself, in epoch ms. */
function endOf({ epoch, expiresAt }: ClaimHead): number {
  return epoch === undefined ? expiresAt : Number.MAX_SAFE_INTEGER;
}

export function isLive(claim: ClaimHead, now: number): boolean {
  return endOf(claim) > now;
}

/** Where a batch stands. A claimed batch of an interrupted claim is `interrupted` until it is taken over. */
export function stateOf(
  context: SessionContext,
  head: BatchHead,
  now: number,
): 'future' | 'ready' | 'claimed' | 'interrupted' | 'dead' {
  if (isDead(context, head, now)) return 'dead';
  const claim = head.claim === undefined ? undefined : context.claims[head.claim];
  if (claim !== undefined) return isLive(claim, now) ? 'claimed' : 'interrupted';
  return head.availableAt > now ? 'future' : 'ready';
}

/** What a claim that is asked for would take now. Pure: asking changes nothing. */
export function takingOf(context: SessionContext, asked: ClaimAsked, now: number): Taking {
  const { batchIds } = asked;
  if (asked.boundary === 'idle' && (context.pausedUntil ?? 0) > now)
    return { type: 'refused', reason: 'paused' };
  if (liveCount(context, now) >= CLAIMS_MAX) return { type: 'refused', reason: 'claimsMax' };
  const selection = selectionOf(
    context,
    batchIds === undefined ? asked : { ...asked, max: batchIds.length },
    now,
  );
  if (selection.type === 'refused') return selection;
  const heads = selection.batches.map(({ head }) => head);
  if (batchIds !== undefined && !sameList(heads.map(batchIdOf), batchIds))
    return { type: 'refused', reason: 'idsDiffer' };
  if (heads.some(({ counter = 0 }) => counter >= Number.MAX_SAFE_INTEGER))
    return { type: 'refused', reason: 'counterMax' };
  const { claimId, ownerId, leaseToken, boundary, ttlMs, epoch } = asked;
  const claim: ClaimHead = {
    claimId,
    ownerId,
    leaseToken,
    fencingToken: (heads[0]?.counter ?? 0) + 1,
    boundary,
    claimedAt: now,
    expiresAt: now + ttlMs,
    ttlMs,
    seqs: heads.map(({ seq }) => seq),
    ...(epoch === undefined ? {} : { epoch }),
  };
  return { type: 'taken', claim, heads };
}

function liveCount({ claims }: SessionContext, now: number): number {
  const all = Object.values(claims);
  return all.length < CLAIMS_MAX ? all.length : all.filter((claim) => isLive(claim, now)).length;
}

/** What a claim at that boundary finds at the head. */
function selectionOf(
  context: SessionContext,
  { boundary, max, wanted }: Pick<ClaimAsked, 'boundary' | 'max' | 'wanted'>,
  now: number,
): Selection<Queued> {
  const selection = selectBatches(queued(context, now), {
    boundary,
    max,
    wanted,
    now,
    membersOf: (claimId) => membersOf(context, claimId, now),
  });
  // Pages that hold nothing but later work were not looked into.
  const isEmpty = selection.type === 'refused' && selection.reason === 'empty';
  if (isEmpty && earliestDue(context.pages) !== undefined)
    return { type: 'refused', reason: 'notYetAvailable' };
  return selection;
}

/** The head: the first batch that may be claimed now. */
export function firstReady(context: SessionContext, now: number): BatchHead | undefined {
  for (const batch of queued(context, now)) if (isReady(batch, now)) return batch.head;
  return undefined;
}

/** The context once a claim has been taken: its batches advance, interrupted claims are superseded. */
export function taken(
  context: SessionContext,
  { claim, heads }: Extract<Taking, { type: 'taken' }>,
): Partial<SessionContext> {
  const { claimId, claimedAt } = claim;
  const over = Object.values(context.claims).filter((one) => isOver(context, one, claimedAt));
  const superseded = new Set([
    ...heads.flatMap((head) => head.claim ?? []),
    ...over.map((one) => one.claimId),
  ]);
  // What was retried meanwhile is no member any more.
  const left = [...superseded].flatMap((id) => {
    const seqs = context.claims[id]?.seqs ?? [];
    return seqs.filter((seq) => found(context.pages, seq)?.claim === id);
  });
  const mine = new Set(claim.seqs);
  const pages = changed(context.pages, [...new Set([...claim.seqs, ...left])], (head) => {
    const attempts = superseded.has(head.claim ?? '') ? { attempts: attemptsAfter(context, head) } : {};
    if (!mine.has(head.seq)) return { ...without(head, 'claim'), ...attempts, dead: true };
    return { ...head, ...attempts, counter: (head.counter ?? 0) + 1, claim: claimId };
  });
  const claims = Object.fromEntries(Object.entries(context.claims).filter(([id]) => !superseded.has(id)));
  const dead = left.filter((seq) => !mine.has(seq)).length;
  return {
    pages,
    claims: { ...claims, [claimId]: claim },
    counts: { ...context.counts, dead: context.counts.dead + dead },
    messages: context.messages.filter(({ seq }) => !mine.has(seq)),
    summaries: context.summaries.filter(({ seq }) => !mine.has(seq)),
  };
}

/** Who stands in the way of settling or renewing a claim; undefined: nobody. */
export function supersededBy(context: SessionContext, proof: ClaimProof): Superseded | undefined {
  const { claims } = context;
  const claim = Object.hasOwn(claims, proof.claimId) ? claims[proof.claimId] : undefined;
  const isProven = claim?.leaseToken === proof.leaseToken;
  for (const batchId of proof.batchIds) {
    const head = headOf(context, batchId);
    if (!isProven || head?.claim !== proof.claimId) return { batchId, by: head?.claim };
  }
  const held = claim?.seqs.filter((seq) => found(context.pages, seq)?.claim === proof.claimId) ?? [];
  // Who has nothing left to show proves nothing.
  const isWhole = held.length > 0 && held.length === proof.batchIds.length;
  if (isProven && isWhole && new Set(proof.batchIds).size === held.length) return undefined;
  return { batchId: proof.batchIds[0] ?? '', by: undefined };
}

/** The batches of claims that are proven, in `seq` order. */
export function headsOf(context: SessionContext, proofs: readonly ClaimProof[]): readonly BatchHead[] {
  const heads = proofs.flatMap(({ batchIds }) => batchIds.flatMap((id) => headOf(context, id) ?? []));
  return heads.toSorted((a, b) => a.seq - b.seq);
}

/** Batches come back to their old place, with one attempt more; those that had enough become dead letters. */
export function released(context: SessionContext, proofs: readonly ClaimProof[]): Partial<SessionContext> {
  const seqs = headsOf(context, proofs).map(({ seq }) => seq);
  let dead = 0;
  const pages = changed(context.pages, seqs, (head) => {
    const next = { ...without(head, 'claim'), attempts: attemptsAfter(context, head) };
    if (next.attempts < context.attemptsMax) return next;
    dead += 1;
    return { ...next, dead: true };
  });
  const counts = { ...context.counts, dead: context.counts.dead + dead };
  return { pages, counts, claims: withoutClaims(context, proofs) };
}

export function renewed(
  context: SessionContext,
  { claimId }: ClaimProof,
  now: number,
): Partial<SessionContext> {
  const claim = context.claims[claimId];
  if (claim === undefined) return {};
  const expiresAt = Math.max(claim.expiresAt, now + claim.ttlMs);
  return { claims: { ...context.claims, [claimId]: { ...claim, expiresAt } } };
}

/**
 * Claims of owners in earlier processes end now, those of this one's as it closes, or those that nobody has:
 * their batches are free, in their old composition.
 */
export function freed(
  { claims }: SessionContext,
  event: SessionEvent,
  now: number,
): Readonly<Record<string, ClaimHead>> {
  const spared = event.type === 'generation.ended' ? ({ spared: true } as const) : {};
  const all = Object.entries(claims).map(([id, claim]) => {
    if (claim.epoch === undefined || !ends(event, claim, claim.epoch)) return [id, claim] as const;
    return [
      id,
      { ...without(claim, 'epoch'), ...spared, expiresAt: Math.min(claim.expiresAt, now) },
    ] as const;
  });
  return Object.fromEntries(all);
}

/** True for a claim of some process that is without its owner from this event on. */
function ends(event: SessionEvent, { claimId }: ClaimHead, epoch: number): boolean {
  switch (event.type) {
    case 'generation.began':
      return epoch < event.epoch;
    case 'generation.ended':
      return epoch <= event.epoch;
    case 'claims.lost':
      return event.claimIds.includes(claimId);
    default:
      return false;
  }
}

export function withoutClaims(
  { claims }: SessionContext,
  proofs: readonly Pick<ClaimProof, 'claimId'>[],
): Readonly<Record<string, ClaimHead>> {
  const gone = new Set(proofs.map(({ claimId }) => claimId));
  return Object.fromEntries(Object.entries(claims).filter(([id]) => !gone.has(id)));
}

/** When a batch that is not ready may become so: available, or its claim over; undefined: not by time. */
export function readyNextAt({ pages, claims }: SessionContext, now: number): number | undefined {
  const ends = Object.values(claims)
    .filter(({ epoch }) => epoch === undefined)
    .map(endOf);
  const moments = [earliestDue(pages) ?? 0, ...ends].filter((moment) => moment > now);
  return moments.length === 0 ? undefined : Math.min(...moments);
}

function* queued(context: SessionContext, now: number): Generator<Queued> {
  for (const head of dueHeads(context.pages, now)) {
    if (!isDead(context, head, now)) yield queuedOf(context, head);
  }
}

function queuedOf({ claims }: SessionContext, head: BatchHead): Queued {
  const { seq, deliver, slot, merge, kind, availableAt, claim } = head;
  const holder = claim === undefined ? undefined : claims[claim];
  const candidate = { seq, deliver, slot, merge, kind, availableAt, head };
  if (holder === undefined) return candidate;
  return { ...candidate, heldBy: holder.claimId, heldUntil: endOf(holder) };
}

function membersOf(context: SessionContext, claimId: string, now: number): readonly Queued[] {
  const seqs = context.claims[claimId]?.seqs ?? [];
  return seqs.flatMap((seq) => {
    const head = found(context.pages, seq);
    if (head?.claim !== claimId || isDead(context, head, now)) return [];
    return queuedOf(context, head);
  });
}

/** Given up: by an operator's eyes at once, in its row when its claim is taken over. */
function isDead(context: SessionContext, head: BatchHead, now: number): boolean {
  const { claims, attemptsMax } = context;
  if (head.dead === true) return true;
  const claim = head.claim === undefined ? undefined : claims[head.claim];
  return claim !== undefined && !isLive(claim, now) && attemptsAfter(context, head) >= attemptsMax;
}

/** Failed attempts of a batch once its claim is over. */
function attemptsAfter({ claims }: SessionContext, { claim, attempts = 0 }: BatchHead): number {
  const isSpared = claim !== undefined && claims[claim]?.spared === true;
  return isSpared ? attempts : attempts + 1;
}

/** An interrupted claim of which nothing can be claimed again. */
function isOver(context: SessionContext, claim: ClaimHead, now: number): boolean {
  return !isLive(claim, now) && membersOf(context, claim.claimId, now).length === 0;
}

function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const { [key]: _gone, ...rest } = value;
  return rest;
}

function sameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index]);
}
