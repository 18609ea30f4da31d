/**
 * The verdict on a simulated run: how often each rule was held against what happened, and the first that was
 * broken.
 *
 * Callers: the oracle's files. Invariant: a broken rule is kept, not thrown: what is called by the kernel
 * must not throw into it.
 */
export const ruleNames = [
  'K1',
  'K2',
  'K3',
  'K4',
  'K5',
  'K6',
  'K7',
  'K8',
  'K9',
  'K10',
  'K11',
  'K12',
  'K13',
  'K14',
  'K15',
  'K16',
  'SQ1',
  'SQ2',
  'SQ3',
  'SQ4',
  'SQ5',
  'SQ6',
  'SQ7',
  'SQ8',
  'SQ9',
  'SQ10',
  'W1',
  'W2',
  'W3',
  'W4',
  'W5',
  'W6',
  'W7',
  'W8',
  'T1',
  'T2',
  'T3',
  'T4',
  'T5',
  'I7',
] as const;

export type RuleName = (typeof ruleNames)[number];

export interface Violation {
  /** One of these, or the name of a check of the caller's own. */
  readonly rule: string;
  readonly what: string;
}

export class Verdict {
  readonly #checks = new Map<RuleName, number>(ruleNames.map((rule) => [rule, 0]));
  #violation: Violation | undefined;

  /** The first rule that was broken. */
  get violation(): Violation | undefined {
    return this.#violation;
  }

  /** Checks made, by rule. */
  get checks(): ReadonlyMap<RuleName, number> {
    return this.#checks;
  }

  /** Holds a rule against what happened. `what` says how it was broken. */
  holds(rule: RuleName, isTrue: boolean, what: () => string): void {
    this.#checks.set(rule, (this.#checks.get(rule) ?? 0) + 1);
    if (!isTrue) this.#violation ??= { rule, what: what() };
  }
}
