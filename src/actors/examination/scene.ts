/**
 * What every check of an examination is given, and what it gives.
 *
 * Callers: this folder. Invariant: what one check learns for another is in the tally, nowhere else.
 */
import type { Finding, FindingCode } from '../../findings.js';
import type { Row } from '../../store/store.js';
import type { EffectRows } from './effect-rows.js';
import type { KnownMachines } from './known-machines.js';
import type { Reading } from './reading.js';
import type { StoredMachines } from './stored-machines.js';
import type { Tally } from './tally.js';

export interface Scene {
  readonly reading: Reading;
  readonly known: KnownMachines;
  readonly effectRows: EffectRows;
  readonly stored: StoredMachines;
  readonly tally: Tally;
  /** Journals are replayed, too. */
  readonly deep: boolean;
  /** Dedupe keys in memory at a time. */
  readonly dedupeKeysMax: number;
}

/** What was found of rows, and the rows that repair it. */
export interface RowFinding extends Finding {
  /** Absent: nothing here can. */
  readonly mend?: readonly Row[];
}

export type RowFindings = AsyncGenerator<RowFinding, void, undefined>;

/** A row that is best removed. */
export function removing(code: FindingCode, key: string, what: string, address?: string): RowFinding {
  const whose = address === undefined ? {} : { address };
  return { code, what, ...whose, key, mend: [{ key, value: undefined }] };
}
