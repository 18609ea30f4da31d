/**
 * What work items are found by: their status in claim order, their age, and the key that one of a kind has.
 *
 * Pure. Callers: house-machines.ts, the parts of the work façade. Invariants:
 *  1  Within a kind and a status, text order is claim order: the lowest priority number, then the oldest.
 *  2  A dedupe key is held by an item that has not ended, and by no other of its kind.
 */
import type { AnyMachineSnapshot } from 'xstate';
import { isLiveWork, workStatus } from '../../machines/index.js';
import type { WorkItemContext, WorkStatus } from '../../machines/index.js';
import type { IndexedActor, IndexRow } from '../kernel/index.js';

export const WORK_KIND = 'work';

/** In the order of an item's life. */
export const WORK_STATUSES = [
  'scheduled',
  'ready',
  'running',
  'done',
  'failed',
  'cancelled',
] as const satisfies readonly WorkStatus[];

export const workIndexes = {
  /** Kind, status, priority, order of creation. */
  queue: 'work.queue',
  /** Order of creation. */
  all: 'work.all',
  /** Kind, order of creation. */
  kind: 'work.kind',
  /** Kind, dedupe key; unique. */
  key: 'work.key',
} as const;

export function workIndexRows(snapshot: AnyMachineSnapshot, { ord }: IndexedActor): readonly IndexRow[] {
  // It has been looked at long enough: nobody finds it any more.
  if (snapshot.status !== 'active') return [];
  const { input, priority } = snapshot.context as WorkItemContext;
  const { kind, dedupeKey } = input;
  const status = workStatus(snapshot);
  const rows: IndexRow[] = [
    { index: workIndexes.queue, parts: [kind, status, priorityPart(priority), ord] },
    { index: workIndexes.all, parts: [ord] },
    { index: workIndexes.kind, parts: [kind, ord] },
  ];
  if (dedupeKey === undefined || !isLiveWork(status)) return rows;
  return [...rows, { index: workIndexes.key, parts: [kind, dedupeKey], unique: true }];
}

/** Where an item is in its kind's claim order: fixed widths, so that text order is the order. */
export interface QueuePlace {
  readonly priority: string;
  readonly ord: string;
}

export function placeOf(snapshot: AnyMachineSnapshot, ord: string): QueuePlace {
  const { priority } = snapshot.context as WorkItemContext;
  return { priority: priorityPart(priority), ord };
}

/** A row of the queue index, as its parts. */
export function queueRow(parts: readonly string[]): {
  readonly kind: string;
  readonly place: QueuePlace;
  readonly address: string;
} {
  const [kind = '', , priority = '', ord = '', address = ''] = parts;
  return { kind, place: { priority, ord }, address };
}

/** Negative: `a` is claimed before `b`. Of two items none is at the same place. */
export function comparePlaces(a: QueuePlace, b: QueuePlace): number {
  if (a.priority !== b.priority) return a.priority < b.priority ? -1 : 1;
  if (a.ord === b.ord) return 0;
  return a.ord < b.ord ? -1 : 1;
}

function priorityPart(priority: number): string {
  return String(priority).padStart(3, '0');
}
