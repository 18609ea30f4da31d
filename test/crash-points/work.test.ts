/** Local work under every crash: items and their claims, schedules and their runs, tasks and their tools. */
import { strict as assert } from 'node:assert';
import { expect, test } from 'vitest';
import { enumerate, everyNth, newTally, report } from './enumerate.js';
import { everyEdge, onePath } from './paths.js';
import { cancelledTask, scheduleChart, taskChart, taskLife, workChart, workLife } from './work.js';
import type { Chart } from './world.js';

const isDeep = process.env['HOLDFAST_DEEP'] === '1';

interface Plan {
  readonly chart: Chart;
  /** From how many states every transition is taken. */
  readonly states: number;
  /** The short run takes every n-th point, beginning elsewhere on each path. */
  readonly every: number;
  readonly pointsMin: number;
}

const plans: readonly Plan[] = [
  { chart: workChart, states: 12, every: 5, pointsMin: 50 },
  { chart: scheduleChart, states: 5, every: 11, pointsMin: 30 },
  { chart: taskChart, states: 6, every: 17, pointsMin: 30 },
];

for (const { chart, states, every, pointsMin } of plans) {
  test(`a ${chart.name}: crashed anywhere, every transition ends as without a crash`, async () => {
    const tally = newTally();
    const paths = await everyEdge(chart, isDeep ? 4 * states : states);
    await enumerate({ chart, paths, tally, choose: everyNth(isDeep ? 1 : every) });
    report(chart.name, tally);
    expect(tally.points).toBeGreaterThan(isDeep ? pointsMin * (every - 2) : pointsMin);
    expect(tally.repeats).toBeGreaterThan(tally.points / 20);
  });
}

for (const chart of [workLife, taskLife, cancelledTask]) {
  test(`a long life: crashed anywhere, a ${chart.name} ends as without a crash`, async () => {
    const tally = newTally();
    const paths = [onePath(chart)];
    await enumerate({ chart, paths, tally, choose: everyNth(isDeep ? 1 : 4) });
    report(chart.name, tally);
    expect(tally.points).toBeGreaterThan(isDeep ? 35 : 8);
    assert.ok(tally.crashes >= tally.points);
  });
}
