/**
 * The rows that a session must have by what its context says: payloads, keys, receipts, holds, pages.
 *
 * Pure. Callers: rules-of-sessions.ts. Invariant: what is there and should not be is a fault as well.
 */
import { pageNumbers } from '../../src/actors/kernel/page-rows.js';
import type { ActorRecord } from '../../src/actors/kernel/record.js';
import type { BatchHead, KeyRow, SessionContext } from '../../src/machines/index.js';
import { keys, pageNumberOf, partsOf } from '../../src/store/keys.js';
import type { Shadow } from './shadow.js';

/** What is wrong with the rows of a session; undefined: nothing. `kept` are the holds of its history. */
export function rowsFault(
  shadow: Shadow,
  address: string,
  context: SessionContext,
  kept: readonly string[],
): string | undefined {
  const heads = context.pages.flatMap((page) => page.heads);
  return (
    contextFault(context, heads) ??
    payloadsFault(shadow, address, heads) ??
    holdsFault(shadow, address, heads, kept)
  );
}

function contextFault({ counts, nextSeq }: SessionContext, heads: readonly BatchHead[]): string | undefined {
  const isOrdered = heads.every(({ seq }, index) => seq > (heads[index - 1]?.seq ?? 0) && seq < nextSeq);
  if (!isOrdered) return `its batches are ${heads.map(({ seq }) => seq).join()}`;
  const dead = heads.filter((head) => head.dead === true).length;
  const isCounted = counts.batches === heads.length && counts.dead === dead;
  return isCounted ? undefined : `it counts ${JSON.stringify(counts)} of ${heads.length}, ${dead} dead`;
}

/** A payload and a key for each batch; everything else expires. */
function payloadsFault(shadow: Shadow, address: string, heads: readonly BatchHead[]): string | undefined {
  const rows = shadow.own('p', address);
  const wanted = new Set<string>();
  for (const { nonce, seq, key } of heads) {
    wanted.add(keys.payload(address, `b/${nonce}`));
    if (key === undefined) continue;
    const name = keys.payload(address, `k/${key}`);
    wanted.add(name);
    const row = shadow.read<KeyRow>(name);
    const isIts = row?.batchId === `bat_${seq}_${nonce}` && row.until === undefined;
    if (!isIts) return `${key} of batch ${seq} is of ${row?.batchId}`;
  }
  const missing = [...wanted].find((name) => !rows.has(name));
  if (missing !== undefined) return `${partsOf(missing)[1]} is missing`;
  for (const name of rows) {
    if (wanted.has(name)) continue;
    const [, what = ''] = partsOf(name);
    const { until } = Object(shadow.read(name)) as { readonly until?: unknown };
    if (!/^[kft]\//.test(what) || typeof until !== 'number') return `${what} is of nobody`;
  }
  return undefined;
}

/** Both rows of a hold for each file of a batch and of the history, and no others. */
function holdsFault(
  shadow: Shadow,
  address: string,
  heads: readonly BatchHead[],
  kept: readonly string[],
): string | undefined {
  const wanted = new Set(kept);
  for (const { nonce, files = [] } of heads)
    for (const file of files) wanted.add(keys.held(address, `b/${nonce}`, file));
  const rows = shadow.own('f', address);
  const missing = [...wanted].find((name) => !rows.has(name));
  if (missing !== undefined) return `${partsOf(missing).slice(1).join(' ')} is not held`;
  for (const row of rows) {
    const [, name = '', file = ''] = partsOf(row);
    if (!wanted.has(row)) return `${name} holds ${file} for nobody`;
    if (!shadow.rows.has(keys.hold(file, address, name))) return `${file} does not know that ${name} has it`;
  }
  return undefined;
}

/** What is wrong with the pages of an actor's checkpoints; undefined: nothing. */
export function checkpointFault(shadow: Shadow, address: string): string | undefined {
  const rows = new Set<number>();
  const wanted = new Set<number>();
  for (const key of shadow.own('c', address)) {
    const number = pageNumberOf(key);
    const checkpoint = number === undefined ? shadow.read<ActorRecord>(key) : undefined;
    if (number !== undefined) rows.add(number);
    for (const page of checkpoint === undefined ? [] : pageNumbers(checkpoint)) wanted.add(page);
  }
  const isSame = rows.size === wanted.size && [...wanted].every((number) => rows.has(number));
  return isSame ? undefined : `it has the pages ${[...rows].join()}, and refers to ${[...wanted].join()}`;
}
