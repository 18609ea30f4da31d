/**
 * What if: events given to a machine from a step of a capsule on.
 *
 * Callers: users' tests, those among them that the inspector wrote.
 */
import type { AnyStateMachine } from 'xstate';
import { whatIfCapsule, type Capsule, type WhatIfOptions, type WhatIfStep } from '../actors/index.js';

/**
 * Takes the capsule's journal up to a step, then events in a sandbox: no effect runs, nothing is written.
 * Each step says whether the event was taken, and where it led; a guard that throws is the step's `error`.
 * Throws STEP_NOT_KEPT, REPLAY_DIVERGED where the machine does not take the journal as it says,
 * INVALID_EVENT, INVALID_INPUT, INVALID_DEFINITION.
 */
export function whatIf(
  machine: AnyStateMachine,
  capsule: Capsule,
  options: WhatIfOptions,
): Promise<{ readonly steps: readonly WhatIfStep[] }> {
  return whatIfCapsule(machine, capsule, options);
}
