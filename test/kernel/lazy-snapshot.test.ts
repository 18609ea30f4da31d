/** What a record keeps in memory: its own state, and nothing of how it came about. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { openWorld, settled } from './fixtures.js';
import { ADDRESS, queueDefinition, type QueueEvent } from './paged-queue.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const STEPS = 40;

it('an amortized actor in memory keeps hold of no record but its newest', async () => {
  const world = await openWorld([queueDefinition(4)]);
  const records: WeakRef<object>[] = [];
  world.kernel.onStep(({ record }) => void records.push(new WeakRef(record)));
  await world.kernel.create('queue', 'a', { size: 8 });
  const event: QueueEvent = { type: 'push', pad: 'x' };
  for (let step = 0; step < STEPS; step += 1) await world.kernel.send(ADDRESS, event);
  await settled(world);
  collectGarbage();
  expect(records.length).toBe(STEPS + 1);
  const kept = records.filter((record) => record.deref() !== undefined);
  // The last one or two may be on their way still.
  expect(kept.length).toBeLessThan(4);
});
