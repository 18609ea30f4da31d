/**
 * One kept step with the context that it led to, and what it changed.
 *
 * Callers: inspection.ts, capsule-look.ts. Invariant: what cannot be taken again has no context, and says why.
 */
import { HoldfastError } from '../../errors.js';
import type { JournalEntry } from '../kernel/index.js';
import { changesBetween } from './diff.js';
import type { StepLine, StepReport } from './face.js';
import { delayNames, stepLine } from './lines.js';
import { retake, stretchTo, type Retake } from './retake.js';
import type { Scene } from './scene.js';
import type { Subject } from './subject.js';

/** Throws STEP_NOT_KEPT. */
export async function stepReport(scene: Scene, subject: Subject, seq: number): Promise<StepReport> {
  const { address } = subject;
  const stretch = await stretchTo(scene, subject, seq);
  const [entry] = await scene.kernel.reader.entries(address, seq, seq);
  if (entry === undefined)
    throw new HoldfastError('STEP_NOT_KEPT', `${address}: step ${seq} cannot be read`, {
      details: { address },
    });
  const line = stepLine(address, entry, delayNames(subject.shape));
  return withContext(line, entry, 'unknown' in stretch ? stretch : retake(stretch));
}

export function withContext(line: StepLine, { migrated }: JournalEntry, retaken: Retake): StepReport {
  if ('unknown' in retaken) return { ...line, unknown: retaken.unknown };
  const { before, after } = retaken;
  // What it was like in the older machine is not known here: all of it would seem to be new.
  if (migrated !== undefined) return { ...line, context: after };
  return { ...line, context: after, diff: changesBetween(before, after) };
}
