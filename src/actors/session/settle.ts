/**
 * How claimed work is settled: several claims of one session together, by their owner or by their receipts.
 *
 * Callers: claim.ts, turn.ts, session.ts. Invariants:
 *  1  All of the claims are settled in one step, or none of them and nothing changes.
 *  2  A claim that is settled, or was stale when it was given back, is renewed no more.
 */
import { HoldfastError } from '../../errors.js';
import { limits } from '../../limits.js';
import { completeRefusal, firstSuperseded, receiptOf, supersededBy } from '../../machines/index.js';
import type { ClaimProof, CompleteRefusal, Completion, Superseded } from '../../machines/index.js';
import type { TurnReceipt } from '../../machines/index.js';
import { invalid } from '../checked.js';
import { attachmentsIn, checkedCompletion, type TurnDelivery } from './completion.js';
import type { AskOptions, Look, SessionDesk } from './desk.js';
import { reasonText } from './reason.js';
import { turnInterrupted } from './turn-watch.js';

/** What settles a claim elsewhere: JSON, to be kept secret as it is. */
export interface ClaimReceipt {
  readonly sessionId: string;
  readonly claimId: string;
  readonly leaseToken: string;
  readonly batchIds: readonly string[];
}

export interface CompleteOptions {
  /** What the turn is known by: the same batches again with the same hash, and nothing happens. */
  readonly turnId?: string;
  /** Of what the turn produced. */
  readonly commitHash?: string;
  /** Entries for the session's history, in their order; attachments that they name are kept with them. */
  readonly history?: readonly object[];
  /** Messages for chats, written in the same commit. */
  readonly deliveries?: readonly TurnDelivery[];
}

export interface AbandonOptions {
  readonly reason: string;
  /** How long the session rests before anything else is claimed; ms, default 0. */
  readonly retryInMs?: number;
}

/** How claimed work ended. */
export interface SettledTurn {
  readonly turnId?: string;
  readonly commitHash?: string;
  readonly batchIds: readonly string[];
  /** Epoch ms. */
  readonly at: number;
  /** True when it had been completed before, under the same turn id and hash. */
  readonly repeated: boolean;
}

/** A claim in its owner's hands. */
interface Held {
  readonly isEmpty: boolean;
  completion(): ClaimReceipt;
  /** Renews it no more. */
  release(): void;
}

/** Settles several claims of one session together, or none of them. */
export async function completeClaims(
  desk: SessionDesk,
  sessionId: string,
  claims: readonly Held[],
  options: CompleteOptions,
): Promise<SettledTurn> {
  const held = claims.filter(({ isEmpty }) => !isEmpty);
  const settled = await completeReceipts(
    desk,
    sessionId,
    held.map((claim) => claim.completion()),
    options,
    // Turned away by a full mailbox, a turn that has done its work would do it again.
    { source: 'runtime' },
  );
  for (const claim of held) claim.release();
  return settled;
}

/** The same for receipts, wherever they come from. */
export async function completeReceipts(
  desk: SessionDesk,
  sessionId: string,
  receipts: readonly ClaimReceipt[],
  options: CompleteOptions,
  ask: Pick<AskOptions, 'source'> = {},
): Promise<SettledTurn> {
  const checked = checkedCompletion(sessionId, options);
  const { turnId, history = [], deliveries = [] } = checked;
  if (receipts.length === 0 && turnId === undefined && history.length + deliveries.length === 0)
    return { batchIds: [], at: desk.options.clock.now(), repeated: false };
  const completion: Completion = { claims: receipts.map(proofOf), ...checked };
  const named = attachmentsIn(history);
  if (named.length === 0) return completeWith(desk, sessionId, completion, ask);
  // What the history names outlives the batches that brought it.
  return desk.options.attachments.during((lease) => {
    const files = named.filter((name) => lease.has(name));
    return completeWith(desk, sessionId, { ...completion, files }, ask);
  });
}

async function completeWith(
  desk: SessionDesk,
  sessionId: string,
  completion: Completion,
  ask: Pick<AskOptions, 'source'>,
): Promise<SettledTurn> {
  const event = { type: 'claims.complete', ...completion } as const;
  let receipt: TurnReceipt | undefined;
  const look: Look<TurnReceipt> = ({ context, at }, given) => {
    if (given.type !== 'claims.complete') return undefined;
    const refusal = completeRefusal(context, given);
    if (refusal?.type === 'known') return refusal.receipt;
    if (refusal !== undefined) throw refusedCompletion(refusal);
    // Only before its step are the batches there that it names.
    receipt = receiptOf(context, completion, 'committed', at);
    return undefined;
  };
  // Whoever has claims has a session: one that is made now could only refuse them.
  const create = completion.claims.length === 0;
  const options = { ...ask, create, bytesMax: limits.completionBytesMax };
  const asked = await desk.ask(sessionId, event, look, options);
  if ('answer' in asked) return settledTurn(asked.answer, true);
  if (receipt === undefined) throw new Error('a completion that was taken has a receipt');
  return settledTurn(receipt, false);
}

