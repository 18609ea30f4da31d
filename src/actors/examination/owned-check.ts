/**
 * The other direction: rows that say whose they are, and whose actor does not say so.
 *
 * Callers: examination.ts, after the walk over all actors. Invariants:
 *  O1  Where as many rows are there as actors have, none is too many: only otherwise are owners read.
 *  O2  What belongs to an actor whose record cannot be believed is left where it is: it may be needed to make
 *      the record again.
 */
import type { FindingCode } from '../../findings.js';
import { splitAddress } from '../../ids.js';
import { keys, partsOf, rangeOf } from '../../store/keys.js';
import { findingKinds } from '../../findings.js';
import type { Scanned } from '../kernel/damage.js';
import { QUARANTINE_INDEX } from '../kernel/quarantine.js';
import type { ActorRecord } from '../kernel/record.js';
import type { RowFinding } from './actor-case.js';
import { OWED_LETTERS, owedBy, ownerOf, type OwedLetter } from './owed-rows.js';
import type { KnownMachines } from './known-machines.js';
import type { Found, Reading } from './reading.js';
import { foundIn, recordIn, textIn } from './row-shapes.js';
import { raise, type Tally } from './tally.js';

interface OwnedScene {
  readonly reading: Reading;
  readonly known: KnownMachines;
  readonly tally: Tally;
}

/** The index of events that nobody could take: no actor owes them. */
export const DEAD_LETTERS = 'dead-letter';

export async function* checkOwnedRows(scene: OwnedScene): AsyncGenerator<RowFinding, void, undefined> {
  for (const letter of OWED_LETTERS) {
    const doubtful = await doubtfulKinds(letter, scene);
    if (doubtful.size > 0) yield* surplusOf(letter, doubtful, scene);
  }
}

/** Kinds of which there are more rows than their actors have. */
async function doubtfulKinds(
  letter: OwedLetter,
  { reading, tally }: OwnedScene,
): Promise<ReadonlySet<string>> {
  const seen = new Map<string, number>();
  for await (const page of reading.pages(rangeOf(letter))) {
    for (const scanned of page) if (isOwned(letter, scanned, tally)) raise(seen, kindOf(letter, scanned), 1);
  }
  const doubtful = [...seen].filter(([kind, count]) => count !== tally.owned(letter, kind));
  return new Set(doubtful.map(([kind]) => kind));
}

async function* surplusOf(
  letter: OwedLetter,
  doubtful: ReadonlySet<string>,
  scene: OwnedScene,
): AsyncGenerator<RowFinding, void, undefined> {
  for await (const page of scene.reading.pages(rangeOf(letter))) {
    const rows = page.filter(
      (scanned) => isOwned(letter, scanned, scene.tally) && doubtful.has(kindOf(letter, scanned)),
    );
    const owners = rows.flatMap((scanned) => {
      const owner = ownerOf(letter, scanned[0], foundIn(scanned));
      return owner === undefined || scene.tally.suspects.has(owner) ? [] : [keys.record(owner)];
    });
    const records = await scene.reading.many(owners);
    for (const scanned of rows) {
      const finding = judge(letter, scanned, records, scene);
      if (finding !== undefined) yield finding;
    }
  }
}

/** Dead letters are nobody's, and what the walk has told of is told of. */
function isOwned(letter: OwedLetter, [key]: Scanned, tally: Tally): boolean {
  if (tally.told.has(key)) return false;
  return letter !== 'q' || partsOf(key)[0] !== DEAD_LETTERS;
}

/** The kind of a row's owner; empty when that cannot be read. */
function kindOf(letter: OwedLetter, scanned: Scanned): string {
  const owner = ownerOf(letter, scanned[0], foundIn(scanned)) ?? '';
  return owner.includes('/') ? splitAddress(owner).kind : '';
}

function judge(
  letter: OwedLetter,
  scanned: Scanned,
  records: ReadonlyMap<string, Found>,
  { known, tally }: OwnedScene,
): RowFinding | undefined {
  const [key] = scanned;
  const found = foundIn(scanned);
  const owner = ownerOf(letter, key, found);
  if (owner === undefined) return unowned(letter, key, { known, tally });
  if (tally.suspects.has(owner)) return undefined;
  const text = records.get(keys.record(owner));
  if (text === undefined) return surplus(letter, key, owner, 'there is no such actor');
  const record = recordIn(text);
  if (record === undefined) return undefined;
  const owed = owedBy(owner, record, known);
  if (owed.rows.some((row) => row.key === key)) return undefined;
  const isDeclared = letter === 'a' || (letter === 'q' && partsOf(key)[0] !== QUARANTINE_INDEX);
  if (isDeclared && !owed.tellsIndexes) return garbled(letter, key, owner, found);
  if (letter === 'o' && isHeld(record)) return undefined;
  return surplus(letter, key, owner, 'its record does not have it');
}

/** A row that does not say whose it is, and that no actor has named. */
function unowned(
  letter: OwedLetter,
  key: string,
  { known, tally }: Pick<OwnedScene, 'known' | 'tally'>,
): RowFinding {
  const what = `${nameOf(letter, key)}: it cannot be read, and no actor names it`;
  const code = codeOf(letter, key);
  // An actor whose machine is not known may have that key, or one whose record cannot be read.
  const [kind = ''] = (partsOf(key)[0] ?? '').split(/[.:]/);
  const mayBeMissed = tally.suspects.size > 0 || (letter === 'q' && known.ofKind(kind) === undefined);
  return mayBeMissed ? { code, what, key } : { code, what, key, mend: [{ key, value: undefined }] };
}

/** A row of an actor of which it is not known what it is found by: it should at least name it. */
function garbled(letter: OwedLetter, key: string, owner: string, found: Found): RowFinding | undefined {
  if (letter === 'a' || textIn(found) === owner) return undefined;
  const mend = [{ key, value: JSON.stringify(owner) }];
  const what = `${owner}: the row of its ${nameOf(letter, key)} cannot be read`;
  return { code: 'INDEX_MISSING', what, address: owner, key, mend };
}

function surplus(letter: OwedLetter, key: string, address: string, why: string): RowFinding {
  const what = `${address}: ${nameOf(letter, key)}: ${why}`;
  return { code: codeOf(letter, key), what, address, key, mend: [{ key, value: undefined }] };
}

function codeOf(letter: OwedLetter, key: string): FindingCode {
  switch (letter) {
    case 'd':
      return 'TIMER_ORPHAN';
    case 'o':
      return 'EFFECT_ORPHAN';
    case 'y':
      return 'SYSTEM_ORPHAN';
    case 'a':
      return 'REFERENCE_ORPHAN';
    case 'q':
      return partsOf(key)[0] === QUARANTINE_INDEX ? 'QUARANTINE_ORPHAN' : 'INDEX_ORPHAN';
  }
}

function nameOf(letter: OwedLetter, key: string): string {
  const parts = partsOf(key);
  switch (letter) {
    case 'd':
      return 'a timer';
    case 'o':
      return `an effect of the pool ${parts[1]}`;
    case 'y':
      return `system id ${JSON.stringify(parts[1])}`;
    case 'a':
      return `artifact ${parts[0]}`;
    case 'q':
      return `index ${parts[0]}`;
  }
}

function isHeld({ quarantine }: ActorRecord): boolean {
  return quarantine !== undefined && Object.hasOwn(findingKinds, quarantine.code);
}
