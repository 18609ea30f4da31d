/**
 * One write of the disk, read as what became of actors.
 *
 * Pure. Callers: the oracle. Invariant: every row of the write is in exactly one place here.
 */
import type { ActorRecord, InboxRow, JournalEntry } from '../../src/actors/kernel/record.js';
import { partsOf } from '../../src/store/keys.js';
import type { Commit } from '../../src/store/index.js';
import type { RowChange } from './shadow.js';

/** What a write did to one actor. */
export interface ActorChange {
  readonly address: string;
  /** Undefined: there was none. */
  readonly before: ActorRecord | undefined;
  /** Undefined: there is none. */
  readonly after: ActorRecord | undefined;
  /** True when its record was among the rows. */
  readonly isWritten: boolean;
  /** Its new journal entries, oldest first. */
  readonly entries: readonly JournalEntry[];
  readonly arrived: readonly Letter[];
  /** Inbox rows that were there before. */
  readonly taken: readonly Letter[];
  /** Inbox rows that came and went within the write. */
  readonly passed: number;
  /** Steps that came and went within the write: its last ones, when its removal need not wait. */
  readonly unseen: readonly number[];
}

/** An inbox row. */
export interface Letter {
  readonly key: string;
  readonly row: InboxRow;
}

export interface Batch {
  /** What the kernel asked for; undefined for the store's own commits. */
  readonly commit: Commit | undefined;
  readonly generation: number;
  readonly processNumber: number;
  readonly changes: readonly RowChange[];
  readonly actors: ReadonlyMap<string, ActorChange>;
}

interface Draft {
  isWritten: boolean;
  after: ActorRecord | undefined;
  readonly entries: JournalEntry[];
  readonly arrived: Letter[];
  readonly taken: Letter[];
  passed: number;
  readonly unseen: number[];
}

/** `recordOf` gives the record of an actor as it was before the write. */
export function actorChanges(
  changes: readonly RowChange[],
  recordOf: (address: string) => ActorRecord | undefined,
): ReadonlyMap<string, ActorChange> {
  const drafts = new Map<string, Draft>();
  const draftOf = (address: string): Draft => {
    const known = drafts.get(address);
    if (known !== undefined) return known;
    const draft: Draft = {
      isWritten: false,
      after: recordOf(address),
      entries: [],
      arrived: [],
      taken: [],
      passed: 0,
      unseen: [],
    };
    drafts.set(address, draft);
    return draft;
  };
  for (const change of changes) addTo(draftOf, change);
  const sorted = [...drafts].map(([address, draft]) => {
    draft.entries.sort((a, b) => a.seq - b.seq);
    return [address, { address, before: recordOf(address), ...draft }] as const;
  });
  return new Map(sorted);
}

function addTo(draftOf: (address: string) => Draft, { key, before, after }: RowChange): void {
  const [first = '', second = '', third = ''] = partsOf(key);
  switch (key.slice(0, 1)) {
    case 's': {
      const draft = draftOf(first);
      draft.isWritten = true;
      draft.after = after === undefined ? undefined : (JSON.parse(after) as ActorRecord);
      return;
    }
    case 'j':
      if (after !== undefined) draftOf(first).entries.push(JSON.parse(after) as JournalEntry);
      else if (before === undefined) draftOf(first).unseen.push(Number.parseInt(second, 16));
      return;
    case 'i': {
      const draft = draftOf(first);
      if (after !== undefined) draft.arrived.push({ key, row: JSON.parse(after) as InboxRow });
      else if (before !== undefined) draft.taken.push({ key, row: JSON.parse(before) as InboxRow });
      else draft.passed += 1;
      return;
    }
    case 'd':
      draftOf(third);
      return;
    case 'o': {
      const text = after ?? before;
      if (text !== undefined) draftOf((JSON.parse(text) as { readonly address: string }).address);
    }
  }
}
