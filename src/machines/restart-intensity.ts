/**
 * Restart intensity: how many failures in how short a time are too many.
 *
 * Owns: nothing; a pure sliding window. Callers: the supervisor chart; the kernel, for effects and
 * actors that fail.
 * Invariants:
 *  R1  The window never holds more than `failuresMax + 1` times, whatever happens.
 *  R2  A failure exactly `periodMs` old no longer counts.
 */

export interface RestartBudget {
  /** Failures allowed within one period; one more exceeds the budget. */
  readonly failuresMax: number;
  readonly periodMs: number;
}

/** The window after a failure at `at` (epoch milliseconds): the times that still count, oldest first. */
export function withFailure(window: readonly number[], at: number, budget: RestartBudget): readonly number[] {
  const recent = window.filter((time) => at - time < budget.periodMs);
  return [...recent, at].slice(-(budget.failuresMax + 1));
}

/** True when the window holds more failures than the budget allows. */
export function budgetExceeded(window: readonly number[], budget: RestartBudget): boolean {
  return window.length > budget.failuresMax;
}
