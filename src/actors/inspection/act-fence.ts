/**
 * Whether an act is still the one that was meant: since the step that its operator saw, there was no step
 * after which it could not be done. An actor that has left, and come back, is told from one that stayed.
 *
 * Callers: acts.ts. Invariants:
 *  F1  The act's own step refuses when anything came after what was looked at here: then all of it is looked
 *      at again.
 *  F2  What is not known any more is stale: steps that are not kept.
 *  F3  Steps that leave the act open do not make it stale: a job that is polled can be cancelled.
 */
import type { AnyStateMachine } from 'xstate';
import { HoldfastError } from '../../errors.js';
import type { JournalEntry, StepFence } from '../kernel/index.js';
import { legalAt } from './legal.js';
import type { Scene } from './scene.js';
import type { Subject } from './subject.js';

/** Of the types of events that a chart takes in a state: whether the act could be done there. */
export type IsOpen = (types: ReadonlySet<string>) => boolean;

/** Thrown in the act's own turn where a step came meanwhile. */
export const MOVED = new Error('moved');

/** What the act's step is asked. Throws ACT_STALE. */
export async function fenceSince(
  { kernel }: Scene,
  { address, kind, record }: Subject,
  machine: AnyStateMachine | undefined,
  { seenSeq, isOpen }: { readonly seenSeq: number; readonly isOpen: IsOpen },
): Promise<StepFence> {
  if (record.seq < seenSeq) throw stale(address, seenSeq, `it is at step ${record.seq}`);
  const steps = await kernel.reader.entries(address, seenSeq + 1, Number.MAX_SAFE_INTEGER);
  // What is refused for a step is told once that is on disk (K1).
  await kernel.reader.recordOnDisk(address);
  const newest = seenSeq + steps.length;
  const areAll = steps.every(({ seq }, index) => seq === seenSeq + 1 + index) && newest >= record.seq;
  if (!areAll) throw stale(address, seenSeq, 'not all of its steps since then are kept');
  const isOpenIn = once((value) =>
    isOpen(new Set(legalAt(machine, JSON.parse(value), { kind }).map(({ type }) => type))),
  );
  const left = steps.find(({ status, value }) => status !== 'active' || !isOpenIn(JSON.stringify(value)));
  if (left !== undefined) throw stale(address, seenSeq, leftBy(left));
  return (seq) => {
    if (seq !== newest + 1) throw MOVED;
  };
}

/** Who stands still takes no step: any step since is another stand. */
export function standingFence(address: string, seenSeq: number): StepFence {
  return (seq) => {
    if (seq !== seenSeq + 1) throw stale(address, seenSeq, `it stands still at step ${seq - 1}`);
  };
}

export function stale(address: string, seenSeq: number, why: string): HoldfastError {
  const message = `${address} is not where it was after step ${seenSeq}, for which the act was meant: ${why}`;
  return new HoldfastError('ACT_STALE', message, { details: { address, seen_seq: seenSeq } });
}

function leftBy({ seq, value, event }: JournalEntry): string {
  return `step ${seq}, ${event.type}, led to ${JSON.stringify(value)}`;
}

/** An actor comes by few states, however many steps it takes. */
function once(ask: (value: string) => boolean): (value: string) => boolean {
  const known = new Map<string, boolean>();
  return (value) => {
    const answer = known.get(value) ?? ask(value);
    known.set(value, answer);
    return answer;
  };
}
