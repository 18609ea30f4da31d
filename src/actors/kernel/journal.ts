/**
 * What an entry says, and how long a journal grows: checkpoints every 256 steps, the oldest lump cut when
 * the journal passes its bound.
 *
 * Pure. Callers: turn.ts. Invariant: entries from the oldest kept mark on are all there, and so is its
 * checkpoint (mark 0 is the creation and needs none).
 */
import { limits } from '../../limits.js';
import type { Sent } from './belongings.js';
import type { EffectRef, JournalEntry } from './record.js';

/**
 * Checkpoints kept, oldest first: the seq of the newest step inside it, and the journal bytes written since.
 */
export type Marks = readonly (readonly [seq: number, bytes: number])[];

export interface KeptJournal {
  readonly marks: Marks;
  /** True when the state before this step is to be kept as a checkpoint. */
  readonly checkpoint: boolean;
  readonly deletedEntries: readonly number[];
  readonly deletedCheckpoints: readonly number[];
}

/**
 * The marks after the entry `seq` of `bytes` was appended. A checkpoint is due after 256 steps or
 * `checkpointBytes` of journal.
 */
export function nextMarks(
  marks: Marks,
  seq: number,
  bytes: number,
  checkpointBytes: number = limits.checkpointBytes,
): KeptJournal {
  const last = marks.at(-1) ?? ([0, 0] as const);
  const checkpoint = seq - 1 - last[0] >= limits.checkpointEverySteps || last[1] >= checkpointBytes;
  const grown: Marks = checkpoint
    ? [...marks, [seq - 1, bytes]]
    : [...marks.slice(0, -1), [last[0], last[1] + bytes]];
  const cut = firstKept(grown, seq);
  if (cut === 0) return { marks: grown, checkpoint, deletedEntries: [], deletedCheckpoints: [] };
  const from = grown[0]?.[0] ?? 0;
  const to = grown[cut]?.[0] ?? 0;
  return {
    marks: grown.slice(cut),
    checkpoint,
    deletedEntries: Array.from({ length: to - from }, (_unused, index) => from + 1 + index),
    deletedCheckpoints: grown
      .slice(0, cut)
      .map(([mark]) => mark)
      .filter((mark) => mark > 0),
  };
}

/** The index of the oldest mark that keeps the journal within its bounds; the newest mark always stays. */
function firstKept(marks: Marks, seq: number): number {
  for (let index = 0; index < marks.length - 1; index += 1) {
    const kept = marks.slice(index);
    const bytes = kept.reduce((sum, [, lump]) => sum + lump, 0);
    const entries = seq - (kept[0]?.[0] ?? 0);
    if (entries <= limits.journalEntriesMax && bytes <= limits.journalBytesMax) return index;
  }
  return Math.max(0, marks.length - 1);
}

/** An effect that a step has asked for, as its entry names it. */
export function entryEffect({ id, src, child }: EffectRef): EntryPart<'effects'> {
  return { id, src, child };
}

/** What a step has sent, likewise. */
export function entrySend({ to, row }: Sent): EntryPart<'sends'> {
  return { id: row.id, to, type: row.type === 'event' ? row.event.type : row.type };
}

type EntryPart<K extends 'effects' | 'sends'> = NonNullable<JournalEntry[K]>[number];

/** The source of what another actor's step sent. */
export function forAddress(address: string): string {
  return `actor:${address}`;
}
