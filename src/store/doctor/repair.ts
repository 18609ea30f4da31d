/**
 * The repair of a directory that was examined: what was mended in its copy takes its place.
 *
 * Callers: the doctor, after it copied the whole directory aside. Invariants:
 *  1  Each step may be the last one before a death; the next examination finds what is left to do.
 *  2  The marker says `ready` last of all that is not litter: until then no runtime takes it for whole, where
 *     it was not.
 *  3  A file that goes is in the copy.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FindingCode } from '../../findings.js';
import { writeMarker } from '../directory.js';
import { fileFault } from '../store-fault.js';
import { beginChainAnew } from './chain-restart.js';
import type { Examination } from './examination.js';
import type { Hold } from './hold.js';
import { finishReplacing, replaceDatabase } from './replace.js';

export interface RepairOptions {
  /** Rows of the copy were changed. */
  readonly mended: boolean;
  /** Files to take out of the directory, relative to it. */
  readonly orphans: readonly string[];
  readonly onStage: (stage: 'replacing' | 'tidying') => void;
}

const IN_CHAIN = /^(?:CHAIN|FORMAT)_/;
const IN_DATABASE = /^(?:CHAIN|CURRENT|DATABASE|FORMAT|LOG|MANIFEST|TABLE)_/;

/** Closes the examination. Throws STORE_UNWRITABLE, STORE_FAILED. */
export async function repairDirectory(
  hold: Hold,
  examination: Examination,
  { mended, orphans, onStage }: RepairOptions,
): Promise<void> {
  const { directory } = hold;
  const codes = examination.findings.map(({ code }) => code);
  try {
    if (examination.database !== undefined && has(codes, IN_CHAIN))
      await beginChainAnew(examination.database);
    await examination.close();
    onStage('replacing');
    await finishReplacing(hold);
    const whole = examination.rows !== undefined;
    if (whole && (mended || has(codes, IN_DATABASE))) await replaceDatabase(hold, examination.path);
    if (whole && has(codes, /^MARKER_/)) await writeMarker(directory, 'ready');
    onStage('tidying');
    for (const file of orphans) await rm(join(directory, file), { recursive: true, force: true });
  } catch (error) {
    throw fileFault(error, directory);
  }
}

function has(codes: readonly FindingCode[], pattern: RegExp): boolean {
  return codes.some((code) => pattern.test(code));
}
