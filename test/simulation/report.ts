/**
 * What a failed run says: the seed, the broken rule, the last steps as aligned lines, the command that
 * replays it; and the totals of runs.
 *
 * Pure. Callers: the simulation's tests. Invariant: the command is complete: pasted into a shell at the root
 * of the repository it does the same again.
 */
import { ruleNames, type RuleName } from './verdict.js';
import type { Simulation, Trace } from './simulate.js';

export interface Rerun {
  readonly seed: number;
  readonly steps: number;
  readonly without: readonly string[];
}

/** The command that takes a run back. */
export function commandOf({ seed, steps, without }: Rerun): string {
  const rest = without.length === 0 ? '' : ` HOLDFAST_WITHOUT=${without.join()}`;
  return `HOLDFAST_SEED=${seed} HOLDFAST_STEPS=${steps}${rest} npx vitest run test/simulation -t replays`;
}

/** A failed run, for who must find out why. */
export function reportOf(run: Simulation, rerun: Rerun): string {
  const { violation, seed, steps, trace } = run;
  return [
    `${violation?.rule ?? 'no rule'} is broken: ${violation?.what ?? ''}`,
    `seed ${seed}, step ${steps}; the last ${trace.length} steps:`,
    ...linesOf(trace),
    'take it back with',
    `  ${commandOf(rerun)}`,
  ].join('\n');
}

/** Steps as lines, a column each: step, process, time, commit, action, what it did. */
export function linesOf(trace: readonly Trace[]): string[] {
  const heads = ['step', 'process', 'at', 'commit', 'action', 'did'] as const;
  const rows = [heads, ...trace.map((line) => heads.map((head) => String(line[head])))];
  const widths = heads.map((_head, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}

/** Sums over runs. */
export class Totals {
  steps = 0;
  commits = 0;
  processes = 0;
  readonly checks = new Map<RuleName, number>(ruleNames.map((rule) => [rule, 0]));
  readonly faults = new Map<string, number>();

  add({ steps, world }: Simulation): void {
    this.steps += steps;
    this.commits += world.oracle.writes;
    this.processes += world.processes;
    for (const [rule, count] of world.verdict.checks)
      this.checks.set(rule, (this.checks.get(rule) ?? 0) + count);
    for (const [fault, count] of world.struck) this.faults.set(fault, (this.faults.get(fault) ?? 0) + count);
  }

  lines(): string[] {
    const list = (counts: ReadonlyMap<string, number>): string =>
      [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
    return [
      `${this.steps} steps, ${this.commits} commits, ${this.processes} processes`,
      `faults: ${list(this.faults)}`,
      `checks: ${list(this.checks)}`,
    ];
  }
}
