/**
 * Reading a row's text as what it must be: the fields that some reader of the runtime relies on, no more.
 *
 * Pure. Callers: this folder. Invariant: undefined for what a reader would stumble over; what comes out may
 * be trusted as far as it is named here.
 */
import { isPlainObject } from '../../json.js';
import { rowOf } from '../kernel/damage.js';
import type { ActorRecord, EffectRow, HistoryEntry, InboxRow, JournalEntry } from '../kernel/record.js';
import type { Shape } from '../kernel/shape.js';
import type { SystemRow } from '../kernel/step-view.js';
import type { Found } from './reading.js';

type Loose = Readonly<Record<string, unknown>>;

export const recordIn = reader<ActorRecord>(isRecord);

export const entryIn = reader<JournalEntry>(isEntry);

export const effectIn = reader<EffectRow>((row) => areTexts(row, 'address', 'id', 'child', 'src'));

export const inboxIn = reader<InboxRow>(isInbox);

export const systemIn = reader<SystemRow>((row) => areTexts(row, 'address', 'owner'));

export const historyIn = reader<HistoryEntry>((row) => isNumber(row['at']) && areTexts(row, 'cause'));

export const shapeIn = reader<Shape>((row) => areTexts(row, 'id'));

export const deadLetterIn = reader<Loose>((row) => isEvent(row['event']));

export const timerIn = reader<{ readonly sendId: string }>((row) => areTexts(row, 'sendId'));

/** The keys that a bucket of the expiry index names. */
export function expiringIn(text: Found): readonly string[] | undefined {
  const list = jsonIn(text);
  return Array.isArray(list) && list.every((key) => typeof key === 'string') ? list : undefined;
}

/** A count, or the seq in a dedupe row. */
export function wholeIn(text: Found): number | undefined {
  const value = jsonIn(text);
  return isWhole(value) ? value : undefined;
}

/** The address in an index row. */
export function textIn(text: Found): string | undefined {
  const value = jsonIn(text);
  return typeof value === 'string' ? value : undefined;
}

/** Any JSON at all; undefined when it is none. */
export function jsonIn(text: Found): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function reader<Row>(isWhole: (row: Loose) => boolean): (text: Found) => Row | undefined {
  return (text) => {
    const row = typeof text === 'string' ? rowOf<Loose>(['', text]) : undefined;
    return row !== undefined && isWhole(row) ? (row as Row) : undefined;
  };
}

const STATUSES: readonly unknown[] = ['active', 'done', 'error', 'stopped'];

function isRecord(row: Loose): boolean {
  const { timers, effects, children = [], parent, marks, quarantine, snapshot, value, status } = row;
  return (
    areTexts(row, 'machine', 'version', 'hash', 'ord') &&
    isWhole(row['seq']) &&
    row['seq'] >= 1 &&
    areNumbers(row, 'epoch', 'createdAt', 'at') &&
    STATUSES.includes(status) &&
    (isPlainObject(snapshot) || (snapshot === undefined && value !== undefined && status === 'active')) &&
    isListOf(
      timers,
      (timer) => isOwnId(timer['id']) && areTexts(timer, 'sendId') && isWhole(timer['dueAt']),
    ) &&
    isListOf(effects, (effect) => areTexts(effect, 'id', 'child', 'src', 'pool', 'ord')) &&
    isListOf(children, (child) => areTexts(child, 'id', 'child', 'src', 'address')) &&
    (parent === undefined || isParent(parent)) &&
    (quarantine === undefined || (isPlainObject(quarantine) && areTexts(quarantine, 'code', 'message'))) &&
    areMarks(marks, row['seq'])
  );
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

function isEntry(row: Loose): boolean {
  return (
    isWhole(row['seq']) &&
    isWhole(row['commit']) &&
    isNumber(row['at']) &&
    isEvent(row['event']) &&
    areTexts(row, 'eventId', 'source') &&
    row['value'] !== undefined &&
    STATUSES.includes(row['status'])
  );
}

function isInbox(row: Loose): boolean {
  if (!areTexts(row, 'id', 'source')) return false;
  switch (row['type']) {
    case 'create':
      return row['parent'] === undefined || isParent(row['parent']);
    case 'event':
      return isEvent(row['event']) && (row['from'] === undefined || areTexts(row, 'from'));
    case 'result':
      return isEvent(row['event']) && areTexts(row, 'effectId');
    default:
      return row['type'] === 'stop';
  }
}

function isParent(parent: unknown): boolean {
  return isPlainObject(parent) && areTexts(parent, 'address', 'child', 'id', 'root');
}

function isEvent(event: unknown): boolean {
  return isPlainObject(event) && areTexts(event, 'type');
}

function isListOf(list: unknown, isOne: (item: Loose) => boolean): boolean {
  return Array.isArray(list) && list.every((item: unknown) => isPlainObject(item) && isOne(item));
}

function isOwnId(id: unknown): boolean {
  return typeof id === 'string' && /^\d+:\d+$/.test(id);
}

function areTexts(row: Loose, ...names: readonly string[]): boolean {
  return names.every((name) => typeof row[name] === 'string');
}

function areNumbers(row: Loose, ...names: readonly string[]): boolean {
  return names.every((name) => isNumber(row[name]));
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