/** Gives several claims of one session back together; false when one of them was stale: nothing changes. */
export async function abandonClaims(
  desk: SessionDesk,
  sessionId: string,
  claims: readonly Held[],
  options: AbandonOptions,
): Promise<boolean> {
  const held = claims.filter(({ isEmpty }) => !isEmpty);
  try {
    return await abandonReceipts(
      desk,
      sessionId,
      held.map((claim) => claim.completion()),
      options,
    );
  } finally {
    for (const claim of held) claim.release();
  }
}

/** The same for receipts, wherever they come from. */
export async function abandonReceipts(
  desk: SessionDesk,
  sessionId: string,
  receipts: readonly ClaimReceipt[],
  { reason, retryInMs }: AbandonOptions,
): Promise<boolean> {
  if (receipts.length === 0) return true;
  const claims = receipts.map(proofOf);
  const rest = retryInMs === undefined ? {} : { retryInMs: checkedRest(retryInMs) };
  const event = { type: 'claims.abandon', claims, reason: reasonText(reason), ...rest } as const;
  const look: Look<Superseded> = ({ context }) => firstSuperseded(context, claims);
  // Turned away, it would hold up its session until the next open.
  const asked = await desk.askIfThere(sessionId, event, look, { absent: NOT_THERE, source: 'runtime' });
  return 'seen' in asked;
}

const NOT_THERE: Superseded = { batchId: '', by: undefined };

/** Makes a claim last for its time to live from now; tells until when. Throws CLAIM_SUPERSEDED. */
export async function renewReceipt(
  desk: SessionDesk,
  sessionId: string,
  receipt: ClaimReceipt,
): Promise<number> {
  const claim = proofOf(receipt);
  const look: Look<Superseded> = ({ context }) => supersededBy(context, claim);
  // Who held it has lost it where its session is gone: none is made for it.
  const how = { source: 'runtime', create: false } as const;
  const asked = await desk.ask(sessionId, { type: 'claim.renew', claim }, look, how);
  if ('answer' in asked) throw supersededError(asked.answer);
  return asked.seen.context.claims[claim.claimId]?.expiresAt ?? 0;
}

function proofOf({ claimId, leaseToken, batchIds }: ClaimReceipt): ClaimProof {
  return { claimId, leaseToken, batchIds };
}

function settledTurn({ turnId, commitHash, batchIds, at }: TurnReceipt, repeated: boolean): SettledTurn {
  return {
    ...(turnId === '' ? {} : { turnId }),
    ...(commitHash === undefined ? {} : { commitHash }),
    ...{ batchIds, at, repeated },
  };
}

function refusedCompletion(refusal: Exclude<CompleteRefusal, { type: 'known' }>): HoldfastError {
  switch (refusal.type) {
    case 'conflict': {
      const { turnId, commitHash } = refusal.receipt;
      const message = `turn ${turnId} was committed with another hash, or without these batches`;
      return new HoldfastError('TURN_COMMIT_CONFLICT', message, { details: { turnId, commitHash } });
    }
    case 'interrupted':
      return turnInterrupted(refusal.receipt.turnId);
    case 'partial': {
      const { turnId } = refusal;
      const message = `"claims": turn ${turnId} has more than these; settle all`;
      return new HoldfastError('INVALID_INPUT', message, { details: { field: 'claims', turnId } });
    }
    case 'superseded':
      return supersededError(refusal);
  }
}

function supersededError({ batchId, by }: Superseded): HoldfastError {
  const who = by === undefined ? 'it is settled or cancelled' : `claim ${by} has it`;
  return new HoldfastError('CLAIM_SUPERSEDED', `batch ${batchId} is not this claim’s any more: ${who}`, {
    details: { batchId, by },
  });
}

function checkedRest(retryInMs: number): number {
  if (Number.isSafeInteger(retryInMs) && retryInMs >= 0) return retryInMs;
  throw invalid('retryInMs', 'not a whole number of milliseconds');
}
