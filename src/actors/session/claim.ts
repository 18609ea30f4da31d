/**
 * A claim, as its owner holds it: proof of the batches it took, and the ways to end it.
 *
 * Owns: its own renewal, as long as it is neither settled nor superseded. Callers: users, turn.ts.
 * Invariants:
 *  1  A claim that took nothing wrote nothing, and whatever is done with it changes nothing.
 *  2  A renewal that fails for good ends the renewals: the next call says why.
 */
import { HoldfastError } from '../../errors.js';
import { limits } from '../../limits.js';
import { batchIdOf, firstSuperseded, found, supersededBy } from '../../machines/index.js';
import { completeRefusal, receiptOf } from '../../machines/index.js';
import type { BatchHead, ClaimHead, ClaimProof, ClaimRefusal, Completion } from '../../machines/index.js';
import type { SessionContext, Superseded, TurnReceipt } from '../../machines/index.js';
import { batchOf, batchSummary, type Batch, type BatchSummary } from './batch.js';
import { attachmentsIn, checkedCompletion, type TurnDelivery } from './completion.js';
import type { AskOptions, Look, Seen, SessionDesk } from './desk.js';
import { reasonText } from './reason.js';

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

/** What was found for a claim: its head and batches, or why there is none. */
export type Found =
  | {
      readonly claim: ClaimHead;
      readonly heads: readonly BatchHead[];
      readonly context: SessionContext;
      readonly at: number;
    }
  | { readonly refusal: ClaimRefusal | 'nothingAsked' };

export class Claim {
  readonly sessionId: string;
  /** Why nothing was claimed; undefined for a claim that holds batches. */
  readonly refusal: ClaimRefusal | 'nothingAsked' | undefined;
  readonly claimId: string;
  readonly ownerId: string;
  /** Proves the claim: whoever knows it may settle it. */
  readonly leaseToken: string;
  /** Higher than that of any earlier claim on the first batch. */
  readonly fencingToken: number;
  readonly claimedAt: number;
  readonly batches: readonly BatchSummary[];
  readonly #desk: SessionDesk;
  readonly #heads: readonly BatchHead[];
  #expiresAt: number;
  #stopRenewing: (() => void) | undefined;

  constructor(desk: SessionDesk, sessionId: string, found: Found) {
    this.#desk = desk;
    this.sessionId = sessionId;
    const claim = 'claim' in found ? found.claim : undefined;
    this.refusal = 'refusal' in found ? found.refusal : undefined;
    this.#heads = 'claim' in found ? found.heads : [];
    this.batches =
      'claim' in found ? found.heads.map((head) => batchSummary(found.context, head, found.at)) : [];
    this.claimId = claim?.claimId ?? '';
    this.ownerId = claim?.ownerId ?? '';
    this.leaseToken = claim?.leaseToken ?? '';
    this.fencingToken = claim?.fencingToken ?? 0;
    this.claimedAt = claim?.claimedAt ?? 0;
    this.#expiresAt = claim?.expiresAt ?? 0;
    if (claim?.epoch !== undefined) this.#renewEvery(claim.ttlMs / 3);
  }

  get isEmpty(): boolean {
    return this.batches.length === 0;
  }

  /** Epoch ms. Of a claim held in this process it moves on, and ends nothing while the process lives. */
  get expiresAt(): number {
    return this.#expiresAt;
  }

