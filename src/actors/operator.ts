/**
 * Who acts on an actor by hand: the name that a step is journaled under.
 *
 * Pure. Callers: the façades, where people act; the inspection. Invariant: a name is a line of text that can
 * be stored and shown.
 */
import { HoldfastError } from '../errors.js';

export interface OperatorOptions {
  /**
   * Whose name the step is journaled under, as `operator:<name>`: 1 to 100 characters without control
   * characters. Default: it is journaled as a user's.
   */
  readonly operator?: string | undefined;
}

const OPERATOR_CHARS_MAX = 100;

/** The name, where it is one. Throws INVALID_INPUT naming the field. */
export function checkedOperator(operator: unknown): string {
  const isName = typeof operator === 'string' && operator !== '' && operator.length <= OPERATOR_CHARS_MAX;
  if (isName && operator.isWellFormed() && !/\p{Cc}/u.test(operator)) return operator;
  const message = `"operator": 1 to ${OPERATOR_CHARS_MAX} characters without control characters`;
  throw new HoldfastError('INVALID_INPUT', message, { details: { field: 'operator' } });
}

/** What the journal calls an operator. */
export type OperatorSource = `operator:${string}`;

/** What a step is sent with. Throws as `checkedOperator`. */
export function sourceOf({ operator }: OperatorOptions = {}): { readonly source?: OperatorSource } {
  return operator === undefined ? {} : { source: `operator:${checkedOperator(operator)}` };
}
