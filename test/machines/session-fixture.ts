/**
 * Words for a session chart in tests: drafts, claims and their proofs.
 *
 * Callers: the session tests of this folder, test/kernel/charts.ts, test/crash-points/charts.ts.
 */
import { batchIdOf } from '../../src/machines/index.js';
import type {
  BatchHead,
  ClaimAsked,
  ClaimProof,
  DraftHead,
  SessionContext,
} from '../../src/machines/index.js';
import type { SessionEvent } from '../../src/machines/index.js';

export const MINUTE_MS = 60_000;

/** An input for a turn of its own, and what is given on top. */
export function draft(nonce: string, more: Partial<DraftHead> = {}): DraftHead {
  return {
    ...{ nonce, deliver: 'A', slot: 'X', merge: 'N', kind: 'input', items: 1, availableAt: 0 },
    digest: nonce,
    ...more,
  };
}

export function enqueue(nonce: string, more: Partial<DraftHead> = {}): SessionEvent {
  return { type: 'session.enqueue', draft: draft(nonce, more) };
}

export function message(nonce: string, channel = ''): SessionEvent {
  return { type: 'message.arrived', draft: draft(nonce), channel, line: `line of ${nonce}` };
}

/** A claim at idle that lasts a minute, in whatever process its owner is. */
export function asked(claimId: string, more: Partial<ClaimAsked> = {}): ClaimAsked {
  return {
    ...{ claimId, ownerId: `owner of ${claimId}`, leaseToken: `token of ${claimId}` },
    ...{ boundary: 'idle', max: 64, wanted: 'turn', ttlMs: MINUTE_MS },
    ...more,
  };
}

/** What the owner of a claim shows, for all that the claim holds. */
export function proof({ claims, pages }: SessionContext, claimId: string): ClaimProof {
  const heads = pages.flatMap((page) => page.heads).filter(({ claim }) => claim === claimId);
  const leaseToken = claims[claimId]?.leaseToken ?? `token of ${claimId}`;
  return { claimId, leaseToken, batchIds: heads.map(batchIdOf) };
}

/** The same without a look at the session: for batches whose place is known. */
function proofOf(claimId: string, batches: readonly Pick<BatchHead, 'seq' | 'nonce'>[]): ClaimProof {
  return { claimId, leaseToken: `token of ${claimId}`, batchIds: batches.map(batchIdOf) };
}

const first = proofOf('c1', [{ seq: 1, nonce: 'a' }]);

/** One of everything a session hears; claims and settlements are about the first batch. */
export const sessionEvents: readonly SessionEvent[] = [
  enqueue('a'),
  enqueue('b', { deliver: 'E', slot: 'J', merge: 'Gx', key: 'host:b' }),
  enqueue('c', { kind: 'command' }),
  enqueue('d', { availableAt: 2_000_000 }),
  message('m'),
  { type: 'mode.set', settings: { mode: 'steer' } },
  { type: 'mode.set', settings: { mode: 'interrupt' }, channel: '' },
  { type: 'mode.set', settings: { mode: 'collect' } },
  { type: 'claim.take', claim: asked('c1') },
  { type: 'turn.begin', claim: asked('c1', { epoch: 1 }), turnId: 't1' },
  { type: 'turn.checkpoint', claim: asked('c2', { boundary: 'activeTurnCheckpoint' }), turnId: 't1' },
  { type: 'turn.released', turnId: 't1' },
  { type: 'claim.renew', claim: first },
  { type: 'claims.complete', claims: [first], turnId: 't1', commitHash: 'h' },
  { type: 'claims.abandon', claims: [first], reason: 'no' },
  { type: 'claims.abandon', claims: [first], reason: 'no', retryInMs: 5_000 },
  { type: 'batch.cancel', batchId: 'bat_1_a' },
  { type: 'batch.retry', batchId: 'bat_1_a' },
  { type: 'session.resume' },
  { type: 'generation.began', epoch: 2 },
  { type: 'generation.ended', epoch: 2 },
  { type: 'claims.lost', claimIds: ['c1'] },
];
