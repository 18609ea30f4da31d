/** News of a task without a job under every crash: every transition of its chart, with its rows. */
import { strict as assert } from 'node:assert';
import { expect, test } from 'vitest';
import { enumerate, newTally, report } from './enumerate.js';
import { parkedChart, type DeskContext } from './parked.js';
import { everyEdge } from './paths.js';
import type { World } from './world.js';

const STATES_MAX = 20;

interface Standing {
  readonly value: unknown;
  readonly context: DeskContext;
}

async function snapshotOf(world: World, address: string): Promise<Standing | undefined> {
  const record = await world.record(address);
  return record?.snapshot as unknown as Standing | undefined;
}

const cases = [
  ['provider.evidence', { outcome: { type: 'done' } }],
  ['provider.hint', {}],
] as const;

test('parked news: crashed anywhere, its job is told once or it expires, as without a crash', async () => {
  const ends = new Set<unknown>();
  for (const [told, news] of cases) {
    const tally = newTally();
    const chart = parkedChart(news);
    const check = async (_reference: World, world: World): Promise<void> => {
      const [desk, parked] = [await snapshotOf(world, 'desk/one'), await snapshotOf(world, 'parked/evt_1')];
      ends.add(parked?.value);
      assert.deepEqual(desk?.context.heard, parked?.value === 'matched' ? [told] : []);
    };
    await enumerate({ chart, paths: await everyEdge(chart, STATES_MAX), tally, check });
    report(chart.name, tally);
    expect(tally.paths).toBeGreaterThan(5);
    expect(tally.points).toBeGreaterThan(80);
  }
  expect(ends).toEqual(new Set(['expired', 'matched']));
});
