/**
 * Incidents as tests: a capsule replayed through a machine, and a mended machine put through its events.
 *
 * Pure. Callers: users' tests, under any runner: what is not as expected is an `AssertionError` of Node's.
 */
import { AssertionError } from 'node:assert';
import { matchesState, type AnyStateMachine, type StateValue } from 'xstate';
import { mendCapsule, replayCapsule } from '../actors/index.js';
import type { Capsule, Divergence, MendReport, ReplayOptions, ReplayReport } from '../actors/index.js';

/**
 * Folds a capsule's journal through a machine, from its checkpoint or creation, and compares every step with
 * what the journal says. A difference is in the report; INVALID_DEFINITION is thrown.
 */
export function replay(machine: AnyStateMachine, capsule: Capsule, options?: ReplayOptions): ReplayReport {
  return replayCapsule(machine, capsule, options);
}

/** Throws an AssertionError unless a machine takes every step as the capsule's journal says. */
export function expectReplay(
  machine: AnyStateMachine,
  capsule: Capsule,
  options?: ReplayOptions,
): ReplayReport {
  const report = replayCapsule(machine, capsule, options);
  const { divergence, sameStructure } = report;
  if (divergence === undefined) return report;
  const changed = sameStructure ? '' : '\nThe machine has another structure than the actor was of.';
  throw new AssertionError({
    message: `${capsule.address} ${toldOf(divergence)}${changed}`,
    expected: divergence.expected,
    actual: divergence.actual,
    operator: 'expectReplay',
    stackStartFn: expectReplay,
  });
}

export interface MendedOptions {
  /** Where it must end: a state value, or the part of one that matters. */
  readonly state?: StateValue;
}

/**
 * Throws an AssertionError unless a machine takes every event of a capsule without a throw, the one that
 * failed or stands at the head of a quarantine included, and ends in `state` where one is given. A mended
 * machine may go another way: the capsule's states are not compared. Ends of effects come from the journal;
 * those of effects that it does not ask for are left out, and named in the report and in the message.
 */
export function expectMended(
  machine: AnyStateMachine,
  capsule: Capsule,
  { state }: MendedOptions = {},
): MendReport {
  const report = mendCapsule(machine, capsule);
  const { failure, value } = report;
  if (failure !== undefined) {
    const { seq, event, error } = failure;
    const message = `${capsule.address} throws at step ${seq} (${event.type}): ${textOf(error)}`;
    throw new AssertionError({
      message: message + besides(report),
      expected: `${event.type} is taken`,
      actual: textOf(error),
      operator: 'expectMended',
      stackStartFn: expectMended,
    });
  }
  if (state === undefined || (value !== undefined && matchesState(state, value as StateValue))) return report;
  const message = `${capsule.address} ends in ${JSON.stringify(value)}, not in ${JSON.stringify(state)}`;
  throw new AssertionError({
    message: message + besides(report),
    expected: state,
    actual: value,
    operator: 'expectMended',
    stackStartFn: expectMended,
  });
}

function toldOf({ seq, event, what, expected, actual }: Divergence): string {
  const step = `step ${seq} (${event.type})`;
  switch (what) {
    case 'threw':
      return `throws at ${step}: ${textOf(actual)}`;
    case 'gap':
      return `lacks step ${seq} in its journal`;
    case 'snapshot':
      return `ends, after ${step}, in another snapshot than it is stored with`;
    default: {
      const made = JSON.stringify(actual);
      return `differs at ${step}: ${what} ${made}, the capsule says ${JSON.stringify(expected)}`;
    }
  }
}

/** What a reader of the failure should know of the way it went. */
function besides({ unasked, underWay }: MendReport): string {
  const left = unasked.map(
    ({ seq, child }) => `step ${seq} is the end of "${child}", which it had not under way`,
  );
  const waits =
    underWay.length === 0 ? [] : [`it waits for ${underWay.map((name) => `"${name}"`).join(', ')}`];
  return [...left, ...waits].map((line) => `\n${line}`).join('');
}

function textOf(error: unknown): string {
  const { name, message } = Object(error) as { readonly name?: unknown; readonly message?: unknown };
  return typeof name === 'string' && typeof message === 'string'
    ? `${name}: ${message}`
    : JSON.stringify(error);
}
