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
  ROW_CHECKSUM: { severity: 'loss' },
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
