/**
 * The examination of a store's rows: every row against every other, in a few walks through the whole.
 *
 * First all actors, in the order of their addresses, with the rows that share it; what they owe in other
 * places is read in batches. Then those other places, for what no actor owes; sums, expiry, the rest.
 *
 * Callers: the doctor. Invariants:
 *  E1  Memory is bounded by a batch, by kinds and states, and by what is damaged; never by what is stored.
 *  E2  A store as a crash leaves it, between any two commits, has no finding.
 *  E3  Written in any order, in part or twice, repairs harm nothing; another examination finds what is left.
 */
import { partsOf, rangeOf } from '../../store/keys.js';
import type { Range } from '../../store/store.js';
import type { DefinitionOptions } from '../kernel/definition.js';
import type { RowFinding } from './actor-case.js';
import { checkActors, type Scene } from './actor-check.js';
import { gatherActors, type Gathered } from './actor-walk.js';
import { checkExpiry } from './expiry-check.js';
import { KnownMachines } from './known-machines.js';
import { checkOwnedRows } from './owned-check.js';
import { Reading, type ReadableRows, type ReadingOptions } from './reading.js';
import { LETTERS } from './row-keys.js';
import { foundIn, historyIn } from './row-shapes.js';
import { checkTotals } from './totals-check.js';
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

/**
 * Examines the rows of a store that nobody writes to. Findings come as they are found, those of one actor
 * together. Rejects with the signal's reason, with INVALID_DEFINITION for a machine that cannot be one, and
 * with what stands in the way of reading at all.
 */
export async function* examineRows(
  rows: ReadableRows,
  options: ExaminationOptions = {},
): AsyncGenerator<RowFinding, void, undefined> {
  const { machines = [], deep = false, dedupeKeysMax } = options;
  const reading = new Reading(rows, options);
  const known = new KnownMachines(machines);
  const scene: Scene = { reading, known, tally: new Tally(), deep };
  yield* examineActors(scene);
  yield* checkOwnedRows(scene);
  yield* checkTotals(scene);
  yield* checkExpiry({ ...scene, keysMax: dedupeKeysMax });
  yield* checkHistories(reading);
  yield* checkUnknown(reading);
  yield* strayFindings(reading);
}

async function* examineActors(scene: Scene): AsyncGenerator<RowFinding, void, undefined> {
  const { known, deep, reading } = scene;
  const keepsEntries = (address: string): boolean =>
    deep && known.ofKind(address.slice(0, address.indexOf('/'))) !== undefined;
  let batch: Gathered[] = [];
  let chars = 0;
  for await (const gathered of gatherActors(reading, { keepsEntries })) {
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
  const held = typeof record === 'string' ? record.length : 0;
  return entries.length === 0 ? held : held + journal.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function* checkHistories(reading: Reading): AsyncGenerator<RowFinding, void, undefined> {
  for await (const page of reading.pages(rangeOf('h'))) {
    for (const scanned of page) {
      if (historyIn(foundIn(scanned)) !== undefined) continue;
      const [key] = scanned;
      const what = 'an entry of a history cannot be read';
      yield { code: 'HISTORY_UNREADABLE', what, key, mend: [{ key, value: undefined }] };
    }
  }
}

/** Rows of no letter that is known: a newer holdfast's, or somebody else's. */
async function* checkUnknown(reading: Reading): AsyncGenerator<RowFinding, void, undefined> {
  for (const range of betweenLetters()) {
    for await (const page of reading.pages(range)) {
      for (const [key] of page) yield { code: 'ROW_UNKNOWN', what: 'nobody here knows what it is', key };
    }
  }
}

/** The ranges between those of the known letters, `m` and `k` among them. */
function betweenLetters(): readonly Range[] {
  const known = [...LETTERS, 'q', 'm', 'k'].toSorted().map((letter) => rangeOfAny(letter));
  const ends = ['\0', ...known.map(({ lt }) => lt)];
  return ends.map((gte, index) => ({ gte, lt: known[index]?.gte ?? '\u{10ffff}' }));
}

function rangeOfAny(letter: string): Range {
  return { gte: `${letter}\0`, lt: `${letter}\x01` };
}

async function* strayFindings(reading: Reading): AsyncGenerator<RowFinding, void, undefined> {
  for (const key of new Set(reading.takeStrays())) {
    const [letter = ''] = key;
    const parts = partsOf(key).length;
    const what = `a row of the letter ${letter}, its key in ${parts} parts, that no reader would ask for`;
    yield { code: 'ROW_KEY', what, key, mend: [{ key, value: undefined }] };
  }
}
