/**
 * The examination of a store's rows: every row against every other, in a few walks through the whole.
 *
 * First all actors, in the order of their addresses, with the rows that share it; what they owe in other
 * places is read in batches. Then those other places, for what no actor owes; sums, expiry, and the rows that
 * no other tells of.
 *
 * Callers: the doctor. Invariants:
 *  E1  Memory is bounded by a batch, by kinds and states, and by what is damaged; never by what is stored.
 *  E2  A store as a crash leaves it, between any two commits, has no finding.
 *  E3  Written in any order, in part or twice, repairs harm nothing; another examination finds what is left.
 */
import type { DefinitionOptions } from '../kernel/definition.js';
import { checkActors } from './actor-check.js';
import { gatherActors, type Gathered } from './actor-walk.js';
import { EffectRows } from './effect-rows.js';
import { checkExpiry } from './expiry-check.js';
import { KnownMachines } from './known-machines.js';
import { checkHolds } from './holds-check.js';
import { checkOwnedRows } from './owned-check.js';
import { checkLoneRows } from './lone-rows-check.js';
import { lengthOf, Reading, type ReadableRows, type ReadingOptions } from './reading.js';
import type { RowFindings, Scene } from './scene.js';
import { checkTotals } from './totals-check.js';
import { StoredMachines } from './stored-machines.js';
import { Tally } from './tally.js';

export interface ExaminationOptions extends ReadingOptions {
  /** Machines of kinds beside job, delivery and provider: what only a machine can tell is then told. */
  readonly machines?: readonly DefinitionOptions[];
  /** Replay journals through their machines, too. Default false. */
  readonly deep?: boolean;
  /** Dedupe keys in memory at a time. Default 4,000,000: 32 MB. */
  readonly dedupeKeysMax?: number;
}

const BATCH_ACTORS = 256;
const BATCH_CHARS = 4_194_304;
const DEDUPE_KEYS_MAX = 4_000_000;

/**
 * Examines the rows of a store that nobody writes to. Findings come as they are found, those of one actor
 * together. Rejects with the signal's reason, with INVALID_DEFINITION for a machine that cannot be one, and
 * with what stands in the way of reading at all.
 */
export async function* examineRows(rows: ReadableRows, options: ExaminationOptions = {}): RowFindings {
  const { machines = [], deep = false, dedupeKeysMax = DEDUPE_KEYS_MAX } = options;
  const reading = new Reading(rows, options);
  const known = new KnownMachines(machines);
  const effectRows = new EffectRows(reading);
  const stored = await StoredMachines.read(reading);
  const scene: Scene = { reading, known, effectRows, stored, tally: new Tally(), deep, dedupeKeysMax };
  yield* examineActors(scene);
  yield* checkOwnedRows(scene);
  yield* checkHolds(scene);
  yield* checkTotals(scene);
  yield* checkExpiry(scene);
  yield* checkLoneRows(reading);
}

async function* examineActors(scene: Scene): RowFindings {
  const { known, deep, reading } = scene;
  const keepsEntries = (address: string): boolean =>
    deep && known.ofKind(address.slice(0, address.indexOf('/'))) !== undefined;
  let batch: Gathered[] = [];
  let chars = 0;
  for await (const gathered of gatherActors(reading, keepsEntries)) {
    batch.push(gathered);
    chars += charsOf(gathered);
    if (batch.length < BATCH_ACTORS && chars < BATCH_CHARS) continue;
    yield* await checkActors(batch, scene);
    batch = [];
    chars = 0;
  }
  yield* await checkActors(batch, scene);
}

/** What it holds in memory, nearly. */
function charsOf({ record, journal, entries }: Gathered): number {
  const held = lengthOf(record);
  return entries.length === 0 ? held : held + journal.reduce((sum, { bytes }) => sum + bytes, 0);
}
