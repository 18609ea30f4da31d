/**
 * Who acts on an actor by hand: the name that a step is journaled under.
 *
 * Pure. Callers: the façades, where people act; the inspection. Invariant: a name is a line of text that can
 * be stored, and that reads as what it is: two names that look alike to a reader are not told apart by signs
 * that nobody sees, and none turns the text around it.
 */
import { HoldfastError } from '../errors.js';
import type { StepFence } from './kernel/index.js';

export interface OperatorOptions {
  /**
   * Whose name the step is journaled under, as `operator:<name>`: 1 to 100 characters, none of them
   * invisible (control characters, line breaks, signs of writing direction, joiners, variation selectors),
   * and no white space at either end. Default: it is journaled as a user's.
   */
  readonly operator?: string | undefined;
  /** What the step is called: asked for again under one id, within a day, it is not taken again. */
  readonly id?: string | undefined;
}

/** The inspection asks more of the step than users can. */
export interface ActOptions extends OperatorOptions {
  readonly fence?: StepFence | undefined;
}

const OPERATOR_CHARS_MAX = 100;
/** Controls, signs of format and of writing direction, separators of lines, and what is drawn as nothing. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/** The name, where it is one. Throws INVALID_INPUT naming the field. */
export function checkedOperator(operator: unknown): string {
  if (isOperatorName(operator)) return operator;
  const form = `1 to ${OPERATOR_CHARS_MAX} characters that can be seen, without white space at either end`;
  const message = `"operator": ${form}`;
  throw new HoldfastError('INVALID_INPUT', message, { details: { field: 'operator' } });
}

export function isOperatorName(operator: unknown): operator is string {
  if (typeof operator !== 'string' || operator === '' || operator.length > OPERATOR_CHARS_MAX) return false;
  return operator.isWellFormed() && operator.trim() === operator && !UNSEEN.test(operator);
}

/** What the journal calls an operator. */
export type OperatorSource = `operator:${string}`;

export interface SentBy {
  readonly source?: OperatorSource;
  readonly id?: string;
  readonly fence?: StepFence;
}

/** What a step is sent with. Throws as `checkedOperator`. */
export function sourceOf({ operator, id, fence }: ActOptions = {}): SentBy {
  const called = { ...(id === undefined ? {} : { id }), ...(fence && { fence }) };
  return operator === undefined ? called : { ...called, source: `operator:${checkedOperator(operator)}` };
}
