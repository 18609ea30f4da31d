/** The library's own work under every crash: a job and its message, every transition of theirs. */
import { strict as assert } from 'node:assert';
import { expect, test } from 'vitest';
import type { JobContext } from '../../src/machines/index.js';
import { billsOf, chainChart, jobChart } from './charts.js';
import { enumerate, everyNth, newTally, report } from './enumerate.js';
import { everyEdge } from './paths.js';
import type { World } from './world.js';

const isDeep = process.env['HOLDFAST_DEEP'] === '1';
/** The short run takes every n-th point, beginning elsewhere on each path. */
const EVERY = isDeep ? 1 : 17;
const STATES_MAX = 100;

async function jobOf(world: World): Promise<JobContext> {
  const record = await world.record('job/job_1');
  // Over and closed: it has its outcome, and no message of it is on its way.
  if (record?.status !== 'done') throw new Error(`the job is ${record?.status ?? 'gone'}`);
  return (record.snapshot as unknown as { readonly context: JobContext }).context;
}

/** What holds even where an interrupted effect led the job another way. */
async function check(reference: World, world: World): Promise<void> {
  const [wanted, found] = [await jobOf(reference), await jobOf(world)];
  assert.ok(billsOf(world) <= Math.max(1, billsOf(reference)), 'paid for twice');
  if (wanted.outcome?.status === 'done') assert.equal(found.outcome?.status, 'done');
  if (found.outcome?.status === 'done') assert.equal(billsOf(world), 1, 'done, and paid for once');
  assert.equal((await world.rows('h')).length, found.outcomes, 'one line of history an outcome');
  for (const { status } of found.deliveries) assert.notEqual(status, 'queued');
}

test('a job and its message: crashed anywhere, every transition ends well and is paid for once', async () => {
  const tally = newTally();
  const paths = await everyEdge(jobChart, STATES_MAX);
  await enumerate({
    chart: jobChart,
    paths,
    tally,
    choose: everyNth(EVERY),
    check,
  });
  report('job', tally);
  expect(tally.paths).toBeGreaterThan(45);
  expect(tally.points).toBeGreaterThan(isDeep ? 2_000 : 120);
  expect(tally.interruptions).toBeGreaterThan(tally.points / 20);
  expect(tally.reruns).toBeGreaterThan(tally.points / 20);
});

test('a job of two providers: crashed anywhere, it is paid for once, by one of them', async () => {
  const tally = newTally();
  const paths = await everyEdge(chainChart, STATES_MAX);
  await enumerate({
    chart: chainChart,
    paths,
    tally,
    choose: everyNth(EVERY),
    check,
  });
  report('a chain', tally);
  expect(tally.paths).toBeGreaterThan(30);
  expect(tally.points).toBeGreaterThan(isDeep ? 1_500 : 80);
  expect(tally.interruptions).toBeGreaterThan(tally.points / 20);
});
