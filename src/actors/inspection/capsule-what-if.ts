/**
 * What would happen: events taken from a step of a capsule on, in a sandbox.
 *
 * Pure. Callers: capsule-look.ts, the testing room. Invariants: those of sandbox.ts; the machine must take
 * the journal as it says up to that step.
 */
import type { AnyStateMachine } from 'xstate';
import { HoldfastError } from '../../errors.js';
import type { JsonEvent } from '../../json.js';
import type { Capsule } from '../capsule/capsule.js';
import { startOf } from '../capsule/start.js';
import { houseMachines } from '../house-machines.js';
import { defineMachine } from '../kernel/definition.js';
import type { Definition } from '../kernel/index.js';
import type { ShownRows } from '../kernel/record.js';
import type { WhatIfStep } from './face.js';
import { checkKept, retake } from './retake.js';
import { play, type Sandbox } from './sandbox.js';
import { veiledText } from './veil.js';
import { withChanges } from './what-if.js';

export interface WhatIfOptions {
  /** The step to go on from; default: the last. */
  readonly seq?: number;
  /** Taken one after the other; at most 100. */
  readonly events: readonly JsonEvent[];
  /** What their times come after, epoch milliseconds; default: that of the actor's newest step. */
  readonly at?: number;
}

/**
 * See `whatIf` of `holdfast/testing`. Throws INVALID_DEFINITION, STEP_NOT_KEPT, REPLAY_DIVERGED,
 * INVALID_EVENT, INVALID_INPUT.
 */
export async function whatIfCapsule(
  machine: AnyStateMachine,
  capsule: Capsule,
  { seq, events, at }: WhatIfOptions,
): Promise<{ readonly steps: readonly WhatIfStep[] }> {
  const { kind, version } = capsule;
  // What the runtime's own sessions are shown of their rows is in their definition.
  const house = houseMachines.find((each) => each.kind === kind && each.machine === machine);
  const sandbox = capsuleSandbox(defineMachine(house ?? { kind, machine, version }), capsule, seq);
  const { steps } = await play({ ...sandbox, at: at ?? sandbox.at }, events);
  return { steps: steps.map(withChanges) };
}

/** Throws STEP_NOT_KEPT, and REPLAY_DIVERGED where the machine does not take the journal up to it. */
export function capsuleSandbox(
  definition: Definition,
  capsule: Capsule,
  seq: number = capsule.record.seq,
): Sandbox {
  const { address, record, payloads } = capsule;
  checkKept({ address, record }, seq);
  const { entries: all, checkpoint, missing } = startOf(capsule);
  const entries = all.filter((entry) => entry.seq <= seq);
  const retaken =
    missing === undefined && entries.length > 0
      ? retake({ definition, address, record, checkpoint, entries })
      : { unknown: 'its journal does not lead there' };
  if ('unknown' in retaken) {
    const why = veiledText(retaken.unknown, [record, entries.map(({ event }) => event), payloads]);
    const message = `${address}: step ${seq} cannot be taken again: ${why}`;
    throw new HoldfastError('REPLAY_DIVERGED', message);
  }
  const rowsOf = (names: readonly string[]): Promise<ShownRows> =>
    Promise.resolve(Object.fromEntries(Object.entries(payloads).filter(([name]) => names.includes(name))));
  return {
    definition,
    address,
    parent: record.parent,
    snapshot: retaken.snapshot,
    seq,
    at: record.at,
    rowsOf,
  };
}
