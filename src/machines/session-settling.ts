/**
 * How claimed work ends: completed with everything its turn leaves behind, interrupted, or given back.
 *
 * Pure. Callers: the session chart; the façade, for its refusals. Invariants:
 *  E1  Batches, history, deliveries, wake floors and the turn's receipt change in one step.
 *  E2  A turn ends once: the same commit again finds its receipt, another is refused.
 *  E3  What an interrupted turn had claimed is settled with the interruption and never runs again.
 */
import { batchIdOf, headsOf, supersededBy, withoutClaims, type Superseded } from './session-claims.js';
import { envelopeOf } from './envelope.js';
import {
  floorRow,
  keptKey,
  removed,
  rowsGone,
  turnRow,
  type SessionAsk,
  type Change,
} from './session-intake.js';
import type {
  BatchHead,
  ClaimProof,
  Completion,
  FloorRow,
  SessionContext,
  SessionEvent,
  TurnReceipt,
} from './session-words.js';

/** How long wake floors and turn receipts are kept. */
const RECEIPT_MS = 7 * 86_400_000;

export type CompleteRefusal =
  | { readonly type: 'known'; readonly receipt: TurnReceipt }
  | { readonly type: 'conflict'; readonly receipt: TurnReceipt }
  | { readonly type: 'interrupted'; readonly receipt: TurnReceipt }
  /** Some of a turn's claims without the others. */
  | { readonly type: 'partial'; readonly turnId: string }
  | ({ readonly type: 'superseded' } & Superseded);

type Complete = Extract<SessionEvent, { type: 'claims.complete' }>;

/** Why a completion changes nothing; undefined: it does. */
export function completeRefusal(context: SessionContext, event: Complete): CompleteRefusal | undefined {
  const { rows = {}, at } = envelopeOf(event);
  const { turnId, claims } = event;
  const receipt = turnId === undefined ? undefined : (rows[turnRow(turnId)] as TurnReceipt | undefined);
  if (receipt !== undefined && receipt.until > at) {
    if (receipt.outcome === 'interrupted') return { type: 'interrupted', receipt };
    return { type: isSame(receipt, event) ? 'known' : 'conflict', receipt };
  }
  const superseded = firstSuperseded(context, claims);
  if (superseded !== undefined) return { type: 'superseded', ...superseded };
  const { turn } = context;
  const isPart = turn !== undefined && isOfTurn(context, claims) && !endsTurn(context, claims);
  return isPart ? { type: 'partial', turnId: turn.turnId } : undefined;
}

/** The same commit again has the same hash, and no batch that the first one had not. */
function isSame({ commitHash, batchIds }: TurnReceipt, event: Complete): boolean {
  const known = new Set(batchIds);
  return (
    commitHash === event.commitHash &&
    event.claims.every((claim) => claim.batchIds.every((id) => known.has(id)))
  );
}

function isOfTurn({ turn }: SessionContext, claims: readonly ClaimProof[]): boolean {
  return claims.some(({ claimId }) => turn?.claims.includes(claimId) === true);
}

/** True when nothing of the running turn is left once these claims are settled. */
export function endsTurn(context: SessionContext, claims: readonly ClaimProof[]): boolean {
  const ids = new Set(claims.map(({ claimId }) => claimId));
  const isLeft = (id: string): boolean => !ids.has(id) && context.claims[id] !== undefined;
  return isOfTurn(context, claims) && context.turn?.claims.some(isLeft) === false;
}

/** The first batch of any of the claims that somebody else has; also where a batch is named twice. */
export function firstSuperseded(
  context: SessionContext,
  claims: readonly ClaimProof[],
): Superseded | undefined {
  const named = new Set<string>();
  for (const proof of claims) {
    const superseded = supersededBy(context, proof);
    if (superseded !== undefined) return superseded;
    const twice = proof.batchIds.find((id) => named.has(id));
    if (twice !== undefined) return { batchId: twice, by: proof.claimId };
    for (const id of proof.batchIds) named.add(id);
  }
  return undefined;
}

