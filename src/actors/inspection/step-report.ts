/**
 * One kept step with the context that it led to, and what it changed.
 *
 * Callers: inspection.ts, capsule-look.ts. Invariants:
 *  1  What cannot be taken again has no context, and says why.
 *  2  What changed is told of what is shown: a secret that was exchanged is another stand-in.
 */
import { HoldfastError } from '../../errors.js';
import type { Json } from '../../json.js';
import type { JournalEntry } from '../kernel/index.js';
import { changesBetween } from './diff.js';
import type { StepLine, StepReport } from './face.js';
import { delayNames, stepLine } from './lines.js';
import { retake, stretchTo, type Retake } from './retake.js';
import type { Scene } from './scene.js';
import { withCommitTimes } from './steps.js';
import type { Subject } from './subject.js';
import { veiled } from './veil.js';

/** Throws STEP_NOT_KEPT. */
export async function stepReport(scene: Scene, subject: Subject, seq: number): Promise<StepReport> {
  const { address, record, shape } = subject;
  const stretch = await stretchTo(scene, subject, seq);
  const [entry] = await scene.kernel.reader.entries(address, seq, seq);
  if (entry === undefined) {
    const message = `${address}: step ${seq} cannot be read`;
    throw new HoldfastError('STEP_NOT_KEPT', message, { details: { address } });
  }
  const untimed = stepLine(address, entry, delayNames(shape));
  const [line = untimed] = await withCommitTimes(scene, [untimed]);
  const retaken = 'unknown' in stretch ? stretch : retake(stretch);
  return withChanges(veiled(withContexts(line, entry, retaken), [record.snapshot]));
}

/** A step with the context before it, too, as long as there are secrets in both. */
type Unveiled = StepReport & { readonly before?: Json; readonly isCompared: boolean };

export function withContexts(line: StepLine, { migrated }: JournalEntry, retaken: Retake): Unveiled {
  if ('unknown' in retaken) return { ...line, unknown: retaken.unknown, isCompared: false };
  const { before, after } = retaken;
  // What it was like in the older machine is not known here: all of it would seem to be new.
  if (migrated !== undefined) return { ...line, context: after, isCompared: false };
  return { ...line, context: after, ...(before !== undefined && { before }), isCompared: true };
}

export function withChanges({ before, isCompared, ...report }: Unveiled): StepReport {
  return isCompared ? { ...report, diff: changesBetween(before, report.context) } : report;
}
