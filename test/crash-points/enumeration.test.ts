/**
 * Every path of the charts, crashed at every write and every call: it ends as if nothing had happened.
 *
 * The short run takes every third point, beginning elsewhere on each path, the long one all of longer paths.
 * The floors are a little below what is enumerated: a check of nothing must not pass.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLevelStore } from '../../src/store/index.js';
import { accountChart, errandChart, smallChart, workflowChart, type Recovery } from './charts.js';
import { enumerate, everyNth, newTally, report, twice } from './enumerate.js';
import { everyPath, onePath } from './paths.js';
import type { Chart } from './world.js';

const isDeep = process.env['HOLDFAST_DEEP'] === '1';
/** How much longer the paths of the long run are. */
const more = isDeep ? 1 : 0;
const policies: readonly Recovery[] = ['rerun', 'idempotent', 'probe', 'manual'];

interface Plan {
  readonly chart: Chart;
  readonly depth: number;
  readonly pointsMin: number;
}

const plans: readonly Plan[] = [
  { chart: smallChart('guarded'), depth: 3, pointsMin: 38 },
  { chart: smallChart('delayed'), depth: 3, pointsMin: 44 },
  { chart: smallChart('raising'), depth: 3, pointsMin: 38 },
  { chart: smallChart('remembering'), depth: 3, pointsMin: 48 },
  { chart: smallChart('parallel'), depth: 3, pointsMin: 48 },
  { chart: smallChart('spawning'), depth: 2, pointsMin: 48 },
  { chart: accountChart, depth: 2, pointsMin: 28 },
  { chart: smallChart('invoking', 'rerun'), depth: 3, pointsMin: 78 },
  { chart: smallChart('invoking', 'probe'), depth: 2, pointsMin: 31 },
  { chart: smallChart('invoking', 'manual'), depth: 2, pointsMin: 31 },
  ...policies.map((policy) => ({ chart: workflowChart(policy), depth: 3, pointsMin: 61 })),
];

for (const { chart, depth, pointsMin } of plans) {
  test(`${chart.name}: crashed anywhere, every path ends as without a crash`, async () => {
    const tally = newTally();
    const paths = await everyPath(chart, depth + more);
    await enumerate({ chart, paths, tally, choose: everyNth(isDeep ? 1 : 3) });
    report(chart.name, tally);
    expect(tally.points).toBeGreaterThanOrEqual(pointsMin);
    expect(tally.crashes).toBeGreaterThanOrEqual(tally.points);
    // A caller without an answer sent again what had been applied, in a good part of the runs.
    expect(tally.repeats).toBeGreaterThan(tally.points / 10);
  });
}

test('a long life: crashed anywhere, an errand ends as without a crash', async () => {
  const tally = newTally();
  await enumerate({ chart: errandChart, paths: [onePath(errandChart)], tally });
  report('errand', tally);
  expect(tally.points).toBe(4 * (1 + errandChart.events.length));
});

test('each policy leaves its mark: reruns, proofs and interruptions are among the points', async () => {
  const tallies = new Map<Recovery, ReturnType<typeof newTally>>();
  for (const policy of policies) {
    const tally = newTally();
    const chart = workflowChart(policy);
    const paths = (await everyPath(chart, 2 + more)).filter(({ name }) => name.includes('answered'));
    await enumerate({
      chart,
      paths,
      tally,
      choose: (faults, path) => everyNth(isDeep ? 1 : 4)(twice(faults, 3), path),
    });
    report(`${chart.name}, crashed twice`, tally);
    expect(tally.points).toBeGreaterThan(25);
    // The second crash strikes in the middle of the recovery, or of what is left after it.
    expect(tally.crashes).toBeGreaterThan(tally.points * 1.3);
    tallies.set(policy, tally);
  }
  expect(tallies.get('rerun')?.reruns).toBeGreaterThan(0);
  expect(tallies.get('idempotent')?.reruns).toBeGreaterThan(0);
  expect(tallies.get('probe')).toMatchObject({ interruptions: 0 });
  expect(tallies.get('probe')?.proven).toBeGreaterThan(0);
  expect(tallies.get('manual')).toMatchObject({ reruns: 0 });
  expect(tallies.get('manual')?.interruptions).toBeGreaterThan(0);
});

test('on a disk it is the same: one path of each policy, crashed on its way', async () => {
  const tally = newTally();
  const places = await mkdtemp(join(tmpdir(), 'holdfast-crash-points-'));
  try {
    let opened = 0;
    for (const policy of policies) {
      const chart = workflowChart(policy);
      const paths = (await everyPath(chart, 2)).filter(({ name }) => name.includes('answered'));
      await enumerate({
        chart,
        paths: paths.slice(0, 1),
        tally,
        choose: everyNth(isDeep ? 1 : 5),
        newPlace: () => {
          opened += 1;
          const directory = join(places, String(opened));
          return () => openLevelStore({ directory, durability: 'process' });
        },
      });
    }
  } finally {
    await rm(places, { recursive: true, force: true });
  }
  report('on disk', tally);
  expect(tally.points).toBeGreaterThan(10);
  expect(tally.crashes).toBe(tally.points);
});
