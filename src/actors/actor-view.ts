/**
 * Actors as a listing shows them, of whatever kind: what can be told from a record without its machine.
 *
 * Pure. Callers: actors.ts, quarantine.ts.
 */
import { matchesState, type StateValue } from 'xstate';
import { HoldfastError } from '../errors.js';
import { splitAddress } from '../ids.js';
import { isPlainObject } from '../json.js';
import type { ActorRecord, ActorStatus, FoundRecord, PageOptions } from './kernel/index.js';

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
  /** 1 or more, default 100; no page has more than 1,000. */
  readonly limit?: number | undefined;
}

const STATUSES: readonly unknown[] = [
  'active',
  'done',
  'error',
  'stopped',
  'quarantined',
  'unreadable',
] satisfies readonly ActorViewStatus[];

/** Throws INVALID_INPUT for what no listing can mean. */
export function checkListing({ state, status, ...page }: ListActors): void {
  if (state !== undefined && !isStateValue(state))
    throw invalid('state', 'is no state value, such as "a.b" or { a: "b" }');
  if (status !== undefined && !STATUSES.includes(status))
    throw invalid('status', `is none of ${STATUSES.join(', ')}`);
  checkPage(page);
}

/** Throws INVALID_INPUT for a page that cannot be asked for. */
export function checkPage({ cursor, limit = 1 }: PageOptions): void {
  if (cursor !== undefined && typeof cursor !== 'string') throw invalid('cursor', 'is no text');
  if (!(Number.isInteger(limit) && limit >= 1)) throw invalid('limit', 'is no whole number of 1 or more');
}

function invalid(field: string, what: string): HoldfastError {
  return new HoldfastError('INVALID_INPUT', `"${field}": ${what}`, { details: { field } });
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

function isStateValue(value: unknown): value is StateValue {
  return (typeof value === 'string' && value !== '') || isPlainObject(value);
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
