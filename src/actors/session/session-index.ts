/**
 * What sessions are found by: those with work for a turn, and those with claims that may outlive their owner.
 *
 * Pure. Callers: house-machines.ts, sessions.ts, serve.ts. Invariant: what is found costs as much as what is
 * to be done, however many sessions there are.
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { SessionContext } from '../../machines/index.js';
import type { IndexRow } from '../kernel/index.js';

export const sessionIndexes = {
  /** A turn can begin. */
  ready: 'session-ready',
  /** An owner in some process holds claims, or a turn. */
  held: 'session-held',
} as const;

export function sessionIndexRows(snapshot: AnyMachineSnapshot): readonly IndexRow[] {
  const { claims, turn } = snapshot.context as SessionContext;
  const isHeld = turn !== undefined || Object.values(claims).some(({ epoch }) => epoch !== undefined);
  const rows: IndexRow[] = isHeld ? [{ index: sessionIndexes.held, parts: [] }] : [];
  return isTurnReady(snapshot) ? [...rows, { index: sessionIndexes.ready, parts: [] }] : rows;
}

/** True when a turn can begin. */
export function isTurnReady(snapshot: AnyMachineSnapshot): boolean {
  return snapshot.matches({ turn: { idle: 'ready' } });
}
