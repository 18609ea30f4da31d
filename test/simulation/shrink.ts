/**
 * Shrinking: the fewest steps, and the fewest sorts of action, that still break the same rule.
 *
 * Callers: the simulation's tests, once a run has failed. Invariant: what comes out has been run, and fails.
 */
import type { Rerun } from './report.js';
import { simulate, type Simulation, type SimulationOptions } from './simulate.js';

export interface Shrunk {
  readonly rerun: Rerun;
  readonly run: Simulation;
}

/** Makes a failed run shorter. `actions` are the names that may be left out; `runsMax` bounds the work. */
export async function shrink(
  options: SimulationOptions,
  failed: Simulation,
  actions: readonly string[],
  runsMax = 40,
): Promise<Shrunk> {
  const { seed } = options;
  let runs = 0;
  let best: Shrunk = {
    rerun: { seed, steps: failed.steps, without: [...(options.without ?? [])] },
    run: failed,
  };
  const attempt = async (steps: number, without: readonly string[]): Promise<boolean> => {
    runs += 1;
    const run = await simulate({ ...options, steps, without });
    if (run.violation?.rule !== failed.violation?.rule) return false;
    best = { rerun: { seed, steps: run.steps, without }, run };
    return true;
  };
  // Most break in the step they end with; what breaks at rest may have been done long before.
  let passes = 0;
  while (best.rerun.steps - passes > 1 && runs < runsMax / 2) {
    const middle = Math.floor((passes + best.rerun.steps) / 2);
    if (!(await attempt(middle, best.rerun.without))) passes = middle;
  }
  for (const name of actions) {
    const { steps, without } = best.rerun;
    if (runs >= runsMax || without.includes(name)) continue;
    await attempt(steps, [...without, name]);
  }
  return best;
}
