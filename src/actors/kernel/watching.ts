/**
 * What a watcher of the kernel is told beside the steps: batches, runs of effects, clock jumps; and what it
 * lends to those who have spans.
 *
 * Owns: nothing. Callers: the commit loop, the outbox's attempts, the timers, the mailboxes; the assembly
 * gives the watcher. Invariants:
 *  1  Without a watcher nothing here costs more than a look.
 *  2  A watcher does not throw, and changes nothing: what it measures is never part of what is measured.
 */
import type { Json } from '../../json.js';
import type { RunOutcome } from './effect-run.js';
import type { Turn } from './turn-shapes.js';

/** A batch that is on disk. */
export interface CommittedBatch {
  readonly number: number;
  readonly steps: number;
  readonly rows: number;
  /** Of keys and values as text, without those rows that are written once a batch. */
  readonly bytes: number;
  /** From the call of the store to its answer. */
  readonly durationMs: number;
}

/** One run of an effect's logic that is about to begin. */
export interface EffectAttempt {
  /** `<address>/<seq>:<index>`: the same for every attempt. */
  readonly id: string;
  readonly address: string;
  readonly kind: string;
  readonly src: string;
  readonly input: Json | undefined;
  /** From 1; counted as far as the effect's row counts it: those with a started mark or a restart budget. */
  readonly attempt: number;
  /** Of the step that asked for it, as its row has it. */
  readonly traceparent?: string | undefined;
}

/** What is traced of a step that is not on disk yet. */
export interface StepTrace {
  /** Its W3C trace context, for the rows of what it asks for; undefined where it is not recorded. */
  readonly traceparent: string | undefined;
}

export interface WatchedAttempt {
  /** Begins the logic with what is to be active while it runs; calls `begin` once, and returns its answer. */
  readonly within: <T>(begin: () => T) => T;
  readonly ended: (outcome: RunOutcome) => void;
}

export interface KernelWatch {
  readonly committed: (batch: CommittedBatch) => void;
  readonly attempting: (attempt: EffectAttempt) => WatchedAttempt;
  readonly clockJumped: (jumpMs: number) => void;
  /** A step asks for something; called once a step, before its commit. */
  readonly stepping: (
    address: string,
    kind: string,
    turn: Pick<Turn, 'envelope' | 'event' | 'source' | 'traceparent'>,
    commit: number,
  ) => StepTrace;
  /** The W3C trace context of whoever sends now; undefined when there is none. */
  readonly traceparent: () => string | undefined;
  /** Runs what belongs to nobody's trace, such as the write of a batch of many senders. */
  readonly apart: (run: () => void) => void;
}

/** Runs an effect's logic under the eyes of a watcher. */
export function watched(
  watch: KernelWatch,
  attempt: EffectAttempt,
  begin: () => Promise<RunOutcome>,
): Promise<RunOutcome> {
  const seen = watch.attempting(attempt);
  return seen.within(begin).then((outcome) => {
    seen.ended(outcome);
    return outcome;
  });
}
