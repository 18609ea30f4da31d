/**
 * One kept step, taken again: what it led from and to.
 *
 * Callers: inspection.ts, what-if.ts, capsule-look.ts. Invariants:
 *  1  It goes on from the newest checkpoint before the step, so that a step costs as much as those between.
 *  2  Nothing runs: what the step asked for is dropped.
 *  3  Where it cannot be taken again it says why, in words; it never shows what may be wrong.
 */
import type { AnyMachineSnapshot } from 'xstate';
import { HoldfastError, isHoldfastError } from '../../errors.js';
import { canonicalJson, isPlainObject, type Json } from '../../json.js';
import type { ActorRecord, Definition, JournalEntry } from '../kernel/index.js';
import { persistedPaged } from '../kernel/paging.js';
import { folded, type FoldedStep } from '../kernel/replay.js';
import type { Scene } from './scene.js';
import { firstSeqOf, type Subject } from './subject.js';

/** An actor's steps from a place on that they can be taken again from. */
export interface Stretch {
  readonly definition: Definition;
  readonly address: string;
  readonly record: ActorRecord;
  /** Undefined: they begin with the creation, or with a migration. */
  readonly checkpoint: ActorRecord | undefined;
  readonly entries: readonly JournalEntry[];
}

/** The contexts before and after a step, as JSON; before a creation, and a migration, there is none. */
export interface Retaken {
  readonly before: Json | undefined;
  readonly after: Json;
  /** Where the machine is after it. */
  readonly snapshot: AnyMachineSnapshot;
}

export type Retake = Retaken | { readonly unknown: string };

/** Throws STEP_NOT_KEPT. */
export function checkKept({ address, record }: Pick<Subject, 'address' | 'record'>, seq: number): void {
  const first = firstSeqOf(record);
  if (Number.isSafeInteger(seq) && seq >= first && seq <= record.seq) return;
  const message = `${address}: step ${seq} is not kept; ${first} to ${record.seq} are`;
  throw new HoldfastError('STEP_NOT_KEPT', message, { details: { address } });
}

/** Reads what is needed to take a step again. Throws STEP_NOT_KEPT, and `unknown` says why it cannot. */
export async function stretchTo(
  { kernel }: Scene,
  subject: Subject,
  seq: number,
): Promise<Stretch | { readonly unknown: string }> {
  const { address, record, definition } = subject;
  checkKept(subject, seq);
  if (definition === undefined)
    return { unknown: `no machine of ${subject.kind}, version ${record.version}, is defined here` };
  const mark = record.marks.findLast(([at]) => at < seq)?.[0] ?? 0;
  try {
    const checkpoint = mark === 0 ? undefined : await kernel.reader.checkpoint(address, mark);
    if (mark !== 0 && checkpoint === undefined) return { unknown: `its checkpoint ${mark} is missing` };
    // Of the same version, it was not migrated since: what comes after the step need not be read.
    const last = checkpoint?.version === record.version ? seq : record.seq;
    const all = await kernel.reader.entries(address, mark + 1, last);
    if (all.some((entry) => entry.migrated !== undefined && entry.seq > seq))
      return { unknown: 'it is of an older version of its machine' };
    const entries = all.filter((entry) => entry.seq <= seq);
    return { definition, address, record, checkpoint, entries };
  } catch (error) {
    if (isHoldfastError(error, 'STORE_CORRUPTED')) return { unknown: error.message };
    throw error;
  }
}

/** Takes the last step of a stretch again. */
export function retake(stretch: Stretch): Retake {
  try {
    let last: FoldedStep | undefined;
    for (const step of foldedOf(stretch)) last = step;
    const wanted = stretch.entries.at(-1);
    if (last === undefined || wanted === undefined || last.entry.seq !== wanted.seq)
      return { unknown: 'its journal has a gap' };
    return retakenOf(stretch.definition, last) ?? { unknown: 'its machine takes it another way now' };
  } catch (error) {
    // The machine is the user's code: whatever it throws, it is an answer.
    return { unknown: messageOf(error) };
  }
}

/** Undefined where the machine goes another way than the journal. */
export function retakenOf(
  definition: Definition,
  { entry, before, result: { snapshot } }: FoldedStep,
): Retaken | undefined {
  const value = (snapshot.value as Json | undefined) ?? null;
  if (canonicalJson(value) !== canonicalJson(entry.value)) return undefined;
  const isAnew = entry.event.type === 'xstate.init';
  return {
    before: before === undefined || isAnew ? undefined : contextJson(definition, before),
    after: contextJson(definition, snapshot),
    snapshot,
  };
}

export function foldedOf({
  definition,
  address,
  record,
  checkpoint,
  entries,
}: Stretch): Generator<FoldedStep> {
  const { parent, origins } = record;
  const from = checkpoint && { checkpoint };
  return folded({ definition, address, entries, origins, ...from, ...(parent && { parent }) });
}

/** A context as it is stored; what two of them share, they go on sharing. */
export function contextJson(definition: Definition, snapshot: AnyMachineSnapshot): Json {
  const json = persistedPaged(definition, snapshot);
  return isPlainObject(json) ? ((json['context'] as Json | undefined) ?? null) : null;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
