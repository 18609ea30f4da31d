/**
 * Reading a paged checkpoint: its pages from their rows, back where their numbers are.
 *
 * Callers: amortized.ts, the reader, exporting, the examination. Invariants: those of paging.ts. What comes
 * out is a record as one without pages would be, and says nothing of paging.
 */
import { HoldfastError } from '../../errors.js';
import { isPlainObject, type Json, type JsonObject } from '../../json.js';
import { keys } from '../../store/keys.js';
import { parsedRow, readable } from './damage.js';
import { exchanged, type Paging, type WrittenPage } from './paging.js';
import type { ActorRecord } from './record.js';

interface Rows {
  readonly read: (key: string) => string | undefined | Promise<string | undefined>;
}

/** A checkpoint with its pages, and what is known of them. */
export interface Unpaged {
  readonly record: ActorRecord;
  readonly paging: Paging | undefined;
}

/** Throws STORE_CORRUPTED when one of its pages is missing or cannot be read. */
export async function unpaged(rows: Rows, address: string, checkpoint: ActorRecord): Promise<Unpaged> {
  const { paging: row } = checkpoint;
  if (row === undefined) return { record: checkpoint, paging: undefined };
  const pages = new Map<number, JsonObject>();
  const written = new Map<unknown, WrittenPage>();
  let bytes = 0;
  for (const number of pageNumbers(checkpoint)) {
    if (pages.has(number)) continue;
    const key = keys.page(address, number);
    const text = await rows.read(key);
    if (text === undefined) {
      const message = `the row ${JSON.stringify(key)} of a page is missing`;
      throw new HoldfastError('STORE_CORRUPTED', message, { details: { key } });
    }
    const page = parsedRow<JsonObject>(key, text);
    pages.set(number, page);
    written.set(page, { number, bytes: text.length });
    bytes += text.length;
  }
  const paging = { ...pagingOf(checkpoint), written, bytes };
  return { record: inlined(checkpoint, (number) => pages.get(number)) ?? checkpoint, paging };
}

/**
 * What is on disk of the pages of an actor whose record is whole: none of those in memory is known, and all
 * are written anew. Where its newest checkpoint cannot be read, the doctor removes what it left.
 */
export async function pagingBeside(
  rows: Rows,
  address: string,
  record: ActorRecord,
): Promise<Paging | undefined> {
  const newest = record.marks.at(-1)?.[0] ?? 0;
  if (record.paged !== true || newest === 0) return undefined;
  const checkpoint = await readable<ActorRecord>(rows, keys.checkpoint(address, newest));
  return checkpoint?.paging && pagingOf(checkpoint);
}

/** Those of the marks that are kept; none of its pages is in memory. */
function pagingOf(checkpoint: ActorRecord): Paging {
  const { next = 1, gone = [] } = checkpoint.paging ?? {};
  const numbers = [...new Set(pageNumbers(checkpoint))];
  return { written: new Map(), numbers, next, gone, bytes: 0 };
}

/** The numbers in a checkpoint, in the order of its pages. */
export function pageNumbers({ paging, snapshot }: ActorRecord): readonly number[] {
  const list: unknown = paging?.key === undefined ? [] : contextOf(snapshot)[paging.key];
  return Array.isArray(list) ? (list as number[]) : [];
}

/** A checkpoint with its pages; undefined when one of them is not to be had. */
export function inlined(
  checkpoint: ActorRecord,
  pageOf: (number: number) => JsonObject | undefined,
): ActorRecord | undefined {
  const { paging, ...record } = checkpoint;
  if (paging?.key === undefined) return record;
  const pages: JsonObject[] = [];
  for (const number of pageNumbers(checkpoint)) {
    const page = pageOf(number);
    if (page === undefined) return undefined;
    pages.push(page);
  }
  return { ...record, snapshot: exchanged(record.snapshot, paging.key, pages) };
}

function contextOf(snapshot: Json): Readonly<Record<string, unknown>> {
  const context = isPlainObject(snapshot) ? snapshot['context'] : undefined;
  return isPlainObject(context) ? context : {};
}
