/**
 * The charts of the runtime's own machines, as they are in this holdfast: to be drawn without any directory.
 *
 * Callers: the CLI. Invariant: they are those that `inspection.chart` gives of the house's kinds; the
 * supervisor's, which is no actor's, is among them.
 */
import type { AnyStateMachine } from 'xstate';
import { supervisorMachine } from '../machines/index.js';
import { houseMachines } from './house-machines.js';
import type { ChartView } from './inspection/face.js';
import { chartConfigOf, structureHash } from './kernel/index.js';

export function houseCharts(): readonly ChartView[] {
  const ofKinds = houseMachines.map(({ kind, machine }) => chartViewOf(kind, machine));
  return [...ofKinds, chartViewOf('supervisor', supervisorMachine)];
}

/** The chart of a machine that is at hand. */
export function chartViewOf(kind: string, machine: AnyStateMachine, version = machine.version): ChartView {
  return {
    ...{ kind, version: version ?? 'none' },
    ...{ hash: structureHash(machine), config: chartConfigOf(machine) },
  };
}