/** Everything a completion writes, in one step. */
export function completed(context: SessionContext, event: Complete): Change {
  const { history = [], deliveries = [], files = [] } = event;
  const settled = settle(context, event, 'committed', event);
  const entries: SessionAsk[] = history.map((entry) => ({
    type: 'history.append',
    params: { entry },
  }));
  const messages: SessionAsk[] = deliveries.map((input) => ({
    type: 'actor.create',
    params: { kind: 'delivery', id: input.deliveryId, input },
  }));
  const name = `h/${envelopeOf(event).seq}`;
  const holds: SessionAsk[] = files.length === 0 ? [] : [{ type: 'file.hold', params: { name, files } }];
  return { context: settled.context, asks: [...settled.asks, ...entries, ...holds, ...messages] };
}

/** The running turn is over without a commit: its claims are settled, and its owner will be refused. */
export function interrupted(context: SessionContext, event: SessionEvent): Change {
  const { turn } = context;
  if (turn === undefined) return { context: {}, asks: [] };
  const claims = proofsOf(context, turn.claims);
  return settle(context, { claims, turnId: turn.turnId }, 'interrupted', event);
}

/** The receipt that a completion leaves. */
export function receiptOf(
  context: SessionContext,
  { claims, turnId, commitHash }: Completion,
  outcome: TurnReceipt['outcome'],
  at: number,
): TurnReceipt {
  return {
    turnId: turnId ?? '',
    outcome,
    ...(commitHash === undefined ? {} : { commitHash }),
    batchIds: headsOf(context, claims).map(batchIdOf),
    at,
    until: at + RECEIPT_MS,
  };
}

function settle(
  context: SessionContext,
  completion: Completion,
  outcome: TurnReceipt['outcome'],
  event: SessionEvent,
): Change {
  const { at, rows = {} } = envelopeOf(event);
  const heads = headsOf(context, completion.claims);
  const { counts, ...rest } = removed(context, heads);
  const { turnId } = completion;
  const asks = [...heads.flatMap(rowsGone), ...heads.flatMap((head) => keptKey(head, at))];
  asks.push(...floors(heads, rows, at));
  if (turnId !== undefined) {
    const value = receiptOf(context, completion, outcome, at);
    asks.push({ type: 'payload.put', params: { name: turnRow(turnId), value, expires: true } });
  }
  return {
    context: {
      ...rest,
      claims: withoutClaims(context, completion.claims),
      counts: { ...counts, completed: counts.completed + heads.length },
    },
    asks,
  };
}

function proofsOf({ claims, pages }: SessionContext, ids: readonly string[]): readonly ClaimProof[] {
  const heads = pages.flatMap((page) => (page.held > 0 ? page.heads : []));
  return ids.flatMap((claimId) => {
    const claim = claims[claimId];
    if (claim === undefined) return [];
    const batchIds = heads.filter((head) => head.claim === claimId).map(batchIdOf);
    return [{ claimId, leaseToken: claim.leaseToken, batchIds }];
  });
}

/** The highest wake of each process that is settled by now. */
function floors(
  heads: readonly BatchHead[],
  rows: Readonly<Record<string, unknown>>,
  at: number,
): readonly SessionAsk[] {
  const highest = new Map<string, number>();
  for (const { process, sequence } of heads.flatMap(({ wakes = [] }) => wakes))
    highest.set(process, Math.max(highest.get(process) ?? 0, sequence));
  return [...highest].map(([process, sequence]) => {
    const name = floorRow(process);
    const before = rows[name] as FloorRow | undefined;
    // One that is over may lie there still.
    const floor = before !== undefined && before.until > at ? before.sequence : 0;
    const value: FloorRow = { sequence: Math.max(floor, sequence), until: at + RECEIPT_MS };
    return { type: 'payload.put', params: { name, value, expires: true } };
  });
}
