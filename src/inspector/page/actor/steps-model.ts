/**
 * Where somebody stands in an actor's steps: those that are kept, the one that is shown, and how many came
 * since. place.ts has what the address says of it.
 *
 * Pure. Callers: the stage and its panels; following.ts and capsule-view.tsx keep it. Invariants:
 *  1  Steps are in order of seq, each once.
 *  2  Who shows the newest stays at the newest; who went back stays where they are.
 *  3  A step that is shown is one of the steps, if there are any.
 */
import type { StepLine } from '../../../actors/inspection/face.js';
import { heard, nowhere, type Place } from './place.js';

export interface Timeline {
  /** Oldest first. */
  readonly steps: readonly StepLine[];
  /** Seq of the step that is shown; absent: the newest, whatever comes. */
  readonly shown?: number;
  /** The newest seq that was there when somebody went back: later ones are newer. */
  readonly seen: number;
  readonly place: Place;
}

export const noSteps: Timeline = { steps: [], seen: 0, place: nowhere };

/** With steps that were read later, in any order; a step that was there is replaced. */
export function withSteps(timeline: Timeline, found: readonly StepLine[]): Timeline {
  if (found.length === 0) return timeline;
  const bySeq = new Map([...timeline.steps, ...found].map((step) => [step.seq, step]));
  const steps = [...bySeq.values()].toSorted((a, b) => a.seq - b.seq);
  const newest = steps.at(-1)?.seq ?? 0;
  return { ...timeline, steps, seen: timeline.shown === undefined ? newest : timeline.seen };
}

/** At the step of this seq, or the nearest kept one before it; `undefined`, and the last step: the newest. */
export function shownAt(timeline: Timeline, seq: number | undefined): Timeline {
  const { shown: _was, ...rest } = timeline;
  const newest = timeline.steps.at(-1)?.seq ?? 0;
  if (seq === undefined || seq >= newest) return { ...rest, seen: newest };
  const kept = timeline.steps.findLast((step) => step.seq <= seq) ?? timeline.steps[0];
  return { ...rest, ...(kept !== undefined && { shown: kept.seq }), seen: timeline.seen };
}

/** Where the address says, or where one stands if one has told it so. */
export function asTold(timeline: Timeline, seq: number | undefined): Timeline {
  const { place, isMoved } = heard(timeline.place, seq);
  return { ...(isMoved ? shownAt(timeline, seq) : timeline), place };
}

/** Whether the step of this seq is there, or it is known to be none; `firstSeq`: of the oldest kept one. */
export function reaches({ steps: [first] }: Timeline, seq: number | undefined, firstSeq: number): boolean {
  return first !== undefined && (seq === undefined || first.seq <= Math.max(seq, firstSeq));
}

/** So many steps on, or back. */
export function movedBy(timeline: Timeline, count: number): Timeline {
  const to = Math.min(timeline.steps.length - 1, Math.max(0, positionOf(timeline) + count));
  return shownAt(timeline, timeline.steps[to]?.seq);
}

/** Index of the shown step; −1 when there is none. */
export function positionOf({ steps, shown }: Timeline): number {
  if (shown === undefined) return steps.length - 1;
  return steps.findIndex(({ seq }) => seq === shown);
}

export function stepShown(timeline: Timeline): StepLine | undefined {
  return timeline.steps[positionOf(timeline)];
}

/** The step before the shown one, where it is kept. */
export function stepBefore(timeline: Timeline): StepLine | undefined {
  const at = positionOf(timeline);
  return at > 0 ? timeline.steps[at - 1] : undefined;
}

/** Steps that came since somebody went back. */
export function newerCount({ steps, seen, shown }: Timeline): number {
  return shown === undefined ? 0 : steps.filter(({ seq }) => seq > seen).length;
}
