/** A session under every crash: every transition of its chart, with its rows. */
import { expect, test } from 'vitest';
import { sessionChart } from './charts.js';
import { enumerate, everyNth, newTally, report } from './enumerate.js';
import { everyEdge, onePath } from './paths.js';

const isDeep = process.env['HOLDFAST_DEEP'] === '1';
/** The short run takes every n-th point, beginning elsewhere on each path. */
const EVERY = isDeep ? 1 : 11;
const STATES_MAX = 30;

test('a session: crashed anywhere, every transition of its chart ends as without a crash', async () => {
  const tally = newTally();
  const paths = await everyEdge(sessionChart, STATES_MAX);
  await enumerate({ chart: sessionChart, paths, tally, choose: everyNth(EVERY) });
  report('session', tally);
  expect(tally.paths).toBeGreaterThan(60);
  expect(tally.points).toBeGreaterThan(isDeep ? 700 : 60);
  expect(tally.repeats).toBeGreaterThan(tally.points / 10);
});

test('a long life: crashed anywhere, a session that hears everything ends as without a crash', async () => {
  const tally = newTally();
  const paths = [onePath(sessionChart)];
  await enumerate({ chart: sessionChart, paths, tally, choose: everyNth(isDeep ? 1 : 3) });
  report('a long session', tally);
  expect(tally.points).toBeGreaterThan(isDeep ? 70 : 20);
});
