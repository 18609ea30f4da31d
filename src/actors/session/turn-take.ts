/**
 * How a turn asks its session: for what is at the head, and to be let go.
 *
 * Callers: turn.ts. Invariant: one turn at a time per session, whoever asks, and a turn that is over takes
 * nothing more.
 */
import { addressOf, sha256Hex } from '../../ids.js';
import { askedBy, jitteredBackoffMs, turnRow } from '../../machines/index.js';
import type { ClaimRefusal, TurnReceipt } from '../../machines/index.js';
import type { CheckedTurn } from './asked.js';
import { claimed, claimRefusal, newClaim, type Claim } from './claim.js';
import { SESSION_KIND, type Look, type Seen, type SessionDesk } from './desk.js';
import { turnInterrupted, turnOver } from './turn-watch.js';

export type TurnTaking =
  | { readonly claim: Claim; readonly attemptsMax: number }
  | { readonly refusal: ClaimRefusal };

type Taking = Pick<CheckedTurn, 'max' | 'ownerId'> & { readonly turnId: string };

/**
 * Claims what is at the head for a turn, or says why there is nothing. Throws TURN_INTERRUPTED, TURN_OVER.
 */
export async function takeForTurn(
  desk: SessionDesk,
  key: string,
  type: 'turn.begin' | 'turn.checkpoint',
  { turnId, max, ownerId }: Taking,
): Promise<TurnTaking> {
  const boundary = type === 'turn.begin' ? 'idle' : 'activeTurnCheckpoint';
  const claim = newClaim(desk, { boundary, max, wanted: 'turn', ownerId });
  const look: Look<ClaimRefusal> = (seen, event) => {
    const refusal = type === 'turn.begin' ? refusalOfBegin(seen) : undefined;
    if (refusal !== undefined) return refusal;
    if (type === 'turn.checkpoint') checkRuns(seen, turnId);
    return claimRefusal(key, seen, askedBy(seen.context, event) ?? claim);
  };
  const asked = await desk.askIfThere(key, { type, claim, turnId }, look, { absent: 'empty' });
  if ('answer' in asked) return { refusal: asked.answer };
  const { seen } = asked;
  return { claim: claimed(desk, key, seen, claim.claimId), attemptsMax: seen.context.attemptsMax };
}

/** A turn id that its caller gave may have ended before: what it would take now could never be committed. */
export async function checkNotOver(desk: SessionDesk, key: string, turnId: string): Promise<void> {
  const { kernel, clock } = desk.options;
  const row = await kernel.reader.payload(addressOf(SESSION_KIND, key), turnRow(turnId));
  const receipt = row as TurnReceipt | undefined;
  if (receipt !== undefined && receipt.until > clock.now()) throw turnOver(turnId);
}

/** An interrupted turn has come to its end: the session goes on. Failing, it goes on by itself in 30 s. */
export async function letGo(desk: SessionDesk, key: string, turnId: string): Promise<void> {
  const look = (seen: Seen): 'over' | undefined => (isInterrupting(seen, turnId) ? undefined : 'over');
  try {
    const options = { absent: 'over', source: 'runtime' } as const;
    await desk.askIfThere(key, { type: 'turn.released', turnId }, look, options);
  } catch (error) {
    desk.options.log.debug({ err: error, turn: turnId }, 'turn.not_let_go');
  }
}

/** True when a newer message has taken the place of that turn, and its session waits for it to end. */
export function isInterrupting({ turn, context }: Pick<Seen, 'turn' | 'context'>, turnId: string): boolean {
  return turn === 'interrupting' && context.turn?.turnId === turnId;
}

const REST = { kind: 'exponential', delayMs: 1_000, factor: 2, maxMs: 300_000 } as const;

/**
 * How long a session rests when a turn fails whose head failed `attempts` times before; 0 when the head
 * then is a dead letter. The jitter is the turn's own.
 */
export function restAfterMs(turnId: string, attempts: number, attemptsMax: number): number {
  if (attempts + 1 >= attemptsMax) return 0;
  const random = Number.parseInt(sha256Hex(turnId).slice(0, 8), 16) / 2 ** 32;
  return jitteredBackoffMs(REST, attempts + 1, random);
}

function refusalOfBegin({ turn }: Seen): ClaimRefusal | undefined {
  if (typeof turn !== 'string') return Object.hasOwn(turn, 'idle') ? undefined : 'turnActive';
  return turn === 'pausing' ? 'paused' : 'turnActive';
}

function checkRuns(seen: Seen, turnId: string): void {
  if (isInterrupting(seen, turnId)) throw turnInterrupted(turnId);
  const isRunning = typeof seen.turn !== 'string' && Object.hasOwn(seen.turn, 'running');
  if (!isRunning || seen.context.turn?.turnId !== turnId) throw turnOver(turnId);
}
