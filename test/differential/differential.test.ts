/**
 * The kernel beside a live XState actor, on charts and events nobody thought of.
 *
 * A run counts only if its cases went somewhere: that is measured, printed and held to.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runCase } from './compare.js';
import { Tally } from './coverage.js';
import { cases } from './generate.js';
import { reduced } from './reduce.js';
import type { Case } from './spec.js';

/** Take a failing run back with HOLDFAST_SEED=<the printed seed>. */
const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000_007);
const isDeep = process.env['HOLDFAST_DEEP'] === '1';
const RUNS = isDeep ? 4_000 : 100;
/** Some 70 ms of processor time a case: 5 minutes when deep, 15 on a machine that is busy. */
const TIMEOUT_MS = isDeep ? 3_600_000 : 300_000;
const STEPS_MIN = 5;
const LONG_SHARE_MIN = 0.9;
const CONSTRUCT_SHARE_MIN = 0.05;

class Disagreement extends Error {
  override readonly name = 'Disagreement';
}

/** The smallest case that fails, as JSON for regressions.test.ts. */
async function report({ failed, counterexample }: fc.RunDetails<[Case]>): Promise<void> {
  if (!failed || counterexample === null) return;
  const smallest = await reduced(counterexample[0]);
  const { disagreement } = await runCase(smallest);
  throw new Disagreement(`HOLDFAST_SEED=${seed}\n${disagreement}\n${JSON.stringify(smallest)}`);
}

describe('the kernel, reopened before every event, and a live XState actor', () => {
  it(`agree on everything there is to see (seed ${seed})`, { timeout: TIMEOUT_MS }, async () => {
    const tally = new Tally(STEPS_MIN);
    const property = fc.asyncProperty(cases, async (one) => {
      const { coverage, disagreement } = await runCase(one);
      if (disagreement !== undefined) throw new Disagreement(disagreement);
      tally.add(coverage);
    });
    await fc.assert(property, { seed, numRuns: RUNS, endOnFailure: true, asyncReporter: report });
    process.stdout.write(`differential, HOLDFAST_SEED=${seed}\n${tally.table()}\n`);
    expect(tally.longShare).toBeGreaterThanOrEqual(LONG_SHARE_MIN);
    expect(tally.below(CONSTRUCT_SHARE_MIN)).toEqual([]);
  });
});
