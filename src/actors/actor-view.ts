/**
 * Actors as a listing shows them, of whatever kind: what can be told from a record without its machine.
 *
 * Pure. Callers: actors.ts.
 */
import { matchesState, type StateValue } from 'xstate';
import { splitAddress } from '../ids.js';
import { isPlainObject } from '../json.js';
import type { ActorRecord, ActorStatus, FoundRecord } from './kernel/index.js';

/** `quarantined`: stands still after a fault. `unreadable`: its row is damaged. The others are XState's. */
export type ActorViewStatus = ActorStatus | 'quarantined' | 'unreadable';

/** An actor as a listing shows it. */
export interface ActorView {
  readonly address: string;
  readonly kind: string;
  readonly id: string;
  readonly status: ActorViewStatus;
  /** The state value; absent when it cannot be read. */
  readonly state?: StateValue;
  readonly version?: string;
  /** Steps taken. */
  readonly seq?: number;
  /** Epoch milliseconds: its creation, and its newest step. */
  readonly createdAt?: number;
  readonly at?: number;
  /** Why it stands still. */
  readonly fault?: { readonly code: string; readonly message: string; readonly at: number };
}

export interface ListActors {
  /** A state it is in, as XState's `matches` takes it: `'a.b'` or `{ a: 'b' }`. */
  readonly state?: StateValue | undefined;
  readonly status?: ActorViewStatus | undefined;
  /** What an earlier page returned. */
  readonly cursor?: string | undefined;
  /** 1 to 1,000; default 100. */
  readonly limit?: number | undefined;
}

/** Whether a listing asked for this one. */
export function isWanted(
  { record }: FoundRecord,
  state: StateValue | undefined,
  status: ActorViewStatus | undefined,
): boolean {
  if (status !== undefined && statusOf(record) !== status) return false;
  return state === undefined || (record !== undefined && isIn(stateOf(record), state));
}

/** As a snapshot's `matches`. Logic without states is in none. */
export function isIn(value: unknown, state: StateValue): boolean {
  return isStateValue(value) && matchesState(state, value);
}

export function isStateValue(value: unknown): value is StateValue {
  return typeof value === 'string' || isPlainObject(value);
}

function stateOf({ snapshot, value }: ActorRecord): unknown {
  if (value !== undefined) return value;
  return isPlainObject(snapshot) ? snapshot['value'] : undefined;
}

function statusOf(record: ActorRecord | undefined): ActorViewStatus {
  if (record === undefined) return 'unreadable';
  return record.quarantine === undefined ? record.status : 'quarantined';
}

export function viewOf({ address, record }: FoundRecord): ActorView {
  const named = { address, ...splitAddress(address), status: statusOf(record) };
  if (record === undefined) return named;
  const { version, seq, createdAt, at, quarantine } = record;
  const state = stateOf(record);
  return {
    ...named,
    ...(isStateValue(state) ? { state } : {}),
    version,
    seq,
    createdAt,
    at,
    ...(quarantine === undefined
      ? {}
      : { fault: { code: quarantine.code, message: quarantine.message, at: quarantine.at } }),
  };
}
