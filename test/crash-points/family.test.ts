/**
 * Parents and children that are durable actors of their own: crashed anywhere, the family ends as without.
 *
 * The short run takes every n-th point, beginning elsewhere on each path; the long run takes all.
 */
import { expect, test } from 'vitest';
import { enumerate, everyNth, newTally, report, twice } from './enumerate.js';
import { familyChart } from './family.js';
import { everyEdge, everyPath } from './paths.js';
import type { World } from './world.js';

const isDeep = process.env['HOLDFAST_DEEP'] === '1';

test('a camp and its scouts: crashed anywhere, every path ends as without a crash', async () => {
  const tally = newTally();
  const paths = await everyPath(familyChart, isDeep ? 4 : 3);
  const results = new Set<string>();
  const check = async (_reference: World, world: World): Promise<void> => {
    const record = await world.record('camp/one');
    if (record === undefined) throw new Error('the camp is gone');
    const { context } = record.snapshot as unknown as { readonly context: { readonly results: unknown[] } };
    for (const result of context.results) results.add(JSON.stringify(result));
  };
  await enumerate({ chart: familyChart, paths, tally, choose: everyNth(isDeep ? 1 : 7), check });
  report(familyChart.name, tally);
  // Scouts fell, and scouts were told to hurry: the paths lead to both.
  expect([...results]).toContain('"failed"');
  expect([...results].some((result) => result.includes('"hurried":1'))).toBe(true);
  expect(tally.points).toBeGreaterThan(180);
  expect(tally.reruns).toBeGreaterThan(20);
});

test('every transition of the family, however far it is from the start', async () => {
  const tally = newTally();
  const paths = await everyEdge(familyChart, isDeep ? 40 : 12);
  await enumerate({ chart: familyChart, paths, tally, choose: everyNth(isDeep ? 1 : 13) });
  report(`${familyChart.name}, every transition`, tally);
  expect(tally.paths).toBeGreaterThan(25);
  expect(tally.points).toBeGreaterThan(60);
});

test('crashed twice, in the middle of a step between parent and child, it ends as without', async () => {
  const tally = newTally();
  const paths = (await everyPath(familyChart, 3)).filter(({ name }) => name.includes('answered'));
  const choose: Parameters<typeof enumerate>[0]['choose'] = (faults, path) =>
    everyNth(isDeep ? 3 : 83)(twice(faults, 4), path);
  await enumerate({ chart: familyChart, paths, tally, choose });
  report(`${familyChart.name}, crashed twice`, tally);
  expect(tally.points).toBeGreaterThan(30);
  expect(tally.crashes).toBeGreaterThan(tally.points * 1.3);
});
