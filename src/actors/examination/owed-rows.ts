/**
 * The rows beside an actor's record that its record stands for: timers, effects, system ids, what it is found
 * by, and the files it keeps.
 *
 * Pure. Callers: this folder. Invariants:
 *  W1  One actor's rows have keys of their own; a row is an actor's when key and content say so.
 *  W2  A row that follows from the record alone comes with its text, and can be written again.
 */
import type { FindingCode } from '../../findings.js';
import { splitAddress } from '../../ids.js';
import { canonicalJson, type Json, type JsonObject } from '../../json.js';
import { keys, partsOf } from '../../store/keys.js';
import { timerKey } from '../kernel/belongings.js';
import { QUARANTINE_INDEX } from '../kernel/quarantine.js';
import type { ActorRecord } from '../kernel/record.js';
import type { KnownMachines } from './known-machines.js';
import type { Found } from './reading.js';
import { effectIn, jsonIn, systemIn, textIn, timerIn } from './row-shapes.js';

/** The letters of rows that belong to an actor and are not in the order of addresses. */
export type OwedLetter = 'd' | 'o' | 'y' | 'q' | 'a';

interface OwedKind {
  /** Whose a row is, by its key or its text; undefined when neither can say. */
  readonly ownerOf: (parts: readonly string[], found: Found) => string | undefined;
  /** For people. */
  readonly nameOf: (parts: readonly string[]) => string;
  /** What one is that its owner does not have. */
  readonly orphan: (parts: readonly string[]) => FindingCode;
}

export const owedKinds: Readonly<Record<OwedLetter, OwedKind>> = {
  d: {
    ownerOf: (parts) => parts[2],
    nameOf: () => 'a timer',
    orphan: () => 'TIMER_ORPHAN',
  },
  o: {
    ownerOf: (_parts, found) => effectIn(found)?.address,
    nameOf: (parts) => `an effect of the pool ${parts[1]}`,
    orphan: () => 'EFFECT_ORPHAN',
  },
  y: {
    ownerOf: (_parts, found) => systemIn(found)?.owner,
    nameOf: (parts) => `system id ${JSON.stringify(parts[1])}`,
    orphan: () => 'SYSTEM_ORPHAN',
  },
  q: {
    // A unique one has no address in its key.
    ownerOf: (parts, found) => (parts.at(-1) === '' ? textIn(found) : parts.at(-1)),
    nameOf: (parts) => `index ${parts[0]}`,
    orphan: (parts) => (parts[0] === QUARANTINE_INDEX ? 'QUARANTINE_ORPHAN' : 'INDEX_ORPHAN'),
  },
  a: {
    ownerOf: (parts) => parts[1],
    nameOf: (parts) => `artifact ${parts[0]}`,
    orphan: () => 'REFERENCE_ORPHAN',
  },
};

export interface OwedRow {
  readonly letter: OwedLetter;
  readonly key: string;
  /** What it holds; undefined where that cannot be made again. */
  readonly text: string | undefined;
  /** What it is to say that it is not there, or that it cannot be read. */
  readonly missing: FindingCode;
  /** For people. */
  readonly what: string;
  readonly isMine: (found: Found) => boolean;
  /** What it is to say that it can be read and is another's; undefined when that is not so. */
  readonly taken?: (found: Found) => FindingCode | undefined;
}

export interface Owed {
  readonly rows: readonly OwedRow[];
  /** False: what it is found by cannot be told, nor what files it keeps. */
  readonly tellsIndexes: boolean;
}

/** All rows that a record stands for. */
export function owedBy(address: string, record: ActorRecord, known: KnownMachines): Owed {
  const indexed = known.indexed(address, record);
  return {
    rows: [
      ...timersOf(address, record),
      ...effectsOf(address, record),
      ...systemIdsOf(address, record),
      ...listingOf(address, record),
      ...(indexed?.keys ?? []).map((key) => indexRow(address, key, 'INDEX_MISSING')),
      ...(indexed?.references ?? []).map((file) => referenceRow(address, file)),
    ],
    tellsIndexes: indexed !== undefined,
  };
}

/** Who stands still has its timers in the record alone. */
function timersOf(address: string, { timers, quarantine }: ActorRecord): readonly OwedRow[] {
  if (quarantine !== undefined) return [];
  return timers.map((timer) => ({
    letter: 'd',
    key: timerKey(address, timer),
    text: JSON.stringify({ sendId: timer.sendId }),
    missing: 'TIMER_MISSING',
    what: `timer ${timer.id} (${timer.sendId})`,
    isMine: (found) => timerIn(found)?.sendId === timer.sendId,
  }));
}

function effectsOf(address: string, { effects }: ActorRecord): readonly OwedRow[] {
  const { kind } = splitAddress(address);
  return effects.map(({ id, src, pool, ord }) => ({
    letter: 'o',
    key: keys.effect(kind, pool, ord),
    text: undefined,
    missing: 'EFFECT_MISSING',
    what: `effect ${id} (${src})`,
    isMine: (found) => {
      const row = effectIn(found);
      return row?.address === address && row.id === id;
    },
  }));
}

function systemIdsOf(address: string, record: ActorRecord): readonly OwedRow[] {
  const { effects, children = [], parent } = record;
  const root = parent?.root ?? address;
  const targets = [
    ...effects.map(({ systemId, id }) => ({ systemId, target: { address, effect: id } })),
    ...children.map(({ systemId, address: child }) => ({ systemId, target: { address: child } })),
  ];
  return targets.flatMap(({ systemId, target }): OwedRow[] => {
    if (systemId === undefined) return [];
    const row: JsonObject = { ...target, owner: address };
    const text = canonicalJson(row);
    return [
      {
        letter: 'y',
        key: keys.system(root, systemId),
        text: JSON.stringify(row),
        missing: 'SYSTEM_MISSING',
        what: `system id ${JSON.stringify(systemId)}`,
        isMine: (found) => canonicalJson(jsonIn(found) ?? null) === text,
        taken: (found) => ((systemIn(found)?.owner ?? address) === address ? undefined : 'SYSTEM_TAKEN'),
      },
    ];
  });
}

function listingOf(address: string, { quarantine }: ActorRecord): readonly OwedRow[] {
  if (quarantine === undefined) return [];
  return [indexRow(address, listingKey(address), 'QUARANTINE_UNLISTED')];
}

/** Where who stands still is listed. */
export function listingKey(address: string): string {
  return keys.index(QUARANTINE_INDEX, [splitAddress(address).kind], address);
}

function indexRow(address: string, key: string, missing: FindingCode): OwedRow {
  const [index = ''] = partsOf(key);
  return {
    letter: 'q',
    key,
    text: JSON.stringify(address),
    missing,
    what: `index ${index}`,
    isMine: (found) => textIn(found) === address,
    taken: (found) =>
      key.endsWith('\0') && (textIn(found) ?? address) !== address ? 'INDEX_TAKEN' : undefined,
  };
}

function referenceRow(address: string, file: string): OwedRow {
  return {
    letter: 'a',
    key: keys.artifact(file, address),
    text: 'true',
    missing: 'REFERENCE_MISSING',
    what: `artifact ${file}`,
    isMine: (found) => (jsonIn(found) as Json | undefined) === true,
  };
}
