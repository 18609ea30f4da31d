/**
 * The other direction: rows that say whose they are, and whose actor does not say so.
 *
 * Callers: examination.ts, after the walk over all actors. Invariants:
 *  O1  Where as many rows are there as actors have, none is too many: only otherwise are owners read.
 *  O2  What belongs to an actor whose record cannot be believed is left where it is: it may be needed to make
 *      the record again.
 */
import { splitAddress } from '../../ids.js';
import { keys, partsOf, rangeOf } from '../../store/keys.js';
import { QUARANTINE_INDEX } from '../kernel/quarantine.js';
import { isHeld } from './actor-case.js';
import { owedBy, owedKinds, type OwedLetter } from './owed-rows.js';
import type { Found, ReadRow } from './reading.js';
import { DEAD_LETTERS, isHold } from './row-keys.js';
import { recordIn, textIn } from './row-shapes.js';
import { removing, type RowFinding, type RowFindings, type Scene } from './scene.js';
import { raise, type Tally } from './tally.js';

interface OwnedRow {
  readonly letter: OwedLetter;
  readonly key: string;
  readonly parts: readonly string[];
  readonly found: Found;
  /** Undefined when it does not say whose it is. */
  readonly owner: string | undefined;
  /** The kind of its owner; empty when that cannot be read. */
  readonly kind: string;
}

const LETTERS = Object.keys(owedKinds) as readonly OwedLetter[];

export async function* checkOwnedRows(scene: Scene): RowFindings {
  for (const letter of LETTERS) {
    const doubtful = await doubtfulKinds(letter, scene);
    if (doubtful.size > 0) yield* surplusOf(letter, doubtful, scene);
  }
}

/** Kinds of which there are more rows than their actors have. */
async function doubtfulKinds(letter: OwedLetter, { reading, tally }: Scene): Promise<ReadonlySet<string>> {
  const seen = new Map<string, number>();
  for await (const page of reading.pages(rangeOf(letter)))
    for (const { kind } of ownedIn(page, letter, tally)) raise(seen, kind, 1);
  const doubtful = [...seen].filter(([kind, count]) => count !== tally.owned(letter, kind));
  return new Set(doubtful.map(([kind]) => kind));
}

async function* surplusOf(letter: OwedLetter, doubtful: ReadonlySet<string>, scene: Scene): RowFindings {
  const { reading, tally } = scene;
  for await (const page of reading.pages(rangeOf(letter))) {
    const rows = ownedIn(page, letter, tally).filter(({ kind }) => doubtful.has(kind));
    const owners = rows.flatMap(({ owner }) => (owner === undefined ? [] : [keys.record(owner)]));
    const records = await reading.many(owners);
    for (const row of rows) {
      const finding = judge(row, records, scene);
      if (finding !== undefined) yield finding;
    }
  }
}

/** Dead letters are nobody's, holds have a check of their own, and what the walk has told of is told of. */
function ownedIn(page: readonly ReadRow[], letter: OwedLetter, { told, suspects }: Tally): OwnedRow[] {
  const rows: OwnedRow[] = [];
  for (const [key, found] of page) {
    const parts = partsOf(key);
    if (told.has(key) || (letter === 'q' && parts[0] === DEAD_LETTERS)) continue;
    if (letter === 'a' && isHold(parts)) continue;
    const owner = owedKinds[letter].ownerOf(parts, found);
    if (owner !== undefined && suspects.has(owner)) continue;
    const kind = owner?.includes('/') === true ? splitAddress(owner).kind : '';
    rows.push({ letter, key, parts, found, owner, kind });
  }
  return rows;
}

function judge(row: OwnedRow, records: ReadonlyMap<string, Found>, scene: Scene): RowFinding | undefined {
  const { letter, key, parts, owner } = row;
  if (owner === undefined) return unowned(row, scene);
  const text = records.get(keys.record(owner));
  if (text === undefined) return surplus(row, owner, 'there is no such actor');
  const record = recordIn(text);
  if (record === undefined) return undefined;
  const owed = owedBy(owner, record, scene.known);
  if (owed.rows.some((each) => each.key === key)) return undefined;
  const isDeclared = letter === 'a' || (letter === 'q' && parts[0] !== QUARANTINE_INDEX);
  if (isDeclared && !owed.tellsIndexes) return garbled(row, owner);
  if (letter === 'o' && isHeld(record)) return undefined;
  return surplus(row, owner, 'its record does not have it');
}

/** A row that does not say whose it is, and that no actor has named. */
function unowned({ letter, key, parts }: OwnedRow, { known, tally }: Scene): RowFinding {
  const { nameOf, orphan } = owedKinds[letter];
  const code = orphan(parts);
  const what = `${nameOf(parts)}: it cannot be read, and no actor names it`;
  // An actor whose machine is not known may have that key, or one whose record cannot be read.
  const [kind = ''] = (parts[0] ?? '').split(/[.:]/);
  const mayBeMissed = tally.suspects.size > 0 || (letter === 'q' && known.ofKind(kind) === undefined);
  return mayBeMissed ? { code, what, key } : removing(code, key, what);
}

/** A row of an actor of which it is not known what it is found by: it should at least name it. */
function garbled({ letter, key, parts, found }: OwnedRow, owner: string): RowFinding | undefined {
  if (letter === 'a' || textIn(found) === owner) return undefined;
  const mend = [{ key, value: JSON.stringify(owner) }];
  const what = `${owner}: the row of its ${owedKinds[letter].nameOf(parts)} cannot be read`;
  return { code: 'INDEX_MISSING', what, address: owner, key, mend };
}

function surplus({ letter, key, parts }: OwnedRow, owner: string, why: string): RowFinding {
  const { nameOf, orphan } = owedKinds[letter];
  return removing(orphan(parts), key, `${owner}: ${nameOf(parts)}: ${why}`, owner);
}