  /** What the claim holds, read from disk. */
  load(): Promise<readonly Batch[]> {
    const all = this.batches.map(async (batch, index) => {
      const nonce = this.#heads[index]?.nonce ?? '';
      return batchOf(batch, await this.#desk.payloads(this.sessionId, nonce));
    });
    return Promise.all(all);
  }

  /** A receipt that settles the claim wherever it is taken to. */
  completion(): ClaimReceipt {
    const { sessionId, claimId, leaseToken } = this;
    return { sessionId, claimId, leaseToken, batchIds: this.#heads.map(batchIdOf) };
  }

  /**
   * Settles it: batches, history, deliveries and the turn's receipt in one commit. Throws CLAIM_SUPERSEDED,
   * TURN_COMMIT_CONFLICT, TURN_INTERRUPTED, INVALID_INPUT; nothing is then changed.
   */
  complete(options: CompleteOptions = {}): Promise<SettledTurn> {
    return completeClaims(this.#desk, this.sessionId, [this], options);
  }

  /**
   * Gives its batches back to their old places, one attempt more each. False when it was stale: nothing
   * changes.
   */
  abandon(options: AbandonOptions): Promise<boolean> {
    return abandonClaims(this.#desk, this.sessionId, [this], options);
  }

  /** Makes it last for its time to live from now. Throws CLAIM_SUPERSEDED. */
  async renew(): Promise<void> {
    if (this.isEmpty) return;
    const claim = this.completion();
    const event = { type: 'claim.renew', claim } as const;
    const look: Look<Superseded> = ({ context }) => supersededBy(context, claim);
    // Who held it has lost it where its session is gone: none is made for it.
    const how = { source: 'runtime', create: false } as const;
    const asked = await this.#desk.ask(this.sessionId, event, look, how);
    if ('answer' in asked) throw supersededError(asked.answer);
    this.#expiresAt = asked.seen.context.claims[this.claimId]?.expiresAt ?? this.#expiresAt;
  }

  /** Renews it no more: it is settled, or its process closes. */
  release(): void {
    this.#stopRenewing?.();
    this.#stopRenewing = undefined;
    this.#desk.letGo(this);
  }

  #renewEvery(everyMs: number): void {
    this.#stopRenewing = this.#desk.options.clock.schedule(everyMs, () => {
      this.renew().then(
        () => {
          if (this.#stopRenewing !== undefined) this.#renewEvery(everyMs);
        },
        (error: unknown) => {
          this.release();
          this.#desk.options.log.debug({ err: error, claim: this.claimId }, 'claim.renewal.ended');
        },
      );
    });
  }
}

/** The claim that a step has taken, in its owner's hands. */
export function claimed(
  desk: SessionDesk,
  key: string,
  { context, at }: Pick<Seen, 'context' | 'at'>,
  id: string,
): Claim {
  const claim = context.claims[id];
  if (claim === undefined) throw new Error('a claim that was taken is in the context of its step');
  const heads = claim.seqs.flatMap((seq) => found(context.pages, seq) ?? []);
  return desk.hold(new Claim(desk, key, { claim, heads, context, at }));
}

/** Settles several claims of one session together, or none of them. */
export async function completeClaims(
  desk: SessionDesk,
  sessionId: string,
  claims: readonly Claim[],
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

export async function abandonClaims(
  desk: SessionDesk,
  sessionId: string,
  claims: readonly Claim[],
  { reason, retryInMs }: AbandonOptions,
): Promise<boolean> {
  const held = claims.filter(({ isEmpty }) => !isEmpty);
  if (held.length === 0) return true;
  const proofs = held.map((claim) => proofOf(claim.completion()));
  const rest = retryInMs === undefined ? {} : { retryInMs: checkedRest(retryInMs) };
  try {
    const event = { type: 'claims.abandon', claims: proofs, reason: reasonText(reason), ...rest } as const;
    const look: Look<Superseded> = ({ context }) => firstSuperseded(context, proofs);
    // Turned away, it would hold up its session until the next open.
    const asked = await desk.ask(sessionId, event, look, { source: 'runtime' });
    return 'seen' in asked;
  } finally {
    for (const claim of held) claim.release();
  }
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

function refusedCompletion(refusal: NonNullable<ReturnType<typeof completeRefusal>>): HoldfastError {
  switch (refusal.type) {
    case 'conflict':
    case 'known':
      return new HoldfastError(
        'TURN_COMMIT_CONFLICT',
        `turn ${refusal.receipt.turnId} was committed with another hash, or without these batches`,
        { details: { turnId: refusal.receipt.turnId, commitHash: refusal.receipt.commitHash } },
      );
    case 'interrupted':
      return new HoldfastError('TURN_INTERRUPTED', `turn ${refusal.receipt.turnId} was interrupted`, {
        details: { turnId: refusal.receipt.turnId },
      });
    case 'partial':
      return new HoldfastError(
        'INVALID_INPUT',
        `"claims": turn ${refusal.turnId} has more than these; settle all`,
        {
          details: { field: 'claims', turnId: refusal.turnId },
        },
      );
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
  throw new HoldfastError('INVALID_INPUT', '"retryInMs": not a whole number of milliseconds', {
    details: { field: 'retryInMs' },
  });
}

/** A counter that cannot grow proves nothing. */
export function fencingExhausted(key: string): HoldfastError {
  const message = `a batch of session ${key} was claimed as often as a number can say`;
  return new HoldfastError('FENCING_EXHAUSTED', message);
}
