/**
 * The mark of a tool that may run again.
 *
 * Callers: users, options.ts. Invariant: the mark is known to every copy of this package, and is never sent
 * to a model.
 */
const MARK = Symbol.for('holdfast.idempotent');

/** The same tool, marked: cut off by a crash, it runs again. A tool without the mark waits for a decision. */
export function idempotent<Marked extends object>(tool: Marked): Marked {
  return { ...tool, [MARK]: true };
}

export function isIdempotent(tool: object): boolean {
  return MARK in tool && tool[MARK] === true;
}
