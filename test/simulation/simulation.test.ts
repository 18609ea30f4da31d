/**
 * A kernel in a seeded world where everything goes wrong that can: K1 to K16, held at every step.
 *
 * A run is taken back by what it prints: HOLDFAST_SEED, HOLDFAST_STEPS, HOLDFAST_WITHOUT. HOLDFAST_DEEP=1
 * goes on for minutes.
 */
import { expect, test } from 'vitest';
import { deeds } from './actions.js';
import { faults } from './faults.js';
import { linesOf, reportOf, Totals } from './report.js';
import { shrink } from './shrink.js';
import { simulate, type Simulation, type SimulationOptions } from './simulate.js';

const { HOLDFAST_SEED: given, HOLDFAST_STEPS: steps, HOLDFAST_WITHOUT: without } = process.env;
const isDeep = process.env['HOLDFAST_DEEP'] === '1';
const STEPS = isDeep ? 1_000 : 360;
const fixed = [1, 2, 3, 5, 8];
/** Read once, here: what it gives is printed, and can be given back. */
const drawn = Number(given ?? Date.now() % 1_000_000_007);
const seeds = isDeep ? Array.from({ length: 210 }, (_unused, index) => drawn + index) : [...fixed, drawn];
const names = [...faults, ...deeds].map(({ name }) => name);

async function expectUnbroken(options: SimulationOptions, shrinks: boolean): Promise<Simulation> {
  const run = await simulate(options);
  if (run.violation === undefined) return run;
  const found = shrinks
    ? await shrink(options, run, names)
    : { run, rerun: { seed: options.seed, steps: run.steps, without: options.without ?? [] } };
  throw new Error(reportOf(found.run, found.rerun));
}

if (given === undefined || isDeep) {
  test(`applies everything once and keeps its books, whatever it dies of (seed ${drawn})`, async () => {
    const totals = new Totals();
    for (const seed of seeds) totals.add(await expectUnbroken({ seed, steps: STEPS }, true));
    process.stdout.write(`${totals.lines().join('\n')}\n`);
    const idle = [...totals.checks, ...totals.faults].filter(([, count]) => count === 0);
    expect(idle, 'a check that is never made cannot fail').toEqual([]);
    expect([...totals.faults.keys()].toSorted()).toEqual(faults.map(({ name }) => name).toSorted());
  });

  test('a seed is a run, row by row of every commit', async () => {
    const options = { seed: drawn, steps: 250 };
    const [first, second] = [await simulate(options), await simulate(options)];
    expect(linesOf(second.trace)).toEqual(linesOf(first.trace));
    expect(second.digest).toBe(first.digest);
    const other = await simulate({ ...options, seed: drawn + 1 });
    expect(other.digest).not.toBe(first.digest);
  });
} else {
  test(`replays seed ${given}`, async () => {
    const left = without?.split(',') ?? [];
    const run = await expectUnbroken({ seed: drawn, steps: Number(steps ?? STEPS), without: left }, false);
    process.stdout.write(`seed ${given} breaks nothing in ${run.steps} steps\n`);
  });
}
