/**
 * What an examination of a directory can find, by code: the table says what a finding means for its owner.
 *
 * A finding is no error: it is a fact about files or rows, told whether or not anybody mends it.
 * docs/doctor.md says more, one heading a code. Callers: the store's and the actors' examiners, the doctor,
 * the CLI. Invariant (kept by test/tidy.test.ts): each code is documented, found somewhere and tested
 * somewhere.
 */

/**
 * `loss`: something that was there cannot be had again from this directory alone.
 * `damage`: files or rows contradict each other; nothing is lost, or what is wrong can be made again.
 * `litter`: harmless, and never taken away by anything else.
 */
export type Severity = 'loss' | 'damage' | 'litter';

interface FindingKind {
  readonly severity: Severity;
  /** What `--repair` does about it; undefined: nothing can be done but restoring a backup. */
  readonly repair?: string;
}

export const findingKinds = {
  ARTIFACT_CONTENT: { severity: 'loss' },
  ARTIFACT_MISSING: { severity: 'loss' },
  ARTIFACT_ORPHAN: { severity: 'litter', repair: 'it is taken out of the directory; the copy keeps it' },
  ARTIFACT_UNFINISHED: { severity: 'litter', repair: 'it is taken out of the directory; the copy keeps it' },
  CHAIN_GAP: { severity: 'loss', repair: 'the chain of commits is begun anew' },
  CHAIN_LINK: { severity: 'damage', repair: 'the chain of commits is begun anew' },
  CHECKPOINT_LITTER: { severity: 'litter', repair: 'it is removed' },
  CHECKPOINT_MISSING: {
    severity: 'damage',
    repair: 'the journal begins at the next whole checkpoint, or at the record',
  },
  CHILD_MISSING: { severity: 'loss', repair: 'the parent is made to stand still' },
  CHILD_ORPHAN: { severity: 'damage', repair: 'it is made to stand still' },
  COUNT_WRONG: { severity: 'damage', repair: 'it is counted again' },
  CURRENT_GARBLED: { severity: 'damage', repair: 'it is written anew' },
  CURRENT_MISSING: { severity: 'damage', repair: 'it is written anew' },
  DATABASE_CUT: { severity: 'damage', repair: 'LevelDB takes in the tables that it had forgotten' },
  DATABASE_EMPTY: { severity: 'loss' },
  DATABASE_MISSING: { severity: 'loss' },
  DATABASE_SWAP: { severity: 'damage', repair: 'the repair that was cut off is finished' },
  DATABASE_UNREADABLE: { severity: 'loss' },
  DEAD_LETTER_UNREADABLE: { severity: 'loss', repair: 'it is removed' },
  DEDUPE_MISSING: { severity: 'damage', repair: 'it is written again, with the newest step' },
  DEDUPE_UNREADABLE: { severity: 'damage', repair: 'it says that the newest step took the event' },
  DEDUPE_UNSWEPT: { severity: 'litter', repair: 'it is put on a list of what expires' },
  DWELL_UNREADABLE: { severity: 'damage', repair: 'it is removed, and counting begins anew' },
  EFFECT_MISSING: { severity: 'loss', repair: 'the actor is made to stand still' },
  EFFECT_ORPHAN: { severity: 'damage', repair: 'it is removed' },
  EXPIRY_UNREADABLE: { severity: 'damage', repair: 'it is removed, and what it named is listed again' },
  FILES_UNKNOWN: { severity: 'litter' },
  FORMAT_MISSING: { severity: 'damage', repair: 'the row is written anew' },
  HISTORY_UNREADABLE: { severity: 'loss', repair: 'it is removed' },
  INBOX_UNREADABLE: { severity: 'loss', repair: 'it is removed, and the actor is made to stand still' },
  INDEX_MISSING: { severity: 'damage', repair: 'it is written again' },
  INDEX_ORPHAN: { severity: 'damage', repair: 'it is removed' },
  INDEX_TAKEN: { severity: 'damage' },
  JOURNAL_DIVERGED: { severity: 'damage' },
  JOURNAL_GAP: {
    severity: 'loss',
    repair: 'the journal begins at the next whole checkpoint, or at the record',
  },
  JOURNAL_LITTER: { severity: 'litter', repair: 'it is removed' },
  JOURNAL_TAIL: { severity: 'loss', repair: 'the actor is made to stand still' },
  JOURNAL_UNREADABLE: {
    severity: 'loss',
    repair: 'the journal begins at the next whole checkpoint, or at the record',
  },
  LOG_DAMAGED: { severity: 'loss', repair: 'the log is cut down to what can be read' },
  LOG_DROPPED: { severity: 'loss', repair: 'LevelDB begins a new diary' },
  LOG_MISSING: { severity: 'loss', repair: 'LevelDB goes on without it' },
  MANIFEST_DAMAGED: { severity: 'damage', repair: 'LevelDB makes a new one from the tables' },
  MANIFEST_MISSING: { severity: 'damage', repair: 'LevelDB makes a new one from the tables' },
  MARKER_FOREIGN: { severity: 'damage', repair: 'it is written anew' },
  MARKER_FORMAT: { severity: 'damage', repair: 'it is written anew' },
  MARKER_GARBLED: { severity: 'damage', repair: 'it is written anew' },
  MARKER_MISSING: { severity: 'damage', repair: 'it is written anew' },
  MARKER_TEMPORARY: { severity: 'litter', repair: 'it is removed' },
  MARKER_UNFINISHED: { severity: 'damage', repair: 'it is written anew' },
  PAYLOAD_ORPHAN: { severity: 'litter', repair: 'it is removed' },
  PAYLOAD_UNREADABLE: { severity: 'loss', repair: 'the actor is made to stand still' },
  QUARANTINE_ORPHAN: { severity: 'litter', repair: 'it is removed' },
  QUARANTINE_UNLISTED: { severity: 'damage', repair: 'it is listed' },
  RECORD_BEHIND: { severity: 'loss', repair: 'it is made again from its journal, or made to stand still' },
  RECORD_BUSY: { severity: 'damage', repair: 'what is under way goes' },
  RECORD_DIFFERS: { severity: 'damage', repair: 'it is made again from its journal, or made to stand still' },
  RECORD_KEPT: { severity: 'litter', repair: 'the timer of its retention is armed' },
  RECORD_MISSING: {
    severity: 'loss',
    repair: 'it is made again from its journal, where its machine is known',
  },
  RECORD_UNREADABLE: {
    severity: 'loss',
    repair: 'it is made again from its journal, or listed as standing still',
  },
  REFERENCE_MISSING: { severity: 'damage', repair: 'it is written again' },
  REFERENCE_ORPHAN: { severity: 'litter', repair: 'it is removed' },
  ROW_KEY: { severity: 'litter', repair: 'it is removed' },
  ROW_UNKNOWN: { severity: 'litter' },
  SHAPE_MISSING: { severity: 'damage', repair: 'it is written again, where its machine is known' },
  SYSTEM_MISSING: { severity: 'damage', repair: 'it is written again' },
  SYSTEM_ORPHAN: { severity: 'damage', repair: 'it is removed' },
  SYSTEM_TAKEN: { severity: 'damage' },
  TABLE_DAMAGED: { severity: 'loss', repair: 'the blocks that can be read are kept' },
  TABLE_MISSING: { severity: 'loss', repair: 'LevelDB goes on without it' },
  TIMER_MISSING: { severity: 'damage', repair: 'it is written again' },
  TIMER_ORPHAN: { severity: 'litter', repair: 'it is removed' },
} as const satisfies Readonly<Record<string, FindingKind>>;

export type FindingCode = keyof typeof findingKinds;

export interface Finding {
  readonly code: FindingCode;
  /** One line for people: what was found, and where. Never a secret, never a payload. */
  readonly what: string;
  /** The actor it is about. */
  readonly address?: string;
  /** The row it is about. */
  readonly key?: string;
  /** The file it is about, relative to the directory. */
  readonly file?: string;
}
