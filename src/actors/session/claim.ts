/**
 * A claim, as its owner holds it: proof of the batches it took, and the ways to end it.
 *
 * Owns: its own renewal, as long as it is neither settled nor superseded. Callers: users, session.ts,
 * turn.ts and what it takes.
 * Invariants:
 *  1  A claim that took nothing wrote nothing, and whatever is done with it changes nothing.
 *  2  A renewal that fails for good ends the renewals: the next call says why.
 */
import { HoldfastError } from '../../errors.js';
import { batchIdOf, found, takingOf } from '../../machines/index.js';
import type { BatchHead, ClaimAsked, ClaimHead, ClaimRefusal } from '../../machines/index.js';
import type { SessionContext } from '../../machines/index.js';
import { batchOf, batchSummary, type Batch, type BatchSummary } from './batch.js';
import type { Seen, SessionDesk } from './desk.js';
import { abandonClaims, completeClaims, renewReceipt } from './settle.js';
import type { AbandonOptions, ClaimReceipt, CompleteOptions, SettledTurn } from './settle.js';

/** What was found for a claim: its head and batches, or why there is none. */
export type Found =
  | {
      readonly claim: ClaimHead;
      readonly heads: readonly BatchHead[];
      readonly context: SessionContext;
      readonly at: number;
    }
  | { readonly refusal: ClaimRefusal | 'nothingAsked' };

interface NewClaim extends Pick<ClaimAsked, 'boundary' | 'max' | 'wanted'> {
  readonly ownerId?: string | undefined;
  readonly ttlMs?: number | undefined;
  readonly hold?: 'process' | 'lease';
  readonly batchIds?: readonly string[] | undefined;
}

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
    this.#expiresAt = await renewReceipt(this.#desk, this.sessionId, this.completion());
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

/** A claim to ask for, under an id and a token that nobody guesses. By default this process holds it. */
export function newClaim(
  { options: { generation, newId }, claimTtlMs }: SessionDesk,
  { boundary, max, wanted, ...asked }: NewClaim,
): ClaimAsked {
  const { ownerId = `process:${generation}`, ttlMs = claimTtlMs, hold = 'process', batchIds } = asked;
  return {
    claimId: newId('claim'),
    leaseToken: newId('lease'),
    ...{ ownerId, boundary, max, wanted, ttlMs },
    ...(hold === 'process' ? { epoch: generation } : {}),
    ...(batchIds === undefined ? {} : { batchIds }),
  };
}

/** Why a claim would take nothing now; undefined: it takes something. Throws FENCING_EXHAUSTED. */
export function claimRefusal(
  key: string,
  { context, at }: Pick<Seen, 'context' | 'at'>,
  claim: ClaimAsked,
): ClaimRefusal | undefined {
  const taking = takingOf(context, claim, at);
  if (taking.type === 'taken') return undefined;
  if (taking.reason !== 'counterMax') return taking.reason;
  // A counter that cannot grow proves nothing.
  const message = `a batch of session ${key} was claimed as often as a number can say`;
  throw new HoldfastError('FENCING_EXHAUSTED', message);
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
