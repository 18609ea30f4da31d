/**
 * Reading a row's text as what it must be: the fields that some reader of the runtime relies on, no more.
 *
 * Pure. Callers: this folder. Invariant: undefined for what a reader would stumble over; what comes out may
 * be trusted as far as it is named here.
 */
import { isPlainObject, type JsonObject } from '../../json.js';
import { rowOf } from '../kernel/damage.js';
import { isDwellRow } from '../kernel/dwell.js';
import type { ActorRecord, EffectRow, HistoryEntry, InboxRow, JournalEntry } from '../kernel/record.js';
import { isParent, isRecord, isStatus, isWhole } from '../kernel/record-shape.js';
import type { Shape } from '../kernel/shape.js';
import type { SystemRow } from '../kernel/step-view.js';
import type { Found } from './reading.js';

type Loose = Readonly<Record<string, unknown>>;

export const recordIn = reader<ActorRecord>(isRecord);

export const entryIn = reader<JournalEntry>(isEntry);

export const pageIn = reader<JsonObject>(() => true);

export const effectIn = reader<EffectRow>((row) => areTexts(row, 'address', 'id', 'child', 'src'));

export const inboxIn = reader<InboxRow>(isInbox);

export const systemIn = reader<SystemRow>((row) => areTexts(row, 'address', 'owner'));

export const historyIn = reader<HistoryEntry>((row) => Number.isFinite(row['at']) && areTexts(row, 'cause'));

export const shapeIn = reader<Shape>((row) => areTexts(row, 'id'));

export const dwellIn = reader<Loose>((row) => isDwellRow(row));

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

function reader<Row>(isOne: (row: Loose) => boolean): (text: Found) => Row | undefined {
  return (text) => {
    const row = typeof text === 'string' ? rowOf<Loose>(['', text]) : undefined;
    return row !== undefined && isOne(row) ? (row as Row) : undefined;
  };
}

function isEntry(row: Loose): boolean {
  return (
    isWhole(row['seq']) &&
    isWhole(row['commit']) &&
    Number.isFinite(row['at']) &&
    isEvent(row['event']) &&
    areTexts(row, 'eventId', 'source') &&
    row['value'] !== undefined &&
    isStatus(row['status'])
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

function isEvent(event: unknown): boolean {
  return isPlainObject(event) && areTexts(event, 'type');
}

function areTexts(row: Loose, ...names: readonly string[]): boolean {
  return names.every((name) => typeof row[name] === 'string');
}
