/**
 * A batch as users see it.
 *
 * Pure. Callers: session.ts, put.ts, claim.ts.
 */
import { batchIdOf, stateOf, type BatchHead, type SessionContext } from '../../machines/index.js';
import { policiesOf, type Payload, type PayloadRow } from './drafts.js';

export type BatchState = 'future' | 'ready' | 'claimed' | 'interrupted' | 'dead' | 'settled';

/** A batch without its payloads: what decides, and nothing that must be read. */
export interface BatchSummary {
  readonly batchId: string;
  /** Its place in the queue; never used twice in a session. */
  readonly seq: number;
  readonly kind: BatchHead['kind'];
  readonly deliver: 'earliestSafeBoundary' | 'afterCurrentTurnCommit';
  readonly slot: 'join' | 'exclusive';
  readonly merge: 'never' | 'payloadDefault' | { readonly group: string };
  /** Epoch ms; 0: at once. */
  readonly availableAt: number;
  readonly enqueuedAt: number;
  readonly state: BatchState;
  /** Attempts that failed. */
  readonly attempts: number;
  /** How often it was claimed. */
  readonly claims: number;
  /** Who holds it, or held it until it was interrupted. */
  readonly claim?: { readonly claimId: string; readonly ownerId: string; readonly expiresAt: number };
  /** The channel of a message that came under a queue mode. */
  readonly channel?: string;
}

/** A batch with what it is about. */
export interface Batch extends BatchSummary {
  readonly sourceKey?: string;
  readonly items: readonly { readonly itemId: string; readonly payload: Payload }[];
}

export function batchSummary(context: SessionContext, head: BatchHead, now: number): BatchSummary {
  const { seq, kind, availableAt, enqueuedAt, attempts = 0, counter = 0, channel } = head;
  const claim = head.claim === undefined ? undefined : context.claims[head.claim];
  return {
    batchId: batchIdOf(head),
    ...{ seq, kind, ...policiesOf(head), availableAt, enqueuedAt, attempts, claims: counter },
    state: stateOf(context, head, now),
    ...(claim === undefined
      ? {}
      : { claim: { claimId: claim.claimId, ownerId: claim.ownerId, expiresAt: claim.expiresAt } }),
    ...(channel === undefined ? {} : { channel }),
  };
}

export function batchOf(summary: BatchSummary, { payloads, sourceKey }: PayloadRow): Batch {
  const { batchId } = summary;
  const items = payloads.map((payload, index) => ({ itemId: `${batchId}:item:${index}`, payload }));
  return { ...summary, items, ...(sourceKey === undefined ? {} : { sourceKey }) };
}
