/**
 * The selection rule: which batches of a session's queue a claim takes.
 *
 * Pure, and the only place where the rule is written. Callers: session-claims.ts. The queue comes in `seq`
 * order, without dead letters, and is read no further than the answer needs.
 *
 * Invariants:
 *  1  The head is the first ready batch. It is never skipped: what it does not allow, nobody behind it gets.
 *  2  What is not ready (for later, or held by a live claim) is invisible: it is neither taken nor in the
 *     way.
 *  3  A claim that was interrupted is taken again as it was, before anything joins it.
 *  4  A session command is claimed alone, and never by a turn.
 */

/** E: at the next safe boundary, inside a running turn too. A: once the running turn has been committed. */
export type Deliver = 'E' | 'A';
/** J: together with its like. X: alone. */
export type Slot = 'J' | 'X';
/** N: never merged. P: with payloads of the same kind. G and a name: with those of that group. */
export type MergeRule = 'N' | 'P' | `G${string}`;
/** What all payloads of a batch are. A command is always alone in its batch. */
export type BatchKind = 'input' | 'wake' | 'command' | 'mixed';
export type Boundary = 'activeTurnCheckpoint' | 'idle';

/** What the rule looks at. */
export interface Candidate {
  readonly seq: number;
  readonly deliver: Deliver;
  readonly slot: Slot;
  readonly merge: MergeRule;
  readonly kind: BatchKind;
  /** Epoch ms; 0: at once. */
  readonly availableAt: number;
  /** The claim that holds it, or held it when it was interrupted. */
  readonly heldBy?: string;
  /** When that claim ends, in epoch ms. */
  readonly heldUntil?: number;
}

export interface Selecting<Batch extends Candidate> {
  readonly boundary: Boundary;
  readonly now: number;
  /** How many at most; an interrupted claim is taken whole all the same. */
  readonly max: number;
  readonly wanted: 'turn' | 'command';
  /** The ready batches of an interrupted claim, in `seq` order. */
  readonly membersOf: (claimId: string) => readonly Batch[];
}

export type SelectionRefusal =
  | 'limitZero'
  | 'empty'
  | 'notYetAvailable'
  | 'deliveryBoundaryBlocked'
  | 'commandAtHead'
  | 'noCommandAtHead';

export type Selection<Batch> =
  | { readonly type: 'selected'; readonly batches: readonly Batch[] }
  | { readonly type: 'refused'; readonly reason: SelectionRefusal };

/** True when a batch may be claimed now; both bounds are inclusive. */
export function isReady({ availableAt, heldUntil }: Candidate, now: number): boolean {
  return availableAt <= now && (heldUntil === undefined || heldUntil <= now);
}

/** The batches that a claim takes now, or why it takes none. */
export function selectBatches<Batch extends Candidate>(
  queue: Iterable<Batch>,
  selecting: Selecting<Batch>,
): Selection<Batch> {
  const { boundary, now, max, wanted } = selecting;
  if (max === 0) return refused('limitZero');
  let hasLater = false;
  const batches: Batch[] = [];
  for (const batch of queue) {
    if (!isReady(batch, now)) {
      hasLater ||= batch.availableAt > now;
      continue;
    }
    const head = batches[0];
    if (head !== undefined) {
      if (batches.length >= max || !joins(head, batch)) break;
      batches.push(batch);
      continue;
    }
    if (boundary === 'activeTurnCheckpoint' && batch.deliver === 'A')
      return refused('deliveryBoundaryBlocked');
    if (wanted === 'turn' && batch.kind === 'command') return refused('commandAtHead');
    if (wanted === 'command' && batch.kind !== 'command') return refused('noCommandAtHead');
    if (batch.heldBy !== undefined) return selected(selecting.membersOf(batch.heldBy));
    if (batch.slot === 'X' || wanted === 'command') return selected([batch]);
    batches.push(batch);
  }
  if (batches.length > 0) return selected(batches);
  return refused(hasLater ? 'notYetAvailable' : 'empty');
}

/** True when `next` may be claimed together with a join head. */
function joins(head: Candidate, next: Candidate): boolean {
  if (next.slot !== 'J' || next.deliver !== head.deliver) return false;
  if (next.kind === 'command' || next.heldBy !== undefined) return false;
  if (head.merge === 'N' || head.merge !== next.merge) return false;
  return head.merge !== 'P' || (head.kind !== 'mixed' && head.kind === next.kind);
}

function selected<Batch>(batches: readonly Batch[]): Selection<Batch> {
  return { type: 'selected', batches };
}

function refused(reason: SelectionRefusal): Selection<never> {
  return { type: 'refused', reason };
}
