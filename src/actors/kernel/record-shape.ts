/**
 * Whether what a record's row holds is a record: the fields that its readers stumble over when they are
 * missing or of another sort.
 *
 * Pure. Callers: activation, the examination. Invariant: whatever a step writes is one.
 */
import { isPlainObject } from '../../json.js';
import type { ActorRecord } from './record.js';

type Loose = Readonly<Record<string, unknown>>;

const STATUSES: readonly unknown[] = ['active', 'done', 'error', 'stopped'];

export function isRecord(row: object): row is ActorRecord {
  const loose: Loose = { ...row };
  const { seq, status, snapshot, value, timers, effects, children = [], parent, quarantine, marks } = loose;
  return (
    areTexts(loose, 'machine', 'version', 'hash', 'ord') &&
    [loose['epoch'], loose['createdAt'], loose['at']].every((number) => Number.isFinite(number)) &&
    isWhole(seq) &&
    seq >= 1 &&
    isStatus(status) &&
    (isPlainObject(snapshot) || (snapshot === undefined && value !== undefined && status === 'active')) &&
    isListOf(timers, isTimer) &&
    isListOf(effects, (effect) => areTexts(effect, 'id', 'child', 'src', 'pool', 'ord')) &&
    isListOf(children, (child) => areTexts(child, 'id', 'child', 'src', 'address')) &&
    (parent === undefined || isParent(parent)) &&
    (quarantine === undefined || (isPlainObject(quarantine) && areTexts(quarantine, 'code', 'message'))) &&
    areMarks(marks, seq) &&
    (loose['paging'] === undefined || isPaging(loose['paging'], snapshot))
  );
}

export function isStatus(status: unknown): boolean {
  return STATUSES.includes(status);
}

export function isParent(parent: unknown): boolean {
  return isPlainObject(parent) && areTexts(parent, 'address', 'child', 'id', 'root');
}

/** A count of things, or a time in whole milliseconds. */
export function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isTimer(timer: Loose): boolean {
  const { id, dueAt } = timer;
  return typeof id === 'string' && /^\d+:\d+$/.test(id) && areTexts(timer, 'sendId') && isWhole(dueAt);
}

/** Rising, at least one, and none beyond the record. */
function areMarks(marks: unknown, seq: number): boolean {
  if (!Array.isArray(marks) || marks.length === 0) return false;
  let earlier = -1;
  for (const mark of marks as readonly unknown[]) {
    if (!Array.isArray(mark) || !isWhole(mark[0]) || !isWhole(mark[1])) return false;
    if (mark[0] <= earlier || mark[0] > seq) return false;
    earlier = mark[0];
  }
  return true;
}

/** Of a checkpoint: numbers are where it says that its pages were. */
function isPaging(paging: unknown, snapshot: unknown): boolean {
  if (!isPlainObject(paging) || !isPlainObject(snapshot)) return false;
  const { key, next, gone } = paging;
  const context = snapshot['context'];
  const numbers = typeof key === 'string' && isPlainObject(context) ? context[key] : [];
  const isGone = (one: unknown): boolean => Array.isArray(one) && isWhole(one[0]) && areWhole(one[1]);
  return isWhole(next) && areWhole(numbers) && Array.isArray(gone) && gone.every(isGone);
}

function areWhole(list: unknown): boolean {
  return Array.isArray(list) && list.every(isWhole);
}

function isListOf(list: unknown, isOne: (item: Loose) => boolean): boolean {
  return Array.isArray(list) && list.every((item: unknown) => isPlainObject(item) && isOne(item));
}

function areTexts(row: Loose, ...names: readonly string[]): boolean {
  return names.every((name) => typeof row[name] === 'string');
}
