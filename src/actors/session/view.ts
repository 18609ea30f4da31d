/**
 * A session as a whole, as users see it.
 *
 * Pure. Callers: session.ts, sessions.ts.
 */
import { isLive, type ActiveTurn, type ModeSettings, type SessionCounts } from '../../machines/index.js';
import type { Seen } from './desk.js';

export interface SessionView {
  readonly key: string;
  /**
   * What its turn is at: `empty`, `waiting` (for a time), `ready`, `commanding`, `working`, `interrupting`,
   * `pausing`.
   */
  readonly state: string;
  readonly turn?: Omit<ActiveTurn, 'claims'>;
  /** Until when it rests after a failed turn; epoch ms. */
  readonly pausedUntil?: number;
  /** When and why a turn or a claim was last given back: what a handler threw, or its owner said. */
  readonly lastAbandon?: { readonly at: number; readonly reason: string };
  /** Batches that no live claim holds, dead letters aside. */
  readonly pending: number;
  readonly claimed: number;
  readonly counts: SessionCounts;
  readonly mode: ModeSettings;
  readonly channels: Readonly<Record<string, ModeSettings>>;
}

export function sessionView(key: string, { context, turn, at }: Seen): SessionView {
  const { counts, modes, pausedUntil, lastAbandon } = context;
  const live = Object.values(context.claims).filter((claim) => isLive(claim, at));
  const claimed = live.reduce((sum, { seqs }) => sum + seqs.length, 0);
  const running = context.turn;
  return {
    key,
    state: typeof turn === 'string' ? turn : (Object.values(turn)[0] ?? ''),
    pending: counts.batches - counts.dead - claimed,
    ...{ claimed, counts, mode: modes.session, channels: modes.channels },
    ...(pausedUntil === undefined ? {} : { pausedUntil }),
    ...(lastAbandon === undefined ? {} : { lastAbandon }),
    ...(running === undefined
      ? {}
      : { turn: { turnId: running.turnId, ownerId: running.ownerId, startedAt: running.startedAt } }),
  };
}
