/**
 * The shown step, taken again: its context and what changed in it.
 *
 * Owns: the reports that were read. Callers: stage.tsx. Invariants:
 *  1  A step never changes: it is asked for once, as long as it is remembered.
 *  2  Who scrubs on no longer waits for the step before: that call is aborted.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { StepReport } from '../../../actors/inspection/face.js';
import { isAborted } from '../api.js';
import type { ActorSource } from './source.js';

const REMEMBERED_MAX = 200;

export interface ShownReport {
  /** Of the shown step; while that is on its way, of the one that was shown before. */
  readonly report: StepReport | undefined;
  readonly error?: unknown;
}

interface Known {
  readonly key: string;
  readonly reports: Map<number, StepReport>;
  last: StepReport | undefined;
}

export function useStepReport(source: ActorSource, seq: number | undefined): ShownReport {
  const { key } = source;
  const memory = useRef<Known>({ key, reports: new Map(), last: undefined });
  if (memory.current.key !== key) memory.current = { key, reports: new Map(), last: undefined };
  const known = memory.current;
  const [answer, setAnswer] = useState<{ readonly seq: number; readonly error?: unknown }>();
  useEffect(() => {
    if (seq === undefined || known.reports.has(seq)) return;
    const controller = new AbortController();
    source.step(seq, controller.signal).then(
      (report) => {
        remember(known.reports, report);
        if (!controller.signal.aborted) setAnswer({ seq });
      },
      (error: unknown) => {
        if (!controller.signal.aborted && !isAborted(error)) setAnswer({ seq, error });
      },
    );
    return () => controller.abort();
  }, [known, seq]);
  const ready = seq === undefined ? undefined : known.reports.get(seq);
  if (ready !== undefined) known.last = ready;
  else if (answer?.seq === seq && answer?.error !== undefined)
    return { report: undefined, error: answer.error };
  return { report: known.last };
}

function remember(reports: Map<number, StepReport>, report: StepReport): void {
  const [oldest] = reports.keys();
  if (reports.size >= REMEMBERED_MAX && oldest !== undefined) reports.delete(oldest);
  reports.set(report.seq, report);
}
